"""The work of ``idic diff``: find two versions of journeys by name and compare them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import typer

from idic.cli.graph import find
from idic.errors import JourneyInvalid, NotFound
from idic.journey.program.program import Program
from idic.journeys_folder import compile_folder
from idic.picture.compare import Difference, differences, verdict
from idic.settings import Settings
from idic.store.journey import programs
from idic.store.journey.programs import Programs
from idic.store.open import running_store

__all__ = ["Compared", "Settings", "as_json", "compared", "show"]

_ID = re.compile(r"[0-9a-f]{4,32}")
_PUBLISHED = "@published"
_COLORS = {"added": typer.colors.GREEN, "removed": typer.colors.RED, "moved": typer.colors.CYAN, "changed": typer.colors.YELLOW}
_SIGNS = {"added": "+", "removed": "-", "moved": "↕", "changed": "~"}
_TITLES = {
    "journey": "The journey", "entry": "Who enters", "segments": "How customers differ", "steps": "What happens",
    "goal": "The goal", "leave": "What ends it", "messages": "What customers read",
}  # fmt: skip


class Compared(NamedTuple):
    """One journey in two versions; ``old`` or ``new`` is None if it was added or removed."""

    journey: str
    old: Program | None
    new: Program | None

    @property
    def found(self) -> list[Difference]:
        """The differences."""
        return differences(self.old, self.new) if self.old and self.new else []


async def compared(old: str, new: str, folder: Path, settings: Callable[[], Settings]) -> list[Compared]:
    """Compare the journeys of both sides by name; two single journeys are compared whatever their names.

    ``settings`` is called only for a side in the store. Raises ``NotFound``, ``JourneyInvalid``.
    """
    before, after = [_of_files(what, folder) or _by_name(await _of_store(what, settings())) for what in (old, new)]
    folders = [_is_folder(what) for what in (old, new)]
    if not any(folders):
        (one,), (other,) = before.values(), after.values()
        return [Compared(other.journey, one, other)]
    if all(folders):
        names = sorted({*before, *after})
    else:
        # A journey compared with a folder: with the same journey of the folder.
        names = list(after if folders[0] else before)
        if names[0] not in before or names[0] not in after:
            raise NotFound(f"there is no journey {names[0]} in {old if folders[0] else new}")
    return [Compared(name, before.get(name), after.get(name)) for name in names]


def _is_folder(what: str) -> bool:
    return Path(what).is_dir()


def _of_files(what: str, folder: Path) -> dict[str, Program] | None:
    """The programs of a folder, a file or a journey in ``folder``; None if the store is meant."""
    path = Path(what)
    if path.is_dir():
        compilation = compile_folder(path)
        if errors := tuple(problem for problem in compilation.problems if problem.severity == "error"):
            raise JourneyInvalid(errors)
        if not compilation.programs:
            raise NotFound(f"there are no journeys in {path}")
        return compilation.programs
    an_id = _ID.fullmatch(what) is not None and not (folder / f"{what}.yaml").is_file()
    return None if what.endswith(_PUBLISHED) or an_id else _by_name(find(what, folder))


def _by_name(program: Program) -> dict[str, Program]:
    return {program.journey: program}


async def _of_store(what: str, settings: Settings) -> Program:
    """The published program of a journey, or the program whose id begins like this."""
    async with running_store(settings) as store, store.reading() as tx:
        if not what.endswith(_PUBLISHED):
            return await Programs().get(tx, await programs.find_program(tx, what))
        journey = what.removesuffix(_PUBLISHED)
        standings = await programs.published_journeys(tx, [journey])
        if not standings:
            raise NotFound(f'no journey "{journey}" is published')
        return await Programs().get(tx, standings[0].program_id)


def show(found: list[Compared]) -> None:
    """Print the result for people."""
    same = [one.journey for one in found if one.old and one.new and one.old.id == one.new.id]
    for one in found:
        if one.journey in same:
            continue
        typer.secho(one.journey, bold=True, nl=False)
        if one.old is None or one.new is None:
            typer.secho(
                "  new journey" if one.old is None else "  removed",
                fg=_COLORS["added" if one.old is None else "removed"],
            )
            continue
        typer.echo(f"  {one.old.id[:8]} → {one.new.id[:8]}")
        for part, those in groupby(one.found, key=lambda difference: difference.part):
            typer.echo(f"  {_TITLES[part]}")
            for difference in those:
                _show(difference)
        typer.echo(f"  = {verdict(one.old, one.new)}")
    if same:
        typer.echo(f"unchanged: {', '.join(same)}")


def _show(difference: Difference) -> None:
    typer.secho(f"    {_SIGNS[difference.change]} {difference}", fg=_COLORS[difference.change])
    for line in difference.lines:
        typer.echo(f"        {line}")


def as_json(found: list[Compared]) -> str:
    """The result as JSON."""
    data = []
    for one in found:
        item: dict[str, object] = {
            "journey": one.journey,
            "old": one.old.id if one.old else None,
            "new": one.new.id if one.new else None,
        }
        if one.old and one.new:
            item |= {
                "flow_changed": one.old.flow != one.new.flow,
                "content_changed": one.old.content != one.new.content,
                "means": verdict(one.old, one.new),
                "differences": [{**difference._asdict(), "says": str(difference)} for difference in one.found],
            }
        data.append(item)
    return json.dumps(data, indent=2, ensure_ascii=False)
