"""All the ways in which customers unsubscribe, as the outside world sends them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable

import httpx
from twilio.request_validator import RequestValidator

from chaos.fake_sendgrid import complaint
from idic.providers.twilio.sender import WEBHOOK_PATH

_AGAIN = 0.2
"""Seconds until a customer without an answer clicks again."""

Answered = Awaitable[httpx.Response]


class Withdrawals:
    """``http`` reaches the API at ``api``; ``token`` and ``sender`` are the SMS account's token and number. What each returns
    is the answer, of which success is the promise."""

    def __init__(self, http: httpx.AsyncClient, api: str, *, token: str, account: str, sender: str) -> None:
        self._http = http
        self._api = api
        self._signs = RequestValidator(token)
        self._account = account
        self._sender = sender

    async def one_click(self, url: str) -> httpx.Response:
        """A mail program's button (RFC 8058)."""
        return await self._http.post(url, data={"List-Unsubscribe": "One-Click"})

    async def page(self, url: str) -> httpx.Response:
        """The page behind the link, and its button."""
        await self._http.get(url)
        return await self._http.post(url)

    async def complain(self, seed: int, touch: str, address: str) -> httpx.Response:
        """They call a mail spam, and their provider tells ours, which reports it."""
        url, body, headers = complaint(seed, self._api, touch, address)
        return await self._http.post(url, content=body, headers=headers)

    async def writes(self, phone: str, text: str) -> httpx.Response:
        """An SMS from them, as Twilio reports it."""
        url = f"{self._api}{WEBHOOK_PATH}"
        fields = {
            "MessageSid": f"SM{secrets.token_hex(16)}",
            "AccountSid": self._account,
            "From": phone,
            "To": self._sender,
            "Body": text,
            "SmsStatus": "received",
            "NumMedia": "0",
        }
        headers = {"X-Twilio-Signature": self._signs.compute_signature(url, fields)}
        return await self._http.post(url, data=fields, headers=headers)


async def until_promised(leave: Callable[[], Answered], patience: float = 60) -> float | None:
    """Say it until it is answered with success (a provider hears 204 rather than 200). Returns when that was heard, by this
    machine's monotonic clock; None if it never was, which promises nothing."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        with contextlib.suppress(httpx.TransportError):
            answer = await leave()
            heard = time.monotonic()
            if answer.is_success:
                return heard
            if answer.status_code < 500:
                raise AssertionError(f"{answer.request.url.path[:30]} was answered {answer.status_code}: {answer.text[:300]}")
        await asyncio.sleep(_AGAIN)
    return None
