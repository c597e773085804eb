"""``idic check`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from idic.cli.check import check

GOOD = "journey: good\nidentify: {on: Link Clicked}\ninteract: [{id: pause, wait: 3 days}]\n"
BAD = GOOD.replace("good", "bad").replace("3 days", "3 dyas")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    return tmp_path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_is_checked_whole(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 1
    assert result.output == (
        f"{folder}/bad.yaml\n"
        '  error    3:30 step "pause": wait: "dyas" is not a unit of time; use seconds, minutes, hours, days or weeks\n'
        "                3 | interact: [{id: pause, wait: 3 dyas}]\n"
        "                  |                              ^^^^^^\n"
        f"{folder}/good.yaml\n"
        "  proved   every path ends · sends nothing · longest 3 days\n"
        "  reads    nothing of the customer · nothing sensitive\n"
    )


def test_one_file_is_checked_alone(folder: Path) -> None:
    result = run(folder / "good.yaml")
    assert result.exit_code == 0
    assert "bad.yaml" not in result.output


def test_tools_get_json(folder: Path) -> None:
    result = run(folder, "--format", "json")
    bad, good = json.loads(result.output)
    assert result.exit_code == 1
    assert [(p["severity"], p["line"], p["column"]) for p in bad["problems"]] == [("error", 3, 30)]
    assert good["journey"] == "good"
    assert good["longest_seconds"] == 3 * 86400
    assert (good["longest_after_last"], good["longest_plus_until"], good["each_time_entered"]) == ([], [], False)


def test_tools_get_what_the_longest_hangs_on_and_what_is_matched(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.yaml").write_text("customer: {renews_on: date}\nevents: {Cart Updated: {}}\n")
    (tmp_path / "calm.yaml").write_text(
        "journey: calm\nidentify: {every: day at 06:00, if: customer.test}\ninteract:\n"
        "  - {id: silence, wait: 4 hours, without: Cart Updated}\n"
        "  - {id: due, wait: until customer.renews_on, otherwise: continue}\n"
    )
    (calm,) = (one for one in json.loads(run(tmp_path / "calm.yaml", "--format", "json").output) if "journey" in one)
    assert (calm["longest_after_last"], calm["longest_plus_until"]) == (["Cart Updated"], ["customer.renews_on"])
    assert calm["matched"] == "Cart Updated: any of the customer's"
    assert calm["each_time_entered"] is True


def test_a_slip_in_a_journeys_file_is_no_fault_of_its_stories(folder: Path) -> None:
    (folder / "bad.yaml").write_text("journey: bad\nidentify: {on: Link Clicked\n")
    (folder / "bad.stories.yaml").write_text("journey: bad\npeople: {anna: {}}\nstories: [{story: s, play: []}]\n")
    assert run(folder).output.count("  error  ") == 1


def test_what_an_sms_costs_at_worst_is_said_with_what_that_assumes(tmp_path: Path) -> None:
    (tmp_path / "text.yaml").write_text(
        "journey: text\npurpose: service\nidentify: {on: Link Clicked}\n"
        "interact: [{id: a, send: hi, by: {first_of: [sms, email]}}]\n"
        "customize:\n  hi:\n    sms: \"{{ customer.email | default: 'Hello' }}, it’s us\"\n"
        "    email: {subject: Hi, body: Hi you}\n"
    )
    result = run(tmp_path)
    assert result.exit_code == 0
    assert result.output == (
        f"{tmp_path}/text.yaml\n"
        '  warning  7:54 "’" makes this SMS Unicode, with 70 characters in a part instead of 160; write "\'" for "’"\n'
        "                7 |     sms: \"{{ customer.email | default: 'Hello' }}, it’s us\"\n"
        "                  |                                                      ^\n"
        "  proved   every path ends · at most 1 message: up to 1 email, 1 SMS · longest 3 days\n"
        "  segments hi: at most 1 (Unicode) · assumed: texts of up to 40 characters\n"
        "  reads    customer.email · nothing sensitive\n"
    )
    [item] = json.loads(run(tmp_path, "--format", "json").output)
    assert (item["at_most"], item["at_most_messages"]) == ({"email": 1, "sms": 1}, 1)
    assert item["sms"] == {"hi": {"plain": None, "unicode": 1, "texts": True, "links": False, "loops": False}}


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere.yaml")
    assert result.exit_code == 1
    assert "there is no file" in result.output


def test_an_empty_folder_has_no_journeys(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert f"there is no journey in {tmp_path}" in result.output


def test_what_is_named_twice_is_told_once(folder: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    once = run(folder / "bad.yaml").output
    assert run(folder / "bad.yaml", folder / "bad.yaml").output == once


def test_a_pull_request_gets_annotations_escaped_as_github_wants(folder: Path) -> None:
    (folder / "bad.yaml").write_text(BAD.replace("3 dyas", '"100%, or: so"'))
    result = run(folder, "--format", "github")
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    file = str(folder / "bad.yaml").replace(":", "%3A").replace(",", "%2C")
    assert line.startswith(f"::error file={file},line=3,col=30,title=idic check::")
    assert "100%25, or: so" in line


def test_stories_are_checked_with_their_journey(folder: Path) -> None:
    (folder / "good.stories.yaml").write_text(
        "journey: good\npeople: {anna: {}}\nstories: [{story: One, play: [{after: 3}]}]\n"
    )
    for path in (folder, folder / "good.yaml", folder / "good.stories.yaml"):
        output = run(path).output
        assert 'after: a duration needs a unit: write "3 minutes", "3 hours" or "3 days"' in output
        assert "the story does not say when it starts" in output
