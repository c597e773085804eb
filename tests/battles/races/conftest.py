"""What the battles share."""

from __future__ import annotations

import os
import time

import pytest


@pytest.fixture
def seed() -> int:
    """IDIC_KILL_SEED repeats what customers did and when whom was killed, as far as processes can be repeated."""
    return int(os.environ.get("IDIC_KILL_SEED") or time.time_ns() % 1_000_000)
