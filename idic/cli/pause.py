"""``idic pause``, ``idic resume`` and ``idic stop``: hold or end a journey."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from idic.cli.run.data_folder import Data, interruptible, progress, settings_for, sure
from idic.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from idic.store.database import Tx
    from idic.store.journey.programs import PublishedJourney

Journey = Annotated[str, typer.Argument(help="The journey's name")]


def pause(journey: Journey, data: Data = None) -> None:
    """Hold everything a journey sends. Customers still enter, and their events still count.

    A message that comes due during the pause waits as long as its `within` allows. Continue with `idic resume NAME`.
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
        typer.echo(f"{journey} has already been paused since {before.paused_at:%Y-%m-%d %H:%M} UTC.")
    else:
        typer.echo(
            f"{journey} is paused: it sends nothing until `idic resume {journey}`. Messages being sent right now still go out."
        )
    _say_if_stopped(before)


def resume(
    journey: Journey,
    spread: Annotated[str, typer.Option(help="Spread the held messages over this time")] = "10 minutes",
    data: Data = None,
) -> None:
    """Let a paused journey send again. What came due in the pause is sent or skipped, as set by the journey's `late`.

    You may interrupt it: run the same command again, or leave the rest to the routers.
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
            with progress(f"releasing messages of {journey}") as count:
                released = await release_held(
                    store, Runtime.set_up(settings), journey, over.after(now, "UTC") - now, stop=stop, progress=count
                )
            return before, released, stop.is_set()

    before, released, interrupted = interruptible(run)
    now = "was not paused" if before.paused_at is None else "sends again"
    typer.echo(f"{journey} {now}; {released:,} held messages are released.")
    _say_if_stopped(before)
    if interrupted:
        typer.secho("Interrupted. Run the same command again to continue with the rest.", fg="yellow")
        raise typer.Exit(1)


def stop(
    journey: Journey,
    let_finish: Annotated[bool, typer.Option("--let-finish", help="Let customers inside finish")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation")] = False,
    data: Data = None,
) -> None:
    """Stop a journey: nobody enters any more, and customers inside leave it now. Publish it again to restart it.

    You may interrupt it: nobody enters from the start on, and the same command again continues with the customers inside.
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
                return await end_all(
                    store, Runtime.set_up(settings), journey, stop=interrupt, progress=told
                ), interrupt.is_set()

    inside = asyncio.run(count_inside())
    if inside and not let_finish and not sure(f"Stop {journey} and end it now for {inside:,} customers inside?", yes=yes):
        raise InvalidInput(f"{inside:,} customers are inside {journey}: add --yes to end it for them now, or --let-finish")
    ended, interrupted = interruptible(run)
    rest = f"{inside:,} customers inside go on to the end" if let_finish else f"{ended:,} customers inside have left it"
    typer.echo(f"{journey} is stopped: nobody enters until you publish it again; {rest}.")
    if interrupted:
        typer.secho("Interrupted. Run the same command again to continue with the rest.", fg="yellow")
        raise typer.Exit(1)


def _say_if_stopped(standing: PublishedJourney) -> None:
    """Say that the journey is stopped: customers who finish it can still be held and released."""
    if standing.stopped_at is not None:
        since = f"{standing.stopped_at:%Y-%m-%d %H:%M} UTC"
        typer.secho(f"It has been stopped since {since}: nobody enters until you publish it again.", fg="yellow")


async def _standing(tx: Tx, journey: str) -> PublishedJourney:
    """Read the published journey. Raises ``NotFound`` with the most similar name."""
    from idic.cli.run.journeys import unknown
    from idic.store.journey import programs

    all_ = {one.journey: one for one in await programs.published_journeys(tx)}
    if journey not in all_:
        raise NotFound(unknown(journey, list(all_)))
    return all_[journey]
