"""``idic vocabulary``: which names may a journey use?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    text = "text"
    json = "json"


def vocabulary(
    search: Annotated[
        str, typer.Argument(help="Only what has this in its name, its type or its words", show_default=False)
    ] = "",
    journeys: Annotated[Path, typer.Option(help="The folder with vocabulary.yaml")] = Path("journeys"),
    format: Annotated[Format, typer.Option(help="text for people, json for tools")] = Format.text,
) -> None:
    """List everything that a journey may use: customer attributes, events and what they carry, links, slots, endpoints, and
    the words of conditions, templates and steps.

    `idic vocabulary cart` shows what has to do with carts. What is idic's own, and needs no declaration, is marked.
    """
    from idic.cli.run import vocabulary

    found = vocabulary.search(vocabulary.listed(journeys), search)
    if format is Format.json:
        typer.echo(vocabulary.as_json(found))
        return
    vocabulary.show(found)
    if not found:
        typer.echo(f'nothing here has "{search}" in its name; idic vocabulary shows everything')
        raise typer.Exit(1)
