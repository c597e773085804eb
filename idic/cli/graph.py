"""``idic graph``: draw a journey."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idic.errors import InvalidInput, JourneyInvalid, NotFound

if TYPE_CHECKING:
    from idic.journey.program.program import Program


class GraphFormat(StrEnum):
    """How a journey is drawn."""

    svg = "svg"
    mermaid = "mermaid"


def graph(
    journey: Annotated[str, typer.Argument(help="A journey's name or file")],
    format: Annotated[
        GraphFormat | None, typer.Option(help="svg for a browser or a slide, mermaid for GitHub and wikis", show_default="svg")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of standard output")] = None,
    journeys: Annotated[Path, typer.Option(help="The folder with the journeys")] = Path("journeys"),
) -> None:
    """Draw a journey: who enters, every step, where branches part and meet, and what ends it.

    For example `idic graph abandoned_cart -o cart.svg`, and open the file in a browser; or `idic graph
    journeys/welcome.yaml -o welcome.md`, which GitHub and most wikis draw.
    """
    from idic.picture.mermaid import mermaid
    from idic.picture.svg import svg

    program = find(journey, journeys)
    form = format or (GraphFormat.mermaid if out is not None and out.suffix in (".mmd", ".md", ".mermaid") else GraphFormat.svg)
    drawn = svg(program) if form is GraphFormat.svg else mermaid(program)
    if out is None:
        typer.echo(drawn, nl=False)
        return
    try:
        out.write_text(f"```mermaid\n{drawn}```\n" if out.suffix == ".md" else drawn, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written ({error.strerror}); choose another file with --out") from None
    typer.echo(f"drawn  {out}", err=True)


def find(journey: str, folder: Path) -> Program:
    """Find a journey by name in the folder, or by file. Raises ``NotFound``, or ``JourneyInvalid`` if it doesn't check."""
    from idic.journeys_folder import compile_folder
    from idic.problems import did_you_mean

    file = Path(journey)
    if file.suffix in (".yaml", ".yml"):
        compilation = compile_folder(file.parent, only=file)
        name = next(iter(compilation.files), None)
    else:
        compilation, name = compile_folder(folder), journey
    if name in compilation.programs:
        return compilation.programs[name]
    errors = tuple(problem for problem in compilation.problems if problem.severity == "error")
    at = compilation.files.get(name or "")
    mine = tuple(problem for problem in errors if problem.file == at) or errors
    if mine and (at is not None or file.suffix):
        raise JourneyInvalid(mine)
    hint = did_you_mean(journey, compilation.files)
    raise NotFound(f"there is no journey {journey} in {folder}{f'; {hint}' if hint else ''}")
