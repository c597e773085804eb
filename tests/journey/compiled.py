"""Compile journeys that a test writes as text."""

from __future__ import annotations

from idic.customize.templates import check
from idic.journey.compiler.compile import compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.program.program import Program


def written(vocabulary: str, *texts: str) -> list[Program]:
    """Fails with the checker's words where it finds an error."""
    files = {f"{number}.yaml": text for number, text in enumerate(texts)}
    found = compile_journeys(files, ("vocabulary.yaml", vocabulary), Templates(), check)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert not errors, "\n".join(f"{one.file}:{one.line}:{one.column} {one.text}" for one in errors)
    return list(found.programs.values())
