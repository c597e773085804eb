"""Compose a message for one customer: an email, an SMS, or the content of a slot.

Pure: values come from a scope, and every link in an email or an SMS passes through the callable ``track``.
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
from idic.journey.channels import CHANNELS, Content
from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.content import Message
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.built_in import OWN_LINKS
from idic.journey.vocabulary.types import TEXT, never_missing, value_of

_OWN_LINKS = {f"links.{name}": name for name in OWN_LINKS}
_NO_PAGES: Mapping[str, str] = {}


class ComposedEmail(NamedTuple):
    """An email as it is sent. ``html`` is None if its author wrote plain text."""

    subject: str
    html: str | None
    text: str


class ComposedWeb(NamedTuple):
    """The content of a slot. ``links`` are the http(s) addresses in ``html`` that can be clicked, each once; ``content`` has
    the slot and how long it is shown."""

    html: str
    links: tuple[str, ...]
    content: WebContent


def compose_email(
    program: Program,
    message_id: str,
    scope: ValueSource,
    *,
    track: TrackUrl,
    unsubscribe_url: str | None = None,
    pages: Mapping[str, str] = _NO_PAGES,
    language: str | None = None,
    pixel: str | None = None,
    answer: AnswerUrl | None = None,
    words: Callable[[str], str] = html_to_text,
) -> ComposedEmail:
    """Compose a message as an email for one customer.

    ``track`` turns the address of a link into the tracked one. It is called for every http(s) address except
    ``unsubscribe_url``, those of ``pages`` and those that ``answer`` made. ``pages`` are the addresses of idic's own pages for
    this customer, by the last part of their name in ``links.…``, such as ``preferences``. ``answer`` makes an address that
    records a value as the customer's answer and then leads to another address, if one is given. ``pixel`` is the address of
    the picture whose loading reports that the email was opened. ``language`` (BCP 47) is the customer's; None if unknown, for
    the program's own. Content without a translation is composed in the program's language, with its dates and amounts. The
    segment comes from ``scope``. ``words`` makes the text part from the HTML.

    Raises ``CannotCompose`` with a code for the reason.
    """
    pages = _with_unsubscribe(pages, unsubscribe_url)
    renderer, content = _begin(program, message_id, scope, EmailContent, pages, language, answer)
    tracked = renderer.tracking(track)
    subject = " ".join(renderer.render(content.subject).split())
    if not subject:
        raise CannotCompose(f'message "{message_id}" has an empty subject for this customer', code="empty")
    html = _html(content, renderer, tracked)
    if content.text is not None:
        text = track_text(renderer.render(content.text), tracked).strip()
    elif html is not None:
        text = words(html)
    else:
        text = track_text(renderer.render(content.body), tracked).strip()
    if not text:
        raise _empty(message_id)
    return ComposedEmail(subject, add_pixel(html, pixel) if html is not None and pixel else html, f"{text}\n")


def compose_sms(
    program: Program,
    message_id: str,
    scope: ValueSource,
    *,
    track: TrackUrl,
    answer: AnswerUrl | None = None,
    unsubscribe_url: str | None = None,
    pages: Mapping[str, str] = _NO_PAGES,
    language: str | None = None,
) -> str:
    """Compose a message as the text of an SMS for one customer. Arguments and errors are those of ``compose_email``.

    Money and dates are formatted with spaces that are not in the telephone alphabet. They become plain spaces here, as a
    single one would make the text cost twice as much.
    """
    pages = _with_unsubscribe(pages, unsubscribe_url)
    renderer, content = _begin(program, message_id, scope, SmsContent, pages, language, answer)
    lines = [" ".join(line.split()) for line in plain_spaces(renderer.render(content.text)).splitlines()]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        raise _empty(message_id)
    return track_text(text, renderer.tracking(track))


def compose_web(
    program: Program,
    message_id: str,
    scope: ValueSource,
    *,
    answer: AnswerUrl | None = None,
    language: str | None = None,
) -> ComposedWeb:
    """Compose a message as the content of a slot for one customer. Arguments and errors are those of ``compose_email``.

    Its links are not changed: the page reports clicks.
    """
    renderer, content = _begin(program, message_id, scope, WebContent, _NO_PAGES, language, answer)
    if content.form == "text":
        html = text_to_html(renderer.render(content.body).strip())
    else:
        html = renderer.render(content.body, "html").strip()
    for problem in unsafe_parts(html):
        raise CannotCompose(f"for this customer the body is not safe: {problem.message}", code="unsafe")
    if is_empty(html):
        raise _empty(message_id)
    return ComposedWeb(html, links_of(html), content)


def compose_fields(
    program: Program,
    message_id: str,
    scope: ValueSource,
    kind: type[Content],
    *,
    track: TrackUrl,
    answer: AnswerUrl | None = None,
    unsubscribe_url: str | None = None,
    pages: Mapping[str, str] = _NO_PAGES,
    language: str | None = None,
) -> dict[str, str]:
    """The text fields of any channel's content for this customer, by name, for channels that need nothing more. ``kind`` is the
    channel's content; the other arguments and errors are those of ``compose_email``."""
    renderer, content = _begin(program, message_id, scope, kind, _with_unsubscribe(pages, unsubscribe_url), language, answer)
    sources = {field.name: getattr(content, field.name) for field in CHANNELS[content.channel].fields}
    texts = {
        name: track_text(renderer.render(source).strip(), renderer.tracking(track))
        for name, source in sources.items()
        if source is not None
    }
    if not any(texts.values()):
        raise _empty(message_id)
    return texts


def _with_unsubscribe(pages: Mapping[str, str], unsubscribe_url: str | None) -> Mapping[str, str]:
    return {**pages, "unsubscribe": unsubscribe_url} if unsubscribe_url else pages


def _empty(message_id: str) -> CannotCompose:
    return CannotCompose(f'message "{message_id}" is empty for this customer', code="empty")


_Content = TypeVar("_Content", bound=Content)


def _begin(
    program: Program,
    message_id: str,
    scope: ValueSource,
    kind: type[_Content],
    pages: Mapping[str, str],
    language: str | None,
    answer: AnswerUrl | None,
) -> tuple[_Renderer, _Content]:
    """A renderer of this message's templates, and its content for the channel of this kind."""
    channel = kind.model_fields["channel"].default
    message = program.messages.get(message_id)
    chosen = (
        choose_content(message, channel, _segment(message, scope), language or program.language, program.language)
        if message
        else None
    )
    if message is None or chosen is None or not isinstance(chosen.content, kind):
        raise CannotCompose(f'message "{message_id}" has no {channel}', code="no_content")
    locale = ReaderLocale(chosen.language, scope.zone, program.currency)
    values = _template_values(program, message, scope, pages, locale)
    return _Renderer(chosen.blocks, values, locale, answer, pages.values()), chosen.content


def _segment(message: Message, scope: ValueSource) -> str:
    if not message.variants:
        return ""
    segment, _ = scope.raw("segment")
    return segment if isinstance(segment, str) else ""


class _Renderer:
    """Renders the templates of one message for one customer."""

    def __init__(
        self,
        blocks: Mapping[str, str],
        values: dict[str, object],
        locale: ReaderLocale,
        answer: AnswerUrl | None,
        untracked: Iterable[str],
    ) -> None:
        self.locale = locale
        self._blocks = blocks
        self._values = values
        self._answer = answer
        self._untracked = set(untracked)

    def render(self, source: str, dialect: Dialect = "text") -> str:
        """The text that a template makes for this customer."""
        answer_url = self._answer_url if self._answer else None
        return render(source, self._values, self._blocks, dialect=dialect, locale=self.locale, answer_url=answer_url)

    def tracking(self, track: TrackUrl) -> TrackUrl:
        """``track`` for every address, except for idic's own, which record the click themselves."""
        return lambda url: url if url in self._untracked else track(url)

    def _answer_url(self, value: str, url: str | None) -> str:
        assert self._answer is not None
        address = self._answer(value, url)
        self._untracked.add(address)
        return address


def _html(content: EmailContent, renderer: _Renderer, track: TrackUrl) -> str | None:
    if content.form == "text":
        return None
    html = renderer.render(content.body, "html")
    if content.form == "mjml":
        html = html_from_mjml(html)
    preheader = escape(renderer.render(content.preheader).strip()) if content.preheader else ""
    return track_html(finish_html(html, preheader=preheader, language=renderer.locale.language), track)


def _template_values(
    program: Program, message: Message, scope: ValueSource, pages: Mapping[str, str], locale: ReaderLocale
) -> dict[str, object]:
    names = {name: attribute for name, attribute in message.reads.items() if not name.startswith("links.")}
    values = _read_values(names, scope)
    for name in message.reads:
        if name in _OWN_LINKS:
            values[name] = Url(pages[_OWN_LINKS[name]]) if _OWN_LINKS[name] in pages else None
        elif name.startswith("links."):
            source = program.links[name.removeprefix("links.")]
            link_values = _read_values({used: _attribute(program, message, used) for used in names_in(source)}, scope)
            values[name] = Url(render(source, link_values, {}, dialect="url", locale=locale))
    return values


def _read_values(names: dict[str, Attribute], scope: ValueSource) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, attribute in names.items():
        raw, siblings = scope.raw(name)
        value = value_of(attribute, raw, siblings=siblings, currency=scope.currency)
        if value is None and never_missing(attribute):
            # The template counts on this name. It is left out, so that printing it fails: money in a foreign currency, or an
            # event from before the name was required, must not become "Total: ".
            continue
        values[name] = Url(value) if attribute.type.kind == "link" and isinstance(value, str) else value
    return values


def _attribute(program: Program, message: Message, name: str) -> Attribute:
    """The attribute of a name that a link uses; a key or a segment is text."""
    attribute = message.reads.get(name) or program.customer.get(name) or program.customer.get(name.removeprefix("customer."))
    return attribute or Attribute(type=TEXT)
