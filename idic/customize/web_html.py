"""Check the HTML of a slot on the shop's own page: it may show and link, but run nothing.

The author's source is checked before it is published, and the composed HTML again for each customer.
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
"""Replaces every character of a source where Liquid will print something."""
_TAGS = {
    "script": "only the shop's own page may run scripts",
    "object": "show it with <img>",
    "embed": "show it with <img>",
    "base": "it would change the page's own links",
    "meta": "it belongs to the page",
    "link": "write the rules in style=",
    "html": "write the content of the slot, not a whole page",
    "head": "write the content of the slot, not a whole page",
    "body": "write the content of the slot, not a whole page",
    "form": "ask with the filter answer",
}
_ADDRESSES = {"href", "src", "xlink:href", "action", "formaction", "poster", "background", "data", "ping"}
_HARMLESS = ("http://", "https://", "mailto:", "tel:", "sms:", "#")
_SHOWN = re.compile(r"<(?:img|svg|video|picture|iframe|hr)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)


class Unsafe(NamedTuple):
    """Something that a slot must not hold. ``line`` and ``column`` count from 1."""

    line: int
    column: int
    message: str


def unsafe_parts(source: str) -> tuple[Unsafe, ...]:
    """Everything in a body that a slot must not hold. The body may still have its Liquid."""
    parser = _SlotParser()
    source = _PRINTED.sub(lambda part: re.sub(r"[^\n]", _HIDDEN, part[0]), source)
    parser.feed(_TAGGED.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), source))
    parser.close()
    return tuple(parser.problems)


def links_of(html: str) -> tuple[str, ...]:
    """The http(s) addresses that can be clicked, each once."""
    parser = _SlotParser()
    parser.feed(html)
    parser.close()
    return tuple(dict.fromkeys(parser.links))


def is_empty(html: str) -> bool:
    """Whether HTML shows neither words nor pictures."""
    parser = _SlotParser()
    parser.feed(html)
    parser.close()
    return not parser.words and not _SHOWN.search(html)


def text_to_html(text: str) -> str:
    """Convert plain text to HTML: keep its lines, and link its addresses."""
    parts: list[str] = []
    end = 0
    for address in _ADDRESS.finditer(text):
        url = address[0].rstrip(".,;:!?)]}'")
        parts += [escape(text[end : address.start()]), f'<a href="{escape(url)}">{escape(url)}</a>']
        end = address.start() + len(url)
    return "".join([*parts, escape(text[end:])]).replace("\n", "<br>\n")


class _SlotParser(HTMLParser):
    """Collects the problems, the links and whether there are words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[Unsafe] = []
        self.links: list[str] = []
        self.words = False
        self._in_style = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _TAGS:
            self._report(f"<{tag}> is not allowed in a slot; {_TAGS[tag]}")
        if tag == "style":
            self._in_style += 1
        for message in self._attributes(tag, attrs):
            self._report(message)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._in_style -= tag == "style"

    def handle_endtag(self, tag: str) -> None:
        if tag == "style" and self._in_style:
            self._in_style -= 1

    def handle_data(self, data: str) -> None:
        self.words = self.words or (not self._in_style and bool(data.strip()))

    def _attributes(self, tag: str, attributes: list[tuple[str, str | None]]) -> Iterator[str]:
        for name, value in attributes:
            if name.startswith("on"):
                yield f"{name}= runs a script; take it out, a slot only shows and links"
            elif name == "srcdoc":
                yield "srcdoc= embeds a page in the page; take it out"
            elif _HIDDEN in name:
                yield "inside a tag Liquid may only print an attribute's value, in quotes"
            elif name in _ADDRESSES:
                # Browsers ignore white space and control characters in front of the scheme and within it.
                url = "".join(character for character in value or "" if character > " ")
                if tag in ("a", "area") and url.lower().startswith(("http://", "https://")) and value:
                    self.links.append(value.strip())
                if url and not url.startswith(_HIDDEN) and not url.lower().startswith(_HARMLESS):
                    yield f'{name}="{url[:40]}" is not allowed; write the full address, with https://'

    def _report(self, message: str) -> None:
        line, column = self.getpos()
        self.problems.append(Unsafe(line, column + 1, message))
