"""Compile journeys that a test writes as text."""

from __future__ import annotations

from idic.customize.templates import check
from idic.journey.compiler.compile import compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.program.program import Program


def written(vocabulary: str, *texts: str) -> list[Program]:
    """Compile these journeys; fails with the messages of the check if there is an error."""
    files = {f"{number}.yaml": text for number, text in enumerate(texts)}
    compilation = compile_journeys(files, ("vocabulary.yaml", vocabulary), Templates(), check)
    errors = [problem for problem in compilation.problems if problem.severity == "error"]
    assert not errors, "\n".join(f"{error.file}:{error.line}:{error.column} {error.text}" for error in errors)
    return list(compilation.programs.values())
