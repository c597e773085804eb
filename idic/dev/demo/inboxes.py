"""What reached the customers: mail in the mailbox, SMS in the outbox, banners on the shop's pages."""

from __future__ import annotations

from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from idic.dev.mailbox import Accept, read_accepts, read_mail
from idic.errors import InvalidInput
from idic.interact.tracking.links import ANSWER_PATH, CLICK_PATH, OPEN_PATH, UNSUBSCRIBE_PATH, Links
from idic.store.database import Store
from idic.store.tables import copies, short_links, touches


class ArrivedMessage(NamedTuple):
    """One message as its customer got it.

    ``button`` is the last link that is neither an answer nor an unsubscribe link; ``answers`` by value; ``unsubscribe`` is
    the one-click address (RFC 8058) or the link of an SMS; ``picture`` the tracking pixel.
    """

    touch: str
    channel: str
    customer: str
    message: str
    button: str | None = None
    answers: dict[str, str] = {}
    unsubscribe: str | None = None
    picture: str | None = None


class Inboxes:
    """Everything that arrived, each message once."""

    def __init__(self, store: Store, mail: Path, links: Links) -> None:
        self._store = store
        self._mail = mail
        self._links = links
        self._accepts = 0
        self._seen: dict[str, datetime] = {}

    async def new(self) -> list[ArrivedMessage]:
        """What arrived since the last call."""
        accepts = list(read_accepts(self._mail))
        fresh, self._accepts = accepts[self._accepts :], len(accepts)
        return [*await self._mails(fresh), *await self._kept()]

    async def _mails(self, accepts: list[Accept]) -> list[ArrivedMessage]:
        whose = {row["id"]: row for row in await self._touches([accept.touch for accept in accepts])}
        letters = []
        for accept in accepts:
            if accept.touch not in whose:
                continue
            mail = read_mail(self._mail / accept.file)
            html = mail.get_body(("html",))
            letter = self._letter(whose[accept.touch], html.get_content() if html is not None else "")
            out = str(mail["List-Unsubscribe"]).strip("<>") if mail["List-Unsubscribe"] else None
            letters.append(letter._replace(unsubscribe=out))
        return letters

    async def _kept(self) -> list[ArrivedMessage]:
        """SMS in the outbox and content placed on the web."""
        async with self._store.reading() as tx:
            rows = await tx.rows(
                select(touches, copies.c.text, copies.c.html, copies.c.at)
                .join(copies, copies.c.touch_id == touches.c.id)
                .where(touches.c.channel.in_(("sms", "web")), touches.c.status == "sent")
                .where(touches.c.id.not_in(list(self._seen)))
            )
            codes: dict[str, dict[str, str]] = {}
            for row in await tx.rows(select(short_links).where(short_links.c.touch_id.in_([row["id"] for row in rows]))):
                codes.setdefault(row["touch_id"], {})[self._links.short(row["code"])] = row["url"]
        self._seen |= {row["id"]: row["at"] for row in rows}
        return [
            self._sms(row, codes.get(row["id"], {})) if row["channel"] == "sms" else self._letter(row, row["html"] or "")
            for row in rows
        ]

    async def _touches(self, ids: list[str]) -> list[dict[str, str]]:
        async with self._store.reading() as tx:
            return await tx.rows(select(touches).where(touches.c.id.in_(ids)))

    def _letter(self, touch: dict[str, str], html: str) -> ArrivedMessage:
        found = _Addresses()
        found.feed(html)
        ours = [link for link in found.links if CLICK_PATH in link or touch["channel"] == "web"]
        buttons = [link for link in ours if self._value(link) is None]
        return ArrivedMessage(
            touch=touch["id"],
            channel=touch["channel"],
            customer=touch["customer_id"],
            message=touch["message"],
            button=buttons[-1] if buttons else None,
            answers=self._answers({link: link for link in found.links}),
            picture=next((image for image in found.images if OPEN_PATH in image), None),
        )

    def _sms(self, touch: dict[str, str], links: dict[str, str]) -> ArrivedMessage:
        out = [link for link, url in links.items() if UNSUBSCRIBE_PATH in url]
        answers = self._answers(links)
        buttons = [link for link in links if link not in out and link not in answers.values()]
        return ArrivedMessage(
            touch=touch["id"],
            channel="sms",
            customer=touch["customer_id"],
            message=touch["message"],
            button=buttons[-1] if buttons else None,
            answers=answers,
            unsubscribe=out[0] if out else None,
        )

    def _answers(self, links: dict[str, str]) -> dict[str, str]:
        return {value: link for link, url in links.items() if (value := self._value(url)) is not None}

    def _value(self, url: str) -> str | None:
        before, path, token = url.rpartition(ANSWER_PATH)
        try:
            return self._links.read_answer(token).value if before and path else None
        except InvalidInput:
            return None


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]
        self.images += [value for name, value in attrs if tag == "img" and name == "src" and value]
