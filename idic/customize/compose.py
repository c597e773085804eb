"""A message for one customer: from the program's templates to a subject, an HTML part and a text part.

Pure: values come from a scope, and every address to click passes through the callable ``track``.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from idic.customize.markup import TrackUrl, finish_html, html_from_mjml, readable, track_html, track_text
from idic.customize.templates import Dialect, Reader, Url, names_in, render
from idic.errors import CannotCompose
from idic.journey.conditions import Scope
from idic.journey.program import Attribute, Email, Message, Program
from idic.journey.types import TEXT, never_missing, value_of

UNSUBSCRIBE = "links.unsubscribe"


class Composed(NamedTuple):
    """``html`` is None for a message that its author wrote as plain text."""

    subject: str
    html: str | None
    text: str


def compose(
    program: Program,
    message_id: str,
    scope: Scope,
    *,
    track: Callable[[str], str],
    unsubscribe_url: str | None = None,
    language: str | None = None,
) -> Composed:
    """The email that this message is for this customer.

    ``track`` turns the address of a link into the one that is clicked; it is asked for every http(s) address but
    ``unsubscribe_url``. ``language`` (BCP 47) is the customer's, the program's own where nobody knows it.

    Raises ``CannotCompose`` with a code that says why.
    """
    message = program.messages.get(message_id)
    content = message.contents.get("email") if message else None
    if message is None or not isinstance(content, Email):
        raise CannotCompose(f'message "{message_id}" has no email', code="no_content")
    reader = Reader(language or program.language, scope.zone, program.currency)
    values = _values(program, message, scope, unsubscribe_url, reader)

    def written(source: str, dialect: Dialect = "text") -> str:
        return render(source, values, message.blocks, dialect=dialect, reader=reader)

    def tracked(url: str) -> str:
        return url if url == unsubscribe_url else track(url)

    subject = " ".join(written(content.subject).split())
    if not subject:
        raise CannotCompose(f'message "{message_id}" has an empty subject for this customer', code="empty")
    html = _html(content, written, tracked, reader.language)
    if content.text is not None:
        text = track_text(written(content.text), tracked).strip()
    elif html is not None:
        text = readable(html)
    else:
        text = track_text(written(content.body), tracked).strip()
    if not text:
        raise CannotCompose(f'message "{message_id}" says nothing to this customer', code="empty")
    return Composed(subject, html, f"{text}\n")


def _html(content: Email, written: Callable[[str, Dialect], str], track: TrackUrl, language: str) -> str | None:
    if content.form == "text":
        return None
    html = written(content.body, "html")
    if content.form == "mjml":
        html = html_from_mjml(html)
    preheader = escape(written(content.preheader, "text").strip()) if content.preheader else ""
    return track_html(finish_html(html, preheader=preheader, language=language), track)


def _values(program: Program, message: Message, scope: Scope, unsubscribe_url: str | None, reader: Reader) -> dict[str, object]:
    names = {name: attribute for name, attribute in message.reads.items() if not name.startswith("links.")}
    values = _read(names, scope)
    for name in message.reads:
        if name == UNSUBSCRIBE:
            values[name] = Url(unsubscribe_url) if unsubscribe_url else None
        elif name.startswith("links."):
            source = program.links[name.removeprefix("links.")]
            there = _read({used: _attribute(program, message, used) for used in names_in(source)}, scope)
            values[name] = Url(render(source, there, {}, dialect="url", reader=reader))
    return values


def _read(names: dict[str, Attribute], scope: Scope) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, attribute in names.items():
        raw, siblings = scope.raw(name)
        value = value_of(attribute, raw, siblings=siblings, currency=scope.currency)
        if value is None and never_missing(attribute):
            # The template was allowed to count on it. It is left out, so that printing it fails: money in a currency
            # that is not ours, or an event from before the name was required, must not become "Together: ".
            continue
        values[name] = Url(value) if attribute.type.kind == "link" and isinstance(value, str) else value
    return values


def _attribute(program: Program, message: Message, name: str) -> Attribute:
    """What is known of a name that a link uses; a key or a segment is text."""
    found = message.reads.get(name) or program.customer.get(name) or program.customer.get(name.removeprefix("customer."))
    return found or Attribute(type=TEXT)
