"""``idic pause``, ``idic resume`` and ``idic stop``: the brakes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from idic.cli.run.data_folder import Data, interruptible, progress, settings_for, sure
from idic.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from idic.store.database import Tx
    from idic.store.journey.programs import PublishedJourney

Journey = Annotated[str, typer.Argument(help="The journey, by its name")]


def pause(journey: Journey, data: Data = None) -> None:
    """Hold everything that a journey sends. Nobody is lost: people still enter, and what they do still counts.

    What comes due meanwhile waits for as long as it may still leave (its `within`). `idic resume` lets it go.
    """
    from idic.store.journey import programs
    from idic.store.open import running_store

    async def work(tx: Tx) -> PublishedJourney:
        before = await _standing(tx, journey)
        await programs.pause(tx, journey, tx.now())
        return before

    async def run() -> PublishedJourney:
        async with running_store(settings_for(data)) as store:
            return await store.move("pause", work)

    before = asyncio.run(run())
    if before.paused_at is not None:
        typer.echo(f"{journey} is paused already, since {before.paused_at:%Y-%m-%d %H:%M} UTC.")
    else:
        typer.echo(
            f"{journey} is paused: nothing of it is sent until `idic resume {journey}`. What is being sent now still leaves."
        )
    _say_if_stopped(before)


def resume(
    journey: Journey,
    spread: Annotated[str, typer.Option(help="Over how long what was held back is sent")] = "10 minutes",
    data: Data = None,
) -> None:
    """Let a paused journey send again. What came due in the pause is sent or skipped, as the journey's `late` says.

    It may be interrupted: the same command again goes on, and so do the routers by themselves.
    """
    from idic.cli.run.publish import span
    from idic.router.pause import release_held
    from idic.router.runtime import Runtime
    from idic.store.journey import programs
    from idic.store.open import running_store

    over = span(spread, "--spread")

    async def work(tx: Tx) -> PublishedJourney:
        before = await _standing(tx, journey)
        await programs.pause(tx, journey, None)
        return before

    async def run(stop: asyncio.Event) -> tuple[PublishedJourney, int, bool]:
        settings = settings_for(data)
        async with running_store(settings) as store:
            before = await store.move("resume", work)
            now = store.clock.now()
            with progress(f"letting go in {journey}") as count:
                released = await release_held(
                    store, Runtime.set_up(settings), journey, over.after(now, "UTC") - now, stop=stop, told=count
                )
            return before, released, stop.is_set()

    before, released, interrupted = interruptible(run)
    now = "was not paused" if before.paused_at is None else "sends again"
    typer.echo(f"{journey} {now}; {released:,} that were held back are let go.")
    _say_if_stopped(before)
    if interrupted:
        typer.secho("Interrupted: the same command again goes on with those who are left.", fg="yellow")
        raise typer.Exit(1)


def stop(
    journey: Journey,
    let_finish: Annotated[bool, typer.Option("--let-finish", help="Whoever is inside goes on to the end")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    data: Data = None,
) -> None:
    """Stop a journey: nobody enters any more, and whoever is inside leaves it now. Publishing it again starts it again.

    It may be interrupted: nobody enters from the beginning on, and the same command again goes on with those inside.
    """
    from idic.router.pause import end_all
    from idic.router.runtime import Runtime
    from idic.store.journey import programs
    from idic.store.open import running_store
    from idic.store.reports import journeys

    async def count_inside() -> int:
        async with running_store(settings_for(data)) as store, store.reading() as tx:
            await _standing(tx, journey)
            return sum(row.n for row in await journeys.open_by_step(tx, journey))

    async def stop_it(tx: Tx) -> None:
        await _standing(tx, journey)
        await programs.stop(tx, journey, tx.now())

    async def run(interrupt: asyncio.Event) -> tuple[int, bool]:
        settings = settings_for(data)
        async with running_store(settings) as store:
            await store.move("stop", stop_it)
            if let_finish:
                return 0, False
            with progress(f"ending {journey}", inside) as told:
                return await end_all(store, Runtime.set_up(settings), journey, stop=interrupt, told=told), interrupt.is_set()

    inside = asyncio.run(count_inside())
    if inside and not let_finish and not sure(f"Stop {journey}, and end it now for {inside:,} who are inside?", yes=yes):
        raise InvalidInput(f"{inside:,} are inside {journey}: add --yes to end it for them now, or --let-finish")
    ended, interrupted = interruptible(run)
    rest = f"{inside:,} who are inside go on to the end" if let_finish else f"{ended:,} who were inside have left it"
    typer.echo(f"{journey} is stopped: nobody enters until it is published again; {rest}.")
    if interrupted:
        typer.secho("Interrupted: the same command again goes on with those who are left.", fg="yellow")
        raise typer.Exit(1)


def _say_if_stopped(standing: PublishedJourney) -> None:
    """Whoever finishes what they began can be held and let go all the same."""
    if standing.stopped_at is not None:
        since = f"{standing.stopped_at:%Y-%m-%d %H:%M} UTC"
        typer.secho(f"It is stopped since {since}: nobody enters until it is published again.", fg="yellow")


async def _standing(tx: Tx, journey: str) -> PublishedJourney:
    """Raises ``NotFound`` with the name that was perhaps meant."""
    from idic.cli.run.journeys import unknown
    from idic.store.journey import programs

    all_ = {one.journey: one for one in await programs.published_journeys(tx)}
    if journey not in all_:
        raise NotFound(unknown(journey, list(all_)))
    return all_[journey]
