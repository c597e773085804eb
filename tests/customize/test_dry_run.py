"""Before anybody gets it, every message is composed for somebody known and somebody unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.customize.dry_run import dry_run
from idic.customize.dry_run_cache import DryRunCache
from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.program.content import AnyContent, Message
from idic.journeys_folder import compile_folder
from idic.times import Duration
from tests.customize.test_compose_email import READS, program

JOURNEYS = Path(__file__).parents[2] / "journeys"


def test_the_example_journeys_have_sound_messages() -> None:
    programs = compile_folder(JOURNEYS).programs
    assert programs
    assert {name: dry_run(found) for name, found in programs.items()} == dict.fromkeys(programs, ())


@pytest.mark.parametrize(
    ("email", "whom", "code"),
    [
        ({"body": "<mjml><mj-body><mj-sektion/></mj-body></mjml>"}, "everything known", "mjml_failed"),
        ({"body": "<mjml><mj-body>"}, "everything known", "mjml_failed"),
        ({"subject": "{% if customer.first_name %}Hi{% endif %}"}, "nothing known", "empty"),
    ],
)
def test_what_does_not_hold_together_is_found(email: dict[str, str], whom: str, code: str) -> None:
    [unsound] = dry_run(program(**email))
    assert (unsound.message, unsound.whom, unsound.problem.code) == ("reminder", whom, code)


@pytest.mark.parametrize(
    ("contents", "whom", "code"),
    [
        ({"sms": SmsContent(text="{% if customer.first_name %}Hi{% endif %}")}, "nothing known", "empty"),
        ({"web": WebContent(slot="hero", body="<p></p>", show_for=Duration(days=1))}, "everything known", "empty"),
        (
            {"web": WebContent(slot="hero", body="<b>x{% render 'bad' %}", show_for=Duration(days=1))},
            "everything known",
            "unsafe",
        ),
        ({"sms": SmsContent(text="Hi"), "email": EmailContent(subject=" ", body="<p>x")}, "everything known", "empty"),
    ],
)
def test_every_channel_is_rehearsed(contents: dict[str, AnyContent], whom: str, code: str) -> None:
    blocks = {"bad": "<script>alert(1)</script>"}
    message = Message(id="reminder", contents=contents, reads=READS, blocks=blocks)
    [unsound] = dry_run(program().model_copy(update={"messages": {"reminder": message}}))
    assert (unsound.message, unsound.whom, unsound.problem.code) == ("reminder", whom, code)


def test_what_is_proven_is_not_tried_again_and_what_is_wrong_is_told_of_every_program() -> None:
    proven = DryRunCache()
    assert dry_run(program(), proven) == ()
    unsure = {"subject": "{% if customer.first_name %}Hi{% endif %}"}
    for one in (program(**unsure), program(**unsure)):
        [unsound] = dry_run(one, proven)
        assert unsound.whom == "nothing known"
    [elsewhere] = dry_run(
        program().model_copy(update={"currency": None, "links": {"basket": "{{ 1 | divided_by: 0 }}"}}), proven
    )
    assert elsewhere.problem.code == "template_failed"


@pytest.mark.parametrize(
    "silent",
    ["<p> </p>", "<p>&nbsp;</p>", '<p style="display: none">Psst</p>', "<p><script>x</script></p>", "<p><!-- x --></p>"],
)
def test_a_layout_that_is_known_says_nothing_all_the_same_where_no_word_is_shown(silent: str) -> None:
    proven = DryRunCache()
    spoken = silent.replace("<p", "<p>Hello</p><p", 1)
    assert [proven.words(f"<html><body>{spoken}</body></html>") != "" for _ in range(2)] == [True, True]
    assert [proven.words(f"<html><body>{silent}</body></html>") for _ in range(2)] == ["", ""]
