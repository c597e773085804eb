"""Taking a file into the store page by page: what is wrong with a line is told and costs no other, and it may be stopped."""

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
"""Lines in a transaction."""
SHOWN = 20

T = TypeVar("T")


class Taken(NamedTuple):
    """How many lines were read, and what is wrong with which (by number), of which ``bad`` there are."""

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
    """Read every line and keep it with others in one transaction, until ``stop`` is set. ``read`` raises ``InvalidInput``;
    ``keep`` says what is wrong with those that it did not keep.

    Raises ``NotFound``, ``InvalidInput`` for a file without the columns that are needed, and what ``keep`` raises.
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
        raise NotFound(f"there is no file {file}; name a file of lines, .csv or .ndjson")
    return file.stat().st_size


def tell(taken: Taken, what: str) -> None:
    """What became of a file, for people. Exits with 1 where a line was not taken."""
    for problem in taken.problems:
        typer.secho(problem, fg="yellow", err=True)
    if taken.bad > len(taken.problems):
        typer.secho(f"… and {taken.bad - len(taken.problems):,} more lines", fg="yellow", err=True)
    were = "was not taken: mend it" if taken.bad == 1 else "were not taken: mend them"
    left = f" {taken.bad:,} {were} and import the file again." if taken.bad else ""
    typer.echo(f"{taken.lines:,} {'line' if taken.lines == 1 else 'lines'}: {what}.{left}")
    if taken.stopped:
        typer.secho("Interrupted: the same command again goes on; what is there already stays as it is.", fg="yellow")
    if taken.bad or taken.stopped:
        raise typer.Exit(1)
