"""The layout of the customers' pages: template, language and security headers."""

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

from idic.api.pages.page_texts import PageTexts, spoken


class Link(NamedTuple):
    """A link at the end of a page."""

    url: str
    text: str


class Button(NamedTuple):
    """A button; ``do`` is the value it posts."""

    text: str
    do: str = ""
    quiet: bool = False


class PageLayout:
    """Renders the pages."""

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
        self, name: str, words: PageTexts, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """Render a template."""
        html = self._pages.get_template(name).render({"shop": "", **values, "t": words})
        return HTMLResponse(html, status, {**self._headers, "Content-Language": words.language, **(headers or {})})

    def plain(
        self,
        words: PageTexts,
        title: str,
        *texts: str,
        status: int = 200,
        buttons: Iterable[Button] = (),
        links: Iterable[Link] = (),
        note: str = "",
        headers: Mapping[str, str] | None = None,
        shop: str = "",
    ) -> Response:
        """A page with one statement and at most a few buttons. Texts are final: they aren't translated here."""
        return self.page(
            "plain.html", words, status=status, headers=headers, shop=shop,
            title=title, texts=texts, buttons=tuple(buttons), links=tuple(links), note=note,
        )  # fmt: skip

    def file(self, name: str, content: bytes) -> Response:
        """A JSON file to download."""
        headers = {**self._headers, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/json", headers=headers)

    def broken(self, words: PageTexts) -> Response:
        """The answer to a link whose token can't be read."""
        return self.plain(words, words("broken.title"), words("broken.text"), status=404)

    def later(self, words: PageTexts, *, again: bool = False) -> Response:
        """The answer while the store is unavailable; ``again`` offers to repeat the request."""
        buttons = [Button(words("later.button"))] if again else []
        headers = {"Retry-After": "60"}
        return self.plain(words, words("later.title"), words("later.text"), status=503, buttons=buttons, headers=headers)

    def old(self, words: PageTexts) -> Response:
        """The answer for a message that idic no longer knows."""
        return self.plain(words, words("old.title"), words("old.text"), status=404)

    def gone(self, words: PageTexts) -> Response:
        """The answer for an erased customer."""
        return self.plain(words, words("gone.title"), words("gone.text"), status=410)


def words_for(request: Request, known: Iterable[str] = (), otherwise: Iterable[str] = ()) -> PageTexts:
    """The texts in the first available language of ``known``, else in one that the browser prefers, else of ``otherwise``."""
    return PageTexts(spoken((*known, *_accepted(request), *otherwise)))


def local(instant: datetime, zone: str) -> datetime:
    """The instant in this zone (IANA)."""
    return instant.astimezone(ZoneInfo(zone))


def _accepted(request: Request) -> list[str]:
    """The browser's languages, the most preferred first."""
    preferred: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "")[:200].split(","):
        language, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        preferred.append((-quality, language.strip()))
    return [language for _, language in sorted(preferred, key=lambda weighted: weighted[0]) if language and language != "*"]
