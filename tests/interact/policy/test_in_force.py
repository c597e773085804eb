"""The contact policy of a folder: published with its journeys, and what stories run under."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from idic.cli import app
from idic.journeys_folder import compile_folder
from idic.publish import publish
from idic.rehearse.stories.folder import read_story_files, story_files
from idic.rehearse.stories.play import play_story
from idic.rehearse.stories.storybook import reachable_programs
from idic.store.database import Store
from idic.store.journey.policies import Policies

JOURNEY = """\
journey: news
topic: news
identify: {on: Page Viewed, again: always, while_in: restart}
interact:
  - {id: first, send: hello, by: email}
  - {id: soon, wait: 1 hour}
  - {id: second, send: hello, by: [email, sms], within: 3 days}
customize:
  hello:
    email: {subject: Hello, body: "Hello. Stop: {{ links.unsubscribe }}"}
    sms: "Hello. Stop: {{ links.unsubscribe }}"
"""
POLICY = """\
consent: {email: double, sms: single}
control_group: {share: 99}
quiet_hours: {sms: 20:00 to 09:00}
caps: [{id: one_a_day, at_most: 1, per: 1 day, channel: email}]
"""
STORIES = """\
journey: news
start: 2026-07-01 19:30
people:
  anna: {email: anna@example.com, phone: "+4915112345678", zone: Europe/Berlin, consents: [email, sms]}
  bea: {email: bea@example.com, phone: "+4915112345679", zone: Europe/Berlin, consents: [email, sms], fewer: yes}
  cleo: {email: cleo@example.com, zone: Europe/Berlin, consents: [email], control: yes}
  dora: {email: dora@example.com, zone: Europe/Berlin, consents: [email], paused_until: 2026-08-01 00:00}
stories:
  - story: One mail a day, and no SMS at night
    play:
      - anna: {event: {Page Viewed: {}}, expect: {sent: hello, by: email}}
      - after: 1 hour
      - after: 11 hours
        anna: {expect: {sent: nothing}}
      - until: 09:00
      - anna: {expect: {sent: hello, by: sms, at: 09:00}}
      - until: 19:30
      - anna: {expect: [{sent: hello, by: email, at: 19:30}, {ended: done}]}
  - story: Fewer are fewer, a pause is a pause, and who is left alone gets nothing
    play:
      - bea: {event: {Page Viewed: {}}, expect: {sent: hello, by: email}}
      - cleo: {event: {Page Viewed: {}}, expect: {not sent: first, because: control group}}
      - dora: {event: {Page Viewed: {}}, expect: {not sent: first, because: too late}}
      - after: 4 days
      - bea: {expect: {not sent: second, by: sms, because: too late}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("news.yaml", JOURNEY), ("policy.yaml", POLICY), ("news.stories.yaml", STORIES)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_stories_run_under_the_policy_beside_them(folder: Path) -> None:
    compilation = compile_folder(folder)
    assert [str(problem) for problem in compilation.problems if problem.severity == "error"] == []
    read = read_story_files(story_files(folder), compilation)
    assert [str(problem) for problem in read.problems] == []
    (book,) = read.books
    for story in book.stories:
        told = play_story(book, story, reachable_programs(compilation.programs, "news"))
        assert [str(failure) for failure in told.failures] == [], [entry.text for entry in told.timeline]


def test_the_check_says_what_the_policy_comes_to(folder: Path) -> None:
    said = CliRunner().invoke(app, ["check", str(folder / "policy.yaml")])
    assert said.exit_code == 0
    assert [line.strip() for line in said.output.splitlines()] == [
        str(folder / "policy.yaml"),
        "policy   email needs confirmed consent, SMS needs consent, web needs no consent",
        "policy   99 % are left alone, to measure lift",
        "policy   quiet: SMS 20:00 to 09:00, then put off",
        "policy   at most 1 email in 1 day (one_a_day), then put off",
        "policy   put off for 1 day at most, where a step does not say within",
    ]


async def test_it_is_published_with_its_journeys_and_said_so_once(store: Store, folder: Path) -> None:
    async def in_force() -> Any:
        async with store.reading() as tx:
            return await Policies().current(tx)

    compilation = compile_folder(folder)
    assert (await publish(store, compilation, dry=True)).policy
    assert (await in_force()).caps == ()
    assert (await publish(store, compilation)).policy
    assert await in_force() == compilation.policy
    assert not (await publish(store, compilation)).policy
    # One that is wrong is not published, and that in force stays.
    (folder / "policy.yaml").write_text("caps: none\n")
    assert not (await publish(store, compile_folder(folder))).policy
    assert await in_force() == compilation.policy
    (folder / "policy.yaml").unlink()
    assert (await publish(store, compile_folder(folder))).policy
    assert (await in_force()).caps == ()
