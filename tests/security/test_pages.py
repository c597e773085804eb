"""Attacks on the pages behind links and on the API.

Every wrong guess gets the same answer, no redirect leads to a foreign target, and no customer's name becomes markup or a
header.
"""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from idic.api.app import PAGES
from idic.clock import Clock
from idic.interact.tracking.links import Links
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.conftest import WRITE_KEY, FakeRouter, app_on
from tests.api.store_queries import track

LINKS = Links("http://idic", ["a key of our own to sign links with"])
FORGED = Links("http://idic", ["the key of somebody else, just as long"])


@pytest.fixture
async def anyone(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
    await migrate(store)
    app = app_on(store, LINKS, FakeRouter())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://idic") as client:
        yield client
    await store.close()


def path(address: str) -> str:
    return address.removeprefix("http://idic")


async def test_every_wrong_link_gets_the_same_response(anyone: httpx.AsyncClient) -> None:
    tried = {
        "no code": "/s/x",
        "a code nobody made": f"/s/{LINKS.short_code('t', 'https://shop.example')}",
        "no token": "/l/x",
        "forged": path(FORGED.click("t", "https://evil.example")),
        "of another kind": path(LINKS.unsubscribe("t")).replace("/u/", "/l/"),
        "forged unsubscribe": path(FORGED.unsubscribe("t")),
        "forged answer": path(FORGED.answer("t", "yes", "https://evil.example")),
    }
    answers = {name: await anyone.get(tried_at) for name, tried_at in tried.items()}
    assert {one.status_code for one in answers.values()} == {404}
    assert len({one.text for one in answers.values()}) == 1
    assert not any("location" in one.headers for one in answers.values())


@pytest.mark.parametrize("url", ["https://evil.example", "//evil.example", "javascript:alert(1)", "http:evil.example"])
@pytest.mark.parametrize("prefix", PAGES)
async def test_no_page_redirects_to_an_unsigned_address(anyone: httpx.AsyncClient, prefix: str, url: str) -> None:
    for tried in (
        f"{prefix}{url}",
        f"{prefix}x?url={url}",
        f"{prefix}?next={url}",
        f"{prefix}%2f{url}",
        f"{prefix}..%2f..%2f{url}",
    ):
        answer = await anyone.get(tried, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert "evil" not in answer.headers.get("location", "")
        assert answer.status_code in (200, 400, 404, 405, 429)


@pytest.mark.parametrize("url", ["https://shop.example/\r\nSet-Cookie: a=b", "https://shop.example/\nX: y", "https://x/\0"])
async def test_no_address_injects_a_header(anyone: httpx.AsyncClient, url: str) -> None:
    """Not even one that we signed, because a customer's name was put in it."""
    for address in (LINKS.click("t", url), LINKS.answer("t", "yes", url)):
        answer = await anyone.get(path(address))
        assert "set-cookie" not in answer.headers
        assert "x" not in answer.headers
        assert not any(character in answer.headers.get("location", "") for character in "\r\n\0")


async def test_link_pages_run_no_scripts_and_cannot_be_framed(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get(path(LINKS.unsubscribe("t")))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"


GARBAGE = {
    "deep": b'{"batch":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "deep properties": json.dumps(track()).encode()[:-1] + b',"properties":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    "not text": bytes(range(256)) * 50,
    "a number": b"9" * 30_000,
    "nan": b'{"event":NaN,"userId":-Infinity}',
    "many keys": b"{" + b",".join(b'"k%d":1' % number for number in range(2500)) + b"}",
    "the same key": b"{" + b",".join(b'"userId":"%d"' % number for number in range(1900)) + b"}",
    "half a surrogate": b'{"event":"\\ud800","userId":"\\udfff"}',
    "nothing": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_a_garbage_body_is_refused_in_little_memory(anyone: httpx.AsyncClient, name: str) -> None:
    anyone.auth = httpx.BasicAuth(WRITE_KEY, "")
    await anyone.post("/v1/track", json=track())
    tracemalloc.start()
    try:
        for where in ("/v1/track", "/v1/batch", "/v1/web/content", "/v1/web/shown"):
            async with asyncio.timeout(10):
                answer = await anyone.post(where, content=GARBAGE[name])
            assert 400 <= answer.status_code < 500, (where, answer.status_code)
            assert "error" in answer.json()
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
