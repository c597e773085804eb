"""The kinds of the demo's customers, and who arrives when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from idic.dev.demo.script import (
    AFTER,
    BACK,
    CART,
    CARTS,
    NEWS,
    WELCOME,
    Act,
    ClickAnswer,
    ClickUnsubscribe,
    FollowLink,
    OpenMessage,
    ScriptedAction,
    ScriptedStory,
    SendEvent,
    SendTraits,
    Shopper,
    VisitShop,
)
from idic.dev.shop.catalog import BEANS, GRINDER, MACHINE, PAPERS, SHELF, Basket, Item
from idic.dev.shop.people import PEOPLE, ShopCustomer, mobile

HORIZON = timedelta(days=23)
"""How long the demo runs. The slowest story is a weekly customer who falls silent, is asked after three weeks, and comes
back."""
SHOP = "https://kettle-and-crema.example"
"""The shop's default address."""


def plan(customers: int, horizon: timedelta = HORIZON, shop: str = SHOP) -> tuple[Shopper, ...]:
    """So many customers in the order of their arrival, which ends after a third of ``horizon``.

    Every kind whose story fits into it occurs, if there are enough customers.
    """
    random = Random(36)
    kinds = [kind for kind in _KINDS if kind.takes <= horizon * 0.8]
    arrivals = horizon * 0.3
    shoppers = []
    for number in range(customers):
        person = PEOPLE[number % len(PEOPLE)]
        kind = kinds[number % len(kinds)]
        again = number // len(PEOPLE)
        person = person._replace(address=f"{person.address}.{again + 1}") if again else person
        early = arrivals * (number / customers) if kind.takes < horizon / 2 else timedelta()
        arrives = early + timedelta(minutes=6) + random.uniform(0, 0.8) * arrivals / customers
        writer = _Writer(random, person, number, shop)
        story = kind.story(writer)
        email = person.email if "email" in writer.gave else None
        shoppers.append(Shopper(person.address, person.name, kind.name, email, arrives, story))
    return tuple(sorted(shoppers, key=lambda shopper: shopper.arrives))


class _Writer:
    """Writes the story of one customer of the ``shop`` at this address. ``gave`` is what they entered at the shop."""

    def __init__(self, random: Random, person: ShopCustomer, number: int, shop: str) -> None:
        self.shop = shop
        self.random = random
        self.person = person
        self.number = number
        self.gave: set[str] = set()
        self._carts = 0

    def at(self, hours: float, *acts: Act, known: bool = True, device: str = "laptop") -> list[ScriptedAction]:
        """At about this time, each shortly after the one before."""
        start = timedelta(hours=hours * self.random.uniform(0.85, 1.15))
        return [ScriptedAction(start + number * timedelta(minutes=4), act, known, device) for number, act in enumerate(acts)]

    def signs_up(
        self,
        *,
        gives: str = "email",
        agrees: str | None = "everything",
        by: tuple[str, ...] = ("email",),
        brews: str | None = None,
        **more: Any,
    ) -> list[ScriptedAction]:
        """Sign up, as the form sends it. ``agrees`` to everything, to one topic, or to nothing (None), on the channels
        ``by``."""
        acts: list[Act] = [SendTraits(self.traits(gives, **more)), *_agreed(agrees, by)]
        acts.append(SendEvent("Signed Up", {"brews": brews} if brews else {}))
        return [ScriptedAction(timedelta(), act) for act in acts]

    def is_known(self, gives: str = "email", by: tuple[str, ...] = ("email",), **more: Any) -> list[ScriptedAction]:
        """A long-time customer, reported by the shop's own system."""
        acts: list[Act] = [SendTraits(self.traits(gives, **more)), *_agreed("everything", by)]
        return [ScriptedAction(timedelta(), act) for act in acts]

    def traits(self, gives: str = "email", **more: Any) -> dict[str, Any]:
        """Their name and country, and their email and phone as far as they gave them."""
        person, said = self.person, {"firstName": self.person.first_name}
        said |= {"timezone": person.zone, "locale": person.locale}
        self.gave |= set(gives.split())
        if "email" in self.gave:
            said["email"] = person.email
        if "phone" in self.gave:
            said |= {"phone": mobile(person.country, self.number), "country": person.country}
        return {**said, **more}

    def basket(self, *items: Item) -> Basket:
        chosen = items or tuple(self.random.sample(SHELF, self.random.choice((1, 2, 2, 3))))
        self._carts += 1
        return Basket(f"{self.person.address}-{self._carts}", {item.sku: 1 for item in chosen})

    def looks(self, count: int = 2) -> list[SendEvent]:
        chosen = self.random.sample(SHELF, count)
        return [SendEvent("Product Viewed", {"sku": item.sku, "name": item.name}) for item in chosen]


def _agreed(to: str | None, by: Iterable[str]) -> list[Act]:
    topic = {} if to == "everything" else {"topic": to}
    return [SendEvent("Consent Given", {"channel": channel} | topic) for channel in by] if to is not None else []


def _filled(basket: Basket) -> list[SendEvent]:
    """The shop's events while the basket is filled."""
    skus = list(basket.items)
    fillings = [basket._replace(items={sku: basket.items[sku] for sku in skus[: size + 1]}) for size in range(len(skus))]
    return [SendEvent("Cart Updated", filling.as_properties()) for filling in fillings]


def _more(basket: Basket, item: Item) -> tuple[Basket, SendEvent]:
    fuller = basket.having(item.sku)
    return fuller, SendEvent("Cart Updated", fuller.as_properties())


def _ordered(basket: Basket, *, suggests: str | None = None) -> list[Act]:
    """The order; with the shop's address in ``suggests`` also what they now own, and what goes with it."""
    order = basket.order(suggests or "")
    if suggests is None:
        order.pop("goes_with", None)
        return [SendEvent("Order Completed", order)]
    return [SendTraits({"owns": sorted(basket.items)}), SendEvent("Order Completed", order)]


def _emptied(basket: Basket) -> SendEvent:
    return SendEvent("Cart Emptied", {"cart_id": basket.cart_id})


def _story(
    *moments: list[ScriptedAction],
    replies: Mapping[str, list[ScriptedAction]] | None = None,
    agrees: tuple[str, ...] = (NEWS, CARTS),
    reached: tuple[str, ...] = ("email",),
    enters: tuple[str, ...] = (),
    reaches: tuple[str, ...] = (),
) -> ScriptedStory:
    return ScriptedStory(
        moments=tuple(moment for some in moments for moment in some),
        replies={message: tuple(answer) for message, answer in (replies or {}).items()},
        agrees=frozenset(agrees),
        reached=frozenset(reached),
        enters=frozenset(enters),
        reaches=frozenset(reaches),
    )


def _comes_back_by_the_reminder(writer: _Writer) -> ScriptedStory:
    basket = writer.basket()
    return _story(
        writer.signs_up(),
        writer.at(0.6, *writer.looks()),
        writer.at(1.2, *_filled(basket)),
        replies={"cart_reminder": [*writer.at(1.5, OpenMessage(), FollowLink()), *writer.at(4, *_ordered(basket))]},
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _answers_the_question(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(),
        replies={
            "welcome": writer.at(2, OpenMessage(), ClickAnswer(writer.random.choice(("espresso", "filter")))),
            "espresso_tip": writer.at(3, OpenMessage(), *writer.looks()),
            "filter_tip": writer.at(3, OpenMessage(), *writer.looks()),
        },
        enters=(WELCOME,),
    )


def _has_only_a_phone(writer: _Writer) -> ScriptedStory:
    basket = writer.basket()
    return _story(
        writer.signs_up(gives="phone", by=("sms",)),
        writer.at(1, *_filled(basket)),
        replies={"cart_reminder": [*writer.at(1, FollowLink()), *writer.at(3, *_ordered(basket))]},
        reached=("sms",),
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _presses_the_banner(writer: _Writer) -> ScriptedStory:
    """Refuses mail, and is reached on the shop's own page instead."""
    basket = writer.basket()
    return _story(
        writer.signs_up(agrees=None),
        writer.at(1, *_filled(basket)),
        writer.at(3.5, VisitShop()),
        replies={"cart_reminder": [*writer.at(2, VisitShop(), FollowLink()), *writer.at(4, *_ordered(basket))]},
        agrees=(),
        reached=("web",),
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _buys_at_once(writer: _Writer) -> ScriptedStory:
    basket = writer.basket()
    return _story(
        writer.signs_up(brews="espresso"),
        writer.at(0.5, *writer.looks(1), *_filled(basket)),
        writer.at(1.5, *_ordered(basket)),
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _takes_the_offer(writer: _Writer) -> ScriptedStory:
    """Clicks in the reminder, hesitates, and buys after an SMS."""
    basket, papers = _more(writer.basket(GRINDER, writer.random.choice(SHELF)), PAPERS)
    return _story(
        writer.is_known("email phone", ("email", "sms"), valueTier="high"),
        writer.at(0.4, *writer.looks(), *_filled(basket)[:-1]),
        writer.at(2.5, papers),  # the wait restarts
        replies={
            "cart_reminder": writer.at(3, OpenMessage(), FollowLink()),
            "personal_offer": [*writer.at(1, FollowLink()), *writer.at(2, *_ordered(basket))],
        },
        reached=("email", "sms"),
        enters=(CART,),
        reaches=(CART,),
    )


def _never_answers(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(brews=writer.random.choice(("espresso", "filter", None))),
        writer.at(1.5, *writer.looks(1), *_filled(writer.basket(SHELF[0]))),
        enters=(WELCOME, CART),
    )


def _buys_what_goes_with_it(writer: _Writer) -> ScriptedStory:
    """Buys a lever machine, and a week later the suggested tamper."""
    basket = writer.basket(MACHINE)
    tamper = _one(writer, "T-58")
    return _story(
        writer.is_known(valueTier="middle"),
        writer.at(1, *_filled(basket)),
        writer.at(2, *_ordered(basket, suggests=writer.shop)),
        writer.at(9, VisitShop()),
        writer.at(40, SendEvent("Parcel Delivered", {"order_id": f"o-{basket.cart_id}"})),
        replies={
            "goes_with_it": writer.at(5, OpenMessage(), FollowLink()),
            "still_there": [*writer.at(6, VisitShop(), FollowLink()), *writer.at(8, *_ordered(tamper))],
        },
        reached=("email", "web"),
        enters=(CART, AFTER),
        reaches=(CART, AFTER),
    )


def _says_no_to_mail(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(agrees=None),
        writer.at(1, *_filled(writer.basket(SHELF[2]))),
        agrees=(),
        reached=(),
        enters=(WELCOME, CART),
    )


def _used_to_come_every_week(writer: _Writer) -> ScriptedStory:
    """Nineteen orders, reported by the shop's till at once; then nothing until idic asks why."""
    beans = [writer.basket(BEANS) for _ in range(19)]
    bought = [writer.at(0.05 + number / 100, *_ordered(basket)) for number, basket in enumerate(beans)]
    return _story(
        writer.is_known("email phone", ("email", "sms"), valueTier="high"),
        *bought,
        replies={
            "what_happened": writer.at(3, OpenMessage(), ClickAnswer("price")),
            "small_bags": [*writer.at(3, OpenMessage(), FollowLink()), *writer.at(5, *_ordered(writer.basket(BEANS)))],
        },
        reached=("email", "sms"),
        enters=(BACK,),
    )


def _empties_the_cart(writer: _Writer) -> ScriptedStory:
    basket = writer.basket(SHELF[0])
    return _story(
        writer.signs_up(),
        writer.at(0.8, *_filled(basket)),
        replies={"cart_reminder": writer.at(2, OpenMessage(), _emptied(basket))},
        enters=(WELCOME, CART),
    )


def _leaves_no_address(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(gives=""),
        writer.at(1, *_filled(writer.basket(SHELF[4]))),
        reached=(),
        enters=(WELCOME, CART),
    )


def _has_a_landline(writer: _Writer) -> ScriptedStory:
    """No SMS reaches it, and idic says so."""
    return _story(
        writer.signs_up(gives="", by=("sms",), phone=mobile("DE", writer.number, landline=True), country="DE"),
        writer.at(1, *_filled(writer.basket(SHELF[1]))),
        reached=(),
        enters=(WELCOME, CART),
    )


def _writes_the_number_as_at_home(writer: _Writer) -> ScriptedStory:
    """A number without country code or country: it is read as one of the shop's country."""
    basket = writer.basket(SHELF[3])
    return _story(
        writer.signs_up(gives="", by=("sms",), phone=f"0{mobile('DE', writer.number).removeprefix('+49')}"),
        writer.at(1, *_filled(basket)),
        replies={"cart_reminder": writer.at(5, FollowLink())},
        reached=("sms",),
        enters=(WELCOME, CART),
    )


def _takes_the_free_shipping(writer: _Writer) -> ScriptedStory:
    """Reads and does nothing for a week; then a banner follows."""
    return _story(
        writer.signs_up(valueTier="middle", brews="filter"),
        writer.at(5, VisitShop()),
        replies={
            "filter_tip": writer.at(6, OpenMessage()),
            "free_shipping/web": [*writer.at(5, VisitShop(), FollowLink()), *writer.at(7, *_ordered(writer.basket(SHELF[6])))],
        },
        reached=("email", "web"),
        enters=(WELCOME,),
        reaches=(WELCOME,),
    )


def _shops_on(writer: _Writer) -> ScriptedStory:
    basket = writer.basket(SHELF[2])
    fuller, beans = _more(basket, BEANS)
    return _story(
        writer.signs_up(),
        writer.at(1, *_filled(basket)),
        replies={"cart_reminder": [*writer.at(3, OpenMessage(), beans), *writer.at(9, *_ordered(fuller))]},
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _unsubscribes(writer: _Writer) -> ScriptedStory:
    return _story(writer.signs_up(), replies={"welcome": writer.at(2, OpenMessage(), ClickUnsubscribe())}, enters=(WELCOME,))


def _stops_the_sms(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(gives="phone", by=("sms",)),
        writer.at(1, *_filled(writer.basket(SHELF[0]))),
        replies={"cart_reminder": writer.at(1, ClickUnsubscribe())},
        reached=("sms",),
        enters=(WELCOME, CART),
    )


def _wants_news_only(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(agrees=NEWS),
        writer.at(1.5, *_filled(writer.basket(SHELF[0]))),
        agrees=(NEWS,),
        enters=(WELCOME, CART),
    )


def _changes_their_mind(writer: _Writer) -> ScriptedStory:
    return _story(
        writer.signs_up(),
        writer.at(0.5, *_filled(writer.basket(SHELF[0]))),
        writer.at(2.5, SendEvent("Consent Withdrawn", {"channel": "email"})),
        enters=(WELCOME, CART),
    )


def _buys_a_little(writer: _Writer) -> ScriptedStory:
    basket = writer.basket(BEANS, PAPERS)  # too little for a reminder
    return _story(
        writer.signs_up(),
        writer.at(2, *_filled(basket)),
        writer.at(20, *_ordered(basket)),
        enters=(WELCOME,),
        reaches=(WELCOME,),
    )


def _logs_in_late(writer: _Writer) -> ScriptedStory:
    """An unknown visitor with a cart on their phone, who then logs in and is an existing customer."""
    basket = writer.basket(MACHINE)
    return _story(
        writer.is_known(valueTier="middle"),
        writer.at(0.5, *writer.looks(1), *_filled(basket), known=False, device="phone"),
        writer.at(2, SendTraits(writer.traits()), device="phone"),
        replies={"cart_reminder": [*writer.at(2, OpenMessage(), FollowLink()), *writer.at(6, *_ordered(basket))]},
        enters=(CART,),
        reaches=(CART,),
    )


def _one(writer: _Writer, sku: str) -> Basket:
    return writer.basket()._replace(items={sku: 1})


class _Kind(NamedTuple):
    """``takes`` is the time from arrival until the end of the story."""

    name: str
    story: Callable[[_Writer], ScriptedStory]
    takes: timedelta = timedelta(days=2)


_KINDS = (
    _Kind("comes back by the reminder", _comes_back_by_the_reminder),
    _Kind("has only a phone", _has_only_a_phone),
    _Kind("used to come every week", _used_to_come_every_week, timedelta(days=18)),
    _Kind("presses the banner", _presses_the_banner),
    _Kind("answers the question", _answers_the_question),
    _Kind("buys at once", _buys_at_once),
    _Kind("takes the offer", _takes_the_offer),
    _Kind("unsubscribes", _unsubscribes),
    _Kind("buys what goes with it", _buys_what_goes_with_it, timedelta(days=12)),
    _Kind("leaves no address", _leaves_no_address),
    _Kind("never answers", _never_answers),
    _Kind("takes the free shipping", _takes_the_free_shipping, timedelta(days=11)),
    _Kind("says no to mail", _says_no_to_mail),
    _Kind("has a landline", _has_a_landline),
    _Kind("empties the cart", _empties_the_cart),
    _Kind("stops the SMS", _stops_the_sms),
    _Kind("writes the number as at home", _writes_the_number_as_at_home),
    _Kind("shops on", _shops_on),
    _Kind("wants news only", _wants_news_only),
    _Kind("logs in late", _logs_in_late),
    _Kind("changes their mind", _changes_their_mind),
    _Kind("buys a little", _buys_a_little),
)
