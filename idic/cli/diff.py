"""``idic diff``: compare two versions of a journey."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from idic.cli.output_format import OutputFormat
from idic.cli.run.data_folder import Data


def diff(
    old: Annotated[
        str,
        typer.Argument(metavar="A", help="The old version: a file, a folder, a journey, JOURNEY@published, or a program's id"),
    ],
    new: Annotated[str, typer.Argument(metavar="B", help="The new version, named in the same ways")],
    format: Annotated[OutputFormat, typer.Option(help="text for people, json for tools")] = OutputFormat.text,
    journeys: Annotated[Path, typer.Option(help="The folder with the journeys")] = Path("journeys"),
    data: Data = None,
) -> None:
    """Describe what changed for customers, step by step, and what that means for customers inside the journey.

    For example `idic diff abandoned_cart@published abandoned_cart`: what publishing today's file would change. Or `idic
    diff ../main/journeys journeys` for two folders, and `idic diff 3f9a61 8c02de` for two programs of the store (`idic
    journeys NAME` lists them).
    """
    from idic.cli.run import diff
    from idic.cli.run.data_folder import settings_for

    def settings() -> diff.Settings:
        return settings_for(data)

    found = asyncio.run(diff.compared(old, new, journeys, settings))
    if format is OutputFormat.json:
        typer.echo(diff.as_json(found))
    else:
        diff.show(found)
