"""The shop's side: customers who do things at odd moments, and their browsers."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from random import Random
from typing import Any

from chaos.shop_client import CarefulClient, Message
from idic.dev.mailbox import read_accepts, read_mail


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
