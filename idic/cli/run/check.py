"""The work of ``idic check``: report every problem of every journey, and what is proved of the correct ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from idic.cli.run.github_annotations import annotation
from idic.customize import sms_worst_case
from idic.errors import NotFound
from idic.journey.channels import SMS
from idic.journey.contact_policy.describe_policy import policy_lines
from idic.journey.report.bounds import bounds
from idic.journey.report.report import describe_bounds, describe_matching, describe_reads
from idic.journeys_folder import Compilation, compile_folder
from idic.problems import Problem
from idic.rehearse.stories.folder import is_story_file, read_story_files, stories_beside, story_files

_COLORS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}


def compiled(paths: Sequence[Path]) -> list[Compilation]:
    """Compile each folder with its stories, or a file with the vocabulary and stories beside it. Raises ``NotFound``."""
    found = []
    unique: dict[Path, Path] = {}
    for path in paths:
        unique.setdefault(path.resolve(), path)
    for path in unique.values():
        if path.is_dir():
            compilation, stories = compile_folder(path), story_files(path)
            if not (compilation.files or compilation.problems or stories):
                raise NotFound(f"there is no journey in {path}; give the folder with the journeys")
            read = read_story_files(stories, compilation)
        elif is_story_file(path):
            compilation = compile_folder(path.parent)
            read = read_story_files([path], compilation)
            compilation = compilation._replace(problems=(), files={}, policy_file=None)
        else:
            compilation, stories = compile_folder(path.parent, only=path), stories_beside(path)
            # A story may enter other journeys.
            read = read_story_files(stories, compile_folder(path.parent) if stories else compilation)
        found.append(compilation._replace(problems=(*compilation.problems, *read.problems)))
    return found


def show(compilations: Sequence[Compilation]) -> None:
    """Print the result for people."""
    for compilation in compilations:
        _print(compilation)


def as_json(compilations: Sequence[Compilation]) -> str:
    """The result as JSON."""
    return json.dumps([item for compilation in compilations for item in _as_data(compilation)], indent=2)


def as_annotations(compilations: Sequence[Compilation]) -> str:
    """The result as GitHub annotations."""
    problems = [problem for compilation in compilations for problem in compilation.problems]
    return "".join(f"{annotation(p.severity, p.file, p.line, p.column, 'idic check', p.text)}\n" for p in problems)


def have_errors(compilations: Sequence[Compilation]) -> bool:
    """Whether any journey has errors."""
    return any(problem.severity == "error" for compilation in compilations for problem in compilation.problems)


def _print(compilation: Compilation) -> None:
    files = _files(compilation)
    width = max((len(_where(problem)) for problem in compilation.problems), default=0)
    for file, problems in files.items():
        typer.secho(file, bold=True)
        for problem in problems:
            print_problem(problem, width)
        if file == compilation.policy_file and compilation.policy is not None:
            for part in policy_lines(compilation.policy):
                typer.echo(f"  {'policy':<8} {part}")
        for journey, journey_file in compilation.files.items():
            program = compilation.programs.get(journey)
            if journey_file != file or program is None:
                continue
            typer.echo(f"  {'proved':<8} {describe_bounds(program)}")
            if parts := sms_worst_case.describe_worst_cases(program):
                typer.echo(f"  {'segments':<8} {parts}")
            if listened := describe_matching(program):
                typer.echo(f"  {'matched':<8} {listened}")
            typer.echo(f"  {'reads':<8} {describe_reads(program, compilation.vocabulary)}")
    if not files:
        typer.echo("no journeys here")


def print_problem(problem: Problem, width: int = 0, *, file: bool = False) -> None:
    """Print a problem with its place, line and carets. ``width`` aligns places; with ``file``, the place begins with the
    file's name."""
    place = f"{problem.file}:{_where(problem)}:" if file else _where(problem)
    typer.secho(f"  {problem.severity:<8}", fg=_COLORS[problem.severity], nl=False)
    typer.echo(f" {place:<{width}} {problem.text}")
    _print_excerpt(problem, max(width, 0 if file else len(place)))


def _print_excerpt(problem: Problem, width: int) -> None:
    if not problem.excerpt:
        return
    number, gap = str(problem.line), " " * (12 + width)
    line, _, carets = problem.excerpt.partition("\n")
    typer.echo(f"{gap}{number} | {line}")
    typer.echo(f"{gap}{' ' * len(number)} | {carets}")


def _where(problem: Problem) -> str:
    return f"{problem.line}:{problem.column}"


def _files(compilation: Compilation) -> dict[str, list[Problem]]:
    """The problems of each file; every journey is included, with or without problems."""
    ordered = sorted(compilation.problems, key=lambda problem: problem.file)
    found = {file: list(problems) for file, problems in groupby(ordered, key=lambda problem: problem.file)}
    policy = [compilation.policy_file] if compilation.policy_file else []
    return {file: found.get(file, []) for file in sorted({*found, *compilation.files.values(), *policy})}


def _as_data(compilation: Compilation) -> list[dict[str, Any]]:
    journeys = {file: journey for journey, file in compilation.files.items()}
    data: list[dict[str, Any]] = []
    for file, problems in _files(compilation).items():
        program = compilation.programs.get(journeys.get(file, ""))
        item: dict[str, Any] = {"file": file, "problems": [problem._asdict() for problem in problems]}
        if file == compilation.policy_file and compilation.policy is not None:
            item |= {"policy": compilation.policy.model_dump(mode="json", exclude_defaults=True)}
        if program is not None:
            limits = bounds(program)
            item |= {
                "journey": program.journey,
                "program": program.id,
                "at_most": dict(limits.most),
                "at_most_messages": limits.messages,
                SMS.name: {
                    name: one._asdict() for name, m in program.messages.items() if (one := sms_worst_case.worst_case(m))
                },
                "longest_seconds": limits.longest.total_seconds(),
                "longest_after_last": list(limits.resetting),
                "longest_plus_until": list(limits.moments),
                "each_time_entered": limits.each_time,
                "matched": describe_matching(program),
                "reads": list(program.customer),
            }
        data.append(item)
    return data
