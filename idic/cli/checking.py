"""What ``idic check`` says: every problem of every journey at once, and what is proved of those that are right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from idic.authoring import Compilation, compile_folder
from idic.customize import longest
from idic.journey.problems import Problem
from idic.journey.report import bounds, matched, proved, reads

_COLORS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}


def compiled(paths: Sequence[Path]) -> list[Compilation]:
    """Each folder, or the one file with the vocabulary beside it. Raises ``NotFound``."""
    return [compile_folder(path) if path.is_dir() else compile_folder(path.parent, only=path) for path in paths]


def show(compilations: Sequence[Compilation]) -> None:
    """For people."""
    for compilation in compilations:
        _print(compilation)


def as_json(compilations: Sequence[Compilation]) -> str:
    """For tools."""
    return json.dumps([item for compilation in compilations for item in _as_data(compilation)], indent=2)


def have_errors(compilations: Sequence[Compilation]) -> bool:
    return any(problem.severity == "error" for compilation in compilations for problem in compilation.problems)


def _print(compilation: Compilation) -> None:
    files = _files(compilation)
    width = max((len(_where(problem)) for problem in compilation.problems), default=0)
    for file, problems in files.items():
        typer.secho(file, bold=True)
        for problem in problems:
            typer.secho(f"  {problem.severity:<8}", fg=_COLORS[problem.severity], nl=False)
            typer.echo(f" {_where(problem):<{width}} {problem.text}")
            _print_excerpt(problem, width)
        for journey, journey_file in compilation.files.items():
            program = compilation.programs.get(journey)
            if journey_file != file or program is None:
                continue
            typer.echo(f"  {'proved':<8} {proved(program)}")
            if parts := longest.said(program):
                typer.echo(f"  {'segments':<8} {parts}")
            if listened := matched(program):
                typer.echo(f"  {'matched':<8} {listened}")
            typer.echo(f"  {'reads':<8} {reads(program, compilation.vocabulary)}")
    if not files:
        typer.echo("no journeys here")


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
    """The problems of each file; the journeys come with or without any."""
    ordered = sorted(compilation.problems, key=lambda problem: problem.file)
    found = {file: list(problems) for file, problems in groupby(ordered, key=lambda problem: problem.file)}
    return {file: found.get(file, []) for file in sorted({*found, *compilation.files.values()})}


def _as_data(compilation: Compilation) -> list[dict[str, Any]]:
    journeys = {file: journey for journey, file in compilation.files.items()}
    data: list[dict[str, Any]] = []
    for file, problems in _files(compilation).items():
        program = compilation.programs.get(journeys.get(file, ""))
        item: dict[str, Any] = {"file": file, "problems": [problem._asdict() for problem in problems]}
        if program is not None:
            limits = bounds(program)
            item |= {
                "journey": program.journey,
                "program": program.id,
                "at_most": dict(limits.most),
                "at_most_messages": limits.messages,
                "sms": {name: one._asdict() for name, m in program.messages.items() if (one := longest.worst(m))},
                "longest_seconds": limits.longest.total_seconds(),
                "reads": list(program.customer),
            }
        data.append(item)
    return data
