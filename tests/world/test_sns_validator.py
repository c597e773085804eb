"""idic accepts SNS messages exactly where Amazon's own validator does.

One exception: for the end of a subscription, the validator leaves out a field that Amazon's documentation says is signed,
so that it accepts none.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from idic.providers.ses.sns import SnsTopics
from idic.providers.webhook import WebhookForged
from tests.providers.ses.fake_sns import TOPIC, Amazon
from tests.world.conftest import HERE

CERTIFICATES = HERE.parent / "providers" / "certificates"


async def test_we_believe_what_amazons_own_validator_believes(node: str, node_modules: Path, tmp_path: Path) -> None:
    amazon, stranger = Amazon(), Amazon()
    text = '{"eventType": "Bounce", "ä": "Grüße 👍\\n"}'
    good = [
        amazon.says(text),
        amazon.says(text, "2"),
        amazon.says(text, Subject=None),
        amazon.says(""),
        amazon.asks_to_confirm(),
        amazon.asks_to_confirm(version="2"),
    ]
    bad = [
        stranger.says(text),
        {**good[0], "Message": text + " "},
        {**good[0], "Subject": "Another"},
        {**good[2], "Subject": "One that was not there"},
        {**good[0], "MessageId": "another"},
        {**good[0], "SignatureVersion": "2"},
        {**good[0], "SignatureVersion": "3"},
        {**good[4], "Token": "another"},
        {**good[4], "Type": "Notification"},
    ]
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(amazon.certificate)
    theirs = asked(node, certificate, good + bad)
    sns = SnsTopics([TOPIC], amazon.fetch)

    async def believed(message: dict[str, Any]) -> bool:
        try:
            await sns.message(message)
        except WebhookForged:
            return False
        return True

    assert [await believed(message) for message in good + bad] == theirs
    assert theirs == [True] * len(good) + [False] * len(bad)


def asked(node: str, certificate: Path, messages: list[dict[str, Any]]) -> list[bool]:
    """Which of the messages Amazon's validator believes."""
    files = [CERTIFICATES / "key.pem", CERTIFICATES / "cert.pem", certificate]
    told = subprocess.run(
        [node, HERE / "sns_messages.cjs", *files],
        input=json.dumps(messages),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(CERTIFICATES / "cert.pem")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    believed: list[bool] = json.loads(told.stdout)
    return believed
