"""``idic vocabulary``: list the names that journeys may use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idic.cli.output_format import OutputFormat


def vocabulary(
    search: Annotated[
        str, typer.Argument(help="Only names with this text in their name, type or description", show_default=False)
    ] = "",
    journeys: Annotated[Path, typer.Option(help="The folder with vocabulary.yaml")] = Path("journeys"),
    format: Annotated[OutputFormat, typer.Option(help="text for people, json for tools")] = OutputFormat.text,
) -> None:
    """List everything a journey may use: customer attributes, events and their properties, links, slots, endpoints, and the
    words of conditions, templates and steps.

    For example `idic vocabulary cart` shows what is about carts. Names that belong to idic and need no declaration are
    marked.
    """
    from idic.cli.run import vocabulary

    found = vocabulary.search(vocabulary.listed(journeys), search)
    if format is OutputFormat.json:
        typer.echo(vocabulary.as_json(found))
        return
    vocabulary.show(found)
    if not found:
        typer.echo(f'nothing matches "{search}"; idic vocabulary lists everything')
        raise typer.Exit(1)
