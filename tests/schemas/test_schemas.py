"""The schemas agree with the checker: what it accepts they accept, and of the wrong shape they refuse what it refuses."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from typer.testing import CliRunner

from idic.cli import app
from idic.customize.templates import check
from idic.journey.compiler.compile import compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.definition.read_journey import SECTIONS
from idic.journey.fmt.yaml_layout import LayoutNode, read_layout
from idic.journey.program.steps import STEP_KINDS
from idic.journey.yaml_source.nodes import parse
from idic.problems import Problems
from idic.schemas import SCHEMAS, schema_text
from tests.journey.read_fixtures import HERE, VOCABULARY, compiled

JOURNEYS = Path(__file__).parents[2] / "journeys"
VALIDATORS = {kind: Draft202012Validator(make()) for kind, make in SCHEMAS.items()}
ACCEPTED = sorted((HERE / "accepted").glob("*.yaml"))
REFUSED = sorted((HERE / "refused").glob("*.yaml"))
OWN = ("vocabulary", "policy")
EXAMPLES = sorted(path for path in JOURNEYS.glob("*.yaml") if path.stem not in OWN and ".stories." not in path.name)
POLICIES = sorted((HERE.parent / "contact_policy" / "fixtures").glob("**/*.yaml"))
STORIES = sorted(JOURNEYS.glob("*.stories.yaml"))

OF_SHAPE = re.compile(
    r": unknown entry |: \w+ is missing|is two kinds in one|has no id|there is no step \w+|send needs by|"
    r"wait_for needs|consists of (entries|steps|shares|segments|messages)|is a list of (steps|branches)|"
    r"otherwise is for when|a branch cannot be|does nothing|"
    r"names the event of without|cannot be a name|names no (event|channel)|has two kinds of entry"
)
"""What the checker says where the shape is wrong, and not a name, a type or a way through the journey."""


def typed(piece: LayoutNode) -> Any:
    """What an editor sees: plain scalars as YAML 1.2 types them."""
    if piece.kind == "mapping":
        return {entry.key.value: typed(entry.value) for entry in piece.entries if entry.key is not None}
    if piece.kind == "list":
        return [typed(entry.value) for entry in piece.entries]
    value = piece.value
    if piece.style is not None:
        return value
    if value in ("true", "false", "True", "False", "TRUE", "FALSE"):
        return value.lower() == "true"
    if value in ("", "~", "null", "Null", "NULL"):
        return None
    if re.fullmatch(r"[-+]?\d+", value):
        return int(value)
    return float(value) if re.fullmatch(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", value) else value


def seen(text: str) -> Any:
    sheet = read_layout(text)
    return typed(sheet.root) if sheet is not None else None


def wrong(kind: str, value: Any) -> list[str]:
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in VALIDATORS[kind].iter_errors(value)]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schemas_are_schemas_and_those_in_the_folder_are_of_this_idic(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind]())
    assert (JOURNEYS / "schema" / f"{kind}.schema.json").read_text() == schema_text(kind)


@pytest.mark.parametrize("path", [*ACCEPTED, *EXAMPLES], ids=lambda path: path.stem)
def test_what_checks_is_valid(path: Path) -> None:
    assert wrong("journey", seen(path.read_text())) == []


@pytest.mark.parametrize("text", [VOCABULARY, (JOURNEYS / "vocabulary.yaml").read_text()], ids=["fixtures", "example"])
def test_vocabularies_are_valid(text: str) -> None:
    assert wrong("vocabulary", seen(text)) == []


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_stories_are_valid(path: Path) -> None:
    assert wrong("stories", seen(path.read_text())) == []


@pytest.mark.parametrize("path", [JOURNEYS / "policy.yaml", *POLICIES], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_policies_are_valid_unless_they_are_refused_for_their_shape(path: Path) -> None:
    kind = "journey" if path.parent.name.startswith("journeys_") else "policy"
    told = path.with_suffix(".txt")
    refused = told.is_file() and any(OF_SHAPE.search(line) for line in told.read_text().splitlines() if "error" in line)
    if refused or path.parent.name in ("accepted", "warned", "journeys_warned", "policy", "journeys"):
        assert bool(wrong(kind, seen(path.read_text()))) == refused


@pytest.mark.parametrize("path", [*EXAMPLES, *STORIES, *(JOURNEYS / f"{own}.yaml" for own in OWN)], ids=lambda path: path.stem)
def test_the_examples_name_their_schema(path: Path) -> None:
    kind = "stories" if path in STORIES else path.stem if path.stem in OWN else "journey"
    assert path.read_text().splitlines()[0] == f"# yaml-language-server: $schema=schema/{kind}.schema.json"


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_is_refused_for_its_shape_is_invalid(path: Path) -> None:
    text = path.read_text()
    of_yaml = Problems({})
    parse(path.name, text, of_yaml)
    messages = [problem.message for problem in compiled(text).problems if problem.severity == "error"]
    if not of_yaml.failed and any(OF_SHAPE.search(message) for message in messages):
        assert wrong("journey", seen(text)), messages


def dumped(value: Any) -> str:
    from io import StringIO

    out = StringIO()
    YAML(typ="safe", pure=True).dump(value, out)
    return out.getvalue()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=some.data())
def test_what_the_schema_refuses_the_checker_refuses(data: some.DataObject) -> None:
    """One entry of a journey that checks is taken out, renamed or given another's value."""
    value = seen(data.draw(some.sampled_from(ACCEPTED)).read_text())
    places = list(mappings(value))
    inside = data.draw(some.sampled_from(places))
    key = data.draw(some.sampled_from(sorted(inside)))
    match data.draw(some.sampled_from(["out", "rename", "swap"])):
        case "out":
            del inside[key]
        case "rename":
            inside[
                data.draw(some.sampled_from([*STEP_KINDS, *SECTIONS, "do", "then", "otherwise", "within", "at", "by", "on"]))
            ] = inside.pop(key)
        case _:
            other = data.draw(some.sampled_from(places))
            inside[key] = copy.deepcopy(other[data.draw(some.sampled_from(sorted(other)))]) if other else "1 day"
    if wrong("journey", value):
        assert any(problem.severity == "error" for problem in compiled(dumped(value)).problems), (
            wrong("journey", value),
            value,
        )


def mappings(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [*([value] if value else []), *(one for inner in value.values() for one in mappings(inner))]
    return [one for inner in value for one in mappings(inner)] if isinstance(value, list) else []


STEP = {
    "wait": "1 day", "wait_for": "Page Viewed", "choose": [{"if": "true", "do": "continue"}], "split": {"a": 100},
    "send": "hi", "set": {"a": "1"}, "call": "stock", "repeat": {"times": 2, "do": {"id": "y", "wait": "1 day"}},
    "enter": "other", "differentiate": "again", "exit": "out",
}  # fmt: skip
WORDS = (
    "id", "if", "then", "otherwise", "within", "without", "with", "as", "by", "at", "do", "until", "times", "on", "of", "since",
    "key",
)  # fmt: skip


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_every_kind_of_step_has_the_entries_that_the_checker_knows(kind: str) -> None:
    """Each word of the language is put into a step of each kind."""
    (branch,) = (one for one in SCHEMAS["journey"]()["$defs"]["step"]["anyOf"] if kind in one["required"])
    taken = set()
    for word in WORDS:
        step = {"id": "x", kind: STEP[kind], word: "x"} if word != "id" else {"id": "x", kind: STEP[kind]}
        found = compiled(dumped({"journey": "a", "identify": {"on": "Page Viewed"}, "interact": [step]})).problems
        if not any("unknown entry" in problem.message and f"entry {word}" in problem.message for problem in found):
            taken.add(word)
    assert set(branch["properties"]) - {kind} == taken


def test_the_sections_are_those_of_the_checker() -> None:
    assert tuple(SCHEMAS["journey"]()["properties"]) == SECTIONS
    sections = SCHEMAS["vocabulary"]()["properties"]
    wrong_one = compile_journeys({}, ("v.yaml", "nonsense: 1\n"), Templates(), check).problems[0]
    assert all(section in (wrong_one.hint or "") for section in sections), wrong_one.hint
    assert len(sections) == len(re.split(", | or ", (wrong_one.hint or "").removeprefix("it may have ")))


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        ({"id": "a", "wait": "1 dya"}, "dya"),
        ({"id": "a", "wait": 4}, "4"),
        ({"id": "a", "send": "x", "by": "fax"}, "fax"),
        ({"id": "a", "wait": "1 day", "send": "x", "by": "email"}, "wait"),
        ({"id": "a", "split": {"one": 0}}, "0"),
        ({"id": "a", "repeat": {"times": 101, "do": {"id": "b", "wait": "1 day"}}}, "101"),
    ],
)  # fmt: skip
def test_slips_are_underlined(step: dict[str, Any], hint: str) -> None:
    assert wrong("journey", {"journey": "a", "identify": {"on": "Page Viewed"}, "interact": [step]})


def test_schemas_are_printed_written_and_checked(tmp_path: Path) -> None:
    run = CliRunner()
    assert run.invoke(app, ["schema", "journey"]).output == schema_text("journey")
    assert run.invoke(app, ["schema", "--check", "--out", str(tmp_path)]).exit_code == 1
    assert run.invoke(app, ["schema", "--out", str(tmp_path)]).exit_code == 0
    assert run.invoke(app, ["schema", "--check", "--out", str(tmp_path)]).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "journey.schema.json", "policy.schema.json", "stories.schema.json", "vocabulary.schema.json",
    ]  # fmt: skip
