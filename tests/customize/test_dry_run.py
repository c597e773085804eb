"""The dry run composes every message for a customer with all values and one without any."""

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


def test_all_messages_of_the_example_journeys_compose() -> None:
    programs = compile_folder(JOURNEYS).programs
    assert programs
    assert {name: dry_run(program) for name, program in programs.items()} == dict.fromkeys(programs, ())


@pytest.mark.parametrize(
    ("email", "whom", "code"),
    [
        ({"body": "<mjml><mj-body><mj-sektion/></mj-body></mjml>"}, "everything known", "mjml_failed"),
        ({"body": "<mjml><mj-body>"}, "everything known", "mjml_failed"),
        ({"subject": "{% if customer.first_name %}Hi{% endif %}"}, "nothing known", "empty"),
    ],
)
def test_an_email_that_cannot_be_composed_is_found(email: dict[str, str], whom: str, code: str) -> None:
    [failure] = dry_run(program(**email))
    assert (failure.message, failure.whom, failure.problem.code) == ("reminder", whom, code)


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
def test_the_dry_run_tries_every_channel(contents: dict[str, AnyContent], whom: str, code: str) -> None:
    blocks = {"bad": "<script>alert(1)</script>"}
    message = Message(id="reminder", contents=contents, reads=READS, blocks=blocks)
    [failure] = dry_run(program().model_copy(update={"messages": {"reminder": message}}))
    assert (failure.message, failure.whom, failure.problem.code) == ("reminder", whom, code)


def test_successes_are_cached_and_failures_are_not() -> None:
    cache = DryRunCache()
    assert dry_run(program(), cache) == ()
    unsure = {"subject": "{% if customer.first_name %}Hi{% endif %}"}
    for unsure_program in (program(**unsure), program(**unsure)):
        [failure] = dry_run(unsure_program, cache)
        assert failure.whom == "nothing known"
    [elsewhere] = dry_run(
        program().model_copy(update={"currency": None, "links": {"basket": "{{ 1 | divided_by: 0 }}"}}), cache
    )
    assert elsewhere.problem.code == "template_failed"


@pytest.mark.parametrize(
    "silent",
    ["<p> </p>", "<p>&nbsp;</p>", '<p style="display: none">Psst</p>', "<p><script>x</script></p>", "<p><!-- x --></p>"],
)
def test_a_cached_layout_without_visible_words_is_still_empty(silent: str) -> None:
    cache = DryRunCache()
    spoken = silent.replace("<p", "<p>Hello</p><p", 1)
    assert [cache.words(f"<html><body>{spoken}</body></html>") != "" for _ in range(2)] == [True, True]
    assert [cache.words(f"<html><body>{silent}</body></html>") for _ in range(2)] == ["", ""]
