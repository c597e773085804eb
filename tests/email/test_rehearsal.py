"""Before anybody gets it, every message is composed for somebody known and somebody unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from idic.authoring import compile_folder
from idic.customize.rehearsal import rehearse
from tests.email.test_compose import program

JOURNEYS = Path(__file__).parents[2] / "journeys"


def test_the_example_journeys_have_sound_messages() -> None:
    programs = compile_folder(JOURNEYS).programs
    assert programs
    assert {name: rehearse(found) for name, found in programs.items()} == dict.fromkeys(programs, ())


@pytest.mark.parametrize(
    ("email", "whom", "code"),
    [
        ({"body": "<mjml><mj-body><mj-sektion/></mj-body></mjml>"}, "everything known", "mjml_failed"),
        ({"body": "<mjml><mj-body>"}, "everything known", "mjml_failed"),
        ({"subject": "{% if customer.first_name %}Hi{% endif %}"}, "nothing known", "empty"),
    ],
)
def test_what_does_not_hold_together_is_found(email: dict[str, str], whom: str, code: str) -> None:
    [unsound] = rehearse(program(**email))
    assert (unsound.message, unsound.whom, unsound.problem.code) == ("reminder", whom, code)
