"""What an event says of how often somebody would like to be written to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from idic.interact.preferences import Preferences, read


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ({}, Preferences(False, None)),
        ({"fewer": True, "paused_until": "2026-08-01T12:00:00+02:00"}, Preferences(True, datetime(2026, 8, 1, 10, tzinfo=UTC))),
        ({"paused_until": "2026-08-01"}, Preferences(False, datetime(2026, 8, 1, tzinfo=UTC))),
        ({"fewer": "yes", "paused_until": "next week"}, Preferences(False, None)),
    ],
)
def test_a_time_without_a_zone_is_utc_and_invalid_values_are_ignored(said: dict[str, Any], read_as: Preferences) -> None:
    assert read(said) == read_as
