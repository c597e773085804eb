"""``idic journeys``: list published journeys with their customers and results."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from idic.cli.output_format import OutputFormat
from idic.cli.run.data_folder import Data


def journeys(
    name: Annotated[str | None, typer.Argument(help="Only this journey, with all its programs")] = None,
    format: Annotated[OutputFormat, typer.Option(help="text for people, json for tools")] = OutputFormat.text,
    data: Data = None,
) -> None:
    """List published journeys: since when, how many customers are at which step, and the results so far.

    Customers in earlier programs are counted with their program. `idic journeys NAME` shows one journey with all its
    programs; `idic publish --program ID` publishes one of them again.
    """
    from idic.cli.run import journeys
    from idic.cli.run.data_folder import settings_for

    shown = asyncio.run(journeys.overview(settings_for(data), name))
    if format is OutputFormat.json:
        typer.echo(journeys.as_json(shown))
    else:
        journeys.show(shown, whole=name is not None)
