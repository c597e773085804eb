"""The example journeys as they go for one customer: from YAML to the words that are read, on the virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from idic.customize.compose import ComposedEmail, compose_email, compose_sms, compose_web
from idic.journey.engine.protocol import Allow, Best, MayWe, Ranked, Skip, Verdict
from idic.journey.engine.scope import Facts, Scope
from idic.journey.program.program import Program
from idic.journeys_folder import compile_folder
from idic.rehearse.simulator import Simulator

PROGRAMS = compile_folder(Path(__file__).parents[2] / "journeys").programs
FRIDAY = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
GRINDER = {"sku": "g1", "name": "Hand grinder", "qty": 1, "price": 89.9}
BEANS = {"sku": "b1", "name": "Guji", "qty": 2, "price": 19.75}


def shopper(journey: str, *, policy: Any = None, best: Any = None, **traits: Any) -> Simulator:
    asked = {name: answer for name, answer in (("policy", policy), ("best", best)) if answer is not None}
    return Simulator([PROGRAMS[journey]], FRIDAY, traits=traits, zone="Europe/Berlin", **asked)


def unreachable(*channels: str) -> Callable[[MayWe, datetime], Verdict]:
    def policy(ask: MayWe, now: datetime) -> Verdict:
        return Skip("unreachable", f"no {ask.channel}") if ask.channel in channels else Allow()

    return policy


def cart(total: float, *items: dict[str, Any]) -> dict[str, Any]:
    return {"cart_id": "c1", "total": total, "items": list(items)}


def known(customer: Simulator) -> tuple[Program, Scope]:
    """What the newest enrollment knows now."""
    one = customer.enrollments[-1]
    return one.program, Scope(one.program, Facts(customer.traits, customer.zone), customer.now, one.state)


def answer(value: str, url: str | None) -> str:
    return f"https://shop.example/answer/{value}"


def reads(customer: Simulator, message: str, language: str = "en") -> ComposedEmail:
    program, scope = known(customer)
    return compose_email(
        program, message, scope, track=str, unsubscribe_url="https://shop.example/bye", answer=answer, language=language
    )


def reads_by_sms(customer: Simulator, message: str) -> str:
    program, scope = known(customer)
    return compose_sms(program, message, scope, track=str, unsubscribe_url="https://shop.example/bye")


def reads_on_the_web(customer: Simulator, message: str) -> str:
    program, scope = known(customer)
    return compose_web(program, message, scope).html


def messages(customer: Simulator) -> list[str]:
    return [sent.message for sent in customer.sent]


def test_four_silent_hours_after_the_only_cart_anna_is_reminded_of_it() -> None:
    anna = shopper("abandoned_cart", first_name="Anna")
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.wait(hours=4)
    assert messages(anna) == ["cart_reminder"]
    mail = reads(anna, "cart_reminder")
    assert mail.subject == "Your first basket is waiting, Anna"
    assert "Hand grinder €89.90" in mail.text
    assert "https://kettle-and-crema.example/cart/c1" in mail.text


def test_who_reads_german_reads_german_throughout() -> None:
    anna = shopper("abandoned_cart", first_name="Anna", value_tier="high")
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.wait(hours=4)
    mail = reads(anna, "cart_reminder", "de-AT")
    assert mail.subject == "Anna, überlegst du noch?"
    assert "Hand grinder 89,90 €" in mail.text
    assert "Gesamt 89,90 €" in mail.text
    assert "Abmelden (https://shop.example/bye)" in mail.text
    assert '<html lang="de"' in (mail.html or "")
    french = reads(anna, "cart_reminder", "fr")
    assert french == reads(anna, "cart_reminder")
    assert (french.subject, "Total €89.90" in french.text) == ("Still thinking it over, Anna?", True)
    newcomer = shopper("abandoned_cart", first_name="Ben")
    newcomer.happens("Cart Updated", cart(89.9, GRINDER))
    newcomer.wait(hours=4)
    assert reads(newcomer, "cart_reminder", "de").subject == "Dein erster Warenkorb wartet, Ben"
    welcome = shopper("welcome", first_name="Anna")
    welcome.happens("Signed Up", {"brews": "filter"})
    for message in ("welcome", "espresso_tip", "filter_tip", "first_tip", "first_tip_curious", "free_shipping"):
        german, english = reads(welcome, message, "de"), reads(welcome, message)
        assert german.subject != english.subject
        assert "Abmelden" in german.text
        assert not {"the", "and", "with"} & set(german.text.lower().split())


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
    assert mail.subject == "Your first basket is waiting"
    assert "Guji × 2 €19.75" in mail.text
    assert "Total €129.40" in mail.text


def test_a_small_cart_is_let_be() -> None:
    anna = shopper("abandoned_cart")
    anna.happens("Cart Updated", cart(29.99, BEANS))
    anna.happens("Cart Updated", {**cart(200, GRINDER), "currency": "USD"})
    assert anna.enrollments == []


def test_the_reminder_goes_where_they_last_answered_and_on_to_the_next_channel_where_that_cannot_be() -> None:
    def lately(ask: Best, now: datetime) -> Ranked:
        return Ranked(("sms", "web", "email"), "last answered: sms 3 days ago")

    anna = shopper("abandoned_cart", best=lately)
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.wait(hours=4)
    assert [sent.channel for sent in anna.sent] == ["sms"]
    without_phone = shopper("abandoned_cart", best=lately, policy=unreachable("sms"))
    without_phone.happens("Cart Updated", cart(89.9, GRINDER))
    without_phone.wait(hours=4)
    assert [sent.channel for sent in without_phone.sent] == ["web"]
    hero = reads_on_the_web(without_phone, "cart_reminder")
    assert "Hand grinder is still in your basket." in hero
    assert 'href="https://kettle-and-crema.example/cart/c1"' in hero
    assert reads_by_sms(anna, "cart_reminder") == (
        "Your basket at Kettle & Crema is as you left it: https://kettle-and-crema.example/cart/c1 Stop: https://shop.example/bye"
    )


def test_last_words_differ_by_segment() -> None:
    said = {}
    for tier, orders in (("high", 3), ("low", 0), ("low", 3)):
        customer = shopper("abandoned_cart", value_tier=tier, orders=orders)
        customer.happens("Cart Updated", cart(89.9, GRINDER))
        customer.wait(days=4)
        ended = customer.enrollments[0].state.ended
        last = customer.sent[-1]
        said[tier, orders] = (last.message, last.channel, ended.reason if ended else None)
    assert said == {
        ("high", 3): ("personal_offer", "sms", "done"),
        ("low", 0): ("first_order_help", "email", "done"),
        ("low", 3): ("cart_reminder", "email", "not_recovered"),
    }


def test_who_has_no_phone_reads_the_last_word_in_a_mail() -> None:
    anna = shopper("abandoned_cart", value_tier="high", policy=unreachable("sms"))
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.wait(days=4)
    assert [(sent.message, sent.channel) for sent in anna.sent] == [("cart_reminder", "email"), ("personal_offer", "email")]


def test_an_order_of_this_cart_is_the_goal_and_its_total_the_value() -> None:
    anna = shopper("abandoned_cart")
    anna.happens("Cart Updated", cart(89.9, GRINDER))
    anna.happens("Order Completed", {"order_id": "o9", "cart_id": "another", "total": 5})
    assert anna.enrollments[0].open
    anna.happens("Order Completed", {"order_id": "o1", "cart_id": "c1", "total": 89.9})
    assert not anna.enrollments[0].open
    assert anna.enrollments[0].value == 89.9


# welcome


def test_who_answers_the_question_is_answered_within_the_hour_and_by_the_answer() -> None:
    anna = shopper("welcome", first_name="Anna", value_tier="middle")
    anna.happens("Signed Up")
    anna.wait(hours=1)
    assert messages(anna) == ["welcome"]
    mail = reads(anna, "welcome")
    assert mail.subject == "Welcome to Kettle & Crema, Anna"
    assert "Filter, by hand or by machine (https://shop.example/answer/filter)" in mail.text
    anna.happens("Link Clicked", {"step": "hello", "url": "https://kettle-and-crema.example/guides/first-brew"}, about="hello")
    anna.wait(hours=2)
    assert messages(anna) == ["welcome"]  # a click without a value is no answer
    anna.happens("Link Clicked", {"step": "hello", "value": "filter"}, about="hello")
    anna.wait(hours=1)
    assert messages(anna) == ["welcome", "filter_tip"]
    anna.wait(days=5)
    assert messages(anna)[2:] == ["free_shipping", "free_shipping"]
    assert [sent.channel for sent in anna.sent[2:]] == ["email", "web"]
    assert "Free delivery on your first order." in reads_on_the_web(anna, "free_shipping")


def test_who_never_answers_gets_the_plain_path() -> None:
    anna = shopper("welcome", value_tier="low")
    anna.happens("Signed Up")
    anna.wait(days=2, hours=1)
    assert messages(anna)[1] in ("first_tip", "first_tip_curious")
    anna.wait(days=5)
    assert len(anna.sent) == 2
    ended = anna.enrollments[0].state.ended
    assert ended is not None
    assert ended.reason == "welcomed"


def test_who_told_at_sign_up_is_not_asked_again_unless_they_say_otherwise() -> None:
    anna = shopper("welcome")
    anna.happens("Signed Up", {"brews": "espresso"})
    anna.wait(hours=1)
    assert "You make espresso," in reads(anna, "welcome").text
    assert "answer" not in reads(anna, "welcome").text
    anna.wait(days=2)
    assert messages(anna) == ["welcome", "espresso_tip"]


def test_an_order_ends_the_welcome_at_any_step() -> None:
    anna = shopper("welcome")
    anna.happens("Signed Up")
    anna.wait(days=1)
    anna.happens("Order Completed", {"order_id": "o1", "total": 48})
    assert not anna.enrollments[0].open
    assert anna.enrollments[0].value == 48


def test_nobody_reads_hello_nobody() -> None:
    somebody = shopper("welcome")
    somebody.happens("Signed Up")
    somebody.wait(days=4)
    for message in ("welcome", "first_tip", "filter_tip", "espresso_tip", "free_shipping"):
        mail = reads(somebody, message)
        assert not any(slip in mail.text for slip in ("None", "Hello ,", "here, ."))
    assert reads(somebody, "welcome").subject == "Welcome to Kettle & Crema"


# after_purchase


KETTLE = {"sku": "k1", "name": "Gooseneck kettle", "price": 64, "url": "https://kettle-and-crema.example/k1"}
SCALE = {"sku": "s1", "name": "Scale, 0.1 g", "price": 39, "url": "https://kettle-and-crema.example/s1", "why": "Grams matter."}
CUPS = {"sku": "c2", "name": "Two cups", "price": 36, "url": "https://kettle-and-crema.example/c2"}
GRINDER_ORDER = {"order_id": "o1", "total": 89.9, "items": [GRINDER], "goes_with": [KETTLE, SCALE, CUPS]}


def buyer(**traits: Any) -> Simulator:
    anna = shopper("after_purchase", **traits)
    anna.happens("Order Completed", GRINDER_ORDER)
    return anna


def ending(customer: Simulator) -> tuple[str, str] | None:
    ended = customer.enrollments[-1].state.ended
    return (ended.kind, ended.reason) if ended else None


def test_what_goes_with_it_is_suggested_but_nothing_that_they_own() -> None:
    anna = buyer(first_name="Anna", owns=["g1", "s1"])
    anna.wait(days=3)
    anna.happens("Parcel Delivered", {"order_id": "another"})
    anna.wait(days=6)
    assert anna.sent == []
    anna.happens("Parcel Delivered", {"order_id": "o1"})
    anna.wait(days=5)
    assert [(sent.message, sent.channel) for sent in anna.sent] == [("goes_with_it", "email")]
    text = reads(anna, "goes_with_it").text
    assert "Gooseneck kettle (https://kettle-and-crema.example/k1) €64.00" in text
    assert "Two cups" in text
    assert "Scale" not in text
    assert "Hand grinder" not in text
    anna.happens("Link Clicked", {"step": "suggest", "url": KETTLE["url"]}, about="suggest")
    assert [sent.channel for sent in anna.sent] == ["email", "web"]
    assert "Gooseneck kettle" in reads_on_the_web(anna, "still_there")
    assert ending(anna) == ("exit", "done")
    anna.wait(days=3)
    anna.happens("Order Completed", {"order_id": "o2", "total": 23, "items": [BEANS]})
    assert anna.enrollments[0].value is None  # beans were not what was suggested
    kettle = {"sku": "k1", "name": "Gooseneck kettle", "qty": 1, "price": 64}
    anna.happens("Order Completed", {"order_id": "o3", "total": 64, "items": [kettle]})
    assert anna.enrollments[0].value == 64


def test_who_has_it_all_or_of_whom_nobody_knows_is_not_written_to() -> None:
    assert buyer(owns=["k1", "s1", "c2", "g1"]).enrollments == []
    assert buyer().enrollments == []


def test_what_was_bought_in_the_meantime_is_not_suggested() -> None:
    anna = buyer(owns=["g1", "s1", "c2"])
    anna.happens("Parcel Delivered", {"order_id": "o1"})
    anna.wait(days=2)
    anna.becomes_known(owns=["g1", "s1", "c2", "k1"])
    anna.wait(days=4)
    assert (anna.sent, ending(anna)) == ([], ("exit", "nothing_to_suggest"))


def test_who_sends_it_back_needs_nothing_that_goes_with_it() -> None:
    anna = buyer(owns=["g1"])
    anna.happens("Parcel Delivered", {"order_id": "o1"})
    anna.wait(days=1)
    anna.happens("Order Returned", {"order_id": "o1"})
    assert ending(anna) == ("leave", "Order Returned")


# win_back


def regular(orders: int, *, customer: str = "anna", **traits: Any) -> Simulator:
    """Somebody with so many orders, the newest of them just now."""
    anna = Simulator([PROGRAMS["win_back"]], FRIDAY, traits={"orders_180d": orders - 1, **traits}, customer=customer)
    anna.happens("Order Completed", {"order_id": "o1", "total": 23})
    return anna


def one_of_each_share() -> dict[str, str]:
    found = {}
    for number in range(200):
        one = regular(20, customer=f"c{number}")
        one.wait(days=22)
        found.setdefault(one.enrollments[0].state.splits["invited"], f"c{number}")
    return found


SHARES = one_of_each_share()
WRITTEN_TO, LEFT_ALONE = SHARES["written_to"], SHARES["left_alone"]


def test_everybody_is_asked_after_a_silence_that_is_long_for_them() -> None:
    asked = {}
    for orders, days in ((20, 21), (8, 60), (3, 120)):
        anna = regular(orders, customer=WRITTEN_TO)
        anna.wait(days=days - 1)
        before = len(anna.sent)
        anna.wait(days=1, hours=1)
        asked[orders] = (before, messages(anna))
    assert asked == dict.fromkeys((20, 8, 3), (0, ["what_happened"]))
    assert regular(2).enrollments == []  # two orders are no habit


def test_who_orders_in_time_is_never_written_to_and_counts_for_nothing() -> None:
    anna = regular(20, customer=WRITTEN_TO)
    for number in range(6):
        anna.wait(days=14)
        anna.happens("Order Completed", {"order_id": f"o{number + 2}", "total": 23})
    assert anna.sent == []
    assert [one.state.ended.reason if one.state.ended else None for one in anna.enrollments] == ["restarted"] * 6 + [None]
    assert {one.value for one in anna.enrollments} == {None}


def test_the_answer_says_what_to_do() -> None:
    ends = {}
    for value in ("stocked", "elsewhere", "price", None):
        anna = regular(8, customer=WRITTEN_TO)
        anna.wait(days=61)
        if value:
            anna.happens("Link Clicked", {"step": "ask", "value": value}, about="ask")
        anna.wait(days=8)
        ends[value] = (messages(anna)[1:], [sent.channel for sent in anna.sent][1:], ending(anna))
    assert ends == {
        "stocked": ([], [], ("exit", "has_beans_left")),
        "elsewhere": ([], [], ("exit", "moved_on")),
        "price": (["small_bags"], ["email"], ("exit", "done")),
        None: (["fresh_roast"], ["web"], ("exit", "done")),
    }
    assert "about once a month" in reads(anna, "what_happened").text
    assert reads_by_sms(anna, "fresh_roast").startswith("We roast on Mondays")


def test_an_order_after_the_silence_is_counted_for_those_written_to_and_for_those_left_alone() -> None:
    for customer, sent in ((WRITTEN_TO, ["what_happened"]), (LEFT_ALONE, [])):
        anna = regular(20, customer=customer)
        anna.wait(days=24)
        assert messages(anna) == sent
        anna.happens("Order Completed", {"order_id": "o2", "total": 31})
        assert anna.enrollments[0].value == 31
        assert len(anna.enrollments) == 2  # and the waiting begins again
