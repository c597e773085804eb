"""Pause, resume or stop a published journey, and say what came of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import typer

from idic.cli.run.data_folder import progress, settings_for
from idic.cli.run.journeys import unknown
from idic.errors import NotFound
from idic.router.pause import end_all, release_held
from idic.router.runtime import Runtime
from idic.store.database import Tx
from idic.store.journey import programs
from idic.store.journey.programs import PublishedJourney
from idic.store.open import running_store
from idic.store.reports import journeys
from idic.times import Duration


class Resumed(NamedTuple):
    """A journey as it was before it was resumed, and how many of its held messages are released."""

    before: PublishedJourney
    released: int
    interrupted: bool


class Stopped(NamedTuple):
    """How many customers left a stopped journey."""

    ended: int
    interrupted: bool


async def pause_journey(data: Path | None, journey: str) -> PublishedJourney:
    """Pause a journey and return what it was before. Raises ``NotFound``."""

    async def work(tx: Tx) -> PublishedJourney:
        before = await _published(tx, journey)
        await programs.pause(tx, journey, tx.now())
        return before

    async with running_store(settings_for(data)) as store:
        return await store.move("pause", work)


async def resume_journey(data: Path | None, journey: str, spread: Duration, stop: asyncio.Event) -> Resumed:
    """Resume a journey and release its held messages over ``spread``, until ``stop`` is set. Raises ``NotFound``."""

    async def work(tx: Tx) -> PublishedJourney:
        before = await _published(tx, journey)
        await programs.pause(tx, journey, None)
        return before

    settings = settings_for(data)
    async with running_store(settings) as store:
        before = await store.move("resume", work)
        now = store.clock.now()
        over: timedelta = spread.after(now, "UTC") - now
        with progress(f"releasing messages of {journey}") as count:
            released = await release_held(store, Runtime.set_up(settings), journey, over, stop=stop, progress=count)
        return Resumed(before, released, stop.is_set())


async def count_inside(data: Path | None, journey: str) -> int:
    """Count the customers inside a journey, of all its programs. Raises ``NotFound``."""
    async with running_store(settings_for(data)) as store, store.reading() as tx:
        await _published(tx, journey)
        return sum(row.n for row in await journeys.open_by_step(tx, journey))


async def stop_journey(data: Path | None, journey: str, inside: int, stop: asyncio.Event, *, let_finish: bool) -> Stopped:
    """Close a journey to entries and, unless they may finish, end it for those inside until ``stop`` is set.

    ``inside`` is the total of the progress bar. Raises ``NotFound``.
    """

    async def work(tx: Tx) -> None:
        await _published(tx, journey)
        await programs.stop(tx, journey, tx.now())

    settings = settings_for(data)
    async with running_store(settings) as store:
        await store.move("stop", work)
        if let_finish:
            return Stopped(0, False)
        with progress(f"ending {journey}", inside) as count:
            ended = await end_all(store, Runtime.set_up(settings), journey, stop=stop, progress=count)
            return Stopped(ended, stop.is_set())


def show_paused(journey: str, before: PublishedJourney) -> None:
    """Print that the journey is paused, or since when it has been."""
    if before.paused_at is not None:
        typer.echo(f"{journey} has already been paused since {before.paused_at:%Y-%m-%d %H:%M} UTC.")
    else:
        typer.echo(
            f"{journey} is paused: it sends nothing until `idic resume {journey}`. Messages being sent right now still go out."
        )
    _warn_if_stopped(before)


def show_resumed(journey: str, resumed: Resumed) -> None:
    """Print what a resume released. Exits with 1 if it was interrupted."""
    now = "was not paused" if resumed.before.paused_at is None else "sends again"
    typer.echo(f"{journey} {now}; {resumed.released:,} held messages are released.")
    _warn_if_stopped(resumed.before)
    _exit_if(resumed.interrupted)


def show_stopped(journey: str, inside: int, stopped: Stopped, *, let_finish: bool) -> None:
    """Print that the journey is stopped, and what its customers do now. Exits with 1 if it was interrupted."""
    rest = f"{inside:,} customers inside go on to the end" if let_finish else f"{stopped.ended:,} customers inside have left it"
    typer.echo(f"{journey} is stopped: nobody enters until you publish it again; {rest}.")
    _exit_if(stopped.interrupted)


def _exit_if(interrupted: bool) -> None:
    if interrupted:
        typer.secho("Interrupted. Run the same command again to continue with the rest.", fg="yellow")
        raise typer.Exit(1)


def _warn_if_stopped(before: PublishedJourney) -> None:
    """Say that the journey is stopped: customers who finish it can still be held and released."""
    if before.stopped_at is not None:
        since = f"{before.stopped_at:%Y-%m-%d %H:%M} UTC"
        typer.secho(f"It has been stopped since {since}: nobody enters until you publish it again.", fg="yellow")


async def _published(tx: Tx, journey: str) -> PublishedJourney:
    """Read the published journey. Raises ``NotFound`` with the most similar name."""
    by_name = {published.journey: published for published in await programs.published_journeys(tx)}
    if journey not in by_name:
        raise NotFound(unknown(journey, list(by_name)))
    return by_name[journey]
