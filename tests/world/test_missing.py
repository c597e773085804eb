"""A machine without Node or Chromium is told what is missing, and the run doesn't pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WANTS = """
import pytest

def test_of_the_world(node):
    pass

async def test_of_the_web(chromium):
    pass
"""


@pytest.mark.parametrize(("world", "code"), [("", 1), ("partial", 0)])
def test_what_cannot_run_is_named_and_fails_the_run(tmp_path: Path, world: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(WANTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nmarkers = world\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    bare = {**os.environ, "PATH": str(tmp_path), "WORLD": world}
    told = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert told.returncode == code, told.stdout
    assert "test_it.py::test_of_the_world: Node is missing; install it: apt-get install nodejs npm" in told.stdout
    assert "test_it.py::test_of_the_web: Chromium is missing; install it: apt-get install chromium" in told.stdout
    assert "2 not run" in told.stdout
