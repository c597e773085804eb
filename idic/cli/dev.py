"""``idic dev`` and ``idic demo``: run everything on this machine."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from idic.clock import parse_speed
from idic.errors import SettingsError

Journeys = Annotated[Path, typer.Option(help="The folder with the journeys")]
Data = Annotated[Path, typer.Option(help="The folder for all data; start again on it and idic continues")]
Port = Annotated[
    int, typer.Option(min=1, max=65533, help="The API's port; the mailbox uses the next port, the shop the one after")
]
TemporalPort = Annotated[int, typer.Option(min=1, max=64535, help="Temporal's port; its UI is 1000 above")]
Speed = Annotated[str, typer.Option(help="How fast idic's clock runs: 1d=60s is a day in a minute, 1d=1d is real time")]


def dev(
    journeys: Journeys = Path("journeys"),
    data: Data = Path(".idic/dev"),
    port: Port = 8700,
    temporal_port: TemporalPort = 7233,
    speed: Speed = "1d=1d",
) -> None:
    """Run everything on this machine: Temporal, store, API, router, worker, a mailbox, and a shop to try it in.

    Journeys are published again when their files change; a journey that doesn't check leaves its published version running.
    Ctrl-C drains. Start it again on the same folder, and idic continues where it stopped, with its clock. For example `idic
    dev --speed 1d=60s`: a day passes in a minute.
    """
    from idic.dev.local_stack import StackPlan, local_stack
    from idic.dev.watch_folder import publish_now, publish_on_change

    plan = StackPlan(data, port, temporal_port, factor=_factor(speed))

    async def run() -> None:
        stop = _stop_on_signals()
        async with local_stack(plan, typer.echo) as running:
            await publish_now(running.store, journeys, typer.echo, plan.shop)
            watching = asyncio.create_task(publish_on_change(running.store, journeys, typer.echo, plan.shop))
            typer.echo(
                f"""
idic is up; its clock says {running.clock.now():%Y-%m-%d %H:%M} UTC and runs at {speed}.

  shop       {plan.shop}    (sign up, fill a basket, leave it)
  outbox     {plan.console}/outbox    (every mail, SMS and banner; the console is one page up)
  API        {plan.api}/docs
  write key  {running.keys.write}    (sends events: user name of Basic auth, or "writeKey" in the body)
  secret key in {plan.data / "keys.json"}    (reads and enrolls: Bearer)
  mail       {plan.mail}    (every mail as a file)
  Temporal   {plan.temporal_ui}
  journeys   {journeys}    (published again on every change)
  logs       {plan.data / "logs"}

Ctrl-C stops; nothing is lost."""
            )
            await stop.wait()
            typer.echo("\ndraining…")
            watching.cancel()

    asyncio.run(run())
    typer.echo("stopped; the clock stands still until you start again")


def demo(
    journeys: Journeys = Path("journeys"),
    data: Data = Path(".idic/demo"),
    port: Port = 8700,
    temporal_port: TemporalPort = 7233,
    speed: Speed = "1d=7s",
    customers: Annotated[int, typer.Option(help="How many customers come to the shop", min=1)] = 36,
    days: Annotated[int, typer.Option(help="How many days to watch", min=1, max=365)] = 23,
) -> None:
    """Watch the customers of a small shop go through its journeys, weeks in minutes.

    Starts from scratch, publishes the journeys, sends customers through the public API with Segment's Python client, and
    shows who enters, who waits, what is sent and who reaches the goal. On a terminal it stays up until Ctrl-C; without one
    it exits 0, or 1 if something that should have arrived did not.
    """
    from idic.dev.demo.demo import run_demo
    from idic.dev.local_stack import StackPlan

    plan = StackPlan(data, port, temporal_port, factor=_factor(speed))
    raise typer.Exit(asyncio.run(run_demo(plan, journeys, customers, timedelta(days=days), speed, _stop_on_signals)))


def _factor(speed: str) -> float:
    try:
        return parse_speed(speed)
    except ValueError as error:
        raise SettingsError(f"--speed: {error}") from None


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
