"""Run the chaos: customers go through every journey while every process is killed in turn, and an audit at the end.

python -m chaos --customers 1000 --seconds 240 --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import func, select

from chaos.audit import Audit, Totals, come_to_rest, strangers
from chaos.deployment import ROUTERS, WORKERS, running
from chaos.kill import kill_in_turn
from chaos.play import Play, careful_client
from chaos.world import JOURNEYS, ChaosWorld, OnPostgres
from idic.errors import IdicError
from idic.store.tables import enrollments, events, touches

_SHOWN = 8


class ChaosPlan(NamedTuple):
    """``seconds`` is for how long, in real ones, customers do things and others are killed; ``days`` how many of idic's that
    are."""

    customers: int = 1000
    seconds: float = 240
    days: float = 23
    seed: int = 0
    sqlite: bool = False
    patience: float = 150


class Outcome(NamedTuple):
    """The run's figures, and the problems that no figure counts."""

    totals: Totals
    troubles: list[str]

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return self.totals.good and not self.troubles


async def run(wanted: ChaosPlan, folder: Path, console: Console) -> Outcome:
    """Run the chaos. When interrupted, it audits what has happened so far."""
    rng = Random(wanted.seed)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    kind: type[ChaosWorld] = type(
        "ChaosWorld", (ChaosWorld if wanted.sqlite else OnPostgres,), {"day": wanted.seconds / wanted.days}
    )
    console.print(
        f"Chaos, seed {wanted.seed}: {wanted.customers} customers, {wanted.days:g} days in {wanted.seconds:g} seconds, on "
        f"{'SQLite' if wanted.sqlite else 'PostgreSQL'}"
    )
    began = time.monotonic()
    async with running(folder, site=kind, journeys=JOURNEYS) as town:
        client = careful_client(town, rng)
        play = Play(town, client, rng, wanted.customers, wanted.seconds)
        performing = asyncio.create_task(play.perform())
        killing = asyncio.create_task(kill_in_turn(town, rng, wanted.seconds))
        await _watch(town, play, [performing, killing], stop, console, wanted.seconds)
        for task in (performing, killing):
            task.cancel()
        results = await asyncio.gather(performing, killing, return_exceptions=True)
        troubles = [f"{type(one).__name__}: {one}" for one in results if isinstance(one, Exception)] + play.troubles
        await client.close()
        rest = await come_to_rest(town, stop, wanted.patience)
        with contextlib.suppress(AssertionError, TimeoutError):
            console.print(await town.run("reconcile"))
        rest += await come_to_rest(town, stop, wanted.patience / 2)
        # Everything stands still, so that all reads are of one instant.
        await town.hush((*ROUTERS, *WORKERS))
        ledger = await Audit(town, client.accepted, play.promises).read()
        totals = ledger.total()
        troubles += ledger.troubles + town.broken_outside()
        if not stop.is_set():
            troubles += await strangers(town, ledger)
    _tell(console, ledger, totals, troubles, play, rest, time.monotonic() - began)
    return Outcome(totals, troubles)


async def _watch(
    town: ChaosWorld, play: Play, tasks: list[asyncio.Task[None]], stop: asyncio.Event, console: Console, seconds: float
) -> None:
    """Show the progress until all ``tasks`` are done or the run is stopped."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    stopping = asyncio.create_task(stop.wait())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=seconds)
        began = time.monotonic()
        while not stop.is_set():
            done, waiting = await asyncio.wait([stopping, *tasks], timeout=1, return_when=asyncio.FIRST_EXCEPTION)
            if not waiting - {stopping} or any(not one.cancelled() and one.exception() for one in done):
                break
            if time.monotonic() - began > seconds * 2:
                break
            with contextlib.suppress(IdicError):
                progress.update(bar, description=await _picture(town, play), completed=time.monotonic() - began)
    stopping.cancel()


async def _picture(town: ChaosWorld, play: Play) -> str:
    async with town.store.reading() as tx:
        unrouted = await tx.scalar(select(func.count()).where(events.c.routed_at.is_(None)))
        inside = await tx.scalar(select(func.count()).where(enrollments.c.ended_at.is_(None)))
        claimed = await tx.scalar(select(func.count()).select_from(touches))
    last = f", {town.kills[-1][1]} last" if town.kills else ""
    return (
        f"{len(play.client.accepted)} events ({unrouted} unrouted) · {inside} inside · {claimed} messages, {play.letters} "
        f"arrived · {len(play.promises)} have enough · {len(town.kills)} killed{last}"
    )


def _tell(console: Console, ledger: Audit, totals: Totals, troubles: list[str], play: Play, rest: float, took: float) -> None:
    town = ledger.town
    table = Table(title="The ledger", title_justify="left", show_header=False)
    table.add_row("events", f"{len(play.client.accepted)} got a 200 in {play.client.tries} tries · {totals.events_in} in with "
                            f"idic's own · {totals.events_routed} routed")  # fmt: skip
    by_journey = Counter(dict.fromkeys(town.published, 0))
    by_journey.update(row["journey"] for row in ledger.enrollments)
    table.add_row("enrollments", _counted(by_journey))
    table.add_row("endings", _counted(Counter(row["ending"] or "open" for row in ledger.enrollments)))
    table.add_row("messages", _counted(Counter(f"{row['status']} by {row['channel']}" for row in ledger.touches.values())))
    table.add_row("by account", _counted(Counter(row["account"] for row in ledger.touches.values() if row["status"] == "sent")))
    reasons = Counter(f"{row['reason']}" for row in ledger.touches.values() if row["status"] in ("failed", "deferred"))
    table.add_row("not sent", _counted(reasons))
    unsure = Counter(f"{row['reason']}" for row in ledger.touches.values() if row["status"] == "uncertain")
    table.add_row("uncertain", _counted(unsure))
    table.add_row("arrived", f"{totals.provider_accepts} of {len(ledger.arrived)} messages · {totals.uncertain} uncertain")
    table.add_row("had enough", _counted(Counter(promise.way for promise in ledger.promises)))
    table.add_row("killed", _counted(Counter(name for _, name in town.kills)))
    table.add_row("time", f"{took:.0f} s, {rest:.0f} of them until nothing moved")
    console.print(table)
    for what, found in (*ledger.wrong.items(), ("trouble", troubles)):
        for one in found[:_SHOWN]:
            console.print(f"{what}: {one}", style="red", soft_wrap=True)
        if len(found) > _SHOWN:
            console.print(f"{what}: and {len(found) - _SHOWN} more", style="red")


def _counted(counts: Counter[str]) -> str:
    return " · ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--customers", type=int, default=ChaosPlan().customers)
    parser.add_argument("--seconds", type=float, default=ChaosPlan().seconds)
    parser.add_argument("--days", type=float, default=ChaosPlan().days)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--sqlite", action="store_true", help="SQLite instead of a PostgreSQL that is killed, too")
    parser.add_argument("--keep", type=Path, help="an empty folder in which everything stays to be looked at")
    options = vars(parser.parse_args())
    kept: Path | None = options.pop("keep")
    console = Console(width=None if sys.stdout.isatty() else 140)
    with tempfile.TemporaryDirectory(prefix="idic-chaos-") as scratch:
        folder = kept or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = asyncio.run(run(ChaosPlan(**options), folder, console))
    sys.stdout.write(outcome.totals.line() + "\n")
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
