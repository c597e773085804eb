"""The mail that came, as its readers find it: subject, button, and the way to unsubscribe."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from idic.interact.links import CLICK_PATH
from idic.mailbox import Accept, read_accepts, read_mail


class Mail(NamedTuple):
    """``button`` is the last tracked link, ``unsubscribe`` the address of one click (RFC 8058); each None if there is none."""

    touch: str
    to: str
    subject: str
    button: str | None
    unsubscribe: str | None


class Inbox:
    """Everything in the mailbox's folder, read once. ``accepts`` has an entry for each time a mail was taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.accepts: list[Accept] = []
        self.mails: dict[str, Mail] = {}

    def new(self) -> list[Mail]:
        """What came since the last time, in order."""
        accepts = list(read_accepts(self._folder))
        fresh = [self._read(accept) for accept in accepts[len(self.accepts) :]]
        self.accepts = accepts
        self.mails.update({mail.touch: mail for mail in fresh})
        return fresh

    def _read(self, accept: Accept) -> Mail:
        mail = read_mail(self._folder / accept.file)
        html = mail.get_body(("html",))
        found = _Hrefs()
        if html is not None:
            found.feed(html.get_content())
        tracked = [link for link in found.links if CLICK_PATH in link]
        return Mail(
            touch=accept.touch,
            to=accept.to[0],
            subject=str(mail["Subject"]),
            button=tracked[-1] if tracked else None,
            unsubscribe=str(mail["List-Unsubscribe"]).strip("<>") if mail["List-Unsubscribe"] else None,
        )


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]
