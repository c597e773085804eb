"""Providers as they hand over what customers answer: signed as each does it, checked by its own library."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any, Literal

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from telnyx import Telnyx
from twilio.request_validator import RequestValidator

from idic.api.app import create_app
from idic.providers.telnyx.sender import WEBHOOK_PATH as TELNYX
from idic.providers.telnyx.webhook import TelnyxWebhook
from idic.providers.twilio.sender import WEBHOOK_PATH as TWILIO
from idic.providers.twilio.webhook import TwilioWebhook
from idic.providers.webhook import Webhook
from idic.store.database import Store
from tests.api.conftest import FakeRouter, browser
from tests.providers.twilio.conftest import PUBLIC, TO
from tests.providers.twilio.scripted_twilio import NUMBER, TOKEN
from tests.providers.twilio.test_webhook import LINKS

SECRET = Ed25519PrivateKey.generate()
PUBLIC_KEY = b64encode(SECRET.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
THEIRS = Telnyx(api_key="x", public_key=PUBLIC_KEY)

Provider = Literal["twilio", "telnyx"]


def telnyx_headers(body: bytes, at: float | None = None, key: Ed25519PrivateKey = SECRET) -> dict[str, str]:
    stamp = str(int(at if at is not None else time.time()))
    signature = b64encode(key.sign(f"{stamp}|".encode() + body)).decode()
    return {"Telnyx-Signature-Ed25519": signature, "Telnyx-Timestamp": stamp, "Content-Type": "application/json"}


def telnyx_event(name: str, **payload: Any) -> bytes:
    return json.dumps(
        {"data": {"event_type": name, "id": "e1", "record_type": "event", "payload": payload}, "meta": {}}
    ).encode()


def listening(store: Store) -> httpx.AsyncClient:
    """A client of an API that both providers hand over to."""
    both: list[Webhook] = [TwilioWebhook(PUBLIC, TOKEN), TelnyxWebhook(PUBLIC_KEY)]
    return browser(create_app(store, write_keys=["w"], secret_keys=["s"], links=LINKS, enroll=FakeRouter(), webhooks=both))


async def hand_over(
    api: httpx.AsyncClient,
    text: str,
    id_: str,
    *,
    by: Provider = "twilio",
    number: str = TO,
    sender: str = NUMBER,
    acted: str = "",
) -> httpx.Response:
    """An SMS from ``number``; ``acted`` is the keyword that the provider answered by itself."""
    if by == "twilio":
        said = {"MessageSid": id_, "SmsStatus": "received", "From": number, "To": sender, "Body": text, "NumMedia": "0"}
        said |= {"OptOutType": acted} if acted else {}
        signed = RequestValidator(TOKEN).compute_signature(PUBLIC + TWILIO, said)
        return await api.post(TWILIO, data=said, headers={"X-Twilio-Signature": signed})
    body = telnyx_event(
        "message.received",
        direction="inbound",
        id=id_,
        text=text,
        to=[{"phone_number": sender}],
        **{"from": {"phone_number": number}},
        **({"autoresponse_type": acted} if acted else {}),
    )
    headers = telnyx_headers(body)
    THEIRS.webhooks.unwrap(body.decode(), headers=headers)
    return await api.post(TELNYX, content=body, headers=headers)
