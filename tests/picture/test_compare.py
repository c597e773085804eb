"""What changed between two programs, in words."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idic.cli import app
from idic.cli.run.diff import compared
from idic.errors import NotFound
from idic.journey.program.program import Program
from idic.journeys_folder import compile_folder
from idic.picture.compare import differences, verdict
from idic.publish import publish
from idic.settings import Settings
from idic.store.database import Store
from tests.journey.read_fixtures import HERE, compiled
from tests.picture.picture_programs import every_kind, long, nested

JOURNEYS = Path(__file__).parents[2] / "journeys"
TEXT = """\
journey: a
title: A journey
identify: {on: Cart Updated, if: event.total >= 30, again: after 14 days}
differentiate: {vip: customer.value_tier == "high", rest: otherwise}
interact:
  - {id: calm, wait: 1 day, without: Cart Updated, as: cart}
  - {id: mail, send: hello, by: email, within: 12 hours}
  - id: reaction
    wait_for: [{on: Link Clicked, of: mail, then: exit clicked}]
    within: 2 days
    otherwise: continue
  - id: fork
    choose:
      - {if: segment == "vip", do: {id: extra, send: more, by: sms}}
    otherwise: exit over
goal: {on: Order Completed, within: 7 days}
leave: Cart Emptied
customize:
  hello: {email: {subject: Hi, body: "One\\n\\nTwo\\n\\nThree"}}
  more: {sms: Hi}
"""


def program(text: str = TEXT) -> Program:
    (found,) = compiled(text).programs.values()
    return found


def changed(*replaced: tuple[str, str]) -> list[str]:
    text = TEXT
    for before, after in replaced:
        assert before in text
        text = text.replace(before, after)
    return [str(one) for one in differences(program(), program(text))]


def test_the_same_is_the_same() -> None:
    assert differences(program(), program()) == []
    assert verdict(program(), program()) == "the same program"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("wait: 1 day", "wait: 2 days", ['step "calm": wait 1 day without Cart Updated → wait 2 days without Cart Updated']),
        ("within: 12 hours", "within: 1 day", ['step "mail": within 12 hours → within 1 day']),
        ("by: email,", "by: email, if: customer.orders > 0,", ['step "mail": now if customer.orders > 0']),
        ("exit clicked", "continue", ['step "reaction": leads: Link Clicked of mail: exit clicked → on to fork']),
        ("exit over", "continue", ['step "fork": leads: otherwise: exit over → done']),
        ('if: segment == "vip"', 'if: segment != "vip"', ['step "fork": on to extra: segment == "vip" → segment != "vip"']),
        (" >= 30", " > 50", ["entry: if event.total >= 30 → if event.total > 50"]),
        ("again: after 14 days", "again: always", ["entry: again: after 14 days → again: always"]),
        ('tier == "high"', 'tier != "low"', ['segment "vip": customer.value_tier == "high" → customer.value_tier != "low"']),
        ("within: 7 days", "within: 9 days", ["goal: within 7 days → within 9 days"]),
        ("leave: Cart Emptied\n", "", ["leave: removed: Cart Emptied"]),
        ("leave: Cart Emptied\n", "leave: [Cart Emptied, Signed Up]\n", ["leave: added: Signed Up"]),
        ("title: A journey", "title: Another", ["journey: title: A journey → Another"]),
        ("subject: Hi", "subject: Hello", ['message "hello": email, subject: Hi → Hello']),
    ],
)  # fmt: skip
def test_a_change_is_told_in_the_words_of_the_file(before: str, after: str, said: list[str]) -> None:
    assert changed((before, after)) == said


def test_a_step_that_comes_in_between_changes_no_other() -> None:
    inserted = ("  - id: reaction\n", "  - {id: pause, wait: 3 hours}\n  - id: reaction\n")
    assert changed(inserted) == ['step "pause": added, after mail: wait 3 hours']
    assert [str(one) for one in differences(program(TEXT.replace(*inserted)), program())] == [
        'step "pause": removed: wait 3 hours'
    ]
    assert "say where customers at pause go" in verdict(program(TEXT.replace(*inserted)), program())


def test_a_step_that_moves_is_told_once() -> None:
    text = TEXT.replace("  - {id: mail,", "  - {id: pause, wait: 3 hours}\n  - {id: mail,")
    moved = TEXT.replace("  - id: fork\n", "  - {id: pause, wait: 3 hours}\n  - id: fork\n")
    assert [str(one) for one in differences(program(text), program(moved))] == ['step "pause": moved, after reaction']


def test_other_words_are_shown_line_by_line_and_are_content_alone() -> None:
    new = program(TEXT.replace("Two", "Two and a half"))
    (found,) = differences(program(), new)
    assert (found.lines, found.content) == (("- Two", "+ Two and a half"), True)
    assert verdict(program(), new).startswith("only content changed")


def test_a_message_in_another_language_is_an_addition() -> None:
    assert changed(("more: {sms: Hi}", "more: {sms: Hi, in: {de: {sms: Hallo}}}")) == ['message "more": SMS in de added']


def test_whatever_differs_is_told() -> None:
    """Any two different programs differ in something that is said, and what differs in content alone says so."""
    found = [
        next(iter(compiled(path.read_text()).programs.values())) for path in sorted((HERE / "accepted").glob("*.yaml"))[:12]
    ]
    for old, new in permutations([*found, every_kind(), long(6), nested()], 2):
        told = differences(old, new)
        assert told
        assert all(str(one) for one in told)
        assert (old.flow == new.flow) == all(one.content for one in told)


def test_files_folders_and_what_is_published(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
        (folder / "vocabulary.yaml").write_text((HERE / "vocabulary.yaml").read_text())
        (folder / "a.yaml").write_text(TEXT)
    (after / "a.yaml").write_text(TEXT.replace("wait: 1 day", "wait: 2 days"))
    (after / "b.yaml").write_text("journey: b\nidentify: {on: Page Viewed}\ninteract: [{id: x, wait: 1 day}]\n")
    run = CliRunner()
    shown = run.invoke(app, ["diff", str(before), str(after)]).output
    assert '~ step "calm": wait 1 day without Cart Updated → wait 2 days without Cart Updated' in shown
    assert "b  new journey" in shown
    assert "the flow changed" in shown
    told = json.loads(run.invoke(app, ["diff", str(before / "a.yaml"), str(after), "--format", "json"]).output)
    assert [(one["journey"], one["flow_changed"], one["content_changed"]) for one in told] == [("a", True, False)]
    assert run.invoke(app, ["diff", str(before), str(before)]).output == "unchanged: a\n"


async def test_what_is_published_beside_the_file_of_today(store: Store, database_url: str) -> None:
    await publish(store, compile_folder(JOURNEYS))
    settings = Settings(database_url=database_url)
    (one,) = await compared("welcome@published", "welcome", JOURNEYS, lambda: settings)
    assert one.old is not None
    assert one.found == []
    (same,) = await compared(one.old.id[:10], "welcome", JOURNEYS, lambda: settings)
    assert same.old == one.old
    with pytest.raises(NotFound, match='no journey "nothing" is published'):
        await compared("nothing@published", "welcome", JOURNEYS, lambda: settings)
