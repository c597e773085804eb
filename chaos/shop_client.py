"""A shop's careful client and its customers' browsers: each message is sent with one id until it gets a 200."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from random import Random
from typing import Any

import httpx

from idic.interact.tracking.visitors import Proofs

Message = dict[str, Any]


class CarefulClient:
    """Like Segment's clients. ``accepted`` are the ids of messages that got a 200; ``heard`` is called first at each 200."""

    def __init__(self, api: str, write_key: str, proof_key: str, rng: Random) -> None:
        self._write_key = write_key
        self._proof_key = proof_key
        # The pool has no limit: a limited pool was seen to run out for good when the server is
        # killed in the middle of twenty answers.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(base_url=api, auth=(write_key, ""), timeout=5, limits=limits)
        self._room = asyncio.Semaphore(20)
        self._rng = rng
        self.accepted: set[str] = set()
        self.tries = 0
        self.heard: Callable[[], None] = lambda: None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, *messages: Message) -> None:
        """Send until all messages are accepted: one alone, several as a batch, and sometimes twice."""
        path, body = ("/v1/batch", {"batch": messages}) if len(messages) > 1 else (f"/v1/{messages[0]['type']}", messages[0])
        again = self._rng.random() < 0.15
        pause = 0.1
        while True:
            self.tries += 1
            answer = await self._once("POST", path, body)
            if answer == 200:
                self.accepted.update(message["messageId"] for message in messages)
                self.heard()
                if not again:
                    return
                again = False
            else:
                assert answer is None or answer >= 500, f"{path} was answered {answer}"
                await asyncio.sleep(self._rng.uniform(pause / 2, pause))
                pause = min(pause * 2, 1)

    async def click(self, url: str) -> None:
        """Follow a tracked link until it redirects. Raises ``AssertionError`` if it never does."""
        for _ in range(200):
            if await self._once("GET", url, None) == 302:
                return
            await asyncio.sleep(self._rng.uniform(0.05, 0.3))
        raise AssertionError("nobody answers a click")

    async def look(self, user_id: str, slot: str) -> None:
        """Open a page, report its slot as shown, and sometimes click. A browser doesn't retry."""
        visitor = {"userId": user_id, "proof": Proofs([self._proof_key]).prove(user_id), "anonymousId": f"anon-{user_id}"}
        asked = {"writeKey": self._write_key, "slots": [slot], **visitor}
        content = (await self._asked("/v1/web/content", asked) or {}).get("slots", {}).get(slot)
        if content is None:
            return
        await self._asked("/v1/web/shown", {"token": content["token"]})
        link = re.search(r'href="([^"]+)"', content["html"])
        if link is not None and self._rng.random() < 0.3:
            await self._asked("/v1/web/clicked", {"token": content["token"], "url": link[1]})

    async def _asked(self, path: str, body: object) -> Any:
        try:
            async with self._room:
                answer = await self._http.post(path, json=body)
        except httpx.TransportError:
            return None
        assert answer.status_code < 300 or answer.status_code >= 500, f"{path} was answered {answer.status_code}: {answer.text}"
        return answer.json() if answer.is_success else None

    async def _once(self, method: str, path: str, body: object) -> int | None:
        try:
            async with self._room:
                return (await self._http.request(method, path, json=body)).status_code
        except httpx.TransportError:
            return None
