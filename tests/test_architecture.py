"""The rules of the architecture: who imports whom, names, the size of folders, and what may read a clock."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ["idic", "activities", "workflows"]
LARGEST_FOLDER = 25
"""Modules in one folder: a newcomer reads the list of them in one sitting."""
STAGES = {
    "consents": "the endpoint, the command and the queries of the consent ledger",
    "email": "how journeys write email, and how it is composed and sent",
    "sms": "how journeys write SMS, and how they are composed and sent",
    "web": "how journeys write content of the site, how it is composed, and the endpoints of the web script",
    "customers": "the endpoint and the queries of customers",
    "enrollments": "the endpoint and the queries of enrollments",
    "erase": "the router ends what is under way, the store deletes",
    "journeys": "the command and its query",
    "migrate": "the engine decides, the router does it",
    "pause": "the command and the transactions of a pause",
    "preferences": "what customers prefer, and the page on which they say so",
    "privacy": "the endpoint and the command of export and erasure",
    "publish": "the command and what it does",
    "send": "the step, and how the engine sends",
    "settings": "the settings, and the command that shows them",
    "visitors": "the proof of a visitor's id, and the queries of visits",
    "vocabulary": "the vocabulary, the command that lists it, and the API's copy of the published vocabulary",
    "wait": "the step, and how the engine waits",
}
"""Module names that stand in several folders, each for one thing at several stages."""
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


def modules(*places: str) -> Iterator[Path]:
    for path in files(*places):
        if path.stem not in ("__init__", "__main__") and "migrations" not in path.parts:
            yield path.relative_to(ROOT)


@pytest.mark.parametrize("path", list(modules(*CODE, "bench", "chaos")), ids=str)
def test_a_module_is_named_by_a_noun_or_an_imperative_verb(path: Path) -> None:
    assert not path.stem.endswith("ing"), (
        f"{path}: say what it holds or what it does, such as {path.stem.removesuffix('ing')}.py"
    )


def family(path: Path) -> str:
    """The folder whose modules may share a name: the two halves of a command, the two drivers, the vendors."""
    match path.parts:
        case ("idic", "cli", *_):
            return "idic/cli"
        case ("idic", "router" | "rehearse", _):
            return "a driver of the interpreter"
        case ("idic", "providers", _, _):
            return "idic/providers"
        case _:
            return str(path.parent)


def test_no_two_things_share_the_name_of_a_module() -> None:
    places: dict[str, list[Path]] = defaultdict(list)
    for path in modules("idic"):
        places[path.stem].append(path)
    shared = {name for name, paths in places.items() if len({family(path) for path in paths}) > 1}
    assert shared == set(STAGES), "name the new one after what it alone holds, or add it to STAGES if it is the same thing"


def test_no_two_things_share_the_name_of_a_public_class() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in modules("idic"):
        for node in ast.parse((ROOT / path).read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_no_folder_is_too_large_to_be_read_at_once() -> None:
    sizes: dict[Path, int] = defaultdict(int)
    for path in modules(*CODE):
        sizes[path.parent] += 1
    assert {str(folder): size for folder, size in sizes.items() if size > LARGEST_FOLDER} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also not late, inside a function, or for types alone."""
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files(*CODE)}
    imports: dict[str, set[str]] = {}
    for name, path in known.items():
        imports[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    imports[name].add(full if full in known else node.module)
        imports[name] = (imports[name] & known.keys()) - {name}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))
