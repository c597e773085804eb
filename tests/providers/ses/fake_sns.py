"""Amazon's notification service, as far as it speaks to us: it signs what it says, and shows its certificate."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.providers.dkim_keys import rsa

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
HOST = "https://sns.eu-central-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-{'0a' * 16}.pem"
_IN_ORDER = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Amazon:
    """``asked`` are the addresses that were asked for, in order; ``down`` makes it answer none."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False
        self._key = rsa()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        day = datetime.now(UTC)
        certificate = x509.CertificateBuilder(name, name, self._key.public_key(), 1, day, day + timedelta(days=1))
        self.certificate = certificate.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.down:
            raise httpx.ConnectError("nobody there")
        return self.certificate

    def says(self, message: Any, version: str = "1", **changes: Any) -> dict[str, Any]:
        """A notification, signed. ``changes`` are made before that."""
        told: dict[str, Any] = {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Subject": "Amazon SES Email Event Notification",
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": "2026-03-02T09:00:00.000Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE,
            "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe",
            **changes,
        }
        told = {name: value for name, value in told.items() if value is not None}
        text = "".join(f"{name}\n{told[name]}\n" for name in _IN_ORDER if name in told)
        algorithm = SHA1() if version == "1" else SHA256()
        return {**told, "Signature": b64encode(self._key.sign(text.encode(), PKCS1v15(), algorithm)).decode()}

    def asks_to_confirm(
        self, url: str = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37", **changes: Any
    ) -> dict[str, Any]:
        more = {"Type": "SubscriptionConfirmation", "Subject": None, "Token": "2336412f37", "SubscribeURL": url}
        return self.says("You have chosen to subscribe to the topic.", **{**more, **changes})
