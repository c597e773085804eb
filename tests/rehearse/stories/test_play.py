"""Stories as ``idic test`` plays them: those of the examples, those about time, and the output for failures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from idic.cli.check import check
from idic.cli.test import tell

HERE = Path(__file__).parent
JOURNEYS = HERE.parents[2] / "journeys"

JOURNEY = """\
journey: hello
identify: {on: Signed Up, again: never}
differentiate: {large: entry.plan == "large", small: otherwise}
interact:
  - {id: nap, wait: 1 hour}
  - {id: half, split: {loud: 50, quiet: 50}, do: {quiet: exit quiet}}
  - {id: word, send: hello, by: {best_of: [email, sms]}, within: 2 days, otherwise: exit unheard}
  - {id: reply, wait_for: {on: Link Clicked, of: word, if: event.value == "yes"}, within: 1 day, otherwise: exit silent}
customize:
  hello:
    email: {subject: "Hello {{ customer.first_name | default: 'you' }}", body: "<a href='{{ 'yes' | answer }}'>yes</a>"}
    sms: "Hello"
"""
PEOPLE = """\
journey: hello
start: 2026-03-27 10:00
people:
  anna: {first_name: Anna, email: anna@example.com, phone: "+4915112345678", consents: [email, sms for news]}
  bela: {email: bela@example.com, zone: America/New_York}
stories:
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one: files are called by their names alone."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(HERE / "fixtures" / "vocabulary.yaml", tmp_path)
    (tmp_path / "hello.yaml").write_text(JOURNEY)
    return tmp_path


def run(*arguments: object, of: object = tell) -> Result:
    app = typer.Typer()
    app.command()(of)  # type: ignore[type-var]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def told(folder: Path, *lines: str) -> str:
    (folder / "hello.stories.yaml").write_text(PEOPLE + "\n".join(lines) + "\n")
    return run(folder.name and "hello.stories.yaml").output


def test_the_examples_do_what_their_stories_say() -> None:
    result = run(JOURNEYS)
    assert result.exit_code == 0, result.output
    assert "0 failed" in result.output


def test_every_step_of_the_language_and_every_change_of_the_clocks() -> None:
    result = run(HERE / "fixtures")
    assert result.exit_code == 0, result.output
    assert "unseen" not in result.output


def test_a_failure_shows_the_story_as_it_really_went(folder: Path) -> None:
    output = told(
        folder,
        "  - story: Anna hears of us by SMS",
        "    with: {split: {half: loud}, best: {channel: email}}",
        "    play:",
        "      - event: {Signed Up: {plan: large}}",
        "      - after: 1 hour",
        "        expect: {sent: hello, by: sms}",
        "  - story: All is well",
        "    play: [{event: Signed Up, expect: {entered: yes}}]",
    )
    assert output == (
        "hello.stories.yaml\n"
        "  FAILED  Anna hears of us by SMS\n"
        "          hello.stories.yaml:12:35: expected by sms\n"
        "            12 |         expect: {sent: hello, by: sms}\n"
        "               |                                   ^^^\n"
        "          instead by email, Fri 27 Mar 11:00\n"
        "          as it went, Europe/Berlin:\n"
        "            Fri 27 Mar 10:00  anna: Signed Up: plan large\n"
        "            Fri 27 Mar 10:00      entered: Signed Up\n"
        '            Fri 27 Mar 10:00      segment large (plan "large")\n'
        "            Fri 27 Mar 10:00      nap: waits until Fri 27 Mar 11:00\n"
        "            Fri 27 Mar 11:00      nap: the wait is over\n"
        "            Fri 27 Mar 11:00      half: split into loud\n"
        "            Fri 27 Mar 11:00      word: best of email, sms → email (so the story says)\n"
        "            Fri 27 Mar 11:00      word: hello by email: allowed to send\n"
        "            Fri 27 Mar 11:00      word: sent by email\n"
        "            Fri 27 Mar 11:00      reply: waits until Sat 28 Mar 11:00\n"
        "  ok      All is well\n"
        "2 stories, 1 failed\n"
    )


@pytest.mark.parametrize(
    ("pins", "trouble"),
    [
        (
            "best: {channel: email}",
            "the split half is decided by chance; fix the share of anna: with: {split: {half: loud}}",
        ),
        (
            "split: {half: loud}",
            "word sends on the best channel for anna, which idic learns; fix it: with: {best: {channel: email}}",
        ),
    ],
)  # fmt: skip
def test_what_is_learned_or_drawn_is_said_or_the_story_stops(folder: Path, pins: str, trouble: str) -> None:
    lines = ["  - story: Unsaid", f"    with: {{{pins}}}", "    play:", "      - event: Signed Up", "      - after: 1 hour"]
    lines += ["      - expect: {sent: hello}"]
    output = told(folder, *lines)
    assert f"hello.stories.yaml:11:9: the story cannot go on: {trouble}\n" in output


def test_a_link_that_is_not_there_cannot_be_clicked(folder: Path) -> None:
    start = ["  - story: A slip", "    with: {split: {half: loud}, best: {channel: email}}", "    play:"]
    end = "      - expect: {ended: done}"
    output = told(folder, *start, "      - click: word", end)
    assert "word has sent nothing to anna yet, so nothing in it can be clicked" in output
    output = told(folder, *start, "      - event: Signed Up", "      - {after: 1 hour, answer: {word: yse}}", end)
    assert 'no link in hello answers "yse"; did you mean "yes"?' in output


def test_what_was_there_instead(folder: Path) -> None:
    """Every kind of expectation, and what is said when it is not so."""
    wrong = {
        "sent: nothing": "hello by email on Fri 27 Mar 11:00",
        "not sent: word": "sent: hello by email on Fri 27 Mar 11:00",
        "sent: hello, at: 12:00": "Fri 27 Mar 11:00",
        "sent: hello, on: monday": "Fri 27 Mar 11:00",
        'sent: hello, subject: "Hi"': 'subject "Hello Anna"',
        "sent: hello, contains: no": 'its text is "yes (https://answer.example/)"',
        "entered: no": "waiting in reply until Sat 28 Mar 11:00",
        "not entered: again": "waiting in reply until Sat 28 Mar 11:00",
        "segment: large": "small",
        "waiting: nap": "waiting in reply until Sat 28 Mar 11:00",
        "waiting: reply, until: 12:00": "until Sat 28 Mar 11:00",
        "ended: silent": "waiting in reply until Sat 28 Mar 11:00",
        "goal: yes": "not reached; waiting in reply until Sat 28 Mar 11:00",
        "split: {half: quiet}": "half loud",
        "customer: {orders: 1, first_name: Anna}": "orders 0",
    }
    lines = ["  - story: All wrong", "    with: {split: {half: loud}, best: {channel: email}}", "    play:"]
    lines += ["      - event: Signed Up", "      - after: 1 hour", *(f"      - expect: {{{one}}}" for one in wrong)]
    output = told(folder, *lines)
    assert [line.strip()[8:] for line in output.splitlines() if line.startswith(" " * 10 + "instead")] == list(wrong.values())


def test_why_it_was_not_sent(folder: Path) -> None:
    output = told(
        folder,
        "  - story: No consent",
        "    with: {split: {half: loud}, best: {channel: sms}}",
        "    play:",
        "      - event: Signed Up",
        "      - bela: {event: Signed Up}",
        "      - after: 1 hour",
        "        expect: {sent: hello, by: sms}",
        "      - bela: {expect: {not sent: word, because: consent}}",
        "      - bela: {expect: {sent: hello}}",
    )
    assert (
        "word not sent by sms: reachable (the customer has no phone number); "
        "word not sent by email: consent (never consented to email)" in output
    )
    assert "1 story, 1 failed" in output


def test_a_topic_of_its_own_is_no_consent_to_another(folder: Path) -> None:
    (folder / "hello.yaml").write_text(JOURNEY.replace("journey: hello", "journey: hello\ntopic: offers"))
    output = told(
        folder,
        "  - story: News only",
        "    with: {split: {half: loud}, best: {channel: sms}}",
        "    play:",
        "      - event: Signed Up",
        "      - after: 1 hour",
        "        expect: [{not sent: word, by: sms, because: consent}, {sent: hello, by: email}]",
    )
    assert "0 failed" in output


def test_every_slip_is_one_message(folder: Path) -> None:
    (folder / "hello.stories.yaml").write_text(
        """\
journey: hello
people:
  anna: {frist_name: Anna, zone: Europe/Berln, consents: [emial], orders: lots}
  event: {email: a@example.com}
stories:
  - story: Misspelt
    start: 2026-03-27
    with: {best: {channel: fax}, split: {half: laud}, call: {shelf: fails}}
    play:
      - event: {Singed Up: {}}
      - event: {Signed Up: {plan: lagre}}
      - event: {Order Completed: {totl: 3}}
      - after: 3
      - click: nap
      - expect: {sent: helo, by: emial, at: noon, colour: red}
      - {after: 1 day, until: 09:00}
      - expect: {by: email}
      - tina: {event: Signed Up}
  - start: 2026-03-27 10:00
"""
    )
    result = run("hello.stories.yaml", of=check)
    assert result.exit_code == 1
    said = [line.split(maxsplit=1)[1] for line in result.output.splitlines() if line.startswith("  error")]
    assert said == [
        '3:10  customer.frist_name does not exist; did you mean "first_name"?',
        '3:34  anna: zone: "Europe/Berln" is not a zone; write one such as Europe/Berlin',
        '3:59  there is no channel "emial"; did you mean "email"?',
        '3:75  anna: orders: "lots" is not a number; write a number, such as 3',
        "4:3   event is a word of stories; give the person another name",
        '7:12  start: "2026-03-27" is not a moment; write 2026-03-27 10:00, or 2026-03-27 10:00 America/New_York',
        '8:28  there is no channel "fax"; write email, sms or web',
        '8:48  split half cannot be "laud"; did you mean "loud"?',
        '8:62  this journey does not call "shelf"; it calls nothing',
        '10:17 event "Singed Up" does not exist; did you mean "Signed Up"?',
        '11:35 Signed Up: plan: "lagre" is not one of small, large; did you mean "large"?',
        '12:35 Order Completed has no totl; did you mean "total"?',
        '13:16 after: a duration needs a unit: write "3 minutes", "3 hours" or "3 days"',
        '14:16 step "nap" sends nothing in this journey; it sends in word',
        '15:24 there is no message "helo"; did you mean "hello"?',
        '15:34 there is no channel "emial"; did you mean "email"?',
        '15:45 at: "noon" is not a time; write 17:41 or 2026-03-28 09:00',
        "15:51 expect: unknown entry colour; it may have entered, not entered, segment, sent, not sent, called, waiting, "
        "split, customer, values, goal, ended, nothing more, because, by, at, on, subject, contains, with, until or key",
        "16:24 a line of a story has one of after, until and at; make it two lines",
        "17:18 by belongs to sent or not sent, and none of these is left for it; "
        "write each expectation in its own {…}",
        "18:9  a line of a story: unknown entry tina; it may have after, until, at, event, identify, click, answer, open, "
        "best, split, call, fails, expect or anna",
        "19:5  a story: play is missing; write play: …",
        "19:5  a story: story is missing; write story: …",
    ]  # fmt: skip


def test_stories_of_a_journey_that_is_wrong_say_so(folder: Path) -> None:
    (folder / "hello.yaml").write_text(JOURNEY.replace("1 hour", "1 huor"))
    output = told(folder, "  - {story: Untold, play: [{event: Signed Up, expect: {entered: yes}}]}")
    assert 'hello.yaml:5:21: step "nap": wait: "huor" is not a unit of time' in output
    assert output.endswith("0 stories, 0 failed, 1 file could not be told\n")


def test_some_are_chosen_and_tools_get_json_and_annotations(folder: Path) -> None:
    told(
        folder,
        "  - {story: One, play: [{event: Signed Up}, {expect: {ended: done}}]}",
        "  - {story: Two, play: [{event: Signed Up, expect: {entered: yes}}]}",
    )
    assert run("hello.yaml", "-k", "two").output == "hello.stories.yaml\n  ok      Two\n1 story, 0 failed\n"
    result = run(".", "--format", "json")
    (file,) = json.loads(result.output)
    assert result.exit_code == 1
    assert [(story["story"], story["ok"]) for story in file["stories"]] == [("One", False), ("Two", True)]
    assert file["stories"][0]["failures"] == [
        {"line": 7, "column": 55, "expected": "ended: done", "instead": "waiting in nap until Fri 27 Mar 11:00"}
    ]
    assert file["unseen"] == {"hello": ["half", "word", "reply"]}
    assert run(".", "--format", "github").output == (
        "::error file=hello.stories.yaml,line=7,col=55,title=idic test::"
        "One: expected ended: done; instead waiting in nap until Fri 27 Mar 11:00\n"
    )


def test_what_is_not_there_is_said(folder: Path) -> None:
    for path, said in (("nowhere", "there is no file nowhere"), ("hello.yaml", "hello.yaml has no stories")):
        assert said in str(run(path).exception)
    assert run(".").output == "no stories here\n"
    (folder / "empty").mkdir()
    result = run("empty")
    assert result.exit_code == 1
    assert "there is no journey in empty, and no story" in str(result.exception)


def test_time_runs_forward_and_not_for_ever(folder: Path) -> None:
    story = ["  - story: Backwards", "    play:", "      - {event: Signed Up, expect: {entered: yes}}"]
    assert "it is already Fri 27 Mar 10:00" in told(folder, *story, "      - until: 2026-03-26 10:00")
    assert "this is more than 10 years away" in told(folder, *story, "      - until: 2100-01-01 10:00")
    assert '"9999-01-01 10:00" is not a moment' in told(folder, *story, "      - until: 9999-01-01 10:00")


@pytest.mark.parametrize(
    ("play", "problem"),
    [
        ("[{event: Signed Up}]", "the story expects nothing, and would pass whatever happens"),
        ("[]", "the story expects nothing"),
        ("[{event: Signed Up, expect: {}}]", "expect is empty"),
        ("[{event: Signed Up, expect: []}]", "expect is empty"),
        ("[{expect: {customer: {}}}]", "customer is empty"),
        ("[{expect: {values: {}}}]", "values is empty"),
        ("[{expect: {sent: hello, contains: []}}]", "contains is empty"),
        ("[{expect: {not sent: word, by: web}}]", "word never goes by web; it goes by email or sms"),
        ("[{expect: {not sent: word, because: n}}]", '"n" is no reason; write enrollment open'),
        ("[{expect: {not entered: whatever}}]", '"whatever" is no reason; write not yet'),
    ],
)
def test_what_would_pass_whatever_happens_is_refused(folder: Path, play: str, problem: str) -> None:
    output = told(folder, f"  - {{story: Sure, play: {play}}}")
    assert problem in output
    assert "1 file could not be told" in output


def test_who_never_entered_has_not_stayed_either(folder: Path) -> None:
    output = told(folder, "  - {story: Never, play: [{after: 1 day, expect: {ended: no}}]}")
    assert "expected entered, and not ended" in output


def test_a_reason_is_said_in_whole_words_and_a_goal_is_a_goal(folder: Path) -> None:
    (folder / "hello.yaml").write_text(JOURNEY.replace("exit quiet", "exit goal"))
    lines = ["  - story: Quiet", "    with: {split: {half: quiet}}", "    play:"]
    lines += ["      - event: Signed Up", "      - {after: 1 hour, expect: [{ended: yes, goal: no}, {ended: goal}]}"]
    lines += ["      - {event: Signed Up, expect: {not entered: yes, because: has been in}}"]
    lines += ["      - expect: {not entered: yes, because: as been i}"]
    output = told(folder, *lines)
    assert "expected ended: goal" in output
    assert "expected as been i" in output
    assert output.count("expected ") == 2


def test_what_is_learned_or_drawn_may_be_said_at_a_point(folder: Path) -> None:
    """A share, too: into which somebody falls does not change."""
    lines = ["  - story: At a point", "    play:", "      - event: Signed Up"]
    point = "      - {after: 30 minutes, best: {channel: email}, split: {half: %s}, fails: {word: {email: gone}}}"
    end = "      - {after: 1 hour, expect: [{not sent: word, by: email, because: gone}, {sent: nothing}]}"
    assert "0 failed" in told(folder, *lines, point % "loud", end)
    assert "0 failed" in told(folder, *lines, point % "quiet", "      - {after: 1 hour, expect: {ended: quiet}}")
    lines.insert(1, "    with: {split: {half: quiet}}")
    assert "anna falls into quiet of half already" in told(folder, *lines, point % "loud", end)
