"""A fake Twilio for the chaos: it sometimes fails, and kills workers as ordered.

python -m chaos.fake_twilio --file accepts.ndjson --orders orders --token T 2527 2528

It writes down each SMS, then answers 201, 500 or nothing. It reports each SMS's fate, signed, to the given address: twice,
in any order, sometimes before it has answered, and again until the report is accepted. Before it takes an SMS, it may
answer 429 or 500, or say that the number is a landline. With ``--calm`` it takes everything. Every call is noted first, in
``FILE.calls``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from chaos.mailboxes import carry_out, next_order, note_call

_HANGS = 5.0
"""Seconds; longer than the sender's time-out."""


class Sms(NamedTuple):
    """One line of the file: an SMS that was taken, and how that was answered."""

    sid: str
    touch: str
    to: str
    body: str
    answer: str


def read_taken(file: Path) -> Iterator[Sms]:
    """The SMS that it took, in order."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield Sms(**json.loads(line))


def calls_of(file: Path) -> Path:
    """The file in which every call is noted."""
    return file.with_suffix(".calls")


class FakeTwilio:
    """The endpoint that takes SMS from the worker with this ``number``."""

    def __init__(
        self, file: Path, orders: Path, number: int, token: str, http: httpx.AsyncClient, *, calm: bool = False
    ) -> None:
        self._file = file
        self._calm = calm
        self._orders = orders
        self._number = number
        self._signs = RequestValidator(token)
        self._http = http
        self._rng = Random(number)
        self._reporting: set[asyncio.Task[None]] = set()

    async def take(self, request: Request) -> Response:
        """Note the call, then take or refuse the SMS, and report its fate."""
        at = time.monotonic()
        form = dict(parse_qsl((await request.body()).decode()))
        callback = form["StatusCallback"].partition("#")[0]
        touch = parse_qs(urlsplit(callback).query)["touch"][0]
        note_call(calls_of(self._file), form["To"], at, touch)
        order = next_order(self._orders)
        mood = 0.5 if self._calm else self._rng.random()
        if order is None and mood < 0.08:
            return JSONResponse({"code": 20429, "message": "Too many requests"}, 429, {"Retry-After": "1"})
        if order is None and mood < 0.14:
            return JSONResponse({"code": 30006, "message": "Landline"}, 400)
        if order is None and mood < 0.18:
            return JSONResponse({"message": "not taken, and nobody can know"}, 500)
        answer = "201" if order is not None or mood < 0.75 else "500" if mood < 0.88 else "silence"
        sms = Sms(secrets.token_hex(8), touch, form["To"], form["Body"], answer)
        with self._file.open("a") as file:
            file.write(json.dumps(sms._asdict()) + "\n")
        if order is not None and carry_out(order, self._number) == "before":
            await asyncio.sleep(0.5)
        reports = ["sent", "delivered", "delivered", "queued"]
        self._rng.shuffle(reports)
        if self._rng.random() < 0.3:
            await self._report(callback, sms, reports.pop(), tries=1)
        task = asyncio.create_task(self._all(callback, sms, reports))
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)
        match answer:
            case "201":
                return JSONResponse({"sid": f"SM{sms.sid}", "status": "queued"}, 201)
            case "500":
                return JSONResponse({"message": "taken all the same"}, 500)
            case _:
                await asyncio.sleep(_HANGS)
                return Response(status_code=503)

    async def _all(self, callback: str, sms: Sms, statuses: list[str]) -> None:
        for status in statuses:
            await asyncio.sleep(self._rng.uniform(0, 0.4))
            await self._report(callback, sms, status, tries=200)

    async def _report(self, callback: str, sms: Sms, status: str, tries: int) -> None:
        params: Mapping[str, str] = {"MessageSid": f"SM{sms.sid}", "MessageStatus": status, "To": sms.to}
        headers = {"X-Twilio-Signature": self._signs.compute_signature(callback, dict(params))}
        for _ in range(tries):
            with contextlib.suppress(httpx.TransportError):
                if (await self._http.post(callback, data=params, headers=headers)).is_success:
                    return
            await asyncio.sleep(0.2)


async def _serve(file: Path, orders: Path, token: str, ports: list[int], *, calm: bool) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    async with httpx.AsyncClient(timeout=5, limits=limits) as http:
        servers = []
        for number, port in enumerate(ports):
            carrier = FakeTwilio(file, orders, number, token, http, calm=calm)
            path = "/2010-04-01/Accounts/{sid}/Messages.json"
            app = Starlette(routes=[Route(path, carrier.take, methods=["POST"])])
            servers.append(uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1)))
        stop = asyncio.Event()
        running = [asyncio.create_task(server.serve()) for server in servers]
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running)


def main() -> None:
    """Read the arguments and serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--orders", type=Path, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("ports", type=int, nargs="+")
    parser.add_argument("--calm", action="store_true")
    options = parser.parse_args()
    asyncio.run(_serve(options.file, options.orders, options.token, options.ports, calm=options.calm))


if __name__ == "__main__":
    main()
