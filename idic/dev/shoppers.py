"""The customers of a small shop and what they do in three days: the demo's play, the same at every performance.

Pure: everything follows from how many customers come. Spans are of idic's time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

HORIZON = timedelta(days=3)
"""How long the shop is watched. The slowest thing that the play wants seen, a second mail after a cart that nobody came
back to, comes 53 hours after the cart."""
ARRIVALS = timedelta(hours=14)
"""Within which the customers come, one after the other."""

NEWS, CARTS = "news", "cart_reminders"
WELCOME, CART = "welcome", "abandoned_cart"


class Identify(NamedTuple):
    traits: dict[str, Any]


class Track(NamedTuple):
    event: str
    properties: dict[str, Any]


class Click(NamedTuple):
    """Open the mail and press its button."""


class Unsubscribe(NamedTuple):
    """Press the mail program's own button for it (RFC 8058)."""


Act = Identify | Track | Click | Unsubscribe


class Moment(NamedTuple):
    """``after`` counts from the customer's arrival, or from the mail that is answered. ``known`` is whether they are logged
    in then, on whichever ``device`` it is."""

    after: timedelta
    act: Act
    known: bool = True
    device: str = "laptop"


class Story(NamedTuple):
    """What one kind of customer does, and what must come of it.

    ``replies``  what they do when a message (by its name) reaches them
    ``agrees``   to which topics they ever said yes
    ``enters``   the journeys that take them in
    ``reaches``  the journeys whose goal they reach
    """

    moments: tuple[Moment, ...]
    replies: Mapping[str, tuple[Moment, ...]] = {}
    agrees: frozenset[str] = frozenset((NEWS, CARTS))
    enters: frozenset[str] = frozenset()
    reaches: frozenset[str] = frozenset()


class Shopper(NamedTuple):
    """``email`` is None for who gave none."""

    user_id: str
    name: str
    kind: str
    email: str | None
    arrives: timedelta
    story: Story

    def clicks(self) -> set[str]:
        """The messages in which they click once they get them."""
        return {
            message
            for message, moments in self.story.replies.items()
            if any(isinstance(moment.act, Click) for moment in moments)
        }


def plan(customers: int) -> tuple[Shopper, ...]:
    """So many customers, in the order of their arrival. The first dozen or so are of every kind there is."""
    random = Random(36)
    shoppers = []
    for number in range(customers):
        person = _PEOPLE[number % len(_PEOPLE)]
        kind, story = _KINDS[number % len(_KINDS)]
        again = number // len(_PEOPLE)
        user_id = person.address if not again else f"{person.address}.{again + 1}"
        email = f"{user_id}@example.com" if kind != "leaves no address" else None
        early = ARRIVALS * (number / customers)
        arrives = early + timedelta(minutes=6) + random.uniform(0, 0.8) * ARRIVALS / customers
        writer = _Writer(random, person, user_id, email)
        shoppers.append(Shopper(user_id, person.name, kind, email, arrives, story(writer)))
    return tuple(shoppers)


# What they buy.


class _Item(NamedTuple):
    sku: str
    name: str
    price: float
    category: str

    def line(self, qty: int = 1) -> dict[str, Any]:
        return {"sku": self.sku, "name": self.name, "qty": qty, "price": self.price, "category": self.category}


_BEANS = _Item("B-250", "House espresso, 250 g", 11.50, "beans")
_PAPERS = _Item("F-100", "Filter papers, 100", 6.90, "accessories")
_SHELF = (
    _Item("K-01", "Gooseneck kettle", 64.00, "kettles"),
    _Item("S-02", "Scale, 0.1 g", 39.00, "scales"),
    _Item("G-10", "Hand grinder", 79.00, "grinders"),
    _Item("D-04", "Dripper, porcelain", 32.00, "drippers"),
    _Item("P-03", "Moka pot, 3 cups", 34.50, "pots"),
    _Item("T-58", "Tamper, 58 mm", 42.00, "accessories"),
    _Item("C-02", "Two cups, hand-thrown", 36.00, "cups"),
)
_MACHINE = _Item("M-90", "Lever machine", 489.00, "machines")
_GRINDER = _Item("G-20", "Electric grinder", 249.00, "grinders")


class _Basket:
    """A basket that fills; ``updates`` is what the shop reports while it does."""

    def __init__(self, cart_id: str, items: Sequence[_Item]) -> None:
        self.cart_id = cart_id
        self.items = list(items)

    @property
    def total(self) -> float:
        return round(sum(item.price for item in self.items), 2)

    def updates(self) -> list[Track]:
        return [_Basket(self.cart_id, self.items[:size])._event("Cart Updated") for size in range(1, len(self.items) + 1)]

    def more(self, item: _Item) -> Track:
        self.items.append(item)
        return self._event("Cart Updated")

    def ordered(self) -> Track:
        event = self._event("Order Completed")
        return Track("Order Completed", {"order_id": f"o-{self.cart_id}", **event.properties})

    def emptied(self) -> Track:
        return Track("Cart Emptied", {"cart_id": self.cart_id})

    def _event(self, name: str) -> Track:
        lines = [item.line() for item in self.items]
        return Track(name, {"cart_id": self.cart_id, "currency": "EUR", "total": self.total, "items": lines})


# How they behave.


class _Person(NamedTuple):
    name: str
    first_name: str
    address: str
    locale: str
    zone: str


class _Writer:
    """Writes the story of one customer."""

    def __init__(self, random: Random, person: _Person, user_id: str, email: str | None) -> None:
        self.random = random
        self.person = person
        self.user_id = user_id
        self.email = email

    def at(self, hours: float, *acts: Act, known: bool = True, device: str = "laptop") -> list[Moment]:
        """About then, and one shortly after the other."""
        start = timedelta(hours=hours * self.random.uniform(0.85, 1.15))
        return [Moment(start + number * timedelta(minutes=4), act, known, device) for number, act in enumerate(acts)]

    def signs_up(self, *, agrees: str | None = "everything") -> list[Moment]:
        """All in one go, as the form sends it. ``agrees`` to everything, to one topic, or to nothing (None)."""
        acts: list[Act] = [Identify(self.traits())]
        if agrees is not None:
            acts.append(_agrees(agrees))
        brews = self.random.choice(("espresso", "filter", None))
        acts.append(Track("Signed Up", {"brews": brews} if brews else {}))
        return [Moment(timedelta(), act) for act in acts]

    def is_known(self, tier: str) -> list[Moment]:
        """Has been a customer for long; the shop's own system tells so."""
        return [Moment(timedelta(), act) for act in (Identify(self.traits(valueTier=tier)), _agrees("everything"))]

    def traits(self, **more: str) -> dict[str, Any]:
        address = {"email": self.email} if self.email else {}
        zone = {"timezone": self.person.zone, "locale": self.person.locale}
        return {"firstName": self.person.first_name, **address, **zone, **more}

    def basket(self, *items: _Item) -> _Basket:
        chosen = items or tuple(self.random.sample(_SHELF, self.random.choice((1, 2, 2, 3))))
        return _Basket(f"{self.user_id}-{self.random.randrange(1000, 9999)}", chosen)

    def looks(self, count: int = 2) -> list[Track]:
        chosen = self.random.sample(_SHELF, count)
        return [Track("Product Viewed", {"sku": item.sku, "name": item.name}) for item in chosen]


def _agrees(to: str) -> Track:
    return Track("Consent Given", {"channel": "email"} | ({} if to == "everything" else {"topic": to}))


def _story(
    *moments: list[Moment],
    replies: Mapping[str, list[Moment]] | None = None,
    agrees: tuple[str, ...] = (NEWS, CARTS),
    enters: tuple[str, ...] = (),
    reaches: tuple[str, ...] = (),
) -> Story:
    return Story(
        moments=tuple(moment for some in moments for moment in some),
        replies={message: tuple(answer) for message, answer in (replies or {}).items()},
        agrees=frozenset(agrees),
        enters=frozenset(enters),
        reaches=frozenset(reaches),
    )


def _comes_back_by_the_reminder(writer: _Writer) -> Story:
    basket = writer.basket()
    return _story(
        writer.signs_up(),
        writer.at(0.6, *writer.looks()),
        writer.at(1.2, *basket.updates()),
        replies={"cart_reminder": [*writer.at(1.5, Click()), *writer.at(4, basket.ordered())]},
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _reads_the_guide(writer: _Writer) -> Story:
    return _story(
        writer.signs_up(),
        replies={"welcome": [*writer.at(2, Click()), *writer.at(3, *writer.looks())]},
        enters=(WELCOME,),
    )


def _buys_at_once(writer: _Writer) -> Story:
    basket = writer.basket()
    return _story(
        writer.signs_up(),
        writer.at(0.5, *writer.looks(1), *basket.updates()),
        writer.at(1.5, basket.ordered()),
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _never_answers(writer: _Writer) -> Story:
    return _story(
        writer.signs_up(),
        writer.at(1.5, *writer.looks(1), *writer.basket().updates()),
        enters=(WELCOME, CART),
    )


def _takes_the_offer(writer: _Writer) -> Story:
    basket = writer.basket(_GRINDER, writer.random.choice(_SHELF))
    return _story(
        writer.is_known("high"),
        writer.at(0.4, *writer.looks(), *basket.updates()),
        writer.at(2.5, basket.more(_PAPERS)),  # the silence starts over
        replies={
            "cart_reminder": writer.at(3, Click()),
            "personal_offer": [*writer.at(1, Click()), *writer.at(2, basket.ordered())],
        },
        enters=(CART,),
        reaches=(CART,),
    )


def _says_no_to_mail(writer: _Writer) -> Story:
    return _story(
        writer.signs_up(agrees=None),
        writer.at(1, *writer.basket().updates()),
        agrees=(),
        enters=(WELCOME, CART),
    )


def _empties_the_cart(writer: _Writer) -> Story:
    basket = writer.basket()
    return _story(
        writer.signs_up(),
        writer.at(0.8, *basket.updates()),
        replies={"cart_reminder": writer.at(2, basket.emptied())},
        enters=(WELCOME, CART),
    )


def _leaves_no_address(writer: _Writer) -> Story:
    return _story(
        writer.signs_up(),
        writer.at(1, *writer.basket().updates()),
        enters=(WELCOME, CART),
    )


def _shops_on(writer: _Writer) -> Story:
    basket = writer.basket()
    return _story(
        writer.signs_up(),
        writer.at(1, *basket.updates()),
        replies={"cart_reminder": [*writer.at(3, basket.more(_BEANS)), *writer.at(9, basket.ordered())]},
        enters=(WELCOME, CART),
        reaches=(WELCOME, CART),
    )


def _unsubscribes(writer: _Writer) -> Story:
    return _story(writer.signs_up(), replies={"welcome": writer.at(2, Unsubscribe())}, enters=(WELCOME,))


def _wants_news_only(writer: _Writer) -> Story:
    return _story(
        writer.signs_up(agrees=NEWS),
        writer.at(1.5, *writer.basket().updates()),
        agrees=(NEWS,),
        enters=(WELCOME, CART),
    )


def _changes_their_mind(writer: _Writer) -> Story:
    return _story(
        writer.signs_up(),
        writer.at(0.5, *writer.basket().updates()),
        writer.at(2.5, Track("Consent Withdrawn", {"channel": "email"})),
        enters=(WELCOME, CART),
    )


def _buys_a_little(writer: _Writer) -> Story:
    basket = writer.basket(_BEANS, _PAPERS)  # too little to be reminded of
    return _story(
        writer.signs_up(),
        writer.at(2, *basket.updates()),
        writer.at(20, basket.ordered()),
        enters=(WELCOME,),
        reaches=(WELCOME,),
    )


def _logs_in_late(writer: _Writer) -> Story:
    """A cart on the phone of somebody nobody knows, who then logs in and is an old customer."""
    basket = writer.basket(_MACHINE)
    return _story(
        writer.is_known("middle"),
        writer.at(0.5, *writer.looks(1), *basket.updates(), known=False, device="phone"),
        writer.at(2, Identify(writer.traits()), device="phone"),
        replies={"cart_reminder": [*writer.at(2, Click()), *writer.at(6, basket.ordered())]},
        enters=(CART,),
        reaches=(CART,),
    )


_KINDS: tuple[tuple[str, Callable[[_Writer], Story]], ...] = (
    ("comes back by the reminder", _comes_back_by_the_reminder),
    ("reads the guide", _reads_the_guide),
    ("buys at once", _buys_at_once),
    ("takes the offer", _takes_the_offer),
    ("never answers", _never_answers),
    ("says no to mail", _says_no_to_mail),
    ("empties the cart", _empties_the_cart),
    ("leaves no address", _leaves_no_address),
    ("shops on", _shops_on),
    ("unsubscribes", _unsubscribes),
    ("wants news only", _wants_news_only),
    ("logs in late", _logs_in_late),
    ("changes their mind", _changes_their_mind),
    ("buys a little", _buys_a_little),
)

_PEOPLE = tuple(
    _Person(*line)
    for line in (
        ("Anna Schröder", "Anna", "anna.schroeder", "de-DE", "Europe/Berlin"),
        ("佐藤 陽菜", "陽菜", "hina.sato", "ja-JP", "Asia/Tokyo"),
        ("Ελένη Παππά", "Ελένη", "eleni.pappa", "el-GR", "Europe/Athens"),
        ("Chinụa Ọkafọ", "Chinụa", "chinua.okafo", "ig-NG", "Africa/Lagos"),
        ("Søren Ørsted", "Søren", "soren.orsted", "da-DK", "Europe/Copenhagen"),
        ("Дарья Соколова", "Дарья", "darya.sokolova", "ru-RU", "Europe/Moscow"),
        ("José Ñáñez", "José", "jose.nanez", "es-MX", "America/Mexico_City"),
        ("김서연", "서연", "seoyeon.kim", "ko-KR", "Asia/Seoul"),
        ("ليلى حداد", "ليلى", "layla.haddad", "ar-LB", "Asia/Beirut"),
        ("Nguyễn Thị Hương", "Hương", "huong.nguyen", "vi-VN", "Asia/Ho_Chi_Minh"),
        ("İpek Yıldız", "İpek", "ipek.yildiz", "tr-TR", "Europe/Istanbul"),
        ("Zoë O'Brien-Łuczak", "Zoë", "zoe.obrien", "en-IE", "Europe/Dublin"),
        ("नेहा शर्मा", "नेहा", "neha.sharma", "hi-IN", "Asia/Kolkata"),
        ("王小明", "小明", "xiaoming.wang", "zh-CN", "Asia/Shanghai"),
        ("Þórdís Jónsdóttir", "Þórdís", "thordis.jonsdottir", "is-IS", "Atlantic/Reykjavik"),
        ("Олексій Шевченко", "Олексій", "oleksii.shevchenko", "uk-UA", "Europe/Kyiv"),
        ("נועה לוי", "נועה", "noa.levi", "he-IL", "Asia/Jerusalem"),
        ("Kiran O. Ng", "Kiran", "kiran.ng", "en-SG", "Asia/Singapore"),
        ("ნინო ბერიძე", "ნინო", "nino.beridze", "ka-GE", "Asia/Tbilisi"),
        ("Kōkī Keʻalohi", "Kōkī", "koki.kealohi", "haw-US", "Pacific/Honolulu"),
        ("Françoise Lefèvre", "Françoise", "francoise.lefevre", "fr-FR", "Europe/Paris"),
        ("Արամ Սարգսյան", "Արամ", "aram.sargsyan", "hy-AM", "Asia/Yerevan"),
        ("João Gonçalves", "João", "joao.goncalves", "pt-BR", "America/Sao_Paulo"),
        ("สมชาย ใจดี", "สมชาย", "somchai.jaidee", "th-TH", "Asia/Bangkok"),
        ("Żaneta Wójcik", "Żaneta", "zaneta.wojcik", "pl-PL", "Europe/Warsaw"),
        ("ሰላም ተስፋዬ", "ሰላም", "selam.tesfaye", "am-ET", "Africa/Addis_Ababa"),
        ("Ján Ľuboš Čierny", "Ján", "jan.cierny", "sk-SK", "Europe/Bratislava"),
        ("মিতা সেন", "মিতা", "mita.sen", "bn-BD", "Asia/Dhaka"),
        ("Aoife Ní Bhriain", "Aoife", "aoife.nibhriain", "ga-IE", "Europe/Dublin"),
        ("Nagy Ödön", "Ödön", "odon.nagy", "hu-HU", "Europe/Budapest"),
        ("பிரியா ராஜன்", "பிரியா", "priya.rajan", "ta-IN", "Asia/Kolkata"),
        ("Māra Bērziņa", "Māra", "mara.berzina", "lv-LV", "Europe/Riga"),
        ("María José de la Cruz y Vega", "María José", "mariajose.delacruz", "es-AR", "America/Argentina/Buenos_Aires"),
        ("Стоян Георгиев", "Стоян", "stoyan.georgiev", "bg-BG", "Europe/Sofia"),
        ("Lwazi Dlamini", "Lwazi", "lwazi.dlamini", "zu-ZA", "Africa/Johannesburg"),
        ("陳美玲", "美玲", "meiling.chen", "zh-TW", "Asia/Taipei"),
        ("Ķēniņš Õun", "Ķēniņš", "kenins.oun", "et-EE", "Europe/Tallinn"),
        ("Sinéad D'Arcy", "Sinéad", "sinead.darcy", "en-GB", "Europe/London"),
        ("رضا کریمی", "رضا", "reza.karimi", "fa-IR", "Asia/Tehran"),
        ("Aroha Te Whānau", "Aroha", "aroha.tewhanau", "mi-NZ", "Pacific/Auckland"),
    )
)
