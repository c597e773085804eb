"""The examples in README.md and docs/ do not lie: journeys compile, stories pass, commands say what is shown."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML
from typer.testing import CliRunner

from docs.generate.http import document
from idic.cli import app
from idic.journey.program.steps import STEP_KINDS
from idic.journeys_folder import compile_folder
from tests.docs.examples import EXAMPLES, ROOT, SCHOOL, Example, examples_of, files_of

MESSAGE = """\
  {name}:
    email: {{subject: Hello, body: Hello}}
    sms: Hello
    web: {{slot: home_hero, body: "<p>Hello</p>", show_for: 1 day}}
"""
CHECKS = (
    "identify", "steps", "steps in order", "conditions", "sections", "vocabulary", "policy", "stories", "templates",
    "shop journey", "shop stories", "shop console", "in test_readme",
)  # fmt: skip
LANGUAGES = ("yaml", "console", "sh", "python", "html", "json", "text")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with the cooking school's files in ``journeys``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "journeys").mkdir()
    write(tmp_path / "journeys", files_of(*SCHOOL))
    return tmp_path / "journeys"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with the example shop's journeys."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "journeys", tmp_path / "journeys")
    return tmp_path / "journeys"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def read_yaml(text: str) -> Any:
    """YAML as text for every scalar, which is how idic reads it."""
    return YAML(typ="base", pure=True).load(text)


def as_yaml(value: object) -> str:
    written = io.StringIO()
    YAML(typ="safe", pure=True).dump(value, written)
    return written.getvalue()


def chosen(*checks: str) -> Any:
    """Runs a test once for each example of these kinds."""
    these = [example for example in EXAMPLES if example.check in checks]
    return pytest.mark.parametrize("example", these, ids=[example.name for example in these])


def problems(folder: Path, identify: str, steps: str, sections: str = "") -> list[str]:
    """What is wrong with a journey of these, sent beside a message of every name that they use."""
    names = {"reminder", *re.findall(r"send: (\w+)", steps)}
    (folder / "example.yaml").write_text(
        "journey: example\npurpose: service\n"
        f"identify:\n{identify}\n"
        "differentiate: {newcomer: customer.courses == 0, regular: otherwise}\n"
        "interact:\n  - {id: hello, send: reminder, by: email}\n"
        f"{steps}\n{sections}"
        "customize:\n" + "".join(MESSAGE.format(name=name) for name in sorted(names))
    )
    return errors(folder)


def errors(folder: Path) -> list[str]:
    return [str(problem) for problem in compile_folder(folder).problems if problem.severity == "error"]


def indented(item: str) -> str:
    return "\n".join(f"  {line}" for line in item.splitlines())


def with_vocabulary(folder: Path, example: Example) -> None:
    """Add what the page declares beside the school's vocabulary."""
    vocabulary = read_yaml((folder / "vocabulary.yaml").read_text())
    for other in examples_of(example.page):
        if other.check == "vocabulary":
            for section, entries in read_yaml(other.text).items():
                if isinstance(entries, dict):
                    vocabulary[section] = {**vocabulary.get(section, {}), **entries}
                else:
                    vocabulary[section] = entries
    (folder / "vocabulary.yaml").write_text(as_yaml(vocabulary))


def test_every_example_is_of_a_kind_that_is_tried() -> None:
    unknown = [
        example.name
        for example in EXAMPLES
        if example.language not in LANGUAGES
        or (example.check and example.check not in CHECKS)
        or (example.language == "yaml" and not example.check and not example.file)
    ]
    assert unknown == []
    assert len(EXAMPLES) >= 80


def test_the_school_is_there() -> None:
    assert set(files_of(*SCHOOL)) == {"vocabulary.yaml", "policy.yaml", "course_reminder.yaml", "course_reminder.stories.yaml"}


def test_the_whole_journey_compiles_without_a_warning(folder: Path) -> None:
    compilation = compile_folder(folder)
    assert [str(problem) for problem in compilation.problems] == []
    assert set(compilation.programs) == {"course_reminder"}


@chosen("identify")
def test_every_way_to_enter_compiles(folder: Path, example: Example) -> None:
    with_vocabulary(folder, example)
    ways = example.items()
    assert ways
    for way in ways:
        inside = indented(re.sub(r"\s{2,}#.*", "", way).removeprefix("- ").strip())
        assert problems(folder, inside, "") == [], way


def test_every_kind_of_entry_has_an_example() -> None:
    ways = [way for example in EXAMPLES if example.check == "identify" for way in example.items()]
    assert len(ways) >= 7
    for kind in ("on", "every", "once", "date", "for_each", "again", "starts", "ends", "at_most", "only"):
        assert any(re.search(rf"\b{kind}:", way) for way in ways), kind


@chosen("steps", "steps in order")
def test_every_step_compiles(folder: Path, example: Example) -> None:
    with_vocabulary(folder, example)
    steps = example.items()
    assert steps
    for step in ["\n".join(steps)] if example.check == "steps in order" else steps:
        assert problems(folder, "  {on: Course Booked, key: event.booking}", indented(step)) == [], step


def test_every_kind_of_step_has_an_example() -> None:
    steps = [step for example in EXAMPLES if example.check.startswith("steps") for step in example.items()]
    words = {
        match[1]
        for step in steps
        if (match := re.search(rf"(?<=, |  )({'|'.join(sorted(STEP_KINDS, key=len, reverse=True))}):", step))
    }
    assert words == set(STEP_KINDS)


@chosen("conditions")
def test_every_condition_compiles(folder: Path, example: Example) -> None:
    with_vocabulary(folder, example)
    conditions = example.items()
    assert conditions
    for condition in conditions:
        step = f"  - id: asked\n    choose:\n      - if: {condition.removeprefix('- ')}\n        do: exit yes"
        assert problems(folder, "  {on: Course Booked}", step) == [], condition


@chosen("sections")
def test_every_section_compiles(folder: Path, example: Example) -> None:
    """Sections of a journey: they take the place of those of a small one."""
    with_vocabulary(folder, example)
    given = read_yaml(example.text)
    messages = given.get("customize", {"hello": {"email": {"subject": "Hello", "body": "Hello"}}})
    sends = [
        {"id": f"send_{name}", "send": name, "by": [channel for channel in message if channel in ("email", "sms", "web")]}
        for name, message in messages.items()
    ]
    journey = {
        "journey": "example",
        "purpose": "service",
        "identify": {"on": "Course Booked", "key": "event.booking"},
        "interact": sends,
        "customize": messages,
        **given,
    }
    (folder / "example.yaml").write_text(as_yaml(journey))
    assert errors(folder) == []


@chosen("vocabulary")
def test_every_declaration_compiles(folder: Path, example: Example) -> None:
    with_vocabulary(folder, example)
    assert errors(folder) == []


@chosen("policy")
def test_every_policy_compiles(folder: Path, example: Example) -> None:
    (folder / "policy.yaml").write_text(example.text)
    assert errors(folder) == []


@chosen("templates")
def test_every_template_compiles(folder: Path, example: Example) -> None:
    """Lines of templates, each as the text of a message."""
    with_vocabulary(folder, example)
    lines = example.items()
    assert lines
    for line in lines:
        text = line.removeprefix("- ")
        step = f"customize:\n  reminder:\n    email:\n      subject: Hello\n      body: {text}\n"
        (folder / "example.yaml").write_text(
            "journey: example\npurpose: service\nidentify: {on: Course Booked, key: event.booking}\n"
            f"interact:\n  - {{id: hello, send: reminder, by: email}}\n{step}"
        )
        assert errors(folder) == [], line


@chosen("stories")
def test_every_story_passes(folder: Path, example: Example) -> None:
    """Stories for the school's journey, told of the people of its own stories."""
    whole = read_yaml((folder / "course_reminder.stories.yaml").read_text())
    whole["stories"] = read_yaml(example.text)
    (folder / "course_reminder.stories.yaml").write_text(as_yaml(whole))
    told = CliRunner().invoke(app, ["test"])
    assert told.exit_code == 0, told.output


@chosen("shop journey")
def test_every_journey_of_the_shop_checks(shop: Path, example: Example) -> None:
    name = read_yaml(example.text)["journey"]
    (shop / f"{name}.yaml").write_text(example.text)
    compiled = compile_folder(shop)
    assert [str(problem) for problem in compiled.problems] == []
    assert name in compiled.programs


@chosen("shop stories")
def test_every_story_of_the_shop_passes(shop: Path, example: Example) -> None:
    for other in examples_of(example.page):
        if other.check == "shop journey":
            (shop / f"{read_yaml(other.text)['journey']}.yaml").write_text(other.text)
    stories = shop / f"{read_yaml(example.text)['journey']}.stories.yaml"
    stories.write_text(example.text)
    told = CliRunner().invoke(app, ["test", str(stories)])
    assert told.exit_code == 0, told.output


CONSOLES = [example for example in EXAMPLES if example.language == "console" and not example.check]


@pytest.mark.parametrize("example", CONSOLES, ids=[example.name for example in CONSOLES])
def test_commands_say_what_is_shown(folder: Path, example: Example) -> None:
    write(folder, files_of(example.page))
    assert_shown(example)


@chosen("shop console")
def test_commands_say_what_is_shown_of_the_shop(shop: Path, example: Example) -> None:
    for other in examples_of(example.page):
        if other.check in ("shop journey", "shop stories"):
            ending = ".stories.yaml" if other.check == "shop stories" else ".yaml"
            (shop / f"{read_yaml(other.text)['journey']}{ending}").write_text(other.text)
    assert_shown(example)


def assert_shown(example: Example) -> None:
    """Run the example's commands and hold them against what the page shows."""
    shown = re.findall(r"^\$ idic (.*)\n((?:(?!\$ ).*\n)*)", example.text, re.MULTILINE)
    assert shown
    for command, output in shown:
        assert CliRunner().invoke(app, shlex.split(command)).output.strip("\n") == output.strip("\n"), command


def shell_lines() -> Iterator[tuple[Example, list[str]]]:
    for example in EXAMPLES:
        if example.language == "sh":
            for line in example.text.replace("\\\n", " ").splitlines():
                if words := shlex.split(line, comments=True):
                    yield example, words


def test_commands_are_commands() -> None:
    """Each line of a shell block: idic's verbs and options exist, make's targets and files do, calls are in the API."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    paths = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$") for path in document()["paths"]]
    group: Any = typer.main.get_command(app)
    for example, words in shell_lines():
        while words and re.fullmatch(r"\w+=\S*", words[0]):
            words = words[1:]
        match words:
            case ["idic", *arguments]:
                command = group
                while arguments and arguments[0] in getattr(command, "commands", {}):
                    command = command.commands[arguments.pop(0)]
                assert not hasattr(command, "commands"), (example.name, words)
                command.make_context("idic", arguments)
            case ["make", target, *_]:
                assert target in targets, (example.name, words)
            case ["python", file]:
                assert (ROOT / file).is_file(), (example.name, words)
            case ["python", "-m", "mkdocs", *_]:
                pass
            case ["curl", *arguments]:
                (address,) = (word for word in arguments if word.startswith("http"))
                path = re.sub(r"^https?://[^/]+", "", address)
                assert any(known.match(path) for known in paths), (example.name, address)
                for flag, body in pairwise(arguments):
                    if flag == "-d":
                        json.loads(body)
            case ["cd" | "mkdir" | "git" | ".", *_] | ["pip", "install", *_]:
                pass
            case ["export", setting]:
                assert setting.startswith(("IDIC_", "WRITE_KEY="))
            case _:
                pytest.fail(f"{example.name}: {words} is not tried")


def test_python_and_json_can_be_read() -> None:
    for example in EXAMPLES:
        if example.language == "python":
            ast.parse(example.text)
        elif example.language == "json":
            json.loads(example.text)
