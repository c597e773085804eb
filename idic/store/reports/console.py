"""What people ask who look at what idic does: journeys in figures, messages as they were sent, enrollments, one customer.

Everything is newest first, and a page begins after the row that the page before ended with: what comes in meanwhile
moves nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, or_, select, union

from idic.journey.channels import EMAIL_ATTRIBUTE
from idic.store.database import Tx
from idic.store.tables import (
    Row,
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
    """What is looked for; None is everything. ``customer``: any of their ids, or a part of their name, email address or
    telephone number. ``standing``: ``open`` or ``ended``, of enrollments. ``after``: the id of the last row of the page
    before."""

    customer: str | None = None
    journey: str | None = None
    channel: str | None = None
    standing: str | None = None
    after: str | None = None


async def journey_figures(tx: Tx) -> list[Row]:
    """Every published journey with its figures: ``name``, ``title``, ``purpose``, ``published_at``, ``paused_at``,
    ``stopped_at``, ``entered``, ``open``, ``goals``, ``value`` and ``messages`` (sent, by channel)."""
    rows = await tx.rows(
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
    nobody = {"entered": 0, "open": 0, "goals": 0, "value": 0}
    return [{**row, **nobody, **counted.get(row["name"], {}), "messages": sent.get(row["name"], {})} for row in rows]


async def journey_titles(tx: Tx) -> list[tuple[str, str]]:
    """Every published journey: its name and its title."""
    rows = await tx.rows(
        select(journeys.c.name, programs.c.document["title"].as_string().label("title"))
        .join(programs, programs.c.id == journeys.c.program_id)
        .order_by(journeys.c.name)
    )
    return [(row["name"], row["title"]) for row in rows]


async def list_messages(tx: Tx, wanted: ConsoleFilter, limit: int = PAGE) -> list[Row]:
    """Messages as customers got them, where copies are kept, each with its touch, journey, customer and placement."""
    found = _messages()
    if wanted.channel is not None:
        found = found.where(touches.c.channel == wanted.channel)
    if wanted.journey is not None:
        found = found.where(enrollments.c.journey == wanted.journey)
    if wanted.customer is not None:
        found = found.where(touches.c.customer_id.in_(_customers(wanted.customer)))
    if wanted.after is not None:
        last = select(copies.c.at).where(copies.c.touch_id == wanted.after).scalar_subquery()
        found = found.where(or_(copies.c.at < last, and_(copies.c.at == last, copies.c.touch_id < wanted.after)))
    return await tx.rows(found.order_by(copies.c.at.desc(), copies.c.touch_id.desc()).limit(limit))


async def get_message(tx: Tx, touch: str) -> Row | None:
    return await tx.row(_messages().where(copies.c.touch_id == touch))


def _messages() -> Select[Any]:
    return (
        select(
            copies,
            *(column for column in touches.c if column.name not in {"id", "customer_id", "enrollment_id"}),
            touches.c.customer_id,
            touches.c.enrollment_id,
            enrollments.c.journey,
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


async def list_enrollments(tx: Tx, wanted: ConsoleFilter, limit: int = PAGE) -> list[Row]:
    """Enrollments, each with its customer's traits and its journey's title and zone."""
    found = _enrollments()
    if wanted.journey is not None:
        found = found.where(enrollments.c.journey == wanted.journey)
    if wanted.standing is not None:
        ended = enrollments.c.ended_at.is_not(None)
        found = found.where(ended if wanted.standing == "ended" else ~ended)
    if wanted.customer is not None:
        found = found.where(enrollments.c.customer_id.in_(_customers(wanted.customer)))
    if wanted.after is not None:
        last = select(enrollments.c.entered_at).where(enrollments.c.id == wanted.after).scalar_subquery()
        same = and_(enrollments.c.entered_at == last, enrollments.c.id < wanted.after)
        found = found.where(or_(enrollments.c.entered_at < last, same))
    return await tx.rows(found.order_by(enrollments.c.entered_at.desc(), enrollments.c.id.desc()).limit(limit))


async def get_enrollment(tx: Tx, enrollment_id: str) -> Row | None:
    return await tx.row(_enrollments().where(enrollments.c.id == enrollment_id))


def _enrollments() -> Select[Any]:
    return (
        select(
            enrollments,
            customers.c.traits,
            programs.c.document["title"].as_string().label("title"),
            programs.c.document["zone"].as_string().label("program_zone"),
            programs.c.document["currency"].as_string().label("currency"),
        )
        .join(customers, customers.c.id == enrollments.c.customer_id)
        .join(programs, programs.c.id == enrollments.c.program_id)
    )


async def touches_of(tx: Tx, enrollment_id: str) -> list[Row]:
    """Every touch of an enrollment in order, with ``kept``: whether there is a copy of it to look at."""
    return await tx.rows(
        select(touches, copies.c.subject, copies.c.text, copies.c.touch_id.is_not(None).label("kept"))
        .outerjoin(copies, copies.c.touch_id == touches.c.id)
        .where(touches.c.enrollment_id == enrollment_id)
        .order_by(touches.c.claimed_at, touches.c.id)
    )


async def latest_events(tx: Tx, customer_id: str, limit: int = PAGE) -> list[Row]:
    """What a customer did and what happened to them."""
    return await tx.rows(
        select(events.c.id, events.c.name, events.c.kind, events.c.properties, events.c.accepted_at, events.c.enrollment_id)
        .where(events.c.customer_id == customer_id)
        .order_by(events.c.id.desc())
        .limit(limit)
    )


async def find_customer(tx: Tx, identifier: str) -> Row | None:
    """By idic's own id, any identity, or exactly their email address or telephone number; who was merged is found as the
    one they became. Of several with one address, the one who was known first."""
    found = await tx.scalar(
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
    while found is not None:
        row = await tx.row(select(customers).where(customers.c.id == found))
        if row is None or row["merged_into"] is None:
            return row
        found = row["merged_into"]
    return None


async def vocabulary_zone(tx: Tx) -> str | None:
    """The zone (IANA) of customers whose own nobody knows, as the published vocabulary says."""
    newest = select(vocabularies.c.document["zone"].as_string()).order_by(vocabularies.c.id.desc()).limit(1)
    found = await tx.scalar(newest)
    return None if found is None else str(found)


async def known_addresses(tx: Tx, limit: int = 1000) -> list[str]:
    """Email addresses and user ids there are, for whoever mistyped one."""
    known = union(
        select(_EMAIL.label("value")).where(_EMAIL.is_not(None)),
        select(identities.c.value).where(identities.c.kind == "user_id"),
    ).limit(limit)
    return [row["value"] for row in await tx.rows(known)]


def _identified(value: str) -> Select[Any]:
    return select(identities.c.customer_id).where(identities.c.value == value)


def _customers(text: str) -> Select[Any]:
    """Whom a person looking for ``text`` may mean."""
    text = text.strip()
    parts = [column.icontains(text, autoescape=True) for column in (_EMAIL, _PHONE, *_NAMES)]
    words = text.split()
    if len(words) > 1:
        first, last = customers.c.traits["first_name"].as_string(), customers.c.traits["last_name"].as_string()
        parts.append(and_(first.icontains(words[0], autoescape=True), last.icontains(words[-1], autoescape=True)))
    return select(customers.c.id).where(or_(customers.c.id == text, customers.c.id.in_(_identified(text)), *parts))
