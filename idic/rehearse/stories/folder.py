"""The stories of a folder of journeys: the edge round what is pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from idic.journeys_folder import Compilation
from idic.problems import Mark, Problem, Problems
from idic.rehearse.stories.read_stories import read_stories
from idic.rehearse.stories.storybook import Storybook

SUFFIXES = (".stories.yaml", ".stories.yml")


class Stories(NamedTuple):
    """``books`` are those that can be told. ``lines`` are the lines of every file, by its name."""

    books: tuple[Storybook, ...]
    problems: tuple[Problem, ...]
    files: tuple[str, ...]
    lines: dict[str, list[str]]


def story_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_story_file(path)) if folder.is_dir() else []


def is_story_file(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def stories_beside(journey: Path) -> list[Path]:
    """The stories of a journey by its file: ``cart.stories.yaml`` beside ``cart.yaml``."""
    stem = journey.name.removesuffix(".yaml").removesuffix(".yml")
    return [path for suffix in SUFFIXES if is_story_file(path := journey.with_name(f"{stem}{suffix}"))]


def read_story_files(files: Iterable[Path], compilation: Compilation) -> Stories:
    """Every file read; its name in problems is the path as it was given."""
    books: list[Storybook] = []
    found: list[Problem] = []
    lines: dict[str, list[str]] = {}
    for path in files:
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as error:
            unread = Problems({})
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            unread.error(Mark(name, 1, 1), f"the file cannot be read: {why}")
            found.extend(unread.all())
            continue
        problems = Problems({name: text})
        book = read_stories(name, text, compilation, problems)
        if book is not None and not problems.failed:
            books.append(book)
        found.extend(problems.all())
        lines[name] = text.removeprefix("\ufeff").splitlines()
    return Stories(tuple(books), tuple(found), tuple(lines), lines)
