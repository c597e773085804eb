"""The shop's side: customers who do things at odd moments, their browsers, and the careful client that tells idic of them.

The client sends each message with one message id until it hears 200, as Segment's do; what got a 200 it remembers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx

from idic.interact.visitors import Proofs
from idic.mailbox import read_accepts, read_mail

Message = dict[str, Any]


class CarefulClient:
    """``accepted``: the ids of the messages that got a 200. ``heard`` is called at each 200, before anything else is."""

    def __init__(self, api: str, write_key: str, proof_key: str, rng: Random) -> None:
        self._write_key = write_key
        self._proof_key = proof_key
        # The pool has no bound of its own: one that counts its connections was seen to run dry for good when the server is
        # killed in the middle of twenty answers.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(base_url=api, auth=(write_key, ""), timeout=5, limits=limits)
        self._room = asyncio.Semaphore(20)
        self._rng = rng
        self.accepted: set[str] = set()
        self.tries = 0
        self.heard: Callable[[], None] = lambda: None

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, *messages: Message) -> None:
        """Return when all of them are accepted. One message goes alone, several as a batch; now and then twice."""
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
        for _ in range(200):
            if await self._once("GET", url, None) == 302:
                return
            await asyncio.sleep(self._rng.uniform(0.05, 0.3))
        raise AssertionError("nobody answers a click")

    async def look(self, user_id: str, slot: str) -> None:
        """A browser opens a page, shows what is in its slot and now and then has it clicked. Whatever is not answered a
        browser forgets."""
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


class Shop:
    """``customers`` of them come within ``over`` seconds, each with a story of their own, all by ``rng``."""

    def __init__(self, client: CarefulClient, mails: list[Path], rng: Random, customers: int, over: float) -> None:
        self._client = client
        self._mails = mails
        self._rng = rng
        self._customers = customers
        self._over = over
        self._letters: dict[str, asyncio.Future[str]] = {}

    async def open(self) -> None:
        """Returns when every customer has done all that they do."""
        reading = asyncio.create_task(self._read_mail())
        try:
            async with asyncio.TaskGroup() as tasks:
                for number in range(self._customers):
                    tasks.create_task(self._customer(number, Random(self._rng.random())))
        finally:
            reading.cancel()

    async def _customer(self, number: int, rng: Random) -> None:
        who = {"userId": f"customer-{number}"}
        count = 0

        def message(kind: str, **content: Any) -> Message:
            nonlocal count
            count += 1
            return {"type": kind, "messageId": f"m-{number}-{count}", **who, **content}

        def track(event: str, **properties: Any) -> Message:
            return message("track", event=event, properties=properties)

        async def basket(cart: str) -> None:
            story = rng.choice(("silent", "silent", "clicks", "asks", "buys", "buys", "empties"))
            at = rng.uniform(0, 6)
            match story:
                case "clicks":
                    link = await self._link_in(f"Basket {cart}", patience=9)
                    if link is not None:
                        await asyncio.sleep(rng.uniform(0, 4))
                        await self._client.click(link)
                case "asks":
                    await asyncio.sleep(at)
                    await self._client.send(track("Question Asked", text="Does it fit?"))
                case "buys":
                    await asyncio.sleep(at)
                    await self._client.send(track("Order Completed", cart_id=cart, total=80))
                case "empties":
                    await asyncio.sleep(at)
                    await self._client.send(track("Cart Emptied", cart_id=cart))

        await asyncio.sleep(rng.uniform(0, self._over))
        traits = {"email": f"customer-{number}@example.com", "firstName": f"Nº {number}"}
        if rng.random() < 0.8:
            traits |= {"phone": f"+49151{12340000 + number}"}
        carts = [f"c{number}-{n}" for n in range(rng.choice((1, 1, 1, 2)))]
        first = [
            message("identify", traits=traits),
            *(track("Cart Updated", cart_id=cart, total=rng.choice((20, 50, 50, 50, 150))) for cart in carts),
        ]
        if rng.random() < 0.2:
            first.append(track("Signed Up", plan="yearly"))
        visits = rng.random() < 0.7
        await self._client.send(first[0])
        if visits:
            await self._client.look(who["userId"], "banner")
        await self._client.send(*first[1:])

        async def browse() -> None:
            for _ in range(3 if visits else 0):
                await asyncio.sleep(rng.uniform(0.5, 3))
                await self._client.look(who["userId"], "banner")

        await asyncio.gather(browse(), *(basket(cart) for cart in carts))

    async def _link_in(self, subject: str, patience: float) -> str | None:
        """The tracked link in the mail of this subject, once it has come; None when it does not."""
        letter = self._letters.setdefault(subject, asyncio.get_running_loop().create_future())
        try:
            return await asyncio.wait_for(asyncio.shield(letter), patience)
        except TimeoutError:
            return None

    async def _read_mail(self) -> None:
        """Hand each link to the customer who waits for it."""
        read: set[Path] = set()
        while True:
            taken = {mails / accept.file for mails in self._mails for accept in read_accepts(mails)}
            for file in sorted(taken - read):
                mail = read_mail(file)
                body = mail.get_body(("html",))
                links = re.findall(r'href="(http://[^"]*/l/[^"]+)"', body.get_content()) if body else []
                letter = self._letters.get(str(mail["Subject"]))
                if links and letter is not None and not letter.done():
                    letter.set_result(links[0])
            read = taken
            await asyncio.sleep(0.3)
