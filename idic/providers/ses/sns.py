"""Verify messages of Amazon's notification service (SNS): signed by Amazon, and of one of our topics."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import httpx
import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from idic.errors import SettingsError, StoreUnavailable
from idic.providers.webhook import WebhookForged

_ARN = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov):sns:(?P<region>[a-z]{2}(-[a-z]+)+-[0-9]):[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?"
)
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
_CONFIRM = re.compile(r"/\?Action=ConfirmSubscription&[!-~]{1,2000}")
_KEPT = 16
"""Certificates that are kept: there is one for each region, and a new one about every year."""
_LARGEST = 20_000
"""Bytes of a certificate that are read."""
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_OF_SUBSCRIPTIONS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# Version 1 is what a topic has by default.
_HASHES: Mapping[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303

Fetch = Callable[[str], Awaitable[bytes]]
"""Fetches an address of Amazon's. Raises ``httpx.HTTPError`` and ``OSError``."""

log = structlog.get_logger("idic.api")


async def fetch(url: str) -> bytes:
    """Fetch a certificate, or confirm a subscription."""
    async with httpx.AsyncClient(timeout=10, follow_redirects=False) as client:
        response = await client.get(url)
        response.raise_for_status()
        return response.content[:_LARGEST]


class SnsTopics:
    """Our SNS topics. ``topics`` are their ARNs: Amazon signs messages of anybody's topics, so that others are refused."""

    def __init__(self, topics: Iterable[str], fetch: Fetch = fetch) -> None:
        """Raises ``SettingsError`` for an ARN that is not a topic."""
        self._regions = {topic: _region(topic) for topic in topics}
        self._fetch = fetch
        self._keys: dict[str, RSAPublicKey] = {}

    async def message(self, document: Mapping[str, Any]) -> str | None:
        """The message of a notification; None for messages about the subscription itself, which is confirmed here.

        Raises ``WebhookForged`` for a message that is not SNS's or not of our topics, and ``StoreUnavailable``
        where Amazon cannot be asked, so that it repeats.
        """
        text = {name: value for name, value in document.items() if isinstance(value, str)}
        topic, kind = text.get("TopicArn", ""), text.get("Type", "")
        region = self._regions.get(topic)
        if region is None:
            raise _forged("it is not of a topic that IDIC_SES_TOPICS names")
        host = f"https://sns.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        if not await self._is_signed(text, host):
            raise _forged("the signature is not Amazon's")
        if kind == "SubscriptionConfirmation":
            await self._confirm(text.get("SubscribeURL", ""), host, topic)
        elif kind == "UnsubscribeConfirmation":
            log.warning("a topic does not report any more: its subscription was ended", topic=topic)
        return text.get("Message") if kind == "Notification" else None

    async def _is_signed(self, text: Mapping[str, str], host: str) -> bool:
        url = text.get("SigningCertURL", "")
        algorithm = _HASHES.get(text.get("SignatureVersion", ""))
        if algorithm is None or not url.startswith(host) or not _CERTIFICATE.fullmatch(url[len(host) :]):
            return False
        try:
            signature = b64decode(text.get("Signature", ""), validate=True)
            (await self._key(url)).verify(signature, to_sign(text), PKCS1v15(), algorithm)
        except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
            return False
        return True

    async def _key(self, url: str) -> RSAPublicKey:
        """The key of a certificate. Raises ``ValueError`` where there is no RSA key."""
        if url not in self._keys:
            key = load_pem_x509_certificate(await self._asked(url)).public_key()
            if not isinstance(key, RSAPublicKey):
                raise ValueError("no RSA key")
            if len(self._keys) >= _KEPT:
                self._keys.clear()
            self._keys[url] = key
        return self._keys[url]

    async def _confirm(self, url: str, host: str, topic: str) -> None:
        if not url.startswith(host) or not _CONFIRM.fullmatch(url[len(host) :]):
            raise _forged("its address for confirming is not Amazon's")
        await self._asked(url)
        log.info("a topic reports from now on", topic=topic)

    async def _asked(self, url: str) -> bytes:
        try:
            return await self._fetch(url)
        except (httpx.HTTPError, OSError) as error:
            log.warning("Amazon does not answer", error=type(error).__name__)
            raise StoreUnavailable("Amazon cannot be asked whether it said this") from error


def to_sign(text: Mapping[str, str]) -> bytes:
    """The part of a message that Amazon signs: some of its fields, each on a line after its name."""
    names = _SIGNED if text.get("Type") == "Notification" else _SIGNED_OF_SUBSCRIPTIONS
    return "".join(f"{name}\n{text[name]}\n" for name in names if name in text).encode("utf-8", "replace")


def _region(topic: str) -> str:
    arn = _ARN.fullmatch(topic)
    if arn is None:
        raise SettingsError(
            "IDIC_SES_TOPICS names what is no SNS topic: it looks like arn:aws:sns:eu-central-1:123456789012:mail"
        )
    return arn["region"]


def _forged(why: str) -> WebhookForged:
    log.warning("a report that is not Amazon's, or of no topic of ours", why=why)
    return WebhookForged("forged", why)
