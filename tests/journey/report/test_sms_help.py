"""A folder that advertises by SMS and does not answer HELP gets one warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.journeys_folder import compile_folder

OFFER = """journey: {name}
purpose: {purpose}
topic: offers
identify: {{on: Started, again: always}}
interact: [{{id: a, send: hi, by: {by}}}]
customize: {{hi: {{sms: Hello, email: {{subject: Hello, body: Hello}}}}}}
"""
ANSWERS = """journey: answers
purpose: {purpose}
topic: offers
identify: {{on: Replied{when}, again: always}}
interact: [{{id: a, send: hi, by: sms}}]
customize: {{hi: {{sms: Hello}}}}
"""
WARNING = "marketing SMS are sent, and no journey replies to HELP"


def offer(name: str = "spring", purpose: str = "marketing", by: str = "sms") -> str:
    return OFFER.format(name=name, purpose=purpose, by=by)


def answers(when: str = "", purpose: str = "service") -> str:
    return ANSWERS.format(purpose=purpose, when=f", if: '{when}'" if when else "")


def warnings(folder: Path, *journeys: str) -> list[str]:
    (folder / "vocabulary.yaml").write_text("events: {Started: {n: number}}\n")
    for number, text in enumerate(journeys):
        (folder / f"{number}.yaml").write_text(text)
    compilation = compile_folder(folder)
    assert not [problem for problem in compilation.problems if problem.severity == "error"], compilation.problems
    return [f"{Path(p.file).name}:{p.line}" for p in compilation.problems if p.message.startswith(WARNING)]


def test_a_folder_without_an_answer_to_help_is_warned(tmp_path: Path) -> None:
    assert warnings(tmp_path, offer(), offer("another")) == ["1.yaml:1"]  # the first by name, and once


@pytest.mark.parametrize("by", ["email", "{first_of: [email, sms]}"])
def test_other_channels_need_no_answer_to_help(by: str, tmp_path: Path) -> None:
    assert bool(warnings(tmp_path, offer(by=by))) == ("sms" in by)


def test_service_messages_need_no_answer_to_help(tmp_path: Path) -> None:
    assert warnings(tmp_path, offer(purpose="service")) == []


@pytest.mark.parametrize(
    ("journey", "well"),
    [
        (answers(), True),
        (answers('event.keyword == "help" and not event.answered'), True),
        (answers('event.keyword in ["stop", "help"]'), True),
        (answers('event.keyword == "stop"'), False),
        (answers(purpose="marketing"), False),
    ],
)
def test_a_journey_answers_help(journey: str, well: bool, tmp_path: Path) -> None:
    assert bool(warnings(tmp_path, offer(), journey)) != well


def test_the_example_journeys_answer_help() -> None:
    compilation = compile_folder(Path(__file__).parents[3] / "journeys")
    assert not [problem for problem in compilation.problems if problem.message.startswith(WARNING)]
