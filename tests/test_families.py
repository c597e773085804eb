"""Each family of idic has one table: every row is complete, and a new member is a new file and a row."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from idic.cli.run.vocabulary import listed
from idic.customize.templates import check
from idic.interact.channels.edges import EDGES
from idic.interact.policy.rules import NAMES, RULES
from idic.journey.channels import CHANNELS, Channel
from idic.journey.compiler.compile import compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.contact_policy.read_policy import SECTIONS
from idic.journey.definition.definition import StepDefinition
from idic.journey.program.steps import STEP_KINDS, Step, StepKind
from idic.providers.provider import Provider
from idic.providers.registry import PROVIDERS, fallback_accounts, names_of
from idic.schemas import SCHEMAS
from idic.settings import Settings
from tests.journey.read_fixtures import VOCABULARY as WORDS
from tests.journey.read_fixtures import compiled

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FIXTURES = ROOT / "tests" / "journey" / "fixtures"
VOCABULARY = "currency: EUR\nslots: [home_hero]\nevents: {Signed Up: {}}\n"


def journey(channel: Channel, *, without: str = "") -> str:
    """A journey that sends by this channel; ``without`` one of its fields."""
    example = {"slot": "home_hero"}
    fields = {name: example.get(name, "Hello. STOP") for name in channel.required_fields if name != without}
    return yaml.safe_dump(
        {
            "journey": "welcome",
            "purpose": "service",
            "identify": {"on": "Signed Up"},
            "interact": [{"id": "hello", "send": "greeting", "by": channel.name}],
            "customize": {"greeting": {channel.name: fields}},
        },
        sort_keys=False,
    )


def errors(text: str) -> list[str]:
    compilation = compile_journeys({"welcome.yaml": text}, ("vocabulary.yaml", VOCABULARY), Templates(), check)
    return [problem.text for problem in compilation.problems if problem.severity == "error"]


# Channels.


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=lambda channel: channel.name)
def test_a_channel_says_everything_that_is_asked_of_it(channel: Channel) -> None:
    assert all((channel.label, channel.word, channel.noun, *channel.counted, *channel.tally, channel.address_noun))
    assert {"en", "de"} <= channel.customer_words.keys()
    assert channel.content.model_fields["channel"].default == channel.name
    assert {field.name for field in channel.fields} <= channel.content.model_fields.keys()
    assert channel.main_field in channel.required_fields
    assert all(field.description for field in channel.fields)
    assert channel.icon.startswith("<")
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in channel.colors)
    assert (channel.attribute is None) == channel.placed
    assert channel.name in EDGES


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=lambda channel: channel.name)
def test_a_channel_is_accepted_and_refused_by_the_checker_and_the_schema(channel: Channel) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMAS["journey"]())
    assert errors(journey(channel)) == []
    assert list(validator.iter_errors(yaml.safe_load(journey(channel)))) == []
    for field in channel.required_fields:
        wrong = journey(channel, without=field)
        assert errors(wrong) != []
        assert list(validator.iter_errors(yaml.safe_load(wrong))) != []


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=lambda channel: channel.name)
def test_a_channel_is_documented(channel: Channel) -> None:
    assert f"`{channel.name}`" in (DOCS / "channels_and_providers.md").read_text()


def test_the_edges_are_those_of_the_channels() -> None:
    assert EDGES.keys() == CHANNELS.keys()
    assert all(fallback_accounts().values())


# Where a channel may be named: the channels, their providers, migrations, and what is about these three on purpose.
NAMED_IN = {
    "idic/journey/channels": "the channels themselves",
    "idic/providers": "a provider belongs to its channel, and speaks of `email` in its own API",
    "idic/store/migrations": "frozen",
    "idic/dev": "the demo shop writes by these three channels, as its journeys do",
}


def test_nobody_else_names_a_channel() -> None:
    found = []
    for path in [*sorted((ROOT / "idic").rglob("*.py")), *sorted((ROOT / "activities").rglob("*.py")), ROOT / "worker.py"]:
        place = str(path.relative_to(ROOT))
        if not place.startswith(tuple(NAMED_IN)):
            constants = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
            found += [f"{place}:{node.lineno}" for node in constants if node.value in tuple(CHANNELS)]
    for path in (ROOT / "idic" / "api").rglob("*.html"):
        quoted = re.findall(r"""[=!]= *["'](\w+)["']""", path.read_text())
        found += [str(path.relative_to(ROOT)) for text in quoted if text in CHANNELS]
    assert found == [], "ask CHANNELS, or name the channel's constant"


def test_a_new_channel_is_a_new_file_and_a_row(tmp_path: Path) -> None:
    """A copy of idic gets the files of a channel and of its provider, and a row in each table; nothing else is edited."""
    files = {
        "push_channel.py": "journey/channels/push.py",
        "push_edge.py": "interact/channels/push.py",
        "pigeon_provider.py": "providers/pigeon/provider.py",
    }
    rows = (
        ("journey/channels/__init__.py", "journey.channels.push", "PUSH", "(EMAIL, SMS, WEB)", "(EMAIL, SMS, WEB, PUSH)"),
        ("interact/channels/edges.py", "interact.channels.push", "PushEdge", "WebEdge()}", 'WebEdge(), "push": PushEdge()}'),
        ("providers/registry.py", "providers.pigeon.provider", "PIGEON", "OUTBOX, SITE)", "OUTBOX, SITE, PIGEON)"),
    )
    walk_copy(tmp_path, files, rows, "walk_channel")


# Each row: the file of the table, where the name comes from, the name, and what stands in the table before and after.
Row = tuple[str, str, str, str, str]


def walk_copy(folder: Path, files: dict[str, str], rows: tuple[Row, ...], walk: str) -> None:
    """Runs a module of ``tests.support.throwaway`` on a copy of idic that has these files and these rows besides."""
    ours, copy = Path(__file__).parent / "support" / "throwaway", folder / "idic"
    shutil.copytree(ROOT / "idic", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in files.items():
        (copy / target).parent.mkdir(exist_ok=True)
        shutil.copy(ours / source, copy / target)
    for table, origin, name, before, after in rows:
        text = (copy / table).read_text()
        assert text.count(before) == 1
        future = "from __future__ import annotations\n"
        (copy / table).write_text(text.replace(before, after).replace(future, f"{future}from idic.{origin} import {name}\n", 1))
    walked = subprocess.run(
        [sys.executable, "-m", f"tests.support.throwaway.{walk}", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert walked.returncode == 0, walked.stderr[-4000:]


# Kinds of steps.


@pytest.mark.parametrize("kind", STEP_KINDS.values(), ids=lambda kind: kind.keyword)
def test_a_kind_of_step_says_everything_that_is_asked_of_it(kind: StepKind[StepDefinition, Step]) -> None:
    assert STEP_KINDS[kind.keyword] is kind
    assert kind.step.model_fields["kind"].default == kind.keyword
    assert kind.summary
    for look in kind.looks().values():
        assert look.icon.startswith("<")
        assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in look.colors)
    schema = kind.schema()
    assert schema["title"]
    assert schema["properties"][kind.keyword]["description"]
    assert {"id", kind.keyword} <= set(schema["required"])


@pytest.mark.parametrize("keyword", STEP_KINDS)
def test_a_kind_of_step_is_accepted_and_refused(keyword: str) -> None:
    """Its fixtures: a journey that has it, and one in which a step of this kind is wrong."""
    accepted = [compiled(path.read_text()) for path in (FIXTURES / "accepted").glob("*.yaml")]
    together = {path.name: path.read_text() for path in (FIXTURES / "accepted_together").glob("*.yaml")}
    accepted.append(compile_journeys(together, ("vocabulary.yaml", WORDS), Templates(), check))
    steps = [step for found in accepted for program in found.programs.values() for step in program.steps.values()]
    step = next(step for step in steps if step.kind == keyword)
    assert step.describe().title
    expected = [path.read_text() for path in (FIXTURES / "refused").glob("*.txt")]
    assert any(re.search(rf"^  \| .*\b{keyword}:", text, re.MULTILINE) for text in expected)


@pytest.mark.parametrize("keyword", STEP_KINDS)
def test_a_kind_of_step_is_documented(keyword: str, tmp_path: Path) -> None:
    assert f"<!-- table: step {keyword} -->" in (DOCS / "language" / "steps" / f"{keyword}.md").read_text()
    (tmp_path / "vocabulary.yaml").write_text("currency: EUR\n")
    assert keyword in {word.name for word in listed(tmp_path) if word.section == "steps"}


def test_a_new_kind_of_step_is_a_new_file_and_a_row(tmp_path: Path) -> None:
    """A copy of idic gets the file of a kind, and a row in the table; nothing else is edited."""
    row = ("journey/program/steps/__init__.py", "journey.program.steps.nap", "NapKind", "ExitKind(),", "ExitKind(), NapKind(),")
    walk_copy(tmp_path, {"nap_step.py": "journey/program/steps/nap.py"}, (row,), "walk_step")


# Providers.


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_a_provider_is_complete(provider: Provider[object]) -> None:  # type: ignore[type-var]
    assert provider.channel in CHANNELS
    assert provider.name in names_of(provider.channel)
    assert provider.summary
    assert (provider.is_set_up is None) == provider.in_store
    if provider.settings is not None:
        assert provider.settings.model_fields.keys() <= Settings.model_fields.keys()
        assert all(field.description for field in provider.settings.model_fields.values())


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_a_provider_is_documented(provider: Provider[object]) -> None:  # type: ignore[type-var]
    assert f"`{provider.name}`" in (DOCS / "channels_and_providers.md").read_text()


# Rules of the contact policy.


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_is_complete(name: str) -> None:
    [rule] = [rule for rule in RULES if rule.name == name]
    assert rule.summary.endswith(".")
    if rule.key is not None:
        assert rule.key in SECTIONS
        assert rule.key in SCHEMAS["policy"]()["properties"]
    assert (DOCS / "language" / "rules" / f"{name.replace(' ', '_')}.md").exists()


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.key])
def test_a_rule_is_read_and_refused(name: str) -> None:
    """Its fixtures: a policy that sets it, and one that sets it wrong beside the exact words."""
    fixtures = ROOT / "tests" / "journey" / "contact_policy" / "fixtures"
    [key] = [rule.key for rule in RULES if rule.name == name]
    written = re.compile(rf"^{key}:", re.MULTILINE)
    for kind in ("accepted", "refused"):
        assert any(written.search(path.read_text()) for path in (fixtures / kind).glob("*.yaml")), kind


def test_every_word_of_a_family_is_listed(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.yaml").write_text("currency: EUR\n")
    names = {word.name for word in listed(tmp_path) if word.section == "channels"}
    assert names == set(CHANNELS)
