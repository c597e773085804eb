"""A customer's browser on the shop's pages: it asks idic for content, and reports what was shown and clicked."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import httpx

from idic.interact.tracking.visitors import Proofs

SLOTS = ("home_hero", "product_tip")


class Shown(NamedTuple):
    """Content that a slot shows."""

    token: str
    html: str


class Browser:
    """A browser. ``proofs`` comes from the shop's server and tells the page who is signed in."""

    def __init__(self, http: httpx.AsyncClient, api: str, write_key: str, proofs: Proofs) -> None:
        self._http = http
        self._api = api
        self._write_key = write_key
        self._proofs = proofs

    async def visit(self, anonymous_id: str, user_id: str | None) -> list[Shown]:
        """The content of the pages' slots for this visitor; it is reported as shown. Raises ``httpx.HTTPError``."""
        who: dict[str, Any] = {"writeKey": self._write_key, "anonymousId": anonymous_id, "slots": list(SLOTS)}
        if user_id is not None:
            who |= {"userId": user_id, "proof": self._proofs.prove(user_id)}
        answer = await self._post("content", who)
        shown = [Shown(slot["token"], slot["html"]) for slot in answer["slots"].values() if slot]
        for one in shown:
            await self._post("shown", {"token": one.token})
        return shown

    async def press(self, token: str, url: str) -> None:
        """Follow a link of the content. Raises ``httpx.HTTPError``."""
        await self._post("clicked", {"token": token, "url": url})

    async def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        # text/plain, as the script sends it, which needs no CORS preflight.
        answer = await self._http.post(
            f"{self._api}/v1/web/{what}", content=json.dumps(body), headers={"Content-Type": "text/plain"}
        )
        answer.raise_for_status()
        return dict(answer.json())
