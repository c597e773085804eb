"""The two example journeys as they go for one customer: from YAML to the words of the mail, on the virtual clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from idic.authoring import compile_folder
from idic.customize.compose import Composed, compose
from idic.journey.scope import Facts, Scope
from idic.journey.simulator import Simulator

PROGRAMS = compile_folder(Path(__file__).parents[2] / "journeys").programs
FRIDAY = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
GRINDER = {"sku": "g1", "name": "Hand grinder", "qty": 1, "price": 89.9}
BEANS = {"sku": "b1", "name": "Guji", "qty": 2, "price": 19.75}


def shopper(journey: str, **traits: Any) -> Simulator:
    return Simulator([PROGRAMS[journey]], FRIDAY, traits=traits, zone="Europe/Berlin")


def cart(total: float, *items: dict[str, Any]) -> dict[str, Any]:
    return {"cart_id": "c1", "total": total, "items": list(items)}


def reads(customer: Simulator, message: str) -> Composed:
    """What the newest enrollment would read now."""
    one = customer.enrollments[-1]
    scope = Scope(one.program, Facts(customer.traits, customer.zone), customer.now, one.state)
    return compose(one.program, message, scope, track=lambda url: url, unsubscribe_url="https://shop.example/bye")


def messages(customer: Simulator) -> list[str]:
    return [sent.message for sent in customer.sent]


def test_four_silent_hours_after_the_only_cart_anna_is_reminded_of_it() -> None:
    anna = shopper("abandoned_cart", first_name="Anna")
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.wait(hours=4)
    assert messages(anna) == ["cart_reminder"]
    mail = reads(anna, "cart_reminder")
    assert mail.subject == "Still thinking it over, Anna?"
    assert "Hand grinder €89.90" in mail.text
    assert "https://kettle-and-crema.example/cart/c1" in mail.text


def test_every_change_of_the_cart_starts_the_silence_over_and_the_newest_is_shown() -> None:
    anna = shopper("abandoned_cart")
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.wait(hours=3)
    anna.happens("Cart Updated", cart(129.4, GRINDER, BEANS))
    anna.wait(hours=3)
    assert messages(anna) == []
    anna.wait(hours=1)
    assert messages(anna) == ["cart_reminder"]
    mail = reads(anna, "cart_reminder")
    assert mail.subject == "Still thinking it over, there?"
    assert "Guji × 2 €19.75" in mail.text
    assert "Together €129.40" in mail.text


def test_a_small_cart_is_let_be() -> None:
    anna = shopper("abandoned_cart")
    anna.happens("Cart Updated", cart(29.99, BEANS))
    anna.happens("Cart Updated", {**cart(200, GRINDER), "currency": "USD"})
    assert anna.enrollments == []


def test_last_words_differ_by_segment() -> None:
    said = {}
    for tier, orders in (("high", 3), ("low", 0), ("low", 3)):
        customer = shopper("abandoned_cart", value_tier=tier, orders=orders)
        customer.happens("Cart Updated", cart(89.9, GRINDER))
        customer.wait(days=4)
        ended = customer.enrollments[0].state.ended
        said[tier, orders] = (messages(customer)[-1], ended.reason if ended else None)
    assert said == {
        ("high", 3): ("personal_offer", "done"),
        ("low", 0): ("first_order_help", "done"),
        ("low", 3): ("cart_reminder", "not_recovered"),
    }


def test_an_order_of_this_cart_is_the_goal_and_its_total_the_value() -> None:
    anna = shopper("abandoned_cart")
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.happens("Order Completed", {"order_id": "o9", "cart_id": "another", "total": 5})
    assert anna.enrollments[0].open
    anna.happens("Order Completed", {"order_id": "o1", "cart_id": "c1", "total": 89.9})
    assert not anna.enrollments[0].open
    assert anna.enrollments[0].value == 89.9


def test_the_welcome_speaks_of_what_they_brew_and_asks_for_a_first_order() -> None:
    anna = shopper("welcome", first_name="Anna", value_tier="middle")
    anna.happens("Signed Up", {"brews": "filter"})
    anna.wait(hours=1)
    assert messages(anna) == ["welcome"]
    assert reads(anna, "welcome").subject == "Welcome to Kettle & Crema, Anna"
    assert "You brew filter." in reads(anna, "welcome").text
    anna.happens("Product Viewed", {"sku": "k1", "name": "Gooseneck kettle"})
    anna.wait(days=1, hours=1)
    assert messages(anna)[1] in ("first_tip", "first_tip_curious")
    assert "You were looking at Gooseneck kettle." in reads(anna, messages(anna)[1]).text
    anna.wait(days=5)
    assert messages(anna)[2:] == ["free_shipping"]


def test_nobody_reads_hello_nobody() -> None:
    somebody = shopper("welcome")
    somebody.happens("Signed Up")
    somebody.wait(days=4)
    for message in ("welcome", "first_tip", "free_shipping"):
        mail = reads(somebody, message)
        assert not any(slip in mail.text for slip in ("None", "Hello ,", "here, ."))
    assert reads(somebody, "welcome").subject == "Welcome to Kettle & Crema"
