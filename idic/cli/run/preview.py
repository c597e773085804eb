"""The work of ``idic preview``: compose a message for a customer without sending it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from idic.customize.dry_run import sample_value
from idic.customize.variants import choose_content, reader_groups, segment_without_variant
from idic.differentiate.profile import language_of
from idic.errors import InvalidInput, NotFound
from idic.interact.channels.channel_edge import MessageLinks
from idic.interact.channels.edges import EDGES
from idic.interact.tracking.links import CONFIRM_PATH, DATA_PATH, PREFERENCES_PATH, SHORT_CODE, SHORT_PATH, UNSUBSCRIBE_PATH
from idic.journey.channels import CHANNELS, EMAIL_ATTRIBUTE, is_placed
from idic.journey.definition.message_layers import language_fallbacks
from idic.journey.definition.read_messages import describe_variant
from idic.journey.engine.scope import Facts
from idic.journey.engine.scope import Scope as RealScope
from idic.journey.engine.state import State
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.types import never_missing
from idic.journeys_folder import compile_folder
from idic.problems import did_you_mean, one_of
from idic.router.customer_facts import CustomerFacts
from idic.router.runtime import Runtime
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.reports import console
from idic.store.tables import enrollments as table

NOBODY, SOMEBODY = "nobody", "somebody"


class Customer(NamedTuple):
    """The customer of a preview. ``traits`` are None for the made-up customer of whom everything is known; ``state`` is of
    their latest enrollment in the journey, if any."""

    title: str
    traits: Mapping[str, Any] | None
    facts: Facts | None = None
    state: State | None = None


class Preview(NamedTuple):
    """One message on one channel. ``html`` is None for an SMS; ``slot`` is for the web. ``sent`` is the SMS with short
    links, which determines its cost. ``language`` is the language of its texts."""

    channel: str
    text: str
    subject: str | None = None
    html: str | None = None
    slot: str | None = None
    sent: str | None = None
    language: str = ""


class Whose(NamedTuple):
    """A segment and a language (BCP 47), either of which may be left to the customer (None); ``any_other`` stands for all
    other segments."""

    segment: str | None = None
    language: str | None = None
    any_other: bool = False

    def __str__(self) -> str:
        return describe_variant("" if self.any_other else self.segment or "", self.language or "")


def find_program(folder: Path, journey: str, message: str) -> Program:
    """Compile the folder and find the journey. Raises ``NotFound`` and ``InvalidInput`` with what to try."""
    compilation = compile_folder(folder)
    program = compilation.programs.get(journey)
    if program is None:
        file = compilation.files.get(journey)
        errors = [str(p) for p in compilation.problems if p.severity == "error" and (file is None or p.file == file)]
        if file is not None:
            raise InvalidInput("\n".join([f"{journey} has errors and cannot be shown:", *errors]))
        hint = did_you_mean(journey, compilation.files) or f"there are {one_of(sorted(compilation.files), 'and')}"
        raise NotFound(f'there is no journey "{journey}" in {folder}; {hint}')
    if message not in program.messages:
        hint = did_you_mean(message, program.messages) or f"it has {one_of(program.messages, 'and')}"
        raise NotFound(f'{journey} sends no message "{message}"; {hint}')
    return program


def channels_of(program: Program, message: str, channel: str | None) -> tuple[str, ...]:
    """The channels to show. Raises ``NotFound``."""
    there = tuple(program.messages[message].contents)
    if channel is None:
        return there
    if channel not in there:
        raise NotFound(f'the message "{message}" has no content for {channel}; it has {one_of(there, "and")}')
    return (channel,)


def whose(program: Program, segment: str | None, language: str | None) -> Whose:
    """Check segment and language. Raises ``NotFound`` if the journey doesn't have them."""
    segments = [one.name for one in program.segments]
    if segment is not None and segment not in segments:
        there = f"there are {one_of(segments, 'and')}" if segments else "it has no segments"
        raise NotFound(f'{program.journey} has no segment "{segment}"; {did_you_mean(segment, segments) or there}')
    if language is not None and not set(language_fallbacks(language)) & {
        one for own in program.languages for one in language_fallbacks(own)
    }:
        hint = did_you_mean(language, program.languages) or f"there are {one_of(program.languages, 'and')}"
        raise NotFound(f'"{language}" is none of the languages of vocabulary.yaml; {hint}')
    return Whose(segment, language)


def everybody(program: Program, message: str, channel: str) -> list[Whose]:
    """One reader for each different content of this channel, those without content of their own first."""
    found: dict[tuple[str, str], Whose] = {}
    whole = program.messages[message]
    for segment, language in reader_groups(whole):
        reads = choose_content(whole, channel, segment, language or program.language, program.language)
        assert reads is not None
        one = Whose(segment or segment_without_variant(program, whole), language or program.language, not segment)
        found.setdefault((reads.content.model_dump_json(), reads.language), one)
    return list(found.values())


def stranger(who: str) -> Customer | None:
    """The two made-up customers: of one nothing is known, of the other everything."""
    return {
        NOBODY: Customer("nobody: no values are known", {}),
        SOMEBODY: Customer("somebody: all values are made up", None),
    }.get(who)


async def find_customer(store: Store, who: str, program: Program) -> Customer:
    """Find a customer by email address, user id, phone number or idic's id. Raises ``NotFound``."""
    async with store.reading() as tx:
        row = await console.find_customer(tx, who.replace("\0", ""))
        if row is None:
            hint = did_you_mean(who, await console.known_addresses(tx))
            raise NotFound(
                f'nobody in the store is "{who}"; '
                + (hint or f"give an email address, a user id or a phone number, or use {NOBODY} or {SOMEBODY}")
            )
        facts = await CustomerFacts(tx, Runtime(), row).facts(program)
        return Customer(str(row.traits.get(EMAIL_ATTRIBUTE) or who), row.traits, facts, await _latest(tx, row.id, program))


async def _latest(tx: Tx, customer_id: str, program: Program) -> State | None:
    row = await tx.row(
        select(table)
        .where(table.c.customer_id == customer_id, table.c.journey == program.journey)
        .order_by(table.c.entered_at.desc())
        .limit(1)
    )
    return enrollments.read(row).state if row else None


class Assuming:
    """The values for a customer's message: known values, and made-up ones for what only an enrollment would bring.

    ``assumed`` collects the made-up values that were read.
    """

    def __init__(self, program: Program, message: str, customer: Customer, now: datetime, segment: str | None = None) -> None:
        self.currency = program.currency
        self.zone = customer.facts.zone if customer.facts else program.zone
        self.now = now
        self.assumed: dict[str, object] = {}
        self._program = program
        self._message = message
        self._reads = program.messages[message].reads
        self._customer = customer
        self._segment = segment
        facts = customer.facts or Facts(customer.traits or {}, self.zone)
        self._real: ValueSource = RealScope(program, facts, now, customer.state)

    def raw(self, name: str) -> tuple[object, Mapping[str, object]]:
        """The value of a name, made up if only an enrollment would have it."""
        if name == "segment" and self._segment is not None:
            return self._segment, {}
        found, siblings = self._real.raw(name)
        if found is not None:
            return found, siblings
        attribute = self._attribute(name)
        of_customer = name.startswith("customer.")
        if of_customer and self._customer.traits is not None:
            return None, siblings  # really unknown
        if not of_customer and self._customer.state is not None and self._happened(name):
            return None, siblings
        if self._customer.traits == {} and attribute is not None and not never_missing(attribute):
            return None, siblings
        made_up = self._made_up(name, attribute)
        self.assumed[name] = made_up
        return made_up, {}

    def _happened(self, name: str) -> bool:
        """Whether the enrollment has the event of this name; then a missing value stays missing."""
        root = name.partition(".")[0]
        state = self._customer.state
        return state is not None and (root == "entry" or root in state.captured)

    def _attribute(self, name: str) -> Attribute | None:
        return self._reads.get(name) or self._program.customer.get(name.removeprefix("customer."))

    def _made_up(self, name: str, attribute: Attribute | None) -> object:
        if name == "segment" and self._program.segments:
            return (
                segment_without_variant(self._program, self._program.messages[self._message]) or self._program.segments[0].name
            )
        return sample_value(attribute.type, name) if attribute else "sample"


def render(
    program: Program,
    message: str,
    channel: str,
    scope: ValueSource,
    customer: Customer,
    public_url: str,
    short_url: str,
    language: str | None = None,
) -> Preview:
    """Compose the message with untracked links, in ``language`` or the customer's own. Raises ``CannotCompose``."""
    language = language_of({"language": language} if language else customer.traits or {}, program.languages)
    spoken = _spoken(program, message, channel, scope, language)
    nowhere = f"{public_url.rstrip('/')}{UNSUBSCRIBE_PATH}preview"
    pages = {
        name: f"{public_url.rstrip('/')}{path}preview"
        for name, path in (("preferences", PREFERENCES_PATH), ("confirm", CONFIRM_PATH), ("your_data", DATA_PATH))
    }

    def answer(_: str, url: str | None) -> str:
        return url or f"{public_url.rstrip('/')}/a/preview"

    edge = EDGES[channel]
    links = MessageLinks(track=str, answer=answer, unsubscribe_url=nowhere, pages=pages)
    composed = edge.compose(program, message, scope, links, language)
    html, sent = composed.html, None
    if is_placed(channel) and html is not None:
        html = _SLOT.format(html=html, language=spoken)
    if CHANNELS[channel].form == "short_text":
        short = f"{short_url.rstrip('/')}{SHORT_PATH}{'x' * SHORT_CODE}"
        shortened = MessageLinks(lambda _: short, lambda value, url: short, short, dict.fromkeys(pages, short))
        sent = edge.compose(program, message, scope, shortened, language).as_text()
    return Preview(channel, composed.as_text(), composed.subject, html, composed.slot, sent, spoken)


def _spoken(program: Program, message: str, channel: str, scope: ValueSource, language: str) -> str:
    """The language of the texts."""
    segment, _ = scope.raw("segment")
    found = choose_content(program.messages[message], channel, str(segment or ""), language, program.language)
    return found.language if found else program.language


_SLOT = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><style>
body {{ margin: 0; padding: 24px; font: 16px/1.5 system-ui, sans-serif }}\
</style></head><body>{html}</body></html>
"""
