"""``idic simulate``: rehearse journeys on a crowd."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from idic.cli.output_format import ReportFormat
from idic.errors import InvalidInput


def simulate(
    journeys: Annotated[
        list[str] | None, typer.Argument(help="Names of journeys; all journeys of the folder without one")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The folder with the journeys")] = Path("journeys"),
    customers: Annotated[int, typer.Option(min=1, help="How many customers to invent")] = 100_000,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="How many days; by default 30, or until the last event of a file")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            help="The start, in the vocabulary's zone; by default today, or the first event of a file",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="A different seed gives a different crowd")] = 1,
    rates: Annotated[Path | None, typer.Option(help="A YAML file with the crowd's behaviour; see --rates-example")] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            help='How often events happen: "Order Completed=0.3/week" or "Order Completed=20% of Cart Updated within 2 days"'
        ),
    ] = None,
    rates_example: Annotated[bool, typer.Option("--rates-example", help="Print the assumed rates as a file and exit")] = False,
    events: Annotated[
        Path | None,
        typer.Option(help="Replay recorded events instead: NDJSON (Segment's messages) or CSV (customer, event, time, …)"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line of the file that can't be read")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with plots to this file")] = None,
    format: Annotated[ReportFormat, typer.Option(help="text for people, json for tools")] = ReportFormat.text,
) -> None:
    """Rehearse journeys on a crowd before they run: who enters, what is sent and refused, who reaches the goal.

    The crowd is invented from the vocabulary, or replays recorded events. Nothing is sent or stored. The report always says
    what it assumed. Ctrl-C stops and prints the results so far. For example `idic simulate abandoned_cart --customers
    10000`.
    """
    from idic.cli.run import simulate

    asked = simulate.SimulationRequest(
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
    if format is ReportFormat.json:
        import json

        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        simulate.show(result)
    if result["interrupted"]:
        raise typer.Exit(130)


def _can_write(report: Path) -> None:
    """Check that the report can be written before the long work. Raises ``InvalidInput``."""
    if report.is_dir():
        raise InvalidInput(f"{report} is a folder; give a file, such as {report / 'report.html'}")
    if not report.parent.is_dir():
        raise InvalidInput(f"{report} cannot be written: there is no folder {report.parent}")
    if not os.access(report if report.exists() else report.parent, os.W_OK):
        raise InvalidInput(f"{report} cannot be written: permission denied")
