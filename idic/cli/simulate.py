"""``idic simulate``: what would it do, to how many?"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from idic.cli.check import Format
from idic.errors import InvalidInput


def simulate(
    journeys: Annotated[
        list[str] | None, typer.Argument(help="The journeys to rehearse, by name; all of the folder if none")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The folder with the journeys")] = Path("journeys"),
    customers: Annotated[int, typer.Option(min=1, help="How many customers are made up")] = 100_000,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="How long; by default 30 days, of a file until its last event")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            help="When it begins, in the vocabulary's zone; by default today, of a file its first event",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another crowd")] = 1,
    rates: Annotated[Path | None, typer.Option(help="A YAML file that says how the crowd behaves; see --rates-example")] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(help='How often: "Order Completed=0.3/week" or "Order Completed=20% of Cart Updated within 2 days"'),
    ] = None,
    rates_example: Annotated[bool, typer.Option("--rates-example", help="Print the rates as a file, and stop")] = False,
    events: Annotated[
        Path | None,
        typer.Option(help="Replay recorded events instead: NDJSON (Segment's messages) or CSV (customer, event, time, …)"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line of the file that cannot be read")] = False,
    report: Annotated[Path | None, typer.Option(help="Write one HTML page with plots here")] = None,
    format: Annotated[Format, typer.Option(help="text for people, json for tools")] = Format.text,
) -> None:
    """Rehearse journeys on a crowd before they run: who enters, what is sent and refused, who reaches the goal.

    The crowd is invented from the vocabulary, or recorded events are replayed as history. Nothing is sent and nothing is
    stored. It always says what it assumed. Ctrl-C prints what came of those who had their turn.
    """
    from idic.cli.run import simulate

    asked = simulate.Asked(
        tuple(journeys or ()), folder, customers, days, start, seed, rates, tuple(rate or ()), events, strict
    )
    if rates_example:
        typer.echo(simulate.rates_example(asked), nl=False)
        return
    if report is not None:
        _can_write(report)
    result = simulate.rehearse(asked)
    if report is not None:
        from idic.rehearse.crowd.results_page import results_page

        try:
            report.write_text(results_page(result), encoding="utf-8")
        except OSError as error:
            raise InvalidInput(f"{report} cannot be written: {error.strerror}") from None
        typer.secho(f"wrote {report}", err=True)
    if format is Format.json:
        import json

        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        simulate.show(result)
    if result["interrupted"]:
        raise typer.Exit(130)


def _can_write(report: Path) -> None:
    """Raises ``InvalidInput`` before the long work, and not after it."""
    if report.is_dir():
        raise InvalidInput(f"{report} is a folder; name a file, such as {report / 'report.html'}")
    if not report.parent.is_dir():
        raise InvalidInput(f"{report} cannot be written: there is no folder {report.parent}")
    if not os.access(report if report.exists() else report.parent, os.W_OK):
        raise InvalidInput(f"{report} cannot be written: permission denied")
