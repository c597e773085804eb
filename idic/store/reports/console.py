"""Queries of the console: figures of journeys, messages as they were sent, enrollments, one customer.

Lists are newest first. A page begins after the last row of the page before, so that new rows move nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, or_, select, union

from idic.journey.channels import EMAIL_ATTRIBUTE
from idic.store.customer.customers import CustomerRow
from idic.store.customer.customers import get as get_customer
from idic.store.database import Tx
from idic.store.tables import (
    copies,
    customers,
    enrollments,
    events,
    identities,
    journeys,
    placements,
    programs,
    touches,
    vocabularies,
)

PAGE = 30

_EMAIL = customers.c.traits[EMAIL_ATTRIBUTE].as_string()
_PHONE = customers.c.traits["phone"].as_string()
_NAMES = tuple(customers.c.traits[name].as_string() for name in ("name", "first_name", "last_name"))


class ConsoleFilter(NamedTuple):
    """Filters of a list; None does not filter. ``customer``: any of their ids, or a part of their name, email address or
    phone number. ``standing``: ``open`` or ``ended`` enrollments. ``after``: the id of the last row of the page before."""

    customer: str | None = None
    journey: str | None = None
    channel: str | None = None
    standing: str | None = None
    after: str | None = None


class JourneyFigures(NamedTuple):
    """A published journey with its figures. ``goals`` counts enrollments that reached it, ``value`` sums what they were
    worth, ``messages`` counts those sent, by channel."""

    name: str
    title: str
    currency: str | None
    published_at: datetime
    paused_at: datetime | None
    stopped_at: datetime | None
    entered: int
    open: int
    goals: int
    value: float
    messages: dict[str, int]


class MessageRow(NamedTuple):
    """The copy of a message, with its touch, customer and, on the web, its placement (``slot`` to ``placed_html``).
    ``program_zone`` is the journey's zone (IANA)."""

    touch_id: str
    address: str
    subject: str | None
    html: str | None
    text: str
    at: datetime
    customer_id: str
    traits: dict[str, Any]
    enrollment_id: str
    journey: str
    step: str
    channel: str
    message: str
    status: str
    reason: str | None
    detail: str | None
    segments: int | None
    settled_at: datetime | None
    delivered_at: datetime | None
    shown_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    bounced_at: datetime | None
    program_zone: str | None
    slot: str | None
    until: datetime | None
    ended_at: datetime | None
    ended: str | None
    placed_html: str | None


class EnrollmentRow(NamedTuple):
    """An enrollment, with its customer's traits and its journey's title, zone (IANA) and currency."""

    id: str
    customer_id: str
    journey: str
    program_id: str
    key: str
    state: dict[str, Any]
    step: str | None
    deadline: datetime | None
    entered_at: datetime
    ended_at: datetime | None
    ending: str | None
    reason: str | None
    goal_at: datetime | None
    goal_value: float | None
    traits: dict[str, Any]
    title: str | None
    program_zone: str | None
    currency: str | None


class TouchRow(NamedTuple):
    """A touch of an enrollment. ``kept``: there is a copy of it to look at, whose ``subject`` and ``text`` these are."""

    id: str
    step: str
    channel: str
    message: str
    status: str
    reason: str | None
    settled_at: datetime | None
    delivered_at: datetime | None
    shown_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    bounced_at: datetime | None
    subject: str | None
    text: str | None
    kept: bool


class EventRow(NamedTuple):
    """An event of a customer."""

    id: int
    name: str
    kind: str
    properties: dict[str, Any]
    accepted_at: datetime
    enrollment_id: str | None


async def journey_figures(tx: Tx) -> list[JourneyFigures]:
    """Every published journey with its figures, by name."""
    counted = {
        row["journey"]: row
        for row in await tx.rows(
            select(
                enrollments.c.journey,
                func.count().label("entered"),
                func.count(case((enrollments.c.ended_at.is_(None), 1))).label("open"),
                func.count(enrollments.c.goal_at).label("goals"),
                func.coalesce(func.sum(enrollments.c.goal_value), 0).label("value"),
            ).group_by(enrollments.c.journey)
        )
    }
    sent: dict[str, dict[str, int]] = {}
    for row in await tx.rows(
        select(enrollments.c.journey, touches.c.channel, func.count().label("n"))
        .join(enrollments, enrollments.c.id == touches.c.enrollment_id)
        .where(touches.c.status == "sent")
        .group_by(enrollments.c.journey, touches.c.channel)
        .order_by(touches.c.channel)
    ):
        sent.setdefault(row["journey"], {})[row["channel"]] = row["n"]
    none = {"entered": 0, "open": 0, "goals": 0, "value": 0}
    published = await tx.rows(
        select(
            journeys.c.name,
            journeys.c.published_at,
            journeys.c.paused_at,
            journeys.c.stopped_at,
            programs.c.document["title"].as_string().label("title"),
            programs.c.document["currency"].as_string().label("currency"),
        )
        .join(programs, programs.c.id == journeys.c.program_id)
        .order_by(journeys.c.name)
    )
    figures = []
    for row in published:
        counts = {name: counted.get(row["name"], none)[name] for name in none}
        figures.append(JourneyFigures(**row, **counts, messages=sent.get(row["name"], {})))
    return figures


async def journey_titles(tx: Tx) -> list[tuple[str, str]]:
    """The name and title of every published journey."""
    rows = await tx.rows(
        select(journeys.c.name, programs.c.document["title"].as_string().label("title"))
        .join(programs, programs.c.id == journeys.c.program_id)
        .order_by(journeys.c.name)
    )
    return [(row["name"], row["title"]) for row in rows]


async def list_messages(tx: Tx, wanted: ConsoleFilter, limit: int = PAGE) -> list[MessageRow]:
    """A page of the messages of which copies are kept."""
    chosen = _messages()
    if wanted.channel is not None:
        chosen = chosen.where(touches.c.channel == wanted.channel)
    if wanted.journey is not None:
        chosen = chosen.where(enrollments.c.journey == wanted.journey)
    if wanted.customer is not None:
        chosen = chosen.where(touches.c.customer_id.in_(_customers(wanted.customer)))
    if wanted.after is not None:
        last = select(copies.c.at).where(copies.c.touch_id == wanted.after).scalar_subquery()
        chosen = chosen.where(or_(copies.c.at < last, and_(copies.c.at == last, copies.c.touch_id < wanted.after)))
    rows = await tx.rows(chosen.order_by(copies.c.at.desc(), copies.c.touch_id.desc()).limit(limit))
    return [MessageRow(**row) for row in rows]


async def get_message(tx: Tx, touch: str) -> MessageRow | None:
    """The copy of one touch, or None where none is kept."""
    row = await tx.row(_messages().where(copies.c.touch_id == touch))
    return MessageRow(**row) if row is not None else None


_OF_TOUCH = (
    "customer_id", "enrollment_id", "journey", "step", "channel", "message", "status", "reason", "detail", "segments",
    "settled_at", "delivered_at", "shown_at", "opened_at", "clicked_at", "bounced_at",
)  # fmt: skip


def _messages() -> Select[Any]:
    return (
        select(
            *copies.c,
            *(touches.c[name] for name in _OF_TOUCH),
            customers.c.traits,
            programs.c.document["zone"].as_string().label("program_zone"),
            placements.c.slot,
            placements.c.until,
            placements.c.ended_at,
            placements.c.ended,
            placements.c.html.label("placed_html"),
        )
        .join(touches, touches.c.id == copies.c.touch_id)
        .join(enrollments, enrollments.c.id == touches.c.enrollment_id)
        .join(customers, customers.c.id == touches.c.customer_id)
        .join(programs, programs.c.id == enrollments.c.program_id)
        .outerjoin(placements, placements.c.touch_id == copies.c.touch_id)
    )


async def list_enrollments(tx: Tx, wanted: ConsoleFilter, limit: int = PAGE) -> list[EnrollmentRow]:
    """A page of enrollments."""
    chosen = _enrollments()
    if wanted.journey is not None:
        chosen = chosen.where(enrollments.c.journey == wanted.journey)
    if wanted.standing is not None:
        ended = enrollments.c.ended_at.is_not(None)
        chosen = chosen.where(ended if wanted.standing == "ended" else ~ended)
    if wanted.customer is not None:
        chosen = chosen.where(enrollments.c.customer_id.in_(_customers(wanted.customer)))
    if wanted.after is not None:
        last = select(enrollments.c.entered_at).where(enrollments.c.id == wanted.after).scalar_subquery()
        same = and_(enrollments.c.entered_at == last, enrollments.c.id < wanted.after)
        chosen = chosen.where(or_(enrollments.c.entered_at < last, same))
    rows = await tx.rows(chosen.order_by(enrollments.c.entered_at.desc(), enrollments.c.id.desc()).limit(limit))
    return [EnrollmentRow(**row) for row in rows]


async def get_enrollment(tx: Tx, enrollment_id: str) -> EnrollmentRow | None:
    """One enrollment, or None."""
    row = await tx.row(_enrollments().where(enrollments.c.id == enrollment_id))
    return EnrollmentRow(**row) if row is not None else None


def _enrollments() -> Select[Any]:
    return (
        select(
            *(enrollments.c[name] for name in EnrollmentRow._fields if name in enrollments.c),
            customers.c.traits,
            programs.c.document["title"].as_string().label("title"),
            programs.c.document["zone"].as_string().label("program_zone"),
            programs.c.document["currency"].as_string().label("currency"),
        )
        .join(customers, customers.c.id == enrollments.c.customer_id)
        .join(programs, programs.c.id == enrollments.c.program_id)
    )


async def touches_of(tx: Tx, enrollment_id: str) -> list[TouchRow]:
    """Every touch of an enrollment, in the order in which they were claimed."""
    rows = await tx.rows(
        select(
            *(touches.c[name] for name in TouchRow._fields if name in touches.c),
            copies.c.subject,
            copies.c.text,
            copies.c.touch_id.is_not(None).label("kept"),
        )
        .outerjoin(copies, copies.c.touch_id == touches.c.id)
        .where(touches.c.enrollment_id == enrollment_id)
        .order_by(touches.c.claimed_at, touches.c.id)
    )
    return [TouchRow(**row) for row in rows]


async def latest_events(tx: Tx, customer_id: str, limit: int = PAGE) -> list[EventRow]:
    """The newest events of a customer, newest first."""
    rows = await tx.rows(
        select(*(events.c[name] for name in EventRow._fields))
        .where(events.c.customer_id == customer_id)
        .order_by(events.c.id.desc())
        .limit(limit)
    )
    return [EventRow(**row) for row in rows]


async def find_customer(tx: Tx, identifier: str) -> CustomerRow | None:
    """The customer with this id of idic, identity, email address or phone number (exactly); merges are followed. Of several
    customers with one address, the oldest."""
    customer_id = await tx.scalar(
        select(customers.c.id)
        .where(or_(customers.c.id == identifier, customers.c.id.in_(_identified(identifier))))
        .order_by(customers.c.id != identifier)
        .limit(1)
    ) or await tx.scalar(
        select(customers.c.id)
        .where(or_(func.lower(_EMAIL) == identifier.strip().lower(), identifier.strip() == _PHONE))
        .order_by(customers.c.created_at, customers.c.id)
        .limit(1)
    )
    while customer_id is not None:
        row = await get_customer(tx, customer_id)
        if row is None or row.merged_into is None:
            return row
        customer_id = row.merged_into
    return None


async def vocabulary_zone(tx: Tx) -> str | None:
    """The zone (IANA) of the published vocabulary, for customers without one."""
    newest = select(vocabularies.c.document["zone"].as_string()).order_by(vocabularies.c.id.desc()).limit(1)
    zone = await tx.scalar(newest)
    return None if zone is None else str(zone)


async def known_addresses(tx: Tx, limit: int = 1000) -> list[str]:
    """Email addresses and user ids in the store, to suggest one where somebody mistyped it."""
    known = union(
        select(_EMAIL.label("value")).where(_EMAIL.is_not(None)),
        select(identities.c.value).where(identities.c.kind == "user_id"),
    ).limit(limit)
    return [row["value"] for row in await tx.rows(known)]


def _identified(value: str) -> Select[Any]:
    return select(identities.c.customer_id).where(identities.c.value == value)


def _customers(text: str) -> Select[Any]:
    """The customers whose ids, names or addresses match ``text``."""
    text = text.strip()
    parts = [column.icontains(text, autoescape=True) for column in (_EMAIL, _PHONE, *_NAMES)]
    words = text.split()
    if len(words) > 1:
        first, last = customers.c.traits["first_name"].as_string(), customers.c.traits["last_name"].as_string()
        parts.append(and_(first.icontains(words[0], autoescape=True), last.icontains(words[-1], autoescape=True)))
    return select(customers.c.id).where(or_(customers.c.id == text, customers.c.id.in_(_identified(text)), *parts))
