"""``idic journeys``: what is published, who is in it, and what came of it so far."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from idic.cli.run.data_folder import Data


class Format(StrEnum):
    text = "text"
    json = "json"


def journeys(
    name: Annotated[str | None, typer.Argument(help="One journey, with every program that it had")] = None,
    format: Annotated[Format, typer.Option(help="text for people, json for tools")] = Format.text,
    data: Data = None,
) -> None:
    """What is published, since when, how many are in which step, and what came of it so far.

    Those who are still in former programs are counted with their program. `idic journeys NAME` shows one journey with all of
    its programs; `idic publish --program ID` publishes one of them again.
    """
    from idic.cli.run import journeys
    from idic.cli.run.data_folder import settings_for

    shown = asyncio.run(journeys.overview(settings_for(data), name))
    if format is Format.json:
        typer.echo(journeys.as_json(shown))
    else:
        journeys.show(shown, whole=name is not None)
