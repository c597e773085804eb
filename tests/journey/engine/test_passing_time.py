"""When events leave the windows in which they are counted, held against looking at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idic.differentiate.counted import CountedEvent, tally
from idic.journey.engine.passing_time import leaving
from idic.journey.program.values import Attribute, Type
from idic.times import Duration

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("UTC", "2026-10-25"),
    ],
)
@pytest.mark.parametrize("window", ["7 days", "1 day", "2 days 5 hours", "24 hours"])
@pytest.mark.parametrize("side", ["comes", "leaves"])
def test_every_leaving_is_foreseen_when_the_clocks_change(zone: str, day: str, window: str, side: str) -> None:
    attribute = Attribute(type=Type(kind="number"), counts="Bought", window=Duration.parse(window))
    assert attribute.window is not None
    changes = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=14)
    first = changes if side == "comes" else attribute.window.before(changes, zone)
    events = [first + timedelta(minutes=47 * number) for number in range(32)]
    since = max(events)
    until = attribute.window.after(since, zone) + timedelta(hours=4)

    def count(at: datetime) -> float:
        return tally(attribute, [CountedEvent(event, {}) for event in events], at, zone, "EUR")

    at = max(since, attribute.window.after(first, zone) - timedelta(hours=3))
    before, fell = count(at), []
    while at <= until:
        if (now := count(at)) < before:
            fell.append(at)
        before, at = now, at + MINUTE
    foreseen = leaving(attribute, events, since, until, zone)
    for leaves in foreseen:
        assert count(leaves) < count(leaves - timedelta(microseconds=1))
    assert [at for at in fell if not any(at - MINUTE < leaves <= at for leaves in foreseen)] == []
