"""One way to write a journey: what is laid out anew means the same, keeps its comments, and is not laid out again."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from idic.cli import app
from idic.cli.run.fmt import lay_out
from idic.journey.fmt.format import format_file
from tests.journey.read_fixtures import HERE, VOCABULARY, compiled

JOURNEYS = Path(__file__).parents[3] / "journeys"
ACCEPTED = sorted((HERE / "accepted").glob("*.yaml"))
EXAMPLES = sorted(JOURNEYS.glob("*.yaml"))

MESSY = """\
# yaml-language-server: $schema=schema/journey.schema.json
# A journey that nobody has tidied.


interact:
    # first they are left in peace
- wait: "1 day"   # a day
  id: pause
- id:   mail
  within: 2 days
  if:  'customer.orders > 0'
  # to everybody
  by: [ email,sms ]
  send:  hello

- {otherwise: {id: last, wait: 3 days}, id: listen, within: 1 day,
   wait_for: [{then: exit clicked, of: mail, on: Link Clicked}, {on: 'Order Completed'}]}
  # nothing follows
identify: { on: "Cart Updated"   # the event
          , if: "event.total > 30" }
journey: messy
customize:
    hello:
        sms: 'Hi {{ links.shop }}'  # short
        email: {body: 'A <b>word</b>', subject: Hi}
"""

TIDY = """\
# yaml-language-server: $schema=schema/journey.schema.json
# A journey that nobody has tidied.

journey: messy
identify:
  on: Cart Updated               # the event
  if: event.total > 30
interact:
  # first they are left in peace
  - id: pause
    wait: 1 day   # a day
  - id: mail
    send: hello
    # to everybody
    by: [email, sms]
    if: customer.orders > 0
    within: 2 days

  - id: listen
    wait_for: [{on: Link Clicked, of: mail, then: exit clicked}, {on: Order Completed}]
    within: 1 day
    otherwise: {id: last, wait: 3 days}
  # nothing follows
customize:
  hello:
    email: {subject: Hi, body: "A <b>word</b>"}
    sms: "Hi {{ links.shop }}"      # short
"""


def again(text: str, file: str = "messy.yaml") -> str:
    done = format_file(file, text)
    assert done.text is not None, done.problems
    return done.text


def test_a_messy_file_becomes_tidy_and_stays_so() -> None:
    assert again(MESSY) == TIDY
    assert again(TIDY) == TIDY


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_written_as_everything_is(path: Path) -> None:
    assert again(path.read_text(), path.name) == path.read_text()


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_a_journey_laid_out_is_the_same_program(path: Path) -> None:
    text = path.read_text()
    once = again(text, path.name)
    assert again(once, path.name) == once
    before, after = compiled(text), compiled(once)
    assert {name: one.id for name, one in after.programs.items()} == {name: one.id for name, one in before.programs.items()}
    assert after.programs


def test_the_vocabulary_of_the_fixtures_is_laid_out_once() -> None:
    once = again(VOCABULARY, "vocabulary.yaml")
    assert again(once, "vocabulary.yaml") == once


def test_what_is_refused_for_its_yaml_is_left_alone_with_its_error() -> None:
    done = format_file("a.yaml", "journey: a\njourney: b\n")
    assert done.text is None
    assert [problem.message for problem in done.problems] == ["journey is there twice; the first is on line 1"]


@pytest.mark.parametrize("path", sorted((HERE / "refused").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_journey_with_errors_is_laid_out_or_left_and_never_lost(path: Path) -> None:
    done = format_file(path.name, path.read_text())
    assert (done.text is None) == bool(done.problems)
    if done.text is not None:
        assert again(done.text, path.name) == done.text


def test_long_texts_blocks_and_blank_lines_are_kept() -> None:
    text = """\
journey: a
identify: {on: Page Viewed}
interact:
  - {id: mail, send: hi, by: email}

customize:
  hi:
    email:
      subject: Hi
      body: |
        Dear reader,\x20\x20

          indented

        # not a comment
        Bye
    # An SMS.
    sms: "one
      two"
"""
    assert again(text) == text.replace('"one\n      two"', '"one two"')


def test_quotes_stand_where_they_are_needed() -> None:
    text = """\
journey: 'a'
title: "no"
identify: {on: 'Page Viewed', if: 'event.path == "/a, b"', again: "after 1 day"}
interact: []
"""
    assert (
        again(text)
        == """\
journey: a
title: "no"
identify: {on: Page Viewed, if: 'event.path == "/a, b"', again: after 1 day}
interact: []
"""
    )


def test_files_are_shown_listed_or_written(tmp_path: Path) -> None:
    (tmp_path / "messy.yaml").write_text("identify: {on: Page Viewed}\njourney: messy\ninteract: [{wait: 1 day, id: x}]\n")
    (tmp_path / "broken.yaml").write_text("journey: {a\n")
    run = CliRunner()
    shown = run.invoke(app, ["fmt", str(tmp_path / "messy.yaml"), "--diff"])
    assert "+journey: messy" in shown.output
    checked = run.invoke(app, ["fmt", str(tmp_path), "--check"])
    assert checked.exit_code == 1
    assert f"would change  {tmp_path / 'messy.yaml'}" in checked.output
    assert "broken.yaml:" in checked.output
    assert "identify: {on" in (tmp_path / "messy.yaml").read_text().splitlines()[0]
    assert run.invoke(app, ["fmt", str(tmp_path / "messy.yaml")]).exit_code == 0
    assert (tmp_path / "messy.yaml").read_text() == (
        "journey: messy\nidentify: {on: Page Viewed}\ninteract: [{id: x, wait: 1 day}]\n"
    )
    assert run.invoke(app, ["fmt", str(tmp_path / "messy.yaml"), "--check"]).exit_code == 0


def test_windows_ends_of_lines_and_the_mark_of_its_editors_stay(tmp_path: Path) -> None:
    laid_out = "\ufeffjourney: a\r\nidentify: {on: Page Viewed}\r\ninteract: [{id: x, wait: 1 day}]\r\n"
    for written in (laid_out, laid_out.replace("id: x, wait", "id:  x,  wait")):
        (tmp_path / "a.yaml").write_bytes(written.encode())
        (outcome,) = lay_out([tmp_path / "a.yaml"])
        assert (outcome.text, outcome.problems) == (laid_out, ())
