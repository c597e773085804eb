"""Journeys a second of ``idic simulate``, on one core: the example journey of the abandoned cart, lived through by an invented
crowd for thirty days. By itself, ``python -m bench.simulation [CUSTOMERS]`` runs all of 100,000 and says what memory that
took, beside 3 and 90 days of a few."""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psutil

from idic.journey.program.program import Program
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journeys_folder import compile_folder
from idic.rehearse.crowd.behaviour import derive_behaviour
from idic.rehearse.crowd.invented import InventedCrowd
from idic.rehearse.crowd.rehearse import Rehearsal
from idic.rehearse.crowd.results import CrowdResults

JOURNEY = "abandoned_cart"
CUSTOMERS = 3000
"""Of a round; the whole crowd runs at the same pace."""
DAYS = 30
_JOURNEYS = Path(__file__).parent.parent / "journeys"
_START = datetime(2026, 3, 2, tzinfo=UTC)


class Rehearsed(NamedTuple):
    """``enrollments`` of one round, in ``seconds``."""

    enrollments: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Enrollments a second."""
        return self.enrollments / self.seconds


def journey() -> tuple[Program, Vocabulary]:
    """The rehearsed journey and its vocabulary."""
    compilation = compile_folder(_JOURNEYS)
    return compilation.programs[JOURNEY], compilation.vocabulary


def rehearse(program: Program, vocabulary: Vocabulary, customers: int = CUSTOMERS, days: int = DAYS) -> Rehearsed:
    """One round, crowd and all, in this process."""
    end = _START + timedelta(days=days)
    crowd = InventedCrowd(
        [program], vocabulary, derive_behaviour([program], vocabulary), count=customers, start=_START, end=end, seed=1
    )
    ledger = CrowdResults([program], vocabulary.zone)
    rehearsal = Rehearsal([program], ledger, start=_START, end=end, zone=vocabulary.zone)
    began = time.perf_counter()
    rehearsal.run(crowd)
    return Rehearsed(ledger.journeys[JOURNEY].entered, time.perf_counter() - began)


def peak(program: Program, vocabulary: Vocabulary, days: int, customers: int = 300) -> float:
    """Megabytes that a rehearsal holds at most, of what it made itself."""
    tracemalloc.start()
    rehearse(program, vocabulary, customers, days)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def main() -> int:
    """Rehearse the whole crowd and print one JSON line."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    program, vocabulary = journey()
    rehearse(program, vocabulary, 50)
    whole = rehearse(program, vocabulary, customers)
    line = {
        "customers": customers,
        "enrollments": whole.enrollments,
        "seconds": round(whole.seconds, 1),
        "per_second": round(whole.per_second),
        "resident_mb": round(psutil.Process().memory_info().rss / 1e6),
        "peak_mb": {f"{days} days": round(peak(program, vocabulary, days), 2) for days in (3, 30, 90)},
    }
    print(json.dumps(line))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
