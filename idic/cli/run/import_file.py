"""Import a file page by page: a bad line is reported and stops no other, and the import may be interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import typer

from idic.cli.run.data_folder import progress
from idic.errors import InvalidInput, NotFound
from idic.identify.tabular import read_lines

PAGE = 500
"""Lines in one transaction."""
SHOWN = 20

T = TypeVar("T")


class Taken(NamedTuple):
    """How many lines were read, and the problems by line number; ``bad`` counts them."""

    lines: int
    bad: int
    problems: tuple[str, ...]
    stopped: bool


async def take(
    file: Path,
    needed: Sequence[str],
    read: Callable[[int, Mapping[str, Any]], T],
    keep: Callable[[list[T]], Awaitable[Sequence[str]]],
    stop: asyncio.Event,
) -> Taken:
    """Read every line and store them page by page until ``stop`` is set.

    ``read`` raises ``InvalidInput``; ``keep`` returns the problems of lines that it refused. Raises ``NotFound``,
    ``InvalidInput`` for a file without the needed columns, and whatever ``keep`` raises.
    """
    size = _size(file)
    count, bad = 0, 0
    problems: list[str] = []

    def wrong(said: str) -> None:
        nonlocal bad
        bad += 1
        if len(problems) < SHOWN:
            problems.append(said)

    def good(raws: Iterator[tuple[int, dict[str, Any] | InvalidInput]]) -> Iterator[T]:
        nonlocal count
        for number, raw in raws:
            count += 1
            try:
                if isinstance(raw, InvalidInput):
                    raise raw
                taken = read(number, raw)
            except InvalidInput as error:
                wrong(f"line {number}: {error}")
            else:
                yield taken

    with file.open("rb") as raw, progress(f"reading {file.name}", size) as told:
        those = good(read_lines(raw, file, needed, told))
        while not stop.is_set() and (page := list(islice(those, PAGE))):
            for said in await keep(page):
                wrong(said)
            told(raw.tell())
    return Taken(count, bad, tuple(problems), stop.is_set())


def _size(file: Path) -> int:
    if not file.is_file():
        raise NotFound(f"there is no file {file}; give a .csv or .ndjson file")
    return file.stat().st_size


def tell(taken: Taken, what: str) -> None:
    """Print the result of an import. Exits with 1 if a line was refused."""
    for problem in taken.problems:
        typer.secho(problem, fg="yellow", err=True)
    if taken.bad > len(taken.problems):
        typer.secho(f"… and {taken.bad - len(taken.problems):,} more lines", fg="yellow", err=True)
    were = "was refused: correct it" if taken.bad == 1 else "were refused: correct them"
    left = f" {taken.bad:,} {were} and import the file again." if taken.bad else ""
    typer.echo(f"{taken.lines:,} {'line' if taken.lines == 1 else 'lines'}: {what}.{left}")
    if taken.stopped:
        typer.secho("Interrupted. Run the same command again to continue; what is imported stays.", fg="yellow")
    if taken.bad or taken.stopped:
        raise typer.Exit(1)
