"""Find and read the story files of a folder of journeys."""

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
    """Story files that were read. ``books`` are those without mistakes. ``lines`` are the lines of every file, by its name."""

    books: tuple[Storybook, ...]
    problems: tuple[Problem, ...]
    files: tuple[str, ...]
    lines: dict[str, list[str]]


def story_files(folder: Path) -> list[Path]:
    """The story files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if is_story_file(path)) if folder.is_dir() else []


def is_story_file(path: Path) -> bool:
    """Whether this is a file of stories, by its name."""
    return path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def stories_beside(journey: Path) -> list[Path]:
    """The story files of a journey: ``cart.stories.yaml`` beside ``cart.yaml``."""
    stem = journey.name.removesuffix(".yaml").removesuffix(".yml")
    return [path for suffix in SUFFIXES if is_story_file(path := journey.with_name(f"{stem}{suffix}"))]


def read_story_files(files: Iterable[Path], compilation: Compilation) -> Stories:
    """Read these files. Problems name them by the paths as they were given."""
    books: list[Storybook] = []
    all_problems: list[Problem] = []
    lines: dict[str, list[str]] = {}
    for path in files:
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as error:
            unread = Problems({})
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            unread.error(Mark(name, 1, 1), f"the file cannot be read: {why}")
            all_problems.extend(unread.all())
            continue
        problems = Problems({name: text})
        book = read_stories(name, text, compilation, problems)
        if book is not None and not problems.failed:
            books.append(book)
        all_problems.extend(problems.all())
        lines[name] = text.removeprefix("\ufeff").splitlines()
    return Stories(tuple(books), tuple(all_problems), tuple(lines), lines)
