"""Which account SMS leave by: Twilio's if all of it is set, the outbox if nothing is, and no guessing in between."""

from __future__ import annotations

import pytest

from idic.errors import SettingsError
from idic.providers.twilio.account import twilio_account
from idic.router.runtime import Runtime
from idic.settings import Settings
from tests.providers.twilio.scripted_twilio import NUMBER, SID, TOKEN

ALL = {"twilio_account_sid": SID, "twilio_auth_token": TOKEN, "sms_from": NUMBER}


def test_with_no_account_set_sms_stay_in_the_outbox() -> None:
    assert Runtime.set_up(Settings()).accounts == {"email": ("smtp",), "sms": ("outbox",), "web": ("web",)}
    assert twilio_account(Settings()) is None


def test_with_all_of_it_set_they_go_to_twilio() -> None:
    settings = Settings.model_validate({**ALL, "delivery_timeout": 7, "keep_copies": True})
    made = Runtime.set_up(settings)
    assert (made.accounts["sms"], made.patience, made.keep_copies) == (("twilio",), 7, True)
    account = twilio_account(settings)
    assert account is not None
    assert account == (SID, TOKEN, NUMBER, "https://api.twilio.com")


@pytest.mark.parametrize("missing", sorted(ALL))
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"IDIC_{missing.upper()} missing") as error:
        Runtime.set_up(Settings.model_validate({**ALL, missing: None}))
    assert TOKEN not in str(error.value)
