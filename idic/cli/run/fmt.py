"""The work of ``idic fmt``: format files, and prove that their meaning is unchanged."""

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


class FormattedFile(NamedTuple):
    """``text`` is ``before`` after formatting; a file with ``problems`` keeps its text."""

    file: Path
    before: str
    text: str
    problems: tuple[Problem, ...] = ()

    def diff(self) -> str:
        """The changes as a unified diff."""
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.text.splitlines(keepends=True), str(self.file), f"{self.file} formatted"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def lay_out(files: Sequence[Path]) -> list[FormattedFile]:
    """Format each file. Raises ``InvalidInput`` for a file that can't be read."""
    outcomes = [_one(file) for file in files]
    found: list[FormattedFile] = []
    for folder, those in groupby(outcomes, key=lambda outcome: outcome.file.parent):
        found += _proven(folder, list(those))
    return found


def _one(file: Path) -> FormattedFile:
    try:
        # Read without newline translation, so that Windows line ends are seen.
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8; save it again as UTF-8") from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from None
    done = format_file(str(file), text)
    return FormattedFile(file, text, text if done.text is None else _as_written(text, done.text), done.problems)


def _as_written(before: str, after: str) -> str:
    """``after`` with the line ends and the byte order mark of ``before``, which belong to the editor."""
    if "\r\n" in before:
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    return f"\ufeff{after}" if before.startswith("\ufeff") and not after.startswith("\ufeff") else after


def _proven(folder: Path, outcomes: list[FormattedFile]) -> Iterator[FormattedFile]:
    """The outcomes; a change that would compile to a different program becomes a problem."""
    changed = [outcome for outcome in outcomes if outcome.text != outcome.before]
    if not changed:
        yield from outcomes
        return
    before, after = _programs(folder, {}), _programs(folder, {outcome.file.name: outcome.text for outcome in changed})
    for outcome in outcomes:
        if before == after or outcome not in changed:
            yield outcome
            continue
        problem = Problem("error", str(outcome.file), 1, 1, "formatting would change the program", "the file is not changed")
        yield FormattedFile(outcome.file, outcome.before, outcome.before, (problem,))


def _programs(folder: Path, instead: dict[str, str]) -> dict[str, str]:
    """The program ids of a folder by journey, with other texts in place of some files."""
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
