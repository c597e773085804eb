"""The rules of the architecture: who imports whom, and that what decides reads no clock."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = ["idic/journey", "idic/identify", "idic/differentiate", "idic/customize", "idic/interact/policy"]


def files(*places: str) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def test_imports_run_one_way() -> None:
    linted = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("path", list(files(*PURE)), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_decides_reads_no_clock(path: Path) -> None:
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & {"now", "utcnow", "today", "monotonic"}


def test_only_the_driver_knows_workflows() -> None:
    for path in files("idic", "activities", "worker.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names}
                assert node.module != "temporalio.workflow"
                assert not (node.module == "temporalio" and "workflow" in names), path


def test_migrations_import_no_live_code() -> None:
    """A rename or a changed rule must not change what an old migration does."""
    migrations = list(files("idic/store/migrations/versions"))
    assert migrations
    for path in migrations:
        for node in ast.walk(ast.parse(path.read_text())):
            imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in imported if name.partition(".")[0] in {"idic", "activities", "workflows"}], path
