"""A message for one customer: from the program's templates to a mail, the text of an SMS, or what stands in a slot.

Pure: values come from a scope, and every address to click in a mail or an SMS passes through the callable ``track``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import NamedTuple, TypeVar

from idic.customize.email_html import TrackUrl, add_pixel, finish_html, html_from_mjml, html_to_text, track_html, track_text
from idic.customize.sms_segments import plain_spaces
from idic.customize.templates import AnswerUrl, Dialect, ReaderLocale, Url, names_in, render
from idic.customize.variants import choose_content
from idic.customize.web_html import is_empty, links_of, text_to_html, unsafe_parts
from idic.errors import CannotCompose
from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.content import Message
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.built_in import OWN_LINKS
from idic.journey.vocabulary.types import TEXT, never_missing, value_of

_OWN = {f"links.{name}": name for name in OWN_LINKS}
_NOWHERE: Mapping[str, str] = {}


class ComposedEmail(NamedTuple):
    """``html`` is None for a message that its author wrote as plain text."""

    subject: str
    html: str | None
    text: str


class ComposedWeb(NamedTuple):
    """``links`` are the http(s) addresses in ``html`` that can be clicked, each once; ``content`` says in which slot it stands
    and for how long."""

    html: str
    links: tuple[str, ...]
    content: WebContent


def compose(
    program: Program,
    message_id: str,
    scope: ValueSource,
    *,
    track: TrackUrl,
    unsubscribe_url: str | None = None,
    pages: Mapping[str, str] = _NOWHERE,
    language: str | None = None,
    pixel: str | None = None,
    answer: AnswerUrl | None = None,
    words: Callable[[str], str] = html_to_text,
) -> ComposedEmail:
    """The email that this message is for this customer.

    ``track`` turns the address of a link into the one that is clicked; it is asked for every http(s) address but
    ``unsubscribe_url``, those of ``pages`` and what ``answer`` gave. ``pages`` are idic's own for this customer, by the rest of
    their name in ``links.…``, such as ``preferences``. ``answer`` makes the address that records a value as the customer's
    answer and leads on to another address, if one is named. ``pixel`` is the address of the picture that tells of an
    opening. ``language`` (BCP 47) is the customer's, the program's own where nobody knows it; what was not written in it they
    read in the program's, its dates and amounts as well. The segment is asked of ``scope``. ``words`` makes the text beside
    the HTML.

    Raises ``CannotCompose`` with a code that says why.
    """
    pages = _own(pages, unsubscribe_url)
    writer, content = _begin(program, message_id, scope, EmailContent, pages, language, answer)
    tracked = writer.tracking(track)
    subject = " ".join(writer.written(content.subject).split())
    if not subject:
        raise CannotCompose(f'message "{message_id}" has an empty subject for this customer', code="empty")
    html = _html(content, writer, tracked)
    if content.text is not None:
        text = track_text(writer.written(content.text), tracked).strip()
    elif html is not None:
        text = words(html)
    else:
        text = track_text(writer.written(content.body), tracked).strip()
    if not text:
        raise _says_nothing(message_id)
    return ComposedEmail(subject, add_pixel(html, pixel) if html is not None and pixel else html, f"{text}\n")


def compose_sms(
    program: Program,
    message_id: str,
    scope: ValueSource,
    *,
    track: TrackUrl,
    answer: AnswerUrl | None = None,
    unsubscribe_url: str | None = None,
    pages: Mapping[str, str] = _NOWHERE,
    language: str | None = None,
) -> str:
    """The text of the SMS that this message is for this customer; the arguments and errors are those of ``compose``.

    Spaces that no telephone knows, as money and dates are written with, are plain ones here: a single one of them would
    make the text cost twice.
    """
    pages = _own(pages, unsubscribe_url)
    writer, content = _begin(program, message_id, scope, SmsContent, pages, language, answer)
    lines = [" ".join(line.split()) for line in plain_spaces(writer.written(content.text)).splitlines()]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        raise _says_nothing(message_id)
    return track_text(text, writer.tracking(track))


def compose_web(
    program: Program,
    message_id: str,
    scope: ValueSource,
    *,
    answer: AnswerUrl | None = None,
    language: str | None = None,
) -> ComposedWeb:
    """What stands in the slot for this customer; the arguments and errors are those of ``compose``. Its links lead where
    they say: the page tells of clicks."""
    writer, content = _begin(program, message_id, scope, WebContent, _NOWHERE, language, answer)
    if content.form == "text":
        html = text_to_html(writer.written(content.body).strip())
    else:
        html = writer.written(content.body, "html").strip()
    for problem in unsafe_parts(html):
        raise CannotCompose(f"for this customer the body is not safe: {problem.message}", code="unsafe")
    if is_empty(html):
        raise _says_nothing(message_id)
    return ComposedWeb(html, links_of(html), content)


def _own(pages: Mapping[str, str], unsubscribe_url: str | None) -> Mapping[str, str]:
    return {**pages, "unsubscribe": unsubscribe_url} if unsubscribe_url else pages


def _says_nothing(message_id: str) -> CannotCompose:
    return CannotCompose(f'message "{message_id}" says nothing to this customer', code="empty")


_Content = TypeVar("_Content", EmailContent, SmsContent, WebContent)


def _begin(
    program: Program,
    message_id: str,
    scope: ValueSource,
    kind: type[_Content],
    pages: Mapping[str, str],
    language: str | None,
    answer: AnswerUrl | None,
) -> tuple[_Writer, _Content]:
    """What writes this message's templates, and its content for the channel of this kind."""
    channel = kind.model_fields["channel"].default
    message = program.messages.get(message_id)
    found = (
        choose_content(message, channel, _segment(message, scope), language or program.language, program.language)
        if message
        else None
    )
    if message is None or found is None or not isinstance(found.content, kind):
        raise CannotCompose(f'message "{message_id}" has no {channel}', code="no_content")
    reader = ReaderLocale(found.language, scope.zone, program.currency)
    values = _values(program, message, scope, pages, reader)
    return _Writer(found.blocks, values, reader, answer, pages.values()), found.content


def _segment(message: Message, scope: ValueSource) -> str:
    if not message.variants:
        return ""
    segment, _ = scope.raw("segment")
    return segment if isinstance(segment, str) else ""


class _Writer:
    """Renders the templates of one message for one customer."""

    def __init__(
        self,
        blocks: Mapping[str, str],
        values: dict[str, object],
        reader: ReaderLocale,
        answer: AnswerUrl | None,
        ours: Iterable[str],
    ) -> None:
        self.reader = reader
        self._blocks = blocks
        self._values = values
        self._answer = answer
        self._ours = set(ours)

    def written(self, source: str, dialect: Dialect = "text") -> str:
        answering = self._answered if self._answer else None
        return render(source, self._values, self._blocks, dialect=dialect, reader=self.reader, answering=answering)

    def tracking(self, track: TrackUrl) -> TrackUrl:
        """``track`` for every address that does not tell by itself that it was clicked."""
        return lambda url: url if url in self._ours else track(url)

    def _answered(self, value: str, url: str | None) -> str:
        assert self._answer is not None
        address = self._answer(value, url)
        self._ours.add(address)
        return address


def _html(content: EmailContent, writer: _Writer, track: TrackUrl) -> str | None:
    if content.form == "text":
        return None
    html = writer.written(content.body, "html")
    if content.form == "mjml":
        html = html_from_mjml(html)
    preheader = escape(writer.written(content.preheader).strip()) if content.preheader else ""
    return track_html(finish_html(html, preheader=preheader, language=writer.reader.language), track)


def _values(
    program: Program, message: Message, scope: ValueSource, pages: Mapping[str, str], reader: ReaderLocale
) -> dict[str, object]:
    names = {name: attribute for name, attribute in message.reads.items() if not name.startswith("links.")}
    values = _read(names, scope)
    for name in message.reads:
        if name in _OWN:
            values[name] = Url(pages[_OWN[name]]) if _OWN[name] in pages else None
        elif name.startswith("links."):
            source = program.links[name.removeprefix("links.")]
            there = _read({used: _attribute(program, message, used) for used in names_in(source)}, scope)
            values[name] = Url(render(source, there, {}, dialect="url", reader=reader))
    return values


def _read(names: dict[str, Attribute], scope: ValueSource) -> dict[str, object]:
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
