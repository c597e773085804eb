"""What the pages are written on: their look, their language, and what a browser may do with them (nothing)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from idic.api.pages.page_texts import Words, spoken


class Link(NamedTuple):
    """A way on from a page."""

    url: str
    text: str


class Button(NamedTuple):
    """Something to press; ``do`` is what it posts."""

    text: str
    do: str = ""
    quiet: bool = False


class Paper:
    """Renders the pages. ``public_url`` is where they are served, without a path of its own."""

    def __init__(self) -> None:
        self._pages = Environment(
            loader=PackageLoader("idic.api.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        css = files("idic.api.pages").joinpath("pages.css").read_text(encoding="utf-8")
        self._pages.globals["css"] = css
        style = b64encode(hashlib.sha256(css.encode()).digest()).decode()
        self._headers = {
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            ),
        }

    def page(
        self, name: str, words: Words, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        html = self._pages.get_template(name).render({"shop": "", **values, "t": words})
        return HTMLResponse(html, status, {**self._headers, "Content-Language": words.language, **(headers or {})})

    def plain(
        self,
        words: Words,
        title: str,
        *texts: str,
        status: int = 200,
        buttons: Iterable[Button] = (),
        links: Iterable[Link] = (),
        note: str = "",
        headers: Mapping[str, str] | None = None,
        shop: str = "",
    ) -> Response:
        """A page that says one thing, and has at most a few buttons. Texts are as they are to be read."""
        return self.page(
            "plain.html", words, status=status, headers=headers, shop=shop,
            title=title, texts=texts, buttons=tuple(buttons), links=tuple(links), note=note,
        )  # fmt: skip

    def file(self, name: str, content: bytes) -> Response:
        """Something to be kept as a file of JSON."""
        headers = {**self._headers, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/json", headers=headers)

    def broken(self, words: Words) -> Response:
        return self.plain(words, words("broken.title"), words("broken.text"), status=404)

    def later(self, words: Words, *, again: bool = False) -> Response:
        """The store does not answer; ``again`` offers to send the same once more."""
        buttons = [Button(words("later.button"))] if again else []
        headers = {"Retry-After": "60"}
        return self.plain(words, words("later.title"), words("later.text"), status=503, buttons=buttons, headers=headers)

    def old(self, words: Words) -> Response:
        """Of a message that is not known any more."""
        return self.plain(words, words("old.title"), words("old.text"), status=404)

    def gone(self, words: Words) -> Response:
        """For who was erased."""
        return self.plain(words, words("gone.title"), words("gone.text"), status=410)


def words_for(request: Request, known: Iterable[str] = (), otherwise: Iterable[str] = ()) -> Words:
    """The texts in the first language of ``known`` that there is, else in one that the browser asks for, else ``otherwise``."""
    return Words(spoken((*known, *_accepted(request), *otherwise)))


def local(instant: datetime, zone: str) -> datetime:
    """An instant as clocks show it in this zone (IANA)."""
    return instant.astimezone(ZoneInfo(zone))


def _accepted(request: Request) -> list[str]:
    """The languages a browser asks for, the dearest first."""
    asked: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "")[:200].split(","):
        language, _, weight = part.partition(";")
        try:
            dear = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        asked.append((-dear, language.strip()))
    return [language for _, language in sorted(asked, key=lambda one: one[0]) if language and language != "*"]
