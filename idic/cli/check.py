"""``idic check``: find the errors in journeys before they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idic.cli.output_format import ReportFormat
from idic.errors import NotFound


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of journeys, or journey files; a file is checked with the vocabulary beside it."),
    ] = None,
    format: Annotated[
        ReportFormat, typer.Option(help="text for people, json for tools, github for annotations of a pull request")
    ] = ReportFormat.text,
) -> None:
    """Check journeys: names, types, templates, every path, and the stories beside them. Exits 1 if there are errors.

    For example `idic check` for the folder journeys, or `idic check journeys/welcome.yaml`. For each correct journey it
    prints what is proved: that every path ends, and how many messages a customer can get. Next: `idic test` plays its
    stories.
    """
    from idic.cli.run import check

    try:
        compilations = check.compiled(paths or [Path("journeys")])
    except NotFound as error:
        typer.secho(f"idic: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    if format is ReportFormat.json:
        typer.echo(check.as_json(compilations))
    elif format is ReportFormat.github:
        typer.echo(check.as_annotations(compilations), nl=False)
    else:
        check.show(compilations)
    if check.have_errors(compilations):
        raise typer.Exit(1)
