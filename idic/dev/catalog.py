"""What Kettle & Crema sells, and a basket of it as the shop reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CURRENCY = "EUR"


class Item(NamedTuple):
    """``price`` in the shop's currency; ``words`` is what stands beside it on the shelf."""

    sku: str
    name: str
    price: float
    category: str
    words: str

    def line(self, qty: int = 1) -> dict[str, Any]:
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


class Basket(NamedTuple):
    """``items``: how many of each, by sku, in the order in which they were laid in."""

    cart_id: str
    items: Mapping[str, int] = {}

    @property
    def total(self) -> float:
        return round(sum(EVERYTHING[sku].price * qty for sku, qty in self.items.items()), 2)

    def having(self, sku: str, more: int = 1) -> Basket:
        """With so many ``more`` of it, or fewer; none at the least."""
        items = {**self.items, sku: self.items.get(sku, 0) + more}
        return self._replace(items={sku: qty for sku, qty in items.items() if qty > 0})

    def lines(self) -> list[dict[str, Any]]:
        return [EVERYTHING[sku].line(qty) for sku, qty in self.items.items()]

    def as_properties(self) -> dict[str, Any]:
        """What ``Cart Updated`` and ``Order Completed`` say of it."""
        return {"cart_id": self.cart_id, "currency": CURRENCY, "total": self.total, "items": self.lines()}
