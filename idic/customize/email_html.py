"""From an author's MJML or HTML to what mail programs show: CSS inlined, links tracked, and the same as text."""

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
"""Round the preheader, which stands in the inbox and not in the mail."""
_EMPTY_STYLE = re.compile(r"<style\b[^>]*>\s*</style>", re.IGNORECASE)

# Remote style sheets are never loaded. What cannot be inlined (media queries, :hover) stays in a style element.
_INLINER = css_inline.CSSInliner(
    load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True
)


def html_from_mjml(source: str) -> str:
    """Raises ``CannotCompose`` for what is not MJML. Loads nothing: no fonts, no includes."""
    try:
        html = mjml2html(source, fonts={}, include_loader=_no_includes)
    except ValueError as error:
        raise CannotCompose(f"the MJML of the body does not hold together: {error}", code="mjml_failed") from error
    left_over = re.search(r"<(mj-[a-z-]+)", html)
    if left_over:
        raise CannotCompose(f"<{left_over[1]}> is no element of MJML, or not there", code="mjml_failed")
    return html


def finish_html(html: str, *, preheader: str = "", language: str = "") -> str:
    """A whole document with its CSS inlined. ``preheader`` is HTML already: the line that inboxes show after the
    subject, hidden in the mail itself. ``language`` is for screen readers."""
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
    """The document with, at its end, the picture of one point that mail programs fetch when it is opened."""
    pixel = f'<img src="{escape(url)}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">'
    before, end, after = html.rpartition("</body>")
    return f"{before}{pixel}{end}{after}" if end else html + pixel


def track_html(html: str, track: TrackUrl) -> str:
    """Every http(s) address that can be clicked, through ``track``. Addresses of kinds that no mail needs, such as
    ``javascript:``, lead nowhere."""

    def link(match: re.Match[str]) -> str:
        url = unescape(match["double"] if match["double"] is not None else match["single"]).strip()
        if url.lower().startswith(("http://", "https://")):
            url = track(url)
        elif not url.lower().startswith(_HARMLESS):
            url = "#"
        return f'{match["before"]}"{escape(url)}"'

    return _LINKING_TAG.sub(lambda tag: _HREF.sub(link, tag[0]), html)


def track_text(text: str, track: TrackUrl) -> str:
    """The same for the bare addresses in plain text."""

    def link(match: re.Match[str]) -> str:
        url = match[0].rstrip(".,;:!?)]}'")
        return track(url) + match[0][len(url) :]

    return _BARE_URL.sub(link, text)


def html_to_text(html: str) -> str:
    """The words of an HTML mail, or of a piece of a page, as plain text; a link's address follows it in parentheses."""
    try:
        # Of a piece that has no body the parser takes the first element for all of it.
        text: str = get_text(html if "<body" in html else f"<body>{html}</body>", _TEXT)
    except Exception as error:  # its parser's errors are of many kinds
        raise CannotCompose(f"the HTML of the body cannot be read: {error}", code="html_failed") from error
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _link_begins(state: HtmlDocumentState, attributes: dict[str, Any]) -> None:
    state.link_target = attributes.get("href", "")


def _link_ends(state: HtmlDocumentState) -> None:
    if state.link_target and not state.link_target.startswith("#"):
        state.tags[-1].write(f" ({state.link_target.removeprefix('mailto:').removeprefix('tel:')})")
    state.link_target = ""


_TEXT = ParserConfig(
    display_images=True,
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
        start_tag_mapping={"a": _link_begins}, end_tag_mapping={"a": _link_ends}
    ),
)


def _no_includes(path: str) -> NoReturn:
    raise ValueError(f"mj-include of {path}: take {{% render %}} with a block")
