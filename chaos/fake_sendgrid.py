"""A fake SendGrid for the chaos: the second mail provider, which sometimes fails or answers late.

python -m chaos.fake_sendgrid --file grid.ndjson --reports URL --key SEED --moods 0.2 2529

It writes down each mail before it answers. It reports each mail's fate, signed, twice and in any order, until the report is
accepted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import secrets
import signal
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaos.mailboxes import note_call
from idic.providers.sendgrid.webhook import SIGNATURE, TIMESTAMP, WEBHOOK_PATH

_HANGS = 5.0
"""Seconds; longer than the sender's time-out."""


class Taken(NamedTuple):
    """One line of the file: a mail that was taken. ``at`` is the monotonic clock, which all processes share."""

    touch: str
    to: str
    html: str
    unsubscribe: str
    at: float


def read_taken(file: Path) -> Iterator[Taken]:
    """The mails that it took, in order."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield Taken(**json.loads(line))


def signing_key(seed: int) -> EllipticCurvePrivateKey:
    """The key that signs reports; the same seed gives the same key."""
    return derive_private_key(seed + 12345, SECP256R1())


def public_key(seed: int) -> str:
    """As SendGrid shows it."""
    key = signing_key(seed).public_key()
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signed(seed: int, events: Sequence[dict[str, Any]]) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a report."""
    body, stamp = json.dumps(events).encode(), str(int(time.time()))
    signature = b64encode(signing_key(seed).sign(stamp.encode() + body, ECDSA(SHA256()))).decode()
    return body, {SIGNATURE: signature, TIMESTAMP: stamp, "Content-Type": "application/json"}


def complaint(seed: int, api: str, touch: str, address: str) -> tuple[str, bytes, dict[str, str]]:
    """A report, to be posted to an address, that somebody called a mail spam."""
    event = {"event": "spamreport", "touch": touch, "email": address, "sg_event_id": secrets.token_hex(8)}
    return (f"{api}{WEBHOOK_PATH}", *signed(seed, [event]))


class FakeSendGrid:
    """The endpoint that takes mails; ``moods`` is the share of calls that it doesn't simply take."""

    def __init__(self, file: Path, reports: str, key: int, moods: float, http: httpx.AsyncClient) -> None:
        self._file = file
        self._reports = reports
        self._key = key
        self._moods = moods
        self._http = http
        self._rng = Random(key)
        self._reporting: set[asyncio.Task[None]] = set()

    async def take(self, request: Request) -> Response:
        """Note the call, then take or refuse the mail, and report its fate later."""
        at = time.monotonic()
        mail = json.loads(await request.body())
        (personalization,) = mail["personalizations"]
        to, touch = personalization["to"][0]["email"], personalization["custom_args"]["touch"]
        note_call(self._file.with_suffix(".calls"), to, at, touch)
        mood = self._rng.random() / self._moods if self._moods else 1.0
        if mood < 0.2:
            return JSONResponse({"errors": [{"message": "too many"}]}, 429, {"X-RateLimit-Reset": str(int(time.time()) + 1)})
        if mood < 0.35:
            return JSONResponse({"errors": [{"message": "not taken, and nobody can know"}]}, 500)
        html = next(part["value"] for part in mail["content"] if part["type"] == "text/html")
        unsubscribe = mail["headers"].get("List-Unsubscribe", "").strip("<>")
        with self._file.open("a") as file:
            file.write(json.dumps(Taken(touch, to, html, unsubscribe, at)._asdict()) + "\n")
        task = asyncio.create_task(self._report(touch, to))
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)
        if mood < 0.6:
            return JSONResponse({"errors": [{"message": "taken all the same"}]}, 500)
        if mood < 0.9:
            await asyncio.sleep(_HANGS)
        return Response(status_code=202, headers={"X-Message-Id": secrets.token_hex(8)})

    async def _report(self, touch: str, to: str) -> None:
        kinds = ["processed", "delivered", "delivered"]
        self._rng.shuffle(kinds)
        for kind in kinds:
            await asyncio.sleep(self._rng.uniform(0, 0.5))
            event = {"event": kind, "touch": touch, "email": to, "sg_event_id": secrets.token_hex(8)}
            for _ in range(100):
                body, headers = signed(self._key, [event])
                with contextlib.suppress(httpx.TransportError):
                    if (await self._http.post(self._reports, content=body, headers=headers)).is_success:
                        break
                await asyncio.sleep(0.3)


async def _serve(file: Path, reports: str, key: int, moods: float, port: int) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    async with httpx.AsyncClient(timeout=5, limits=limits) as http:
        app = Starlette(routes=[Route("/v3/mail/send", FakeSendGrid(file, reports, key, moods, http).take, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve())
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()
        server.should_exit = True
        await serving


def main() -> None:
    """Read the arguments and serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--key", type=int, required=True)
    parser.add_argument("--moods", type=float, default=0)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    asyncio.run(_serve(options.file, options.reports, options.key, options.moods, options.port))


if __name__ == "__main__":
    main()
