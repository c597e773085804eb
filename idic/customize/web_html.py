"""What a slot of the shop's own page may hold: HTML that shows and links, and that runs nothing.

The author's source is checked before anybody sees it; what it became with a customer's values is checked once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from typing import NamedTuple

_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAGGED = re.compile(r"\{%.*?%\}", re.DOTALL)
_HIDDEN = "\ue000"
"""Stands in a source, character for character, where Liquid will print something."""
_TAGS = {
    "script": "what a page runs is the shop's own affair",
    "object": "show it with <img>",
    "embed": "show it with <img>",
    "base": "it would turn the page's own links round",
    "meta": "it belongs to the page",
    "link": "write the rules in style=",
    "html": "write what stands in the slot, not a page",
    "head": "write what stands in the slot, not a page",
    "body": "write what stands in the slot, not a page",
    "form": "a slot shows and links; ask with the filter answer",
}
_ADDRESSES = {"href", "src", "xlink:href", "action", "formaction", "poster", "background", "data", "ping"}
_HARMLESS = ("http://", "https://", "mailto:", "tel:", "sms:", "#")
_SHOWN = re.compile(r"<(?:img|svg|video|picture|iframe|hr)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)


class Unsafe(NamedTuple):
    """``line`` and ``column`` from 1."""

    line: int
    column: int
    message: str


def unsafe_parts(source: str) -> tuple[Unsafe, ...]:
    """What a slot must not hold, in a body with or without its Liquid."""
    reader = _Reader()
    source = _PRINTED.sub(lambda part: re.sub(r"[^\n]", _HIDDEN, part[0]), source)
    reader.feed(_TAGGED.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), source))
    reader.close()
    return tuple(reader.found)


def links_of(html: str) -> tuple[str, ...]:
    """The http(s) addresses that can be clicked, each once."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tuple(dict.fromkeys(reader.links))


def is_empty(html: str) -> bool:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return not reader.words and not _SHOWN.search(html)


def text_to_html(text: str) -> str:
    """Plain text as HTML: its lines stay lines, and its addresses can be clicked."""
    parts: list[str] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        url = found[0].rstrip(".,;:!?)]}'")
        parts += [escape(text[end : found.start()]), f'<a href="{escape(url)}">{escape(url)}</a>']
        end = found.start() + len(url)
    return "".join([*parts, escape(text[end:])]).replace("\n", "<br>\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Unsafe] = []
        self.links: list[str] = []
        self.words = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _TAGS:
            self._tell(f"<{tag}> has no place in a slot; {_TAGS[tag]}")
        if tag == "style":
            self._silent += 1
        for message in self._attributes(tag, attrs):
            self._tell(message)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._silent -= tag == "style"

    def handle_endtag(self, tag: str) -> None:
        if tag == "style" and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        self.words = self.words or (not self._silent and bool(data.strip()))

    def _attributes(self, tag: str, attributes: list[tuple[str, str | None]]) -> Iterator[str]:
        for name, value in attributes:
            if name.startswith("on"):
                yield f"{name}= runs something in the page; take it out, a slot shows and links only"
            elif name == "srcdoc":
                yield "srcdoc= is a page in a page; take it out"
            elif _HIDDEN in name:
                yield "what Liquid prints inside a tag stands in an attribute's value, in quotes"
            elif name in _ADDRESSES:
                # Browsers drop white space and control characters before they look what kind of address it is.
                url = "".join(character for character in value or "" if character > " ")
                if tag in ("a", "area") and url.lower().startswith(("http://", "https://")) and value:
                    self.links.append(value.strip())
                if url and not url.startswith(_HIDDEN) and not url.lower().startswith(_HARMLESS):
                    yield f'{name}="{url[:40]}" is no address here; write it in full, with https://'

    def _tell(self, message: str) -> None:
        line, column = self.getpos()
        self.found.append(Unsafe(line, column + 1, message))
