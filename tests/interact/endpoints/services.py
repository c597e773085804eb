"""Services to be called: real ones on this machine, and hosts wherever a test puts them."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
from pydantic import SecretStr

from idic.interact.endpoints import Caller, CallOutcome
from idic.journey.program.values import Attribute, Endpoint, Type
from idic.journey.vocabulary.types import MONEY, NUMBER, TEXT
from tests.providers.twilio.scripted_twilio import Call, Line, Talk
from tests.support.scripted_server import listening

HOST = "erp.test"
"""Where services on this machine are to be found: a host that the operator named."""

TOKEN = "a-token-that-nobody-may-read"
SECRETS = {"erp_token": SecretStr(TOKEN)}
LEVEL = {"level": Attribute(type=NUMBER, required=True), "back_on": Attribute(type=Type(kind="date"))}


class Service(NamedTuple):
    """``calls`` are the requests that it heard, in order."""

    url: str
    calls: list[Call]


@asynccontextmanager
async def service(*talks: Talk) -> AsyncIterator[Service]:
    """A service whose first connection goes as the first talk says, and so on, as ``listening`` has it."""
    calls: list[Call] = []
    async with listening(talks, functools.partial(Line, calls)) as port:
        yield Service(f"http://{HOST}:{port}", calls)


async def resets(line: Line) -> None:
    await line.hear()
    line.reset()


class Places:
    """Who finds which host where: each time anew, as long as there is more to say."""

    def __init__(self, **hosts: Sequence[Sequence[str]]) -> None:
        self.hosts = {name.replace("_", "."): list(answers) for name, answers in hosts.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.hosts.get(host)
        if answers is None:
            raise OSError(f"{host} is nowhere")
        return answers.pop(0) if len(answers) > 1 else answers[0]


HERE = {"erp_test": [["127.0.0.1"]]}


def endpoint(url: str, **changes: Any) -> Endpoint:
    fields: dict[str, Any] = {
        "name": "stock",
        "url": url,
        "method": "GET",
        "headers": {"Authorization": "Bearer {{ secrets.erp_token }}"},
        "takes": {"sku": Attribute(type=TEXT, required=True), "price": Attribute(type=MONEY)},
        "gives": LEVEL,
        "seconds": 1,
    }
    return Endpoint.model_validate({**fields, **changes})


async def call(to: Endpoint, places: Places | None = None, **changes: Any) -> CallOutcome:
    """One try, from a caller who trusts ``HOST`` alone."""
    given = changes.pop("given", {"sku": "k1"})
    options: dict[str, Any] = {"secrets": SECRETS, "private": {HOST}, "resolve": places or Places(**HERE), **changes}
    caller = Caller(**options)
    try:
        return await caller.call(to, given, key="k" * 32)
    finally:
        await caller.close()


class Wire(httpx.AsyncBaseTransport):
    """Stands where bytes would leave: notes where each request went, and answers as it is told."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
