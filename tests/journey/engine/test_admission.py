"""When people enter a journey: at which times, on which days, and within which limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from idic.journey.engine.admission import (
    DUE,
    REQUESTED,
    Admitted,
    Applies,
    StayOut,
    admit,
    applies,
    due_event,
    last_due,
    next_due,
)
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Event
from idic.journey.program.entry import Again, Day, Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Moment, Pattern, Type
from idic.times import Duration, Every, TimeOfDay
from tests.journey.programs import condition, program, wait


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def entered(zone: str = "UTC", **entry: Any) -> Program:
    return program(wait("rest", 1), entry=Entry(**entry), zone=zone)


def on_day(
    name: str, *, yearly: bool = False, days: int = 0, hour: int = 9, kind: Literal["date", "moment"] = "date", **more: Any
) -> Program:
    attribute = Attribute(type=Type(kind=kind))
    moment = Moment(name=f"customer.{name}", attribute=attribute, offset=Duration(days=days), at=TimeOfDay(hour=hour))
    return entered(day=Day(moment=moment, yearly=yearly), **more)


def nexts(journey: Program, after: str, count: int = 1, facts: Facts | None = None) -> list[str]:
    found, instant = [], at(after)
    for _ in range(count):
        due = next_due(journey.entry, journey, facts, instant)
        if due is None:
            break
        found.append(f"{due:%Y-%m-%d %H:%M}")
        instant = due
    return found


def living_in(zone: str, **traits: Any) -> Facts:
    return Facts(traits, zone)


def happened(name: str, instant: str, **properties: Any) -> Event:
    return Event(number=1, name=name, properties=properties, accepted_at=at(instant))


def code(found: Applies | Admitted | StayOut | None) -> str | None:
    return found.code if isinstance(found, StayOut) else type(found).__name__


def test_every_day_at_six_is_six_also_when_the_clocks_change() -> None:
    daily = entered("Europe/Berlin", every=Every.parse("day at 06:00"))
    assert nexts(daily, "2026-03-27 12:00", 3) == ["2026-03-28 05:00", "2026-03-29 04:00", "2026-03-30 04:00"]
    skipped = entered("Europe/Berlin", every=Every.parse("day at 02:30"))
    assert nexts(skipped, "2026-03-28 12:00", 2) == ["2026-03-29 01:30", "2026-03-30 00:30"]
    twice = entered("Europe/Berlin", every=Every.parse("day at 02:30"))
    assert nexts(twice, "2026-10-24 12:00", 2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_once_is_once_and_limits_bound_it() -> None:
    once = entered(once=at("2026-12-01 09:00"))
    assert nexts(once, "2026-11-01 00:00", 2) == ["2026-12-01 09:00"]
    assert nexts(once, "2026-12-01 09:00") == []
    assert nexts(entered(once=at("2026-12-01 09:00"), ends=at("2026-12-01 09:00")), "2026-11-01 00:00") == []


def test_a_schedule_begins_with_its_start_and_stops_before_its_end() -> None:
    launch = entered(every=Every.parse("day at 06:00"), starts=at("2026-03-10 06:00"), ends=at("2026-03-12 06:00"))
    assert nexts(launch, "2026-03-01 00:00", 9) == ["2026-03-10 06:00", "2026-03-11 06:00"]


def test_of_what_was_missed_the_newest_is_found() -> None:
    daily = entered(every=Every.parse("day at 06:00"))
    assert last_due(daily, at("2026-03-01 06:00"), at("2026-03-04 05:59")) == (at("2026-03-03 06:00"), 2)
    assert last_due(daily, at("2026-03-01 06:00"), at("2026-03-02 05:59")) == (None, 0)


def test_five_days_before_a_date_at_nine_where_the_customer_lives() -> None:
    journey = on_day("renews_on", days=5)
    new_york = living_in("America/New_York", renews_on="2026-12-24")
    assert nexts(journey, "2026-01-01 00:00", 3, new_york) == ["2026-12-19 14:00"]
    assert nexts(journey, "2026-12-19 14:00", 1, new_york) == []
    assert nexts(journey, "2026-01-01 00:00", 1, living_in("UTC")) == []
    assert nexts(journey, "2026-01-01 00:00", 1, living_in("UTC", renews_on="soon")) == []


def test_a_moment_begins_the_day_that_it_is_where_the_customer_lives() -> None:
    journey = on_day("lands_at", kind="moment", yearly=True)
    tokyo = living_in("Asia/Tokyo", lands_at="2026-05-03T20:00:00Z")  # the 4th, there
    assert nexts(journey, "2026-01-01 00:00", 2, tokyo) == ["2026-05-04 00:00", "2027-05-04 00:00"]


def test_who_was_born_on_the_29th_of_february_has_a_birthday_on_the_28th() -> None:
    journey = on_day("birthday", yearly=True)
    leap = living_in("UTC", birthday="2000-02-29")
    assert nexts(journey, "2026-01-01 00:00", 3, leap) == ["2026-02-28 09:00", "2027-02-28 09:00", "2028-02-29 09:00"]
    before = on_day("birthday", yearly=True, days=5)
    assert nexts(before, "2026-01-01 00:00", 3, leap) == ["2026-02-23 09:00", "2027-02-23 09:00", "2028-02-24 09:00"]


def test_a_year_has_one_of_each_day_also_around_new_year() -> None:
    journey = on_day("birthday", yearly=True, days=5)
    assert nexts(journey, "2026-12-20 00:00", 2, living_in("UTC", birthday="1990-01-03")) == [
        "2026-12-29 09:00",
        "2027-12-29 09:00",
    ]


def test_what_comes_every_year_does_not_come_before_it_was() -> None:
    journey = on_day("member_since", yearly=True)
    assert nexts(journey, "2026-01-01 00:00", 1, living_in("UTC", member_since="2028-06-01")) == ["2028-06-01 09:00"]


def test_the_event_says_why_it_is_due() -> None:
    facts = living_in("UTC", renews_on="2026-12-24", birthday="1990-05-04")
    before = on_day("renews_on", days=5)
    assert due_event(before, facts, at("2026-12-19 09:00")) == {
        "journey": "trip",
        "at": "2026-12-19T09:00:00+00:00",
        "because": "5 days before renews_on 2026-12-24",
        "on": "2026-12-24",
    }
    yearly = due_event(on_day("birthday", yearly=True), facts, at("2026-05-04 09:00"))
    assert yearly["because"] == "birthday 2026-05-04, as every year"
    assert (
        due_event(entered(every=Every.parse("day at 06:00")), facts, at("2026-05-04 06:00"))["because"] == "every day at 06:00"
    )
    berlin = due_event(entered("Europe/Berlin", once=at("2026-12-01 08:00")), facts, at("2026-12-01 08:00"))
    assert berlin["because"] == "once, on 2026-12-01 09:00"


def test_a_day_that_has_moved_by_the_time_it_is_asked_for_is_no_reason_to_enter() -> None:
    journey = on_day("renews_on", days=5)
    due = happened(DUE, "2026-12-19 09:03", at="2026-12-19T09:00:00+00:00")
    assert code(applies(journey, due, living_in("UTC", renews_on="2026-12-24"))) == "Applies"
    assert code(applies(journey, due, living_in("UTC", renews_on="2027-12-24"))) == "moved"
    assert code(applies(journey, due, living_in("UTC"))) == "moved"


def test_the_condition_of_a_schedule_is_asked_of_the_customer() -> None:
    gold = condition("customer.tier == 'gold'", customer__tier=Attribute(type=Type(kind="text")))
    journey = entered(every=Every.parse("day at 06:00"), when=gold)
    due = happened(DUE, "2026-03-02 06:00", at="2026-03-02T06:00:00+00:00")
    assert code(applies(journey, due, living_in("UTC", tier="gold"))) == "Applies"
    assert code(applies(journey, due, living_in("UTC"))) == "condition"
    assert code(applies(journey, happened(REQUESTED, "2026-03-02 12:00"), living_in("UTC", tier="gold"))) == "Applies"
    assert applies(journey, happened("Signed Up", "2026-03-02 12:00"), living_in("UTC", tier="gold")) is None
    assert applies(program(wait("rest", 1)), due, living_in("UTC")) is None


def test_limits_are_asked_for_the_instant_at_which_it_was_due() -> None:
    journey = entered(every=Every.parse("day at 06:00"), starts=at("2026-03-02 06:00"), ends=at("2026-03-03 06:00"))
    late = happened(DUE, "2026-03-03 07:00", at="2026-03-02T06:00:00+00:00")
    assert code(applies(journey, late, living_in("UTC"))) == "Applies"
    by_event = entered(on=(Pattern(on="Signed Up"),), starts=at("2026-03-02 06:00"), ends=at("2026-03-03 06:00"))
    told = [code(applies(by_event, happened("Signed Up", when), living_in("UTC"))) for when in (
        "2026-03-02 05:59", "2026-03-02 06:00", "2026-03-03 05:59", "2026-03-03 06:00",
    )]  # fmt: skip
    assert told == ["not yet", "Applies", "Applies", "over"]


def test_only_test_customers() -> None:
    journey = entered(on=(Pattern(on="Signed Up"),), testers=True)
    event = happened("Signed Up", "2026-03-02 05:59")
    said = [code(applies(journey, event, living_in("UTC", **traits))) for traits in (
        {}, {"test": False}, {"test": "no"}, {"test": True}, {"test": "true"}, {"test": "yes"},
    )]  # fmt: skip
    assert said == ["test only"] * 3 + ["Applies"] * 3


def test_whom_an_event_about_a_thing_concerns() -> None:
    skus = Attribute(type=Type(kind="list", of=Type(kind="text")))
    wanted = condition("event.sku in customer.wishlist", event__sku=Attribute(type=Type(kind="text")), customer__wishlist=skus)
    journey = entered(on=(Pattern(on="Price Dropped"),), for_each=wanted)
    event = happened("Price Dropped", "2026-03-02 12:00", sku="boots")
    assert code(applies(journey, event, living_in("UTC", wishlist=["boots", "hat"]))) == "Applies"
    assert code(applies(journey, event, living_in("UTC", wishlist=["hat"]))) == "condition"
    assert code(applies(journey, event, living_in("UTC"))) == "condition"


def test_days_between_entries_are_counted_from_one_time_to_the_next() -> None:
    journey = entered(every=Every.parse("day at 06:00"), again=Again(kind="after", after=Duration(days=2)))
    monday = at("2026-03-02 06:04")

    def again(when: str) -> str | None:
        return code(admit(journey, None, at(when), "UTC", is_in=False, last_entered_at=monday))

    assert [again("2026-03-03 06:01"), again("2026-03-04 06:01")] == ["again", "Admitted"]
