"""The README does not lie: its journey checks, and the error that it shows is the error that idic gives."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from idic.journeys_folder import compile_folder

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_example_journey_checks(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "journeys", tmp_path / "journeys")
    example = re.search(r"```yaml\n(journey: second_cup.*?)```", README, re.DOTALL)
    assert example is not None
    (tmp_path / "journeys" / "second_cup.yaml").write_text(example[1])
    compiled = compile_folder(tmp_path / "journeys")
    assert [str(problem) for problem in compiled.problems] == []
    assert "second_cup" in compiled.programs


def test_the_error_that_is_shown_is_the_error_that_is_given(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "journeys", tmp_path / "journeys")
    example = re.search(r"```yaml\n(journey: second_cup.*?)```", README, re.DOTALL)
    assert example is not None
    broken = example[1].replace("customer.orders > 1", "customer.order > 1")
    (tmp_path / "journeys" / "second_cup.yaml").write_text(broken)
    (problem,) = compile_folder(tmp_path / "journeys").problems
    shown = re.search(r"error +(\d+:\d+ .*)", README)
    assert shown is not None
    assert shown[1] == f"{problem.line}:{problem.column} {problem.text}"
