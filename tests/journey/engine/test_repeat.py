"""Rounds of a repeat: each has its own day, and its own messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idic.journey.program.program import Program
from idic.journey.program.steps import Repeat, Wait
from idic.rehearse.simulator import Simulator
from idic.times import Duration, TimeOfDay
from tests.journey.programs import arm, out, program, send, to, wait_for

SEVEN = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
NINE = Wait(id="nine", until=TimeOfDay(hour=9), then=to("nudge"))


def thrice(first: str) -> Repeat:
    return Repeat(id="again", times=3, first=to(first), then=out("over"))


def entered(trip: Program, at: datetime) -> Simulator:
    customer = Simulator([trip], at)
    customer.happens("Signed Up")
    return customer


def sent(customer: Simulator) -> list[str]:
    customer.wait(days=7)
    return [f"{one.at:%d %H:%M}" for one in customer.sent]


def test_each_round_that_waits_until_nine_is_of_its_own_day() -> None:
    daily = program(thrice("nine"), NINE, send("nudge", to("again")))
    assert sent(entered(daily, SEVEN)) == ["02 09:00", "03 09:00", "04 09:00"]
    assert sent(entered(daily, SEVEN + timedelta(hours=2))) == ["02 09:00", "03 09:00", "04 09:00"]
    assert sent(entered(daily, SEVEN + timedelta(hours=3))) == ["03 09:00", "04 09:00", "05 09:00"]


def test_so_is_each_that_ends_with_the_wait() -> None:
    daily = program(thrice("nudge"), send("nudge", to("nine")), NINE.model_copy(update={"then": to("again")}))
    assert sent(entered(daily, SEVEN)) == ["02 07:00", "02 09:00", "03 09:00"]


def test_who_comes_to_it_a_day_later_at_nine_goes_on_at_once() -> None:
    pause = Wait(id="pause", duration=Duration(days=1), then=to("again"))
    daily = program(thrice("nine"), NINE, send("nudge", to("pause")), pause)
    assert sent(entered(daily, SEVEN)) == ["02 09:00", "03 09:00", "04 09:00"]


@pytest.mark.parametrize(
    ("name", "of_round", "ends"),
    [
        ("Message Bounced", None, None),
        ("Message Delivered", None, None),
        ("Email Opened", None, None),
        ("Message Bounced", 2, "heard"),
        ("Link Clicked", None, "heard"),
        ("Link Clicked", 2, "heard"),
    ],
)
def test_what_becomes_of_an_earlier_rounds_message_is_not_of_this_one(
    name: str, of_round: int | None, ends: str | None
) -> None:
    waiting = wait_for("reaction", 24, arm(name, out("heard"), of="nudge"), otherwise=to("again"))
    customer = entered(program(thrice("nudge"), send("nudge", to("reaction")), waiting), SEVEN)
    customer.wait(hours=25)
    assert len(customer.sent) == 2
    customer.happens(name, {"channel": "email", **({"round": of_round} if of_round else {})}, about="nudge")
    (one,) = customer.enrollments
    assert (one.state.ended.reason if one.state.ended else None) == ends
