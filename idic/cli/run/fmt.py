"""Files laid out anew, with the proof that they mean what they meant."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from idic.errors import InvalidInput
from idic.journey.fmt.format import format_file
from idic.journeys_folder import compile_folder
from idic.problems import Problem


class Outcome(NamedTuple):
    """``text`` is ``before`` laid out; of a file with ``problems`` it is as before."""

    file: Path
    before: str
    text: str
    problems: tuple[Problem, ...] = ()

    def diff(self) -> str:
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.text.splitlines(keepends=True), str(self.file), f"{self.file} laid out"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def lay_out(files: Sequence[Path]) -> list[Outcome]:
    """Each file. Raises ``InvalidInput`` for one that cannot be read."""
    outcomes = [_one(file) for file in files]
    found: list[Outcome] = []
    for folder, those in groupby(outcomes, key=lambda outcome: outcome.file.parent):
        found += _proven(folder, list(those))
    return found


def _one(file: Path) -> Outcome:
    try:
        # As it is on disk, so that what Windows puts at the ends of lines is seen too.
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8; save it again as UTF-8") from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from None
    done = format_file(str(file), text)
    return Outcome(file, text, text if done.text is None else _as_written(text, done.text), done.problems)


def _as_written(before: str, after: str) -> str:
    """``after`` with the line ends and the mark at the beginning of ``before``: they are the editor's, not the author's."""
    if "\r\n" in before:
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    return f"\ufeff{after}" if before.startswith("\ufeff") and not after.startswith("\ufeff") else after


def _proven(folder: Path, outcomes: list[Outcome]) -> Iterator[Outcome]:
    """The outcomes, of which those are problems after which the folder would compile to other programs."""
    changed = [outcome for outcome in outcomes if outcome.text != outcome.before]
    if not changed:
        yield from outcomes
        return
    before, after = _programs(folder, {}), _programs(folder, {outcome.file.name: outcome.text for outcome in changed})
    for outcome in outcomes:
        if before == after or outcome not in changed:
            yield outcome
            continue
        problem = Problem("error", str(outcome.file), 1, 1, "laid out, it would not be the same program", "it is left as it is")
        yield Outcome(outcome.file, outcome.before, outcome.before, (problem,))


def _programs(folder: Path, instead: dict[str, str]) -> dict[str, str]:
    """The ids of the programs in a folder by journey, with other texts in place of some files."""
    if not instead:
        return {name: program.id for name, program in compile_folder(folder).programs.items()}
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)
        for file in (*folder.glob("*.yaml"), *folder.glob("*.yml")):
            shutil.copyfile(file, copy / file.name)
        if (folder / "templates").is_dir():
            (copy / "templates").symlink_to((folder / "templates").resolve())
        for name, text in instead.items():
            (copy / name).write_text(text, encoding="utf-8", newline="")
        return {name: program.id for name, program in compile_folder(copy).programs.items()}
