"""Enrollments: one customer's trip through one program each.

The row is the state. Every move holds the customer's row, writes the enrollment's, and counts its ``seq`` up by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy import ScalarSelect, case, func, insert, or_, select, update

from idic.errors import Conflict, IdicError, NotFound
from idic.journey.engine.state import State, Trace
from idic.journey.program.program import SEMANTICS
from idic.store.database import Tx
from idic.store.tables import Row, enrollments, placements, touches, trace


class Enrollment(NamedTuple):
    """A row of ``enrollments``, with its state read. ``attribute_until`` is until when a goal after the end still counts."""

    id: str
    customer_id: str
    journey: str
    program_id: str
    key: str | None
    seq: int
    state: State
    semantics: int = SEMANTICS
    goal_at: datetime | None = None
    goal_value: float | None = None
    attribute_until: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether the enrollment has not ended."""
        return self.state.ended is None


class StateUnreadable(IdicError):
    """A newer version of idic wrote this enrollment. Worth a retry, which a newer worker may take."""

    code = "state_unreadable"


def read(row: Row) -> Enrollment:
    """Read an enrollment from its row. Raises ``StateUnreadable``."""
    if row["semantics"] > SEMANTICS:
        raise StateUnreadable(f"enrollment {row['id']} has semantics {row['semantics']}, this version knows {SEMANTICS}")
    try:
        state = State.model_validate(row["state"])
    except ValidationError as error:
        raise StateUnreadable(f"the state of enrollment {row['id']} cannot be read by this version") from error
    return Enrollment(
        id=row["id"],
        customer_id=row["customer_id"],
        journey=row["journey"],
        program_id=row["program_id"],
        key=row["key"] or None,
        seq=row["seq"],
        state=state,
        semantics=row["semantics"],
        goal_at=row["goal_at"],
        goal_value=row["goal_value"],
        attribute_until=row["attribute_until"],
    )


async def get(tx: Tx, enrollment_id: str) -> Enrollment:
    """The enrollment with this id. Raises ``NotFound``, ``StateUnreadable``."""
    row = await tx.row(select(enrollments).where(enrollments.c.id == enrollment_id))
    if row is None:
        raise NotFound(f"there is no enrollment {enrollment_id}")
    return read(row)


def customer_of(enrollment_id: str) -> ScalarSelect[str]:
    """A subquery for the enrollment's customer, to be part of the statement that needs it."""
    return select(enrollments.c.customer_id).where(enrollments.c.id == enrollment_id).scalar_subquery()


async def affected(tx: Tx, customer_id: str, at: datetime) -> list[Enrollment]:
    """The customer's enrollments that an event may affect: open ones, ended ones to which a goal may still be attributed, and
    those that still show something on the web. Oldest first."""
    shown = select(placements.c.enrollment_id).where(
        placements.c.customer_id == customer_id, placements.c.ended_at.is_(None), placements.c.until > at
    )
    rows = await tx.rows(
        select(enrollments)
        .where(enrollments.c.customer_id == customer_id)
        .where(or_(enrollments.c.ended_at.is_(None), enrollments.c.attribute_until >= at, enrollments.c.id.in_(shown)))
        .order_by(enrollments.c.entered_at, enrollments.c.id)
    )
    return [read(row) for row in rows]


async def due_within(tx: Tx, customer_id: str, after: datetime, upto: datetime, *, besides: str) -> list[Enrollment]:
    """The customer's open enrollments, without ``besides``, whose deadline lies in this span."""
    rows = await tx.rows(
        select(enrollments)
        .where(enrollments.c.customer_id == customer_id, enrollments.c.ended_at.is_(None), enrollments.c.id != besides)
        .where(enrollments.c.deadline > after, enrollments.c.deadline <= upto)
        .order_by(enrollments.c.deadline, enrollments.c.id)
    )
    return [read(row) for row in rows]


class EarlierEntries(NamedTuple):
    """Earlier entries of one customer with one journey and key: the open enrollment, and when the last one began."""

    open_id: str | None
    last_entered_at: datetime | None


async def earlier_entries(tx: Tx, customer_id: str, journey: str, key: str | None) -> EarlierEntries:
    """Whether the customer is or was in this journey with this key."""
    row = await tx.row(
        select(
            func.max(case((enrollments.c.ended_at.is_(None), enrollments.c.id))).label("open_id"),
            func.max(enrollments.c.entered_at).label("last_entered_at"),
        )
        .where(enrollments.c.customer_id == customer_id, enrollments.c.journey == journey)
        .where(enrollments.c.key == (key or ""))
    )
    return EarlierEntries(**row) if row else EarlierEntries(None, None)


def _columns(enrollment: Enrollment) -> Row:
    state = enrollment.state
    return {
        "customer_id": enrollment.customer_id,
        "program_id": enrollment.program_id,
        "state": state.model_dump(mode="json", exclude_defaults=True),
        "step": state.step,
        "deadline": state.deadline,
        "ended_at": state.ended.at if state.ended else None,
        "ending": state.ended.kind if state.ended else None,
        "reason": state.ended.reason if state.ended else None,
        "goal_at": enrollment.goal_at,
        "goal_value": enrollment.goal_value,
        "attribute_until": enrollment.attribute_until,
    }


async def create(tx: Tx, enrollment: Enrollment) -> None:
    """Write a new enrollment."""
    await tx.execute(
        insert(enrollments).values(
            id=enrollment.id,
            journey=enrollment.journey,
            key=enrollment.key or "",
            seq=enrollment.seq,
            semantics=enrollment.semantics,
            entered_at=enrollment.state.entered_at,
            **_columns(enrollment),
        )
    )


async def save(tx: Tx, enrollment: Enrollment) -> Enrollment:
    """Write a moved enrollment. Returns it with its new ``seq``. Raises ``Conflict`` if it was moved since it was read."""
    written = await tx.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment.id, enrollments.c.seq == enrollment.seq)
        .values(seq=enrollment.seq + 1, **_columns(enrollment))
    )
    if written.rowcount != 1:
        raise Conflict(f"enrollment {enrollment.id} moved while it was held")
    return enrollment._replace(seq=enrollment.seq + 1)


async def note(tx: Tx, enrollment_id: str, entries: Sequence[Trace]) -> None:
    """Append entries to the enrollment's trace."""
    if entries:
        await tx.execute(
            insert(trace),
            [
                {"enrollment_id": enrollment_id, "at": e.at, "kind": e.kind, "step": e.step, "why": _plain(e.why)}
                for e in entries
            ],
        )


def _plain(why: object) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in dict(why).items()  # type: ignore[call-overload]
        if value is not None
    }


async def traced(tx: Tx, enrollment_id: str) -> list[Trace]:
    """The enrollment's trace, oldest first."""
    rows = await tx.rows(select(trace).where(trace.c.enrollment_id == enrollment_id).order_by(trace.c.id))
    return [Trace(row["at"], row["kind"], row["step"], row["why"]) for row in rows]


async def open_ids(tx: Tx, after: str, limit: int) -> list[tuple[str, datetime]]:
    """A page of open enrollments in the order of their ids, each with when it was due: at its deadline, or, if it waits for a
    message to leave, when that was claimed."""
    claimed = select(func.max(touches.c.claimed_at)).where(touches.c.enrollment_id == enrollments.c.id).scalar_subquery()
    rows = await tx.rows(
        select(enrollments.c.id, func.coalesce(enrollments.c.deadline, claimed, enrollments.c.entered_at).label("due"))
        .where(enrollments.c.ended_at.is_(None), enrollments.c.id > after)
        .order_by(enrollments.c.id)
        .limit(limit)
    )
    return [(row["id"], row["due"]) for row in rows]


async def open_among(tx: Tx, ids: Sequence[str]) -> set[str]:
    """Those of these enrollments that are open."""
    rows = await tx.rows(select(enrollments.c.id).where(enrollments.c.id.in_(ids), enrollments.c.ended_at.is_(None)))
    return {row["id"] for row in rows}


async def counts(tx: Tx) -> dict[str, int]:
    """How many enrollments are ``open``, and how many ended, by kind of ending."""
    rows = await tx.rows(select(enrollments.c.ending, func.count().label("n")).group_by(enrollments.c.ending))
    return {row["ending"] or "open": row["n"] for row in rows}
