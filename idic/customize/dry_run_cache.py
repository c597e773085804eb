"""Remember which contents a dry run has composed: most journeys of a folder share their templates."""

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
_MAY_HIDE = re.compile(r"display:\s*none|<(?:script|style|title)\b", re.IGNORECASE)
_PREHEADER = re.compile(rf"{re.escape(HIDDEN)}[^<]*</div>")


class _Inputs(NamedTuple):
    """Everything that the result depends on, besides the content, its language and whether everything is known."""

    segment: str
    reads: Mapping[str, Attribute]
    links: Mapping[str, str]
    blocks: Mapping[str, str]
    currency: str | None
    zone: str


class DryRunCache:
    """The contents that one program has composed without failure, so that the next program need not try them.

    A failure is not cached, as its text names the message.
    """

    def __init__(self) -> None:
        self._sound: dict[object, list[_Inputs]] = {}
        self._layouts: set[str] = set()

    def has(self, program: Program, message: Message, chosen: ChosenContent, everything: bool, segment: str) -> bool:
        """Whether this content has been composed with the same inputs."""
        return _inputs(program, message, chosen, segment) in self._sound.get((chosen.content, chosen.language, everything), ())

    def add(self, program: Program, message: Message, chosen: ChosenContent, everything: bool, segment: str) -> None:
        """Notes that this content has been composed."""
        inputs = self._sound.setdefault((chosen.content, chosen.language, everything), [])
        inputs.append(_inputs(program, message, chosen, segment))

    def words(self, html: str) -> str:
        """The words of an HTML email; empty if it has none.

        Converting HTML to text takes most of the time of composing, and its parser fails on elements and attributes, not on
        the words between them. So it runs once for each layout.
        """
        layout = _ADDRESS.sub("", "".join(_TAG.findall(html)))
        if layout in self._layouts and (words := _visible_words(html)):
            return words
        words = html_to_text(html)
        self._layouts.add(layout)
        return words


def _visible_words(html: str) -> str:
    """The words of an email in which only the preheader is hidden; empty if something else may be hidden."""
    body = _PREHEADER.sub("", html.partition("<body")[2].partition(">")[2])
    return "" if _MAY_HIDE.search(body) else unescape(_TAG.sub("", body)).strip()


def _inputs(program: Program, message: Message, chosen: ChosenContent, segment: str) -> _Inputs:
    links = {name: program.links.get(name.removeprefix("links."), "") for name in message.reads if name.startswith("links.")}
    own_segment = segment if "segment" in message.reads else ""
    return _Inputs(own_segment, message.reads, links, chosen.blocks, program.currency, program.zone)
