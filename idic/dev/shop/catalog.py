"""The shop's products and guides, and a basket as the shop reports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

CURRENCY = "EUR"


class Item(NamedTuple):
    """A product; ``price`` in the shop's currency, ``words`` its description."""

    sku: str
    name: str
    price: float
    category: str
    words: str

    def line(self, qty: int = 1) -> dict[str, Any]:
        """The product as a line item of an event."""
        return {"sku": self.sku, "name": self.name, "qty": qty, "price": self.price, "category": self.category}


BEANS = Item("B-250", "House espresso, 250 g", 11.50, "beans", "Chocolate, hazelnut, a little orange peel. Roasted on Mondays.")
PAPERS = Item("F-100", "Filter papers, 100", 6.90, "accessories", "Unbleached, and gone before the cup is empty.")
SHELF = (
    Item("K-01", "Gooseneck kettle", 64.00, "kettles", "Pours a thread of water exactly where you look."),
    Item("S-02", "Scale, 0.1 g", 39.00, "scales", "A gram is the difference between good and sour."),
    Item("G-10", "Hand grinder", 79.00, "grinders", "Thirty turns, no noise, nobody else wakes up."),
    Item("D-04", "Dripper, porcelain", 32.00, "drippers", "Keeps its warmth; forgives a wobbly hand."),
    Item("P-03", "Moka pot, 3 cups", 34.50, "pots", "The sound of every morning in Naples."),
    Item("T-58", "Tamper, 58 mm", 42.00, "accessories", "Steel, heavy, level by itself."),
    Item("C-02", "Two cups, hand-thrown", 36.00, "cups", "No two alike, which is why there are two."),
)
MACHINE = Item("M-90", "Lever machine", 489.00, "machines", "Nine bars, by hand. It will outlive the kitchen.")
GRINDER = Item("G-20", "Electric grinder", 249.00, "grinders", "Forty clicks between espresso and filter.")
EVERYTHING = {item.sku: item for item in (*SHELF, MACHINE, GRINDER, BEANS, PAPERS)}


_GOES_WITH = {
    "K-01": (("D-04", "It pours as if made for this dripper."),),
    "S-02": (("D-04", "A scale wants something to stand on it."),),
    "G-10": (("B-250", "Beans for the first thirty turns."), ("S-02", "So that you grind as much as you need.")),
    "D-04": (("F-100", "They fit, and a hundred last three months."),),
    "P-03": (("B-250", "Roasted for exactly this pot."),),
    "T-58": (("S-02", "A level puck begins with a weighed dose."),),
    "C-02": (("B-250", "Empty cups are sad."),),
    "M-90": (("T-58", "The one in the box is plastic."), ("G-20", "It wants a fine and even grind.")),
    "G-20": (("B-250", "Something to set it up with."), ("S-02", "Dose by weight, not by eye.")),
}
"""By sku: the skus of accessories, each with its reason."""


class Guide(NamedTuple):
    """A page with advice."""

    title: str
    steps: tuple[str, ...]


GUIDES = {
    "first-brew": Guide(
        "Your first brew",
        (
            "Weigh the coffee: sixty grams for a litre, to begin with.",
            "Grind it just before, like coarse salt for filter, like fine sand for espresso.",
            "Let boiling water stand for half a minute.",
            "Pour, wait, and change one thing at a time.",
        ),
    ),
    "espresso": Guide(
        "Eighteen in, thirty-six out",
        (
            "Eighteen grams into the basket, levelled, pressed once.",
            "Thirty-six grams into the cup, in about twenty-eight seconds.",
            "Too fast and sour: grind finer. Too slow and bitter: coarser.",
        ),
    ),
    "filter": Guide(
        "Pour it in three",
        (
            "Thirty grams of coffee; sixty of water; wait half a minute while it swells.",
            "Pour to three hundred grams, in circles, without haste.",
            "Pour to five hundred when it has sunk, and let it run dry.",
        ),
    ),
}
"""By the last part of the guide's address."""


def goes_with(skus: Iterable[str], shop: str) -> list[dict[str, Any]]:
    """Accessories for these products that aren't among them; ``shop`` is the shop's address."""
    bought = list(skus)
    why = {sku: words for one in bought for sku, words in _GOES_WITH.get(one, ()) if sku not in bought}
    items = {sku: EVERYTHING[sku] for sku in why}
    return [
        {"sku": sku, "name": item.name, "price": item.price, "url": f"{shop}/product/{sku}", "why": why[sku]}
        for sku, item in items.items()
    ]


class Basket(NamedTuple):
    """``items``: the quantity of each sku, in the order they were added."""

    cart_id: str
    items: Mapping[str, int] = {}

    @property
    def total(self) -> float:
        """The total price."""
        return round(sum(EVERYTHING[sku].price * qty for sku, qty in self.items.items()), 2)

    def having(self, sku: str, more: int = 1) -> Basket:
        """The basket with so many ``more`` (or fewer) of a product."""
        items = {**self.items, sku: self.items.get(sku, 0) + more}
        return self._replace(items={sku: qty for sku, qty in items.items() if qty > 0})

    def lines(self) -> list[dict[str, Any]]:
        """The line items of events."""
        return [EVERYTHING[sku].line(qty) for sku, qty in self.items.items()]

    def order(self, shop: str) -> dict[str, Any]:
        """The properties of ``Order Completed``; ``shop`` is the shop's address."""
        fitting = goes_with(self.items, shop)
        return {"order_id": f"o-{self.cart_id}", **self.as_properties(), **({"goes_with": fitting} if fitting else {})}

    def as_properties(self) -> dict[str, Any]:
        """The properties of ``Cart Updated``."""
        return {"cart_id": self.cart_id, "currency": CURRENCY, "total": self.total, "items": self.lines()}
