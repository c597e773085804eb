"""Sends that choose among channels, and waits for what becomes of a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idic.journey.engine.interpreter import advance, begin
from idic.journey.engine.move import settle
from idic.journey.engine.protocol import Allow, Ask, Best, Defer, MayWe, Ranked, Skip, Verdict, drive
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Event, Touched
from idic.journey.program.steps import AnyStep
from idic.rehearse.simulator import SentMessage, Simulator
from tests.journey.programs import arm, condition, out, program, send, to, wait, wait_for

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Answer = Callable[[datetime], Verdict]


def unreachable(now: datetime) -> Verdict:
    return Skip("unreachable", "the customer has no phone number")


def until(hour: float, rule: str = "quiet hours") -> Answer:
    """Not before so many hours after the start."""

    def answer(now: datetime) -> Verdict:
        allowed = START + timedelta(hours=hour)
        return Allow() if now >= allowed else Defer(allowed, rule, "they sleep")

    return answer


class Customer(Simulator):
    """``says`` is what the policy answers on a channel, ``became`` what became of a message there; both are as one wishes
    where they say nothing. ``asked`` are the channels that were asked about, in order."""

    def __init__(
        self,
        *steps: AnyStep,
        says: Mapping[str, Answer] | None = None,
        became: Mapping[str, Touched] | None = None,
        order: tuple[str, ...] = (),
    ) -> None:
        self.asked: list[str] = []
        self.ranked: list[tuple[str, ...]] = []

        def policy(ask: MayWe, now: datetime) -> Verdict:
            self.asked.append(ask.channel)
            return (says or {}).get(ask.channel, lambda now: Allow())(now)

        def deliver(sent: SentMessage) -> Touched:
            return (became or {}).get(sent.channel, Touched(status="sent", at=sent.at)).model_copy(update={"at": sent.at})

        def best(ask: Best, now: datetime) -> Ranked:
            self.ranked.append(ask.channels)
            return Ranked(tuple(c for c in order if c in ask.channels), "last answered there")

        super().__init__([program(*steps)], START, policy=policy, deliver=deliver, best=best)
        self.happens("Signed Up")

    @property
    def channels(self) -> list[str]:
        return [sent.channel for sent in self.sent]

    @property
    def ended(self) -> str | None:
        ended = self.enrollments[-1].state.ended
        return ended.reason if ended else None

    def touches(self, step: str = "a") -> dict[str, str]:
        return {channel: touch.status for channel, touch in self.enrollments[-1].state.touches.get(step, {}).items()}

    def notes(self, kind: str) -> list[Mapping[str, Any]]:
        return [trace.why for trace in self.enrollments[-1].trace if trace.kind == kind]


def first_of(*channels: str, **more: Any) -> AnyStep:
    return send("a", out("sent"), out("not_sent"), channels=channels, mode="first_of", **more)


def best_of(*channels: str, **more: Any) -> AnyStep:
    return send("a", out("sent"), out("not_sent"), channels=channels, mode="best_of", **more)


FAILED = Touched(status="failed", at=START, reason="no_such_number")
UNCERTAIN = Touched(status="uncertain", at=START, reason="timeout")


# first_of


def test_the_first_reachable_channel_takes_it_and_the_others_are_not_asked() -> None:
    anna = Customer(first_of("sms", "web", "email"), says={"sms": unreachable})
    assert (anna.channels, anna.asked, anna.ended) == (["web"], ["sms", "web"], "sent")
    assert anna.touches() == {"sms": "refused", "web": "sent"}


def test_a_deferred_channel_does_not_hold_up_the_next() -> None:
    anna = Customer(first_of("sms", "email"), says={"sms": until(10)})
    assert (anna.channels, anna.ended) == (["email"], "sent")
    anna.wait(days=2)
    assert anna.channels == ["email"]


def test_where_only_the_deferred_channel_can_it_has_its_time() -> None:
    anna = Customer(first_of("sms", "email"), says={"sms": until(10), "email": unreachable})
    assert anna.channels == []
    assert anna.touches() == {"sms": "deferred", "email": "refused"}
    anna.wait(hours=10)
    assert (anna.channels, anna.ended) == (["sms"], "sent")
    assert anna.asked == ["sms", "email", "sms"]  # who was refused is not asked again


def test_of_two_deferred_channels_the_sooner_takes_it() -> None:
    anna = Customer(first_of("sms", "email"), says={"sms": until(10), "email": until(4)})
    anna.wait(hours=3.9)
    assert anna.channels == []
    anna.wait(hours=0.1)
    assert (anna.channels, anna.ended) == (["email"], "sent")
    anna.wait(days=1)
    assert anna.channels == ["email"]


def test_a_definite_failure_goes_on_to_the_next_channel() -> None:
    anna = Customer(first_of("sms", "email"), became={"sms": FAILED})
    assert (anna.channels, anna.ended) == (["email"], "sent")
    assert anna.touches() == {"sms": "failed", "email": "sent"}


def test_after_a_failure_a_channel_that_was_deferred_is_asked_again() -> None:
    anna = Customer(first_of("web", "sms", "email"), says={"web": until(5), "email": unreachable}, became={"sms": FAILED})
    assert anna.channels == []
    anna.wait(hours=5)
    assert (anna.channels, anna.ended) == (["web"], "sent")


def test_what_may_have_been_sent_is_not_sent_again_elsewhere() -> None:
    anna = Customer(first_of("sms", "email"), became={"sms": UNCERTAIN})
    assert (anna.channels, anna.asked, anna.ended) == (["sms"], ["sms"], "sent")
    anna.wait(days=2)
    assert anna.channels == ["sms"]


def test_where_no_channel_can_the_send_goes_otherwise() -> None:
    anna = Customer(first_of("sms", "web"), says={"sms": unreachable}, became={"web": FAILED})
    assert (anna.channels, anna.ended) == ([], "not_sent")


def test_a_deferral_beyond_its_time_goes_on_to_the_next_channel() -> None:
    anna = Customer(first_of("sms", "email", within=6), says={"sms": until(10)})
    assert (anna.channels, anna.ended) == (["email"], "sent")
    assert anna.touches()["sms"] == "refused"


@pytest.mark.parametrize("email", ["may", "may not"])
def test_a_channel_deferred_when_it_was_about_to_leave_does_not_hold_up_the_next(email: str) -> None:
    steps = program(first_of("sms", "email"))
    facts, later = Facts({}, "UTC"), START + timedelta(seconds=5)
    answers = {"sms": Allow(), "email": Allow() if email == "may" else unreachable(START)}
    entered = Event(number=1, name="Signed Up", accepted_at=START)

    def asked(question: Ask) -> Any:
        assert isinstance(question, MayWe)
        return answers[question.channel]

    state, _, [claim], _ = drive(begin(steps, "e", "c", entered, None, facts), asked)
    assert claim.channel == "sms"
    # What the delivery does with a message for which quiet hours have just begun.
    state = settle(state, "a", "sms", Touched(status="deferred", at=later, reason="quiet hours"))
    state = state.model_copy(update={"deadline": START + timedelta(hours=10)})
    state, _, claims, _ = drive(advance(steps, state, facts, later), asked)
    if email == "may":
        assert ([one.channel for one in claims], state.deadline) == (["email"], None)
        return
    assert (claims, state.deadline) == ((), START + timedelta(hours=10))
    assert state.touches["a"]["email"] == Touched(status="refused", at=later, reason="unreachable")
    state, _, [claim], _ = drive(advance(steps, state, facts, START + timedelta(hours=10)), asked)
    assert claim.channel == "sms"


# best_of


def test_the_best_channel_is_asked_first_and_the_trace_says_why() -> None:
    anna = Customer(best_of("email", "sms", "web"), order=("web", "email", "sms"))
    assert (anna.channels, anna.asked, anna.ended) == (["web"], ["web"], "sent")
    assert anna.ranked == [("email", "sms", "web")]
    assert anna.notes("best") == [{"channels": "email, sms, web", "best": "web", "because": "last answered there"}]


def test_where_the_best_cannot_the_next_best_takes_it() -> None:
    anna = Customer(best_of("email", "sms", "web"), order=("web", "sms", "email"), says={"web": unreachable})
    assert (anna.channels, anna.asked) == (["sms"], ["web", "sms"])


def test_after_a_failure_what_is_left_is_ranked_anew() -> None:
    anna = Customer(best_of("email", "sms", "web"), order=("sms", "web", "email"), became={"sms": FAILED})
    assert (anna.channels, anna.ended) == (["web"], "sent")
    assert anna.ranked == [("email", "sms", "web"), ("email", "web")]


def test_a_single_channel_is_not_ranked() -> None:
    anna = Customer(best_of("email"), order=("email",))
    assert (anna.channels, anna.ranked, anna.notes("best")) == (["email"], [], [])


def test_an_uncertain_best_is_enough() -> None:
    anna = Customer(best_of("email", "sms"), order=("sms", "email"), became={"sms": UNCERTAIN})
    assert (anna.channels, anna.ended) == (["sms"], "sent")


@pytest.mark.parametrize("mode", ["first_of", "best_of"])
def test_the_condition_is_asked_at_the_moment_of_sending_on_any_channel(mode: str) -> None:
    unwilling = condition("false")
    step = send("a", out("sent"), out("not_sent"), channels=("sms", "email"), mode=mode, when=unwilling)
    anna = Customer(step, order=("sms", "email"))
    assert (anna.channels, anna.asked, anna.ended) == ([], [], "not_sent")


# What becomes of a message


def listening(on: str, mode: str = "best_of") -> tuple[AnyStep, ...]:
    return (
        send("a", to("listen"), channels=("email", "web", "sms"), mode=mode),
        wait_for("listen", 24, arm(on, out("noticed"), of="a"), otherwise=out("unnoticed")),
    )


@pytest.mark.parametrize(
    ("event", "channel"),
    [("Email Opened", "email"), ("Message Shown", "web"), ("Message Delivered", "sms"), ("Link Clicked", "web")],
)
def test_a_wait_hears_what_became_of_its_message(event: str, channel: str) -> None:
    order = (channel, *(other for other in ("email", "web", "sms") if other != channel))
    anna = Customer(*listening(event), order=order)
    assert anna.channels == [channel]
    anna.wait(hours=1)
    anna.happens(event, {"step": "a", "channel": channel})  # of some other message of hers
    assert anna.ended is None
    anna.happens(event, {"step": "a", "channel": channel}, about="a")
    assert anna.ended == "noticed"


def test_silence_about_a_message_is_silence() -> None:
    anna = Customer(*listening("Email Opened"), order=("email", "web", "sms"))
    anna.happens("Message Delivered", {"step": "a"}, about="a")
    anna.wait(hours=24)
    assert anna.ended == "unnoticed"


def test_evidence_before_the_wait_begins_counts_from_the_sending() -> None:
    steps = (
        send("a", to("pause"), channels=("web", "email"), mode="first_of"),
        wait("pause", 2, to("listen")),
        wait_for("listen", 24, arm("Message Shown", out("noticed"), of="a"), otherwise=out("unnoticed")),
    )
    anna = Customer(*steps)
    anna.wait(hours=1)
    anna.happens("Message Shown", {"step": "a", "slot": "home_hero"}, about="a")
    assert anna.ended is None
    anna.wait(hours=1)
    assert anna.ended == "noticed"


def test_a_message_that_no_channel_took_is_not_waited_for() -> None:
    anna = Customer(*listening("Message Shown", "first_of"), says=dict.fromkeys(("email", "web", "sms"), unreachable))
    assert anna.ended == "unnoticed"
    assert anna.notes("skipped") == [{"because": "a was not sent"}]


def test_each_of_several_channels_is_sent_and_any_of_them_is_heard() -> None:
    anna = Customer(*listening("Email Opened", "each"), says={"sms": until(3)}, became={"web": FAILED})
    assert anna.channels == ["email"]
    assert anna.touches() == {"email": "sent", "web": "failed", "sms": "deferred"}
    anna.wait(hours=1)
    anna.happens("Email Opened", {"step": "a"}, about="a")
    assert anna.ended is None  # the SMS is still to come
    anna.wait(hours=2)
    assert anna.channels == ["email", "sms"]
    assert anna.ended == "noticed"
