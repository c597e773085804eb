"""What a rehearsal has proven already and need not try again: in a folder, most journeys share their templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple

from idic.customize.email_html import HIDDEN, html_to_text
from idic.customize.variants import ChosenContent
from idic.journey.program.content import Message
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute

_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_ADDRESS = re.compile(r"\b(href|src|alt|title)=(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_MAY_BE_SILENT = re.compile(r"display:\s*none|<(?:script|style|title)\b", re.IGNORECASE)
_PREHEADER = re.compile(rf"{re.escape(HIDDEN)}[^<]*</div>")


class _Read(NamedTuple):
    """All that what is composed depends on besides its content, its language and whether everything is known."""

    segment: str
    reads: Mapping[str, Attribute]
    links: Mapping[str, str]
    blocks: Mapping[str, str]
    currency: str | None
    zone: str


class DryRunCache:
    """What came out well for one program need not be composed for the next. What did not is composed again, as its words
    name the message."""

    def __init__(self) -> None:
        self._sound: dict[object, list[_Read]] = {}
        self._layouts: set[str] = set()

    def knows(self, program: Program, message: Message, found: ChosenContent, everything: bool, segment: str) -> bool:
        return _read(program, message, found, segment) in self._sound.get((found.content, found.language, everything), ())

    def learn(self, program: Program, message: Message, found: ChosenContent, everything: bool, segment: str) -> None:
        known = self._sound.setdefault((found.content, found.language, everything), [])
        known.append(_read(program, message, found, segment))

    def words(self, html: str) -> str:
        """What an HTML mail says, empty if it says nothing. The whole text is made once for each layout: it takes most of
        the time of a composition, and what its parser trips over is elements and attributes, not the words between them."""
        layout = _ADDRESS.sub("", "".join(_TAG.findall(html)))
        if layout in self._layouts and (words := _surely_shown(html)):
            return words
        words = html_to_text(html)
        self._layouts.add(layout)
        return words


def _surely_shown(html: str) -> str:
    """The words of a mail in which nothing but the preheader is hidden; empty where that is not certain."""
    body = _PREHEADER.sub("", html.partition("<body")[2].partition(">")[2])
    return "" if _MAY_BE_SILENT.search(body) else unescape(_TAG.sub("", body)).strip()


def _read(program: Program, message: Message, found: ChosenContent, segment: str) -> _Read:
    links = {name: program.links.get(name.removeprefix("links."), "") for name in message.reads if name.startswith("links.")}
    asked = segment if "segment" in message.reads else ""
    return _Read(asked, message.reads, links, found.blocks, program.currency, program.zone)
