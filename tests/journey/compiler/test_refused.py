"""Every refused journey has its exact messages beside it: ``refused/NAME.yaml`` and ``NAME.txt``."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.customize.templates import check
from idic.journey.compiler.compile import compile_journeys
from idic.journey.compiler.compile_templates import Templates
from tests.journey.read_fixtures import HERE, compiled, spoken

JOURNEYS = sorted((HERE / "refused").glob("*.yaml"))
WARNED = sorted((HERE / "warned").glob("*.yaml"))
VOCABULARIES = sorted((HERE / "refused_vocabularies").glob("*.yaml"))


@pytest.mark.parametrize("path", JOURNEYS, ids=lambda path: path.stem)
def test_a_journey_is_refused_with_this_message(path: Path) -> None:
    compilation = compiled(path.read_text(), file=path.name)
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert not compilation.programs


@pytest.mark.parametrize("path", WARNED, ids=lambda path: path.stem)
def test_a_suspicious_journey_compiles_with_this_warning(path: Path) -> None:
    compilation = compiled(path.read_text(), file=path.name)
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert list(compilation.programs) == [path.stem]


@pytest.mark.parametrize("path", VOCABULARIES, ids=lambda path: path.stem)
def test_a_vocabulary_is_refused_with_this_message(path: Path) -> None:
    compilation = compile_journeys({}, (path.name, path.read_text()), Templates(), check)
    assert spoken(compilation.problems) == path.with_suffix(".txt").read_text()
    assert compilation.problems


def test_every_refused_journey_has_its_message() -> None:
    assert {path.stem for path in JOURNEYS} == {path.stem for path in (HERE / "refused").glob("*.txt")}
    assert len(JOURNEYS) >= 60
