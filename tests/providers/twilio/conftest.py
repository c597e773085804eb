"""A channel to whatever stands in for Twilio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from idic.interact.channels.contract import OutgoingSms
from idic.providers.twilio.account import TwilioAccount
from idic.providers.twilio.sender import TwilioChannel
from tests.providers.twilio.scripted_twilio import NUMBER, SID, TOKEN

PUBLIC = "https://idic.example"
TO = "+4915112345678"

OpenChannel = Callable[..., TwilioChannel]


@pytest.fixture
async def open_channel() -> AsyncIterator[OpenChannel]:
    opened: list[TwilioChannel] = []

    def open_one(url: str, *, timeout: float = 2, public_url: str = PUBLIC) -> TwilioChannel:
        opened.append(TwilioChannel(TwilioAccount(SID, TOKEN, NUMBER, url), public_url, timeout=timeout))
        return opened[-1]

    yield open_one
    for channel in opened:
        await channel.close()


def sms(touch: str = "t1", **changes: object) -> OutgoingSms:
    """An SMS to Anna; ``changes`` are fields of OutgoingSms."""
    plain: dict[str, object] = {"touch": touch, "to": TO, "sender": NUMBER, "text": "Your basket is still here", "segments": 1}
    return OutgoingSms.model_validate({**plain, **changes})
