"""What a journey means, told on the virtual clock: milliseconds a story, nothing real but the interpreter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from idic.journey.engine.protocol import Allow, Defer, MayWe, Skip, Verdict
from idic.journey.engine.state import State, Touched
from idic.journey.program.entry import Again, Entry
from idic.journey.program.program import Program
from idic.journey.program.steps import Choose, Exit, Share, Split, Wait
from idic.journey.program.values import Pattern
from idic.rehearse.simulator import SimulatedEnrollment, Simulator
from idic.times import Duration
from tests.journey.programs import arm, goal, hours, out, program, send, to, wait, wait_for

START = datetime(2026, 3, 27, 10, 0, tzinfo=UTC)


def entered(*programs: Program, **more: object) -> Simulator:
    customer = Simulator(programs, START, **more)  # type: ignore[arg-type]
    customer.happens("Signed Up")
    return customer


def only(customer: Simulator) -> SimulatedEnrollment:
    (one,) = customer.enrollments
    return one


def ending(customer: Simulator) -> str | None:
    ended = only(customer).state.ended
    return ended.reason if ended else None


def kinds(customer: Simulator) -> list[str]:
    return [entry.kind for entry in only(customer).trace]


def test_a_wait_ends_at_its_deadline_and_not_before() -> None:
    customer = entered(program(wait("rest", 4)))
    customer.until(START + timedelta(hours=4) - timedelta(microseconds=1))
    assert only(customer).open
    customer.until(START + timedelta(hours=4))
    assert ending(customer) == "done"
    ended = only(customer).state.ended
    assert ended is not None
    assert ended.at == START + timedelta(hours=4)


def test_lateness_does_not_add_up() -> None:
    customer = entered(program(wait("one", 1, to("two")), wait("two", 1, to("three")), wait("three", 1)))
    one = only(customer)
    customer.now = START + timedelta(days=2)  # every worker was away for two days
    customer._advance(one)
    assert one.state.ended is not None
    assert one.state.ended.at == START + timedelta(hours=3)


def test_the_first_event_to_happen_wins() -> None:
    waiting = wait_for("ask", 24, arm("Yes", out("yes")), arm("No", out("no")), otherwise=out("silence"))
    customer = entered(program(waiting))
    customer.wait(hours=1)
    customer.happens("No")
    customer.happens("Yes")
    assert ending(customer) == "no"


def test_one_event_on_two_lines_takes_the_first_line() -> None:
    customer = entered(program(wait_for("ask", 24, arm("Yes", out("first")), arm("Yes", out("second")))))
    customer.happens("Yes")
    assert ending(customer) == "first"


def test_an_event_at_the_deadline_counts_and_one_after_it_is_late() -> None:
    waiting = wait_for("ask", 2, arm("Yes", out("yes")), otherwise=to("rest"))
    at_the_deadline = entered(program(waiting, wait("rest", 1)))
    at_the_deadline.now = START + timedelta(hours=2)
    at_the_deadline.happens("Yes")
    assert ending(at_the_deadline) == "yes"

    after = entered(program(waiting, wait("rest", 1)))
    after.until(START + timedelta(hours=2))
    after.now += timedelta(microseconds=1)
    after.happens("Yes")
    assert only(after).state.step == "rest"
    assert kinds(after)[-1] == "late"


def test_an_event_that_came_before_anybody_advanced_past_the_deadline_is_still_late() -> None:
    customer = entered(program(wait_for("ask", 2, arm("Yes", out("yes")), otherwise=out("silence"))))
    customer.now = START + timedelta(hours=3)  # the timer has not fired: the worker was away
    customer.happens("Yes")
    customer._advance(only(customer))
    assert ending(customer) == "silence"
    assert "late" in kinds(customer)


def test_an_event_that_came_while_the_worker_was_away_belongs_to_the_wait_that_ran_then() -> None:
    customer = entered(
        program(wait("rest", 1, to("ask")), wait_for("ask", 5, arm("Yes", out("yes")), otherwise=out("silence")))
    )
    customer.now = START + timedelta(hours=2)
    customer.happens("Yes")  # nobody has opened the wait yet, but it began an hour ago
    customer.now = START + timedelta(hours=9)
    customer._advance(only(customer))
    assert ending(customer) == "yes"


def test_an_event_from_before_the_wait_does_not_count_unless_asked_for() -> None:
    def trip(since: str) -> Program:
        return program(wait("rest", 1, to("ask")), wait_for("ask", 5, arm("Yes", out("yes"), since=since)))

    for since, end in (("wait", None), ("entry", "yes"), ("rest", "yes")):
        customer = entered(trip(since))
        customer.wait(minutes=30)
        customer.happens("Yes")
        customer.wait(hours=1)
        assert ending(customer) == end


def test_the_entry_event_is_not_taken_by_the_first_wait() -> None:
    customer = entered(program(wait_for("again", 1, arm("Signed Up", out("twice")), otherwise=out("once"))))
    customer.wait(hours=1)
    assert ending(customer) == "once"


def test_silence_starts_over_at_each_event_and_remembers_the_newest() -> None:
    customer = entered(program(wait("cool_off", 4, without=Pattern(on="Cart Updated"), capture="cart")))
    customer.wait(hours=3)
    customer.happens("Cart Updated", {"total": 95})
    customer.wait(hours=3, minutes=59)
    assert only(customer).open
    customer.wait(minutes=1)
    assert ending(customer) == "done"
    assert only(customer).state.captured["cart"].properties == {"total": 95}
    assert kinds(customer) == ["entered", "waiting", "starts over", "silence", "ended"]


def test_goal_before_leave_before_the_wait() -> None:
    waiting = wait_for("ask", 24, arm("Order Completed", out("took it")))
    both = program(waiting, goal=goal(), leave=(Pattern(on="Order Completed"),))
    customer = entered(both)
    customer.happens("Order Completed")
    ended = only(customer).state.ended
    assert ended is not None
    assert (ended.kind, ended.reason) == ("goal", "Order Completed")

    leaving = entered(program(waiting, leave=(Pattern(on="Order Completed"),)))
    leaving.happens("Order Completed")
    ended = only(leaving).state.ended
    assert ended is not None
    assert ended.kind == "leave"


def test_a_goal_that_says_continue_is_noted_once_and_the_journey_goes_on() -> None:
    customer = entered(program(wait("rest", 2), goal=goal(then="continue")))
    customer.happens("Order Completed")
    customer.happens("Order Completed")
    assert kinds(customer).count("goal") == 1
    customer.wait(hours=2)
    assert ending(customer) == "done"


def test_a_click_counts_from_when_its_message_was_sent_and_only_for_it() -> None:
    trip = program(
        send("nudge", to("other")),
        send("other", to("rest")),
        wait("rest", 1, to("clicked")),
        wait_for("clicked", 24, arm("Link Clicked", out("clicked"), of="nudge"), otherwise=out("not clicked")),
    )
    early = entered(trip)
    early.wait(minutes=10)
    early.happens("Link Clicked", about="nudge")  # before the wait begins, after the message was sent
    early.wait(minutes=50)
    assert ending(early) == "clicked"

    other = entered(trip)
    other.happens("Link Clicked", about="other")
    other.wait(days=2)
    assert ending(other) == "not clicked"


def test_nobody_waits_for_a_click_on_what_was_not_sent() -> None:
    def refuse(ask: MayWe, now: datetime) -> Verdict:
        return Skip("consent", "never consented")

    trip = program(
        send("nudge", to("clicked")),
        wait_for("clicked", 48, arm("Link Clicked", of="nudge"), otherwise=out("at once")),
    )
    customer = entered(trip, policy=refuse)
    assert ending(customer) == "at once"
    assert kinds(customer) == ["entered", "not sent", "skipped", "ended"]


def test_an_uncertain_message_counts_as_sent() -> None:
    customer = entered(
        program(
            send("nudge", to("clicked"), otherwise=out("not sent")),
            wait_for("clicked", 48, arm("Link Clicked", out("clicked"), of="nudge")),
        ),
        deliver=lambda sent: Touched(status="uncertain", at=sent.at, reason="timeout"),
    )
    customer.happens("Link Clicked", about="nudge")
    assert ending(customer) == "clicked"


def test_a_deferred_message_is_asked_for_again_at_its_time() -> None:
    morning = START + timedelta(hours=14)

    def quiet(ask: MayWe, now: datetime) -> Verdict:
        return Allow() if now >= morning else Defer(morning, "quiet hours", "20:00 to 00:00")

    customer = entered(program(send("nudge", within=24)), policy=quiet)
    assert customer.sent == []
    customer.wait(days=1)
    assert [sent.at for sent in customer.sent] == [morning]
    assert kinds(customer) == ["entered", "deferred", "claimed", "sent", "ended"]


def test_a_deferral_beyond_the_limit_is_too_late_at_once() -> None:
    def never(ask: MayWe, now: datetime) -> Verdict:
        return Defer(now + timedelta(hours=13), "quiet hours", "20:00 to 09:00")

    customer = entered(program(send("nudge", otherwise=out("too late"), within=12)), policy=never)
    assert ending(customer) == "too late"
    assert customer.sent == []


def test_two_channels_each_get_theirs_and_one_is_enough() -> None:
    def no_sms(ask: MayWe, now: datetime) -> Verdict:
        return Skip("consent", "never") if ask.channel == "sms" else Allow()

    trip = program(send("nudge", out("sent"), out("not sent"), channels=("email", "sms")))
    both = entered(trip)
    assert [sent.channel for sent in both.sent] == ["email", "sms"]
    one = entered(trip, policy=no_sms)
    assert [sent.channel for sent in one.sent] == ["email"]
    assert ending(one) == "sent"


def test_a_split_is_the_same_for_ever_and_fair_over_many() -> None:
    shares = (Share(name="plain", percent=20, then=out("plain")), Share(name="offer", percent=80, then=out("offer")))
    trip = program(Split(id="test", shares=shares))
    drawn = {}
    for number in range(1000):
        customer = entered(trip, customer=f"c{number}")
        assert ending(entered(trip, customer=f"c{number}")) == ending(customer)
        drawn[number] = ending(customer)
    plain = sum(1 for share in drawn.values() if share == "plain")
    assert 150 < plain < 250


def test_again_and_while_in() -> None:
    def trip(**entry: object) -> Program:
        return program(
            wait("rest", 24),
            entry=Entry(on=(Pattern(on="Cart Updated"),), key="cart_id", **entry),  # type: ignore[arg-type]
        )

    customer = Simulator([trip(again=Again(kind="after", after=Duration(days=14)))], START)
    customer.happens("Cart Updated", {"cart_id": "c1"})
    customer.happens("Cart Updated", {"cart_id": "c1"})
    customer.happens("Cart Updated", {"cart_id": "c2"})
    assert [e.state.key for e in customer.enrollments] == ["c1", "c2"]
    customer.wait(days=13)
    customer.happens("Cart Updated", {"cart_id": "c1"})
    assert len(customer.enrollments) == 2
    customer.wait(days=1)
    customer.happens("Cart Updated", {"cart_id": "c1"})
    assert len(customer.enrollments) == 3
    customer.happens("Cart Updated", {"total": 3})
    assert [refused.code for _, refused in customer.refused] == ["already in", "again", "no key"]

    moved = Simulator([trip(while_in="restart")], START)
    moved.happens("Cart Updated", {"cart_id": "c1"})
    moved.wait(hours=23)
    moved.happens("Cart Updated", {"cart_id": "c1"})
    moved.wait(hours=23)
    assert [e.state.ended.reason if e.state.ended else None for e in moved.enrollments] == ["restarted", None]


def test_an_event_of_another_key_is_not_ours() -> None:
    trip = program(
        wait("rest", 24),
        entry=Entry(on=(Pattern(on="Cart Updated"),), key="cart_id"),
        leave=(Pattern(on="Cart Emptied", key="cart_id"),),
    )
    customer = Simulator([trip], START)
    customer.happens("Cart Updated", {"cart_id": 7})
    customer.happens("Cart Emptied", {"cart_id": "8"})
    assert only(customer).open
    customer.happens("Cart Emptied", {"cart_id": 7.0})
    assert ending(customer) == "Cart Emptied"


def test_thirty_days_in_milliseconds() -> None:
    steps = [wait(f"day_{n}", 24, to(f"day_{n + 1}")) for n in range(29)]
    customer = entered(program(*steps, wait("day_29", 24)))
    customer.wait(days=30)
    assert ending(customer) == "done"


def test_a_calendar_day_is_a_day_where_the_customer_lives() -> None:
    # The clocks of Berlin change on 29 March 2026: that day has 23 hours.
    in_berlin = entered(program(Wait(id="rest", duration=Duration(days=3))), zone="Europe/Berlin")
    in_berlin.until(START + timedelta(hours=71))
    assert ending(in_berlin) == "done"
    in_hours = entered(program(wait("rest", 72)), zone="Europe/Berlin")
    in_hours.until(START + timedelta(hours=71))
    assert only(in_hours).open


def test_a_state_survives_its_row() -> None:
    customer = entered(
        program(
            wait("cool_off", 4, to("nudge"), without=Pattern(on="Cart Updated"), capture="cart"),
            send("nudge", to("ask")),
            wait_for("ask", 2, arm("Yes"), otherwise=to("rest")),
            wait("rest", 1),
        )
    )
    customer.happens("Cart Updated", {"items": [{"sku": "a", "qty": 2}], "total": 9.5})
    for _ in range(20):
        state = only(customer).state
        assert State.model_validate(state.model_dump(mode="json", exclude_defaults=True)) == state
        customer.wait(hours=1)
    assert not only(customer).open


def test_choices_and_exits() -> None:
    customer = entered(program(Choose(id="pick", branches=(), otherwise=to("leave")), Exit(id="leave", reason="bored")))
    assert ending(customer) == "bored"


def test_hours_are_elapsed_time() -> None:
    assert hours(2).after(START, "Europe/Berlin") == START + timedelta(hours=2)
