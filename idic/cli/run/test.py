"""The work of ``idic test``: one line for each story, and how a failed one really went."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from idic.cli.run.check import print_problem
from idic.cli.run.github_annotations import annotation
from idic.errors import NotFound
from idic.journeys_folder import Compilation, compile_folder
from idic.problems import Mark, Problem, Problems
from idic.rehearse.stories.folder import is_story_file, read_story_files, stories_beside, story_files
from idic.rehearse.stories.judge import Failure
from idic.rehearse.stories.play import StoryResult, play_story, unwalked_steps
from idic.rehearse.stories.storybook import Storybook, format_moment, reachable_programs
from idic.rehearse.stories.timeline import TimelineEntry

_INDENT = " " * 10


class Tested(NamedTuple):
    """One file of stories.

    ``problems`` keep stories from being played. ``unwalked`` are steps that no story reaches, if all stories were played.
    ``excerpts`` are the lines of failures with carets.
    """

    file: str
    book: Storybook | None
    problems: tuple[Problem, ...]
    told: tuple[StoryResult, ...]
    unwalked: dict[str, list[str]]
    excerpts: dict[Mark, str]
    seconds: float


def tested(paths: Sequence[Path], word: str) -> list[Tested]:
    """Play every story in ``paths`` that has ``word`` in its title or journey. Raises ``NotFound``."""
    compiled: dict[Path, Compilation] = {}
    found: list[Tested] = []
    for file in _files(paths):
        if file.parent not in compiled:
            compiled[file.parent] = compile_folder(file.parent)
        one = _tested(file, compiled[file.parent], word.casefold())
        if one is not None:
            told = {problem for before in found for problem in before.problems}
            found.append(one._replace(problems=tuple(problem for problem in one.problems if problem not in told)))
    return found


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            stories = story_files(path)
            if not stories and not compile_folder(path).files:
                raise NotFound(f"there is no journey in {path}, and no story; name the folder that has them")
            files += stories
        elif is_story_file(path):
            files.append(path)
        elif not path.exists():
            raise NotFound(f"there is no file {path}; name a folder of journeys, a journey or its file of stories")
        elif not (stories := stories_beside(path)):
            raise NotFound(f"{path} has no stories; write {path.with_suffix('').name}.stories.yaml beside it")
        else:
            files += stories
    return list(dict.fromkeys(files))


def _tested(file: Path, compilation: Compilation, word: str) -> Tested | None:
    began = time.perf_counter()
    stories = read_story_files([file], compilation)
    problems = list(stories.problems)
    book = next(iter(stories.books), None)
    if book is None and not any(problem.severity == "error" for problem in problems):
        # The journey has errors; the stories are fine as far as they were checked.
        problems += [problem for problem in compilation.problems if problem.severity == "error"]
    if book is None:
        return Tested(str(file), None, tuple(problems), (), {}, {}, 0)
    chosen = [one for one in book.stories if word in one.title.casefold() or word in book.journey.casefold()]
    if not chosen:
        return None
    programs = reachable_programs(compilation.programs, book.journey)
    told = tuple(play_story(book, story, programs) for story in chosen)
    missed = unwalked_steps(programs[:1], told) if len(chosen) == len(book.stories) else {}
    excerpts = _excerpts(str(file), "\n".join(stories.lines[str(file)]), [f for one in told for f in one.failures])
    return Tested(str(file), book, tuple(problems), told, missed, excerpts, time.perf_counter() - began)


def _excerpts(file: str, text: str, failures: Sequence[Failure]) -> dict[Mark, str]:
    found: dict[Mark, str] = {}
    for failure in failures:
        problems = Problems({file: text})
        problems.error(failure.mark, "")
        found[failure.mark] = problems.all()[0].excerpt
    return found


def passed(tested: Sequence[Tested]) -> bool:
    """Whether every story passed."""
    return all(one.book is not None and all(told.ok for told in one.told) for one in tested)


def show(tested: Sequence[Tested]) -> None:
    """Print the result for people."""
    for one in tested:
        typer.secho(one.file, bold=True)
        for problem in one.problems:
            print_problem(problem, file=problem.file != one.file)
        if one.book is None and not one.problems:
            typer.echo("  not told: what is wrong is said above")
        for told in one.told:
            if told.ok:
                typer.secho(f"  {'ok':<7}", fg=typer.colors.GREEN, nl=False)
                typer.echo(f" {told.story.title}")
            elif one.book is not None:
                _show_failed(one, one.book, told)
        for journey, steps in one.unwalked.items():
            typer.secho(f"  {'unseen':<7}", fg=typer.colors.YELLOW, nl=False)
            typer.echo(f" no story comes to {', '.join(steps)} of {journey}")
    told_all = [told for one in tested for told in one.told]
    failed = sum(not told.ok for told in told_all)
    untold = sum(one.book is None for one in tested)
    if not tested:
        typer.echo("no stories here")
        return
    counted = f"{len(told_all)} stor{'y' if len(told_all) == 1 else 'ies'}, {failed} failed"
    unread = f", {untold} file{'' if untold == 1 else 's'} could not be told" if untold else ""
    typer.secho(f"{counted}{unread}", fg=typer.colors.RED if failed or untold else typer.colors.GREEN)


def _show_failed(one: Tested, book: Storybook, told: StoryResult) -> None:
    typer.secho(f"  {'FAILED':<7}", fg=typer.colors.RED, nl=False)
    typer.echo(f" {told.story.title}")
    for failure in told.failures:
        mark = failure.mark
        said_first = f"expected {failure.wanted}" if failure.wanted else f"the story cannot go on: {failure.instead}"
        typer.echo(f"{_INDENT}{mark.file}:{mark.line}:{mark.column}: {said_first}")
        line, _, carets = one.excerpts[mark].partition("\n")
        typer.echo(f"{_INDENT}  {mark.line} | {line}\n{_INDENT}  {' ' * len(str(mark.line))} | {carets}")
        if failure.wanted:
            typer.echo(f"{_INDENT}instead {failure.instead}")
    if not told.timeline:
        return
    several = len({entry.who for entry in told.timeline}) > 1
    zones = list(dict.fromkeys(book.zone_of(entry.who) for entry in told.timeline))
    where = zones[0] if len(zones) == 1 else "each in their own zone"
    typer.secho(f"{_INDENT}as it went, {where}:", bold=True)
    for entry in told.timeline:
        typer.echo(f"{_INDENT}  {_line(book, entry, several=several)}")


def _line(book: Storybook, entry: TimelineEntry, *, several: bool) -> str:
    who = f"{entry.who}: " if several or not entry.idic else ""
    zone = book.zone_of(entry.who)
    again = f" ({entry.times} times, until {format_moment(entry.until, zone)})" if entry.until else ""
    return f"{format_moment(entry.at, zone)}  {'    ' if entry.idic else ''}{who}{entry.text}{again}"


def as_annotations(tested: Sequence[Tested]) -> str:
    """The result as GitHub annotations."""
    lines = []
    for one in tested:
        lines += [annotation(p.severity, p.file, p.line, p.column, "idic test", p.text) for p in one.problems]
        for told in one.told:
            for failure in told.failures:
                message = f"{told.story.title}: {failure.text}"
                mark = failure.mark
                lines.append(annotation("error", mark.file, mark.line, mark.column, "idic test", message))
    return "".join(f"{line}\n" for line in lines)


def as_json(tested: Sequence[Tested]) -> str:
    """The result as JSON."""
    return json.dumps([_as_data(one) for one in tested], indent=2, ensure_ascii=False)


def _as_data(one: Tested) -> dict[str, Any]:
    return {
        "file": one.file,
        "journey": one.book.journey if one.book else None,
        "problems": [problem._asdict() for problem in one.problems],
        "stories": [
            {
                "story": told.story.title,
                "line": told.story.mark.line,
                "ok": told.ok,
                "failures": [
                    {
                        "line": failure.mark.line,
                        "column": failure.mark.column,
                        "expected": failure.wanted,
                        "instead": failure.instead,
                    }
                    for failure in told.failures
                ],
                "timeline": [
                    {"at": entry.at.isoformat(), "who": entry.who, "text": entry.text, "idic": entry.idic}
                    for entry in told.timeline
                ],
            }
            for told in one.told
        ],
        "unseen": one.unwalked,
    }
