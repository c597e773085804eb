"""The chapter on writing journeys does not lie: its journey compiles, its stories are told, its commands say what is shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idic.cli import app
from idic.journeys_folder import compile_folder

README = (Path(__file__).parents[2] / "README.md").read_text()
CHAPTER = re.search(r"<!-- writing:.*?-->(.*?)<!-- /writing -->", README, re.DOTALL)
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", CHAPTER[1], re.DOTALL) if CHAPTER else []
FILES = {head[1]: text for kind, text in BLOCKS if (head := re.match(r"# (\S+\.yaml)\n", text)) and kind == "yaml"}
MESSAGE = """\
  {name}:
    email: {{subject: Hello, body: Hello}}
    sms: Hello
    web: {{slot: home_hero, body: "<p>Hello</p>", show_for: 1 day}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with the chapter's files in ``journeys``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "journeys").mkdir()
    for name, text in FILES.items():
        (tmp_path / "journeys" / name).write_text(text)
    return tmp_path / "journeys"


def items(title: str) -> list[str]:
    """The entries of the list that begins with this comment."""
    (text,) = [text for kind, text in BLOCKS if kind == "yaml" and text.startswith(f"# {title}")]
    return re.findall(r"^- .*(?:\n  .*)*", text, re.MULTILINE)


def problems(folder: Path, identify: str, steps: str) -> list[str]:
    """What is wrong with a journey of these, sent beside a message of every name that they use."""
    names = {"reminder", *re.findall(r"send: (\w+)", steps)}
    (folder / "example.yaml").write_text(
        "journey: example\npurpose: service\n"
        f"identify:\n{identify}\n"
        "differentiate: {newcomer: customer.courses == 0, regular: otherwise}\n"
        "interact:\n  - {id: hello, send: reminder, by: email}\n"
        f"{steps}\n"
        "customize:\n" + "".join(MESSAGE.format(name=name) for name in sorted(names))
    )
    return [str(problem) for problem in compile_folder(folder).problems if problem.severity == "error"]


def indented(item: str) -> str:
    return "\n".join(f"  {line}" for line in item.splitlines())


def test_the_chapter_is_there() -> None:
    assert set(FILES) == {"vocabulary.yaml", "policy.yaml", "course_reminder.yaml", "course_reminder.stories.yaml"}


def test_the_whole_journey_compiles_without_a_warning(folder: Path) -> None:
    compilation = compile_folder(folder)
    assert [str(problem) for problem in compilation.problems] == []
    assert set(compilation.programs) == {"course_reminder"}


def test_every_way_to_enter_compiles(folder: Path) -> None:
    ways = items("one of these stands under identify:")
    assert len(ways) >= 7
    for way in ways:
        inside = indented(re.sub(r"\s{2,}#.*", "", way).removeprefix("- ").strip())
        assert problems(folder, inside, "") == [], way


def test_every_step_compiles(folder: Path) -> None:
    steps = items("steps")
    words = {
        re.search(r"(?<=, |  )(wait_for|wait|choose|split|send|set|call|repeat|enter|differentiate|exit):", s) for s in steps
    }
    assert {found[1] for found in words if found} == {
        "wait", "wait_for", "choose", "split", "send", "set", "call", "repeat", "enter", "differentiate", "exit",
    }  # fmt: skip
    for step in steps:
        assert problems(folder, "  {on: Course Booked, key: event.booking}", indented(step)) == [], step


def test_every_condition_compiles(folder: Path) -> None:
    conditions = items("conditions")
    assert conditions
    for condition in conditions:
        step = f"  - id: asked\n    choose:\n      - if: {condition.removeprefix('- ')}\n        do: exit yes"
        assert problems(folder, "  {on: Course Booked}", step) == [], condition


def test_commands_say_what_is_shown(folder: Path) -> None:
    shown = [re.split(r"\n", text, maxsplit=1) for kind, text in BLOCKS if kind == "console"]
    assert shown
    for command, output in shown:
        words = shlex.split(command.removeprefix("$ idic "))
        assert CliRunner().invoke(app, words).output == output, command
