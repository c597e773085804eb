"""Compare idic with hand-written code in one run: `python -m bench.bench`. About four minutes.

idic and the other side are measured alternately, so that other load on the machine affects both alike; each ratio divides
idic's median by the other's. Above 1 is in idic's favour for rates, below 1 for processor time. The latency from an event
to its message is compared with Temporal's own minimum (one signal, one activity, none of idic's work): a lower bound that
idic cannot beat. A rehearsal (``simulation``) is compared with the hand-written engine of the same run; it has the machine
to itself, and one core.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import events_per_second, journeys_per_second, latency, simulation
from bench.journeys_per_second import Round
from bench.latency import Latency

ROUNDS = 4
JOURNEYS = 120
SECONDS = 3.0


Latencies = dict[tuple[str, str], Latency]


def rehearsals(progress: Progress) -> list[float]:
    """Journeys a second of a rehearsal, in as many rounds as the engines have."""
    program, vocabulary = simulation.journey()
    simulation.rehearse(program, vocabulary, 50)  # one-time work is done
    shown = progress.add_task("rehearsal", total=ROUNDS)
    found = []
    for _ in range(ROUNDS):
        found.append(simulation.rehearse(program, vocabulary).per_second)
        progress.advance(shown)
    return found


async def measure(folder: Path, progress: Progress) -> tuple[dict[str, list[Round]], dict[Any, list[float]], Latencies]:
    """Measure the engines, the rates of ingestion, and the latencies, one after the other."""
    shown = progress.add_task("journeys", total=JOURNEYS)

    def ended(engine: str, done: int, journeys: int) -> None:
        progress.update(shown, description=f"journeys of {engine}", completed=done, total=journeys)

    engines = await journeys_per_second.measure(folder, ROUNDS, JOURNEYS, ended)

    def sent(target: str, kind: str, number: int) -> None:
        what = "batches" if kind == "batch" else "singles"
        progress.update(shown, description=f"{what} into {target}", completed=number, total=ROUNDS)

    rates = await events_per_second.measure(folder, ROUNDS, SECONDS, sent)

    def answered(side: str, load: str, number: int, count: int) -> None:
        progress.update(shown, description=f"latency of {side}, {load}", completed=number, total=count)

    return engines, rates, await latency.measure(folder, answered)


class Pair:
    """Measurements of idic and of the other side, in turns."""

    def __init__(self, idic: Sequence[float], other: Sequence[float]) -> None:
        self.idic, self.other = idic, other

    @property
    def median(self) -> float:
        """The median of idic's side."""
        return statistics.median(self.idic)

    @property
    def ratio(self) -> float:
        """idic's median divided by the other side's."""
        return self.median / statistics.median(self.other)

    @property
    def spread(self) -> str:
        """The least and the greatest ratio of two neighbouring rounds."""
        ratios = [a / b for a, b in zip(self.idic, self.other, strict=True)]
        return f"{min(ratios):.2f} to {max(ratios):.2f}"


_PERCENTILES = (("idle", 50), ("idle", 99), ("loaded", 50), ("loaded", 99))


def _show(pairs: dict[str, tuple[Pair, str]], engines: dict[str, list[Round]], latencies: Latencies, console: Console) -> None:
    table = Table("", "idic", "by hand", "ratio", "spread", box=None)
    for title, (pair, form) in pairs.items():
        figures = (form.format(statistics.median(side)) for side in (pair.idic, pair.other))
        table.add_row(title, *figures, f"{pair.ratio:.2f}", pair.spread)
    console.print(table)
    table = Table("from event to message, real ms", "idic", "bare signal → activity", "ratio", box=None)
    for load, percent in _PERCENTILES:
        ours, theirs = (latencies[side, load].percentile(percent) for side in ("idic", "bare"))
        table.add_row(f"{load}, p{percent}", f"{ours * 1000:.0f}", f"{theirs * 1000:.0f}", f"{ours / theirs:.1f}")
    console.print(table)
    for name, rounds in engines.items():
        parts = {part: statistics.median(one.by_process[part] for one in rounds) for part in rounds[0].by_process}
        console.print(f"processor a journey, {name}: " + ", ".join(f"{p} {s * 1000:.1f} ms" for p, s in parts.items()))


def main() -> int:
    """Print the table and, last, one JSON line."""
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    )
    with tempfile.TemporaryDirectory() as folder, progress:
        engines, rates, latencies = asyncio.run(measure(Path(folder), progress))
        rehearsed = rehearsals(progress)
    idic, byhand = engines["idic"], engines["handwritten"]
    speed = Pair([one.per_second for one in idic], [one.per_second for one in byhand])
    cpu = Pair([one.cpu for one in idic], [one.cpu for one in byhand])
    rehearsal = Pair(rehearsed, [one.per_second for one in byhand])
    batch, single = (Pair(rates["idic", kind], rates["bare", kind]) for kind in ("batch", "track"))
    _show(
        {
            "journeys a second": (speed, "{:.1f}"),
            "processor seconds a journey": (cpu, "{:.4f}"),
            "rehearsed journeys a second": (rehearsal, "{:,.1f}"),
            "events a second, batches of 100": (batch, "{:,.0f}"),
            "events a second, singles": (single, "{:,.0f}"),
        },
        engines,
        latencies,
        Console(width=120),
    )
    line = {
        "engine_vs_handwritten": round(speed.ratio, 3),
        "engine_cpu_vs_handwritten": round(cpu.ratio, 3),
        "simulate_vs_handwritten": round(rehearsal.ratio, 1),
        "ingest_vs_bare_insert": round(batch.ratio, 3),
        "ingest_single_vs_bare_insert": round(single.ratio, 3),
        "journeys_per_s": round(speed.median, 1),
        "simulated_per_s": round(rehearsal.median),
        "events_per_s": round(batch.median),
        "events_per_s_single": round(single.median),
        "cpu_s_per_journey": round(cpu.median, 4),
    }
    for load, percent in _PERCENTILES:
        ours, theirs = (latencies[side, load].percentile(percent) for side in ("idic", "bare"))
        line[f"latency_{load}_p{percent}_vs_bare"] = round(ours / theirs, 2)
        line[f"latency_{load}_p{percent}_ms"] = round(ours * 1000)
    print(json.dumps(line))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
