"""``idic pause``, ``idic resume`` and ``idic stop``: hold or end a journey."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from idic.cli.run.data_folder import Data, interruptible, sure
from idic.errors import InvalidInput

Journey = Annotated[str, typer.Argument(help="The journey's name")]


def pause(journey: Journey, data: Data = None) -> None:
    """Hold everything a journey sends. Customers still enter, and their events still count.

    A message that comes due during the pause waits as long as its `within` allows. Continue with `idic resume NAME`.
    """
    from idic.cli.run.pause import pause_journey, show_paused

    show_paused(journey, asyncio.run(pause_journey(data, journey)))


def resume(
    journey: Journey,
    spread: Annotated[str, typer.Option(help="Spread the held messages over this time")] = "10 minutes",
    data: Data = None,
) -> None:
    """Let a paused journey send again. What came due in the pause is sent or skipped, as set by the journey's `late`.

    You may interrupt it: run the same command again, or leave the rest to the routers.
    """
    from idic.cli.run.pause import resume_journey, show_resumed
    from idic.cli.run.publish import span

    over = span(spread, "--spread")
    show_resumed(journey, interruptible(lambda interrupt: resume_journey(data, journey, over, interrupt)))


def stop(
    journey: Journey,
    let_finish: Annotated[bool, typer.Option("--let-finish", help="Let customers inside finish")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation")] = False,
    data: Data = None,
) -> None:
    """Stop a journey: nobody enters any more, and customers inside leave it now. Publish it again to restart it.

    You may interrupt it: nobody enters from the start on, and the same command again continues with the customers inside.
    """
    from idic.cli.run.pause import count_inside, show_stopped, stop_journey

    inside = asyncio.run(count_inside(data, journey))
    if inside and not let_finish and not sure(f"Stop {journey} and end it now for {inside:,} customers inside?", yes=yes):
        raise InvalidInput(f"{inside:,} customers are inside {journey}: add --yes to end it for them now, or --let-finish")
    stopped = interruptible(lambda interrupt: stop_journey(data, journey, inside, interrupt, let_finish=let_finish))
    show_stopped(journey, inside, stopped, let_finish=let_finish)
