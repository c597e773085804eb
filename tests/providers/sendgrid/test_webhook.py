"""SendGrid's reports: verified as SendGrid's own library does, and true in any order, any number of times."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook

from idic.errors import SettingsError
from idic.interact.channels.contract import Unsure
from idic.providers.sendgrid.webhook import (
    LARGEST,
    SIGNATURE,
    TIMESTAMP,
    WEBHOOK_PATH,
    WINDOW,
    SendGridWebhook,
    is_signed,
    read_key,
)
from idic.store.database import Store
from tests.conftest import HandClock
from tests.providers.delivery_reports import ANNA, PUBLIC, Post, api_on

KEY = generate_private_key(SECP256R1())
PUBLIC_KEY = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
NOW = 1_780_000_000.0


def signed(body: bytes, stamp: str) -> str:
    return b64encode(KEY.sign(stamp.encode() + body, ECDSA(SHA256()))).decode()


class SendGrid(Post):
    async def report(self, *events: dict[str, Any], at: float = NOW) -> int:
        body, stamp = json.dumps(events).encode(), str(int(at))
        headers = {SIGNATURE: signed(body, stamp), TIMESTAMP: stamp, "Content-Type": "application/json"}
        return (await self.api.post(WEBHOOK_PATH, content=body, headers=headers)).status_code


def event(touch: str, kind: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """As SendGrid writes them."""
    told = {"email": ANNA, "timestamp": int(NOW), "smtp-id": "<x@y>", "event": kind, "sg_event_id": f"{kind}-{number}"}
    return {**told, "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "touch": touch, **more}


@pytest.fixture
async def post(store: Store, clock: HandClock) -> AsyncIterator[SendGrid]:
    async with api_on(store, SendGridWebhook(PUBLIC_KEY, PUBLIC, real=lambda: NOW)) as api:
        yield SendGrid(store, clock, api)


@pytest.mark.parametrize("seed", range(3))
async def test_reports_count_once_in_any_order(post: SendGrid, seed: int) -> None:
    anna, touch = await post.sent()
    told = [event(touch, kind) for kind in ("processed", "deferred", "delivered", "open", "click")]
    told[-1]["url"] = "https://shop.example/kettle"
    told += told
    random.Random(seed).shuffle(told)
    assert await post.report(*told[:4]) == 204
    for one in told[4:]:
        assert await post.report(one) == 204
    await post.route(anna)
    happened = [("Email Opened", None), ("Link Clicked", "https://shop.example/kettle"), ("Message Delivered", None)]
    assert sorted(await post.own()) == happened
    row = await post.touch()
    assert (row.status, row.bounced_at) == ("sent", None)
    assert None not in (row.delivered_at, row.opened_at, row.clicked_at)
    assert await post.suppressed() is None


async def test_machine_opens_and_clicks_of_idic_links_are_ignored(post: SendGrid) -> None:
    anna, touch = await post.sent()
    ours = event(touch, "click", url=f"{PUBLIC}/l/abc")
    assert await post.report(event(touch, "open", sg_machine_open=True), ours, event(touch, "new thing")) == 204
    await post.route(anna)
    assert await post.own() == []


async def test_a_report_settles_an_uncertain_message(post: SendGrid) -> None:
    anna, touch = await post.sent(Unsure("sendgrid_timeout", "ReadTimeout"))
    assert (await post.touch()).status == "uncertain"
    await post.report(event(touch, "delivered"))
    await post.route(anna)
    row = await post.touch()
    assert (row.status, row.provider_id) == ("sent", "14c5d75ce93")


@pytest.mark.parametrize(
    ("told", "reason", "suppressed"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 no such user"}, "hard_bounce", "hard_bounce"),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "550 spam"}, "soft_bounce", None),
        ({"event": "bounce", "type": "bounce", "status": "5.2.2", "reason": "552 mailbox full"}, "soft_bounce", None),
        ({"event": "bounce", "type": "bounce", "status": "4.4.7", "reason": "expired"}, "soft_bounce", None),
        ({"event": "bounce", "type": "expired", "reason": "unable to deliver for 72 hours"}, "soft_bounce", None),
        ({"event": "dropped", "reason": "Bounced Address"}, "hard_bounce", "hard_bounce"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complaint", "complaint"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "dropped", None),
    ],
)
async def test_only_hard_bounces_and_complaints_suppress_the_address(
    post: SendGrid, told: dict[str, str], reason: str, suppressed: str | None
) -> None:
    anna, touch = await post.sent()
    assert await post.report({**event(touch, "bounce"), **told}) == 204
    await post.route(anna)
    assert await post.own() == [("Message Bounced", reason)]
    assert (await post.touch()).bounced_at is not None
    assert await post.suppressed() == suppressed


async def test_a_spam_report_suppresses_the_address(post: SendGrid) -> None:
    anna, touch = await post.sent()
    for _ in range(2):
        assert await post.report(event(touch, "spamreport")) == 204
    assert await post.suppressed() == "complaint"
    await post.route(anna)
    assert await post.own() == [("Consent Withdrawn", None)]
    assert await post.consent(anna) == [(True, None), (False, None)]


async def test_unsubscribing_at_sendgrid_withdraws_consent(post: SendGrid) -> None:
    anna, touch = await post.sent()
    assert await post.report(event(touch, "group_unsubscribe")) == 204
    await post.route(anna)
    assert await post.consent(anna) == [(True, None), (False, None)]
    assert await post.suppressed() is None


async def test_only_recent_reports_signed_by_sendgrid_are_accepted(post: SendGrid) -> None:
    _, touch = await post.sent()
    body, stamp = json.dumps([event(touch, "spamreport")]).encode(), str(int(NOW))

    async def say(content: bytes = body, **headers: str) -> int:
        usual = {SIGNATURE: signed(body, stamp), TIMESTAMP: stamp}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await post.api.post(WEBHOOK_PATH, content=content, headers={**usual, **named})).status_code

    assert await say(body + b" ") == 403
    assert await say(**{TIMESTAMP: str(int(NOW) + 1)}) == 403
    assert await say(**{TIMESTAMP: ""}) == 403
    for forged in ("", "x", "MEUCIQ==", signed(b"[]", stamp)):
        assert await say(**{SIGNATURE: forged}) == 403
    for odd in (NOW - WINDOW - 1, NOW + 600):
        assert await post.report(event(touch, "spamreport"), at=odd) == 403
    assert await say(b"x" * (LARGEST + 1)) == 413
    assert await post.own() == []
    assert await post.suppressed() is None
    assert await post.report(event(touch, "delivered"), at=NOW - WINDOW + 1) == 204
    assert (
        await post.report(event("f" * 32, "delivered"), {"event": "delivered"}, {"touch": [1]}, event("'; --", "open")) == 204
    )
    odd_body = b'{"event": "delivered"}'
    assert await say(odd_body, **{SIGNATURE: signed(odd_body, stamp)}) == 400


@pytest.mark.parametrize("body", [b"[]", json.dumps([event("t", "open", ä="Grüße 👍")]).encode(), '["ä"]'.encode()])
def test_sendgrids_own_library_accepts_the_same_signatures(body: bytes) -> None:
    theirs, ours = EventWebhook(PUBLIC_KEY), read_key(PUBLIC_KEY)
    good = signed(body, "1600112502")
    for stamp, signature in (("1600112502", good), ("1600112503", good), ("1600112502", signed(body + b" ", "1600112502"))):
        believed = is_signed(ours, stamp, body, signature)
        assert believed == theirs.verify_signature(body.decode(), signature, stamp)
        assert believed == ((stamp, signature) == ("1600112502", good))


@pytest.mark.parametrize("key", ["", "x", "AAAA", PUBLIC_KEY[:-8]])
def test_an_invalid_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(SettingsError, match="IDIC_SENDGRID_WEBHOOK_KEY"):
        read_key(key)
