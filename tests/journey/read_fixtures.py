"""Compile the fixtures of this folder, and print problems as the expected texts have them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from idic.customize.templates import check
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.problems import Problem

HERE = Path(__file__).parent / "fixtures"
VOCABULARY = (HERE / "vocabulary.yaml").read_text()


def compiled(text: str, *, file: str = "journey.yaml", vocabulary: str = VOCABULARY) -> Compilation:
    return compile_journeys({file: text}, ("vocabulary.yaml", vocabulary), Templates(), check)


def spoken(problems: Iterable[Problem]) -> str:
    """Every problem with its place, its words and the line it is about."""
    return "\n".join(
        f"{problem.severity} {problem.line}:{problem.column} {problem.text}\n{_indented(problem.excerpt)}"
        for problem in problems
    )


def _indented(text: str) -> str:
    return "".join(f"  | {line}\n" for line in text.splitlines())
