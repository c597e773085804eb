"""Which accounts mail goes by, in which order, how much each may send, and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import worker
from idic.errors import SettingsError
from idic.interact.channels.channel_edge import Parcel
from idic.interact.channels.email import EmailCourier
from idic.journey.contact_policy.contact_policy import Sender
from idic.journey.engine.scope import Facts, Scope
from idic.providers.mail_settings import signer
from idic.providers.registry import rates, webhooks
from idic.providers.sendgrid.account import sendgrid_account
from idic.providers.ses.account import ses_account
from idic.router.runtime import Runtime
from idic.settings import Settings
from tests.conftest import START
from tests.journey.programs import program, send
from tests.providers import dkim_keys
from tests.providers.delivery_reports import LINKS
from tests.providers.sendgrid.test_webhook import PUBLIC_KEY
from tests.providers.ses.fake_sns import TOPIC
from tests.providers.twilio.scripted_twilio import NUMBER, SID, TOKEN

SMTP = {"smtp_url": "smtp://localhost:1025"}
SES = {"ses_region": "eu-central-1"}
SENDGRID = {"sendgrid_api_key": "SG.key"}
TWILIO = {"twilio_account_sid": SID, "twilio_auth_token": TOKEN, "sms_from": NUMBER}
TELNYX = {"telnyx_api_key": "KEY", "telnyx_public_key": "A" * 43 + "=", "telnyx_from": NUMBER}


def settings(*parts: Mapping[str, Any], **more: Any) -> Settings:
    given: dict[str, Any] = {"signing_keys": "a key of sixteen letters"}
    for part in (*parts, more):
        given |= part
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("parts", "chosen", "email", "sms"),
    [
        ((), {}, ("smtp",), ("outbox",)),
        ((SES,), {}, ("ses",), ("outbox",)),
        ((SENDGRID, SES, SMTP), {}, ("smtp", "ses", "sendgrid"), ("outbox",)),
        ((SES, SMTP), {"email_accounts": "ses, smtp"}, ("ses", "smtp"), ("outbox",)),
        ((SES, SMTP), {"email_accounts": "ses"}, ("ses",), ("outbox",)),
        ((SES,), {"smtp_url": ""}, ("ses",), ("outbox",)),
        ((TWILIO, TELNYX), {}, ("smtp",), ("twilio", "telnyx")),
        ((TWILIO, TELNYX), {"sms_accounts": "telnyx,twilio"}, ("smtp",), ("telnyx", "twilio")),
        ((TWILIO,), {"sms_accounts": "outbox"}, ("smtp",), ("outbox",)),
    ],
)
def test_the_first_is_used_and_the_others_stand_in(
    parts: tuple[Mapping[str, Any], ...], chosen: dict[str, str], email: tuple[str, ...], sms: tuple[str, ...]
) -> None:
    assert Runtime.set_up(settings(*parts, chosen)).accounts == {"email": email, "sms": sms, "web": ("web",)}


@pytest.mark.parametrize(
    ("parts", "wrong", "told"),
    [
        ((SMTP,), {"email_accounts": "smpt"}, 'names "smpt", which is none; .*smtp'),
        ((SMTP,), {"email_accounts": "twilio"}, "there are smtp, ses, sendgrid"),
        ((SMTP,), {"email_accounts": "smtp,ses"}, "names ses, which is not set up"),
        ((SMTP,), {"email_accounts": "smtp,smtp"}, "twice"),
        ((), {"sms_accounts": "telnyx"}, "names telnyx, which is not set up"),
        ((SES,), {"ses_region": "Frankfurt"}, "IDIC_SES_REGION"),
        ((SMTP,), {"ses_access_key_id": "AKIA", "ses_secret_access_key": "secret"}, "IDIC_SES_REGION is missing"),
        ((TELNYX,), {"telnyx_from": None}, "IDIC_TELNYX_FROM missing"),
    ],
)
def test_an_order_that_cannot_be_kept_is_said_at_once(
    parts: tuple[Mapping[str, Any], ...], wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        Runtime.set_up(settings(*parts, wrong))


async def test_each_account_has_its_courier(tmp_path: Path) -> None:
    async def remember(touch: str, links: Mapping[str, str]) -> bool:
        return True

    file = dkim_keys.keep(dkim_keys.rsa(1024), tmp_path / "dkim.pem")
    signed = {"dkim_domain": "shop.example", "dkim_selector": "idic1", "dkim_key_file": str(file)}
    found = worker.couriers(settings(SMTP, SES, SENDGRID, TWILIO, TELNYX, signed, email_accounts="ses,sendgrid,smtp"), remember)
    assert [courier.account for courier in found] == ["ses", "sendgrid", "smtp", "twilio", "telnyx", "web"]
    with pytest.raises(SettingsError, match="IDIC_SMTP_URL"):
        worker.couriers(settings(), remember)


@pytest.mark.parametrize("text", ["smtp", "smpt=5", "web=5", "smtp=", "smtp=fast", "smtp=0", "smtp=-1", "smtp=inf", "smtp=nan"])
def test_a_rate_that_is_none_is_said_at_once(text: str) -> None:
    with pytest.raises(SettingsError, match="IDIC_RATES"):
        rates(settings(rates=text))


def test_rates_are_of_accounts() -> None:
    assert rates(settings(rates="smtp=50, twilio = 0.5")) == {"smtp": 50, "twilio": 0.5}
    assert rates(settings()) == {}


def test_what_is_set_by_half_is_none_and_says_so() -> None:
    assert (ses_account(settings()), sendgrid_account(settings()), signer(settings())) == (None, None, None)
    with pytest.raises(SettingsError, match="IDIC_DKIM_SELECTOR and IDIC_DKIM_KEY_FILE missing"):
        signer(settings(dkim_domain="shop.example"))


def test_reports_are_heard_where_they_can_be_verified() -> None:
    assert webhooks(settings(SES, SENDGRID)) == []
    given = settings(TWILIO, TELNYX, ses_topics=TOPIC, sendgrid_webhook_key=PUBLIC_KEY)
    paths = [webhook.path.rpartition("/")[2] for webhook in webhooks(given)]
    assert paths == ["ses", "sendgrid", "twilio", "telnyx"]


@pytest.mark.parametrize(
    ("sender", "as_whom"),
    [
        (None, ("Shop <hello@shop.example>", "help@shop.example")),
        (Sender(sms="Shop"), ("Shop <hello@shop.example>", "help@shop.example")),
        (Sender(email="Club <club@shop.example>"), ("Club <club@shop.example>", None)),
        (Sender(email="club@shop.example", reply_to="us@shop.example"), ("club@shop.example", "us@shop.example")),
        (Sender(reply_to="us@shop.example"), ("Shop <hello@shop.example>", "us@shop.example")),
    ],
)
def test_mail_is_from_whom_the_policy_says_and_else_from_whom_is_set(
    sender: Sender | None, as_whom: tuple[str, str | None]
) -> None:
    courier = EmailCourier(None, LINKS, "Shop <hello@shop.example>", "help@shop.example")  # type: ignore[arg-type]
    trip = program(send("nudge"))
    parcel = Parcel(
        "0a1b",
        "email",
        "hello",
        "anna@example.com",
        trip,
        Scope(trip, Facts({}, "UTC"), START),
        "en",
        sender,
    )
    mail = courier.compose(parcel)
    assert (mail.sender, mail.reply_to) == as_whom
