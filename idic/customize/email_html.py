"""Turn MJML or HTML into the HTML and text of an email: inline CSS, track links."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from typing import Any, NoReturn

import css_inline
from inscriptis import get_text
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from mjml import mjml2html

from idic.errors import CannotCompose

TrackUrl = Callable[[str], str]

_LINKING_TAG = re.compile(
    r"<(?:a|area|v:[a-z]+)\b(?P<attributes>(?:\s+[^\s=>\"'/]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*)",
    re.IGNORECASE,
)
_HREF = re.compile(r"(?P<before>\bhref\s*=\s*)(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')", re.IGNORECASE)
_BARE_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_HARMLESS = ("mailto:", "tel:", "sms:", "#")
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
HIDDEN = '<div style="display:none;max-height:0;overflow:hidden;opacity:0">'
"""Wraps the preheader, which inboxes show and the email itself hides."""
_EMPTY_STYLE = re.compile(r"<style\b[^>]*>\s*</style>", re.IGNORECASE)

# Remote style sheets are never loaded. What cannot be inlined (media queries, :hover) stays in a style element.
_INLINER = css_inline.CSSInliner(
    load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True
)


def html_from_mjml(source: str) -> str:
    """Convert MJML to HTML. Loads nothing: no fonts, no includes. Raises ``CannotCompose`` for invalid MJML."""
    try:
        html = mjml2html(source, fonts={}, include_loader=_no_includes)
    except ValueError as error:
        raise CannotCompose(f"the MJML of the body is invalid: {error}", code="mjml_failed") from error
    left_over = re.search(r"<(mj-[a-z-]+)", html)
    if left_over:
        raise CannotCompose(f"<{left_over[1]}> is not an element of MJML, or not allowed there", code="mjml_failed")
    return html


def finish_html(html: str, *, preheader: str = "", language: str = "") -> str:
    """Make a whole document with its CSS inlined.

    ``preheader`` is HTML: the line that inboxes show after the subject, hidden in the email itself. ``language`` is for screen
    readers. Raises ``CannotCompose`` if the HTML cannot be read.
    """
    try:
        html = _INLINER.inline(html)
    except (css_inline.InlineError, ValueError) as error:
        raise CannotCompose(f"the HTML of the body cannot be read: {error}", code="html_failed") from error
    html = _EMPTY_STYLE.sub("", html)
    if preheader:
        hidden = f"{HIDDEN}{preheader}</div>"
        html = _BODY.sub(lambda body: body[0] + hidden, html, count=1)
    if language:
        html = html.replace('lang="und"', f'lang="{escape(language)}"')
        html = re.sub(r"<html(?![^>]*\blang=)", f'<html lang="{escape(language)}"', html, count=1)
    return html if html.lstrip().lower().startswith("<!doctype") else f"<!DOCTYPE html>{html}"


def add_pixel(html: str, url: str) -> str:
    """Append the picture of one pixel that mail programs load when the email is opened."""
    pixel = f'<img src="{escape(url)}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">'
    before, end, after = html.rpartition("</body>")
    return f"{before}{pixel}{end}{after}" if end else html + pixel


def track_html(html: str, track: TrackUrl) -> str:
    """Pass every clickable http(s) address through ``track``.

    Addresses with a scheme that no email needs, such as ``javascript:``, become ``#``.
    """

    def link(match: re.Match[str]) -> str:
        url = unescape(match["double"] if match["double"] is not None else match["single"]).strip()
        if url.lower().startswith(("http://", "https://")):
            url = track(url)
        elif not url.lower().startswith(_HARMLESS):
            url = "#"
        return f'{match["before"]}"{escape(url)}"'

    return _LINKING_TAG.sub(lambda tag: _HREF.sub(link, tag[0]), html)


def track_text(text: str, track: TrackUrl) -> str:
    """Pass every http(s) address in a plain text through ``track``."""

    def link(match: re.Match[str]) -> str:
        url = match[0].rstrip(".,;:!?)]}'")
        return track(url) + match[0][len(url) :]

    return _BARE_URL.sub(link, text)


def html_to_text(html: str) -> str:
    """Convert an HTML document or fragment to plain text; a link's address follows it in parentheses.

    Raises ``CannotCompose`` if the HTML cannot be read.
    """
    try:
        # In a fragment without a body the parser would read only the first element.
        text: str = get_text(html if "<body" in html else f"<body>{html}</body>", _TEXT)
    except Exception as error:  # its parser's errors are of many kinds
        raise CannotCompose(f"the HTML of the body cannot be read: {error}", code="html_failed") from error
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _start_link(state: HtmlDocumentState, attributes: dict[str, Any]) -> None:
    state.link_target = attributes.get("href", "")


def _end_link(state: HtmlDocumentState) -> None:
    if state.link_target and not state.link_target.startswith("#"):
        state.tags[-1].write(f" ({state.link_target.removeprefix('mailto:').removeprefix('tel:')})")
    state.link_target = ""


_TEXT = ParserConfig(
    display_images=True,
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
        start_tag_mapping={"a": _start_link}, end_tag_mapping={"a": _end_link}
    ),
)


def _no_includes(path: str) -> NoReturn:
    raise ValueError(f"mj-include of {path}: use {{% render %}} with a block")
