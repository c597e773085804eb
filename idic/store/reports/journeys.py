"""Reports about running journeys: open enrollments by step and program, and their results so far."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Select, exists, func, select

from idic.store.database import Tx
from idic.store.enrollment.enrollments import Enrollment
from idic.store.enrollment.enrollments import read as read_enrollment
from idic.store.tables import Row, customers, enrollments, touches


class OpenAtStep(NamedTuple):
    """How many (``n``) enrollments of a program are open at a step; ``step`` is None before the first one."""

    journey: str
    program_id: str
    step: str | None
    n: int


async def open_by_step(tx: Tx, journey: str | None = None) -> list[OpenAtStep]:
    """How many enrollments are open at each step, of one journey or of all."""
    counted = select(enrollments.c.journey, enrollments.c.program_id, enrollments.c.step, func.count().label("n")).where(
        enrollments.c.ended_at.is_(None)
    )
    if journey is not None:
        counted = counted.where(enrollments.c.journey == journey)
    rows = await tx.rows(counted.group_by(enrollments.c.journey, enrollments.c.program_id, enrollments.c.step))
    return [OpenAtStep(**row) for row in rows]


class Funnel(NamedTuple):
    """The results of all enrollments of a journey: how many entered, how many reached the goal and what that was worth; the
    messages sent by step and channel; the endings by kind and reason."""

    entered: int = 0
    goals: int = 0
    value: float = 0
    sent: tuple[tuple[str, str, int], ...] = ()
    endings: tuple[tuple[str, str, int], ...] = ()


async def funnel(tx: Tx, journey: str) -> Funnel:
    """The results of a journey."""
    here = enrollments.c.journey == journey
    total = await tx.row(
        select(
            func.count().label("entered"),
            func.count(enrollments.c.goal_at).label("goals"),
            func.coalesce(func.sum(enrollments.c.goal_value), 0).label("value"),
        ).where(here)
    )
    sent = await tx.rows(
        select(touches.c.step, touches.c.channel, func.count().label("n"))
        .join(enrollments, enrollments.c.id == touches.c.enrollment_id)
        .where(here, touches.c.status.in_(("sent", "uncertain")))
        .group_by(touches.c.step, touches.c.channel)
        .order_by(touches.c.step, touches.c.channel)
    )
    endings = await tx.rows(
        select(enrollments.c.ending, enrollments.c.reason, func.count().label("n"))
        .where(here, enrollments.c.ended_at.is_not(None))
        .group_by(enrollments.c.ending, enrollments.c.reason)
        .order_by(func.count().desc(), enrollments.c.reason)
    )
    return Funnel(
        **(total or {}),
        sent=tuple((row["step"], row["channel"], row["n"]) for row in sent),
        endings=tuple((row["ending"], row["reason"], row["n"]) for row in endings),
    )


class FormerEnrollment(NamedTuple):
    """An open enrollment in a former program. ``traits`` are its customer's; ``attempting``: one of its messages is being
    sent."""

    enrollment: Enrollment
    step: str
    traits: dict[str, Any]
    attempting: bool


async def in_other_programs(tx: Tx, journey: str, program_id: str, after: str, limit: int) -> list[FormerEnrollment]:
    """A page of the open enrollments of ``journey`` whose program is not ``program_id``, by id.

    Raises ``StateUnreadable``.
    """
    attempting = exists().where(touches.c.enrollment_id == enrollments.c.id, touches.c.status == "attempting")
    chosen = (
        select(enrollments, customers.c.traits, attempting.label("attempting"))
        .join(customers, customers.c.id == enrollments.c.customer_id)
        .where(enrollments.c.program_id != program_id)
    )
    rows = await _open(tx, chosen, journey, after, limit)
    return [FormerEnrollment(read_enrollment(row), row["step"], row["traits"], bool(row["attempting"])) for row in rows]


async def ids_in_other_programs(tx: Tx, journey: str, program_id: str, after: str, limit: int) -> list[str]:
    """A page of the ids of the open enrollments of ``journey`` whose program is not ``program_id``."""
    chosen = select(enrollments.c.id).where(enrollments.c.program_id != program_id)
    return [row["id"] for row in await _open(tx, chosen, journey, after, limit)]


async def open_at_steps(tx: Tx, journey: str, steps: Collection[str], after: str, limit: int) -> list[Enrollment]:
    """A page of the open enrollments of ``journey`` at one of these steps, by id. Raises ``StateUnreadable``."""
    rows = await _open(tx, select(enrollments).where(enrollments.c.step.in_(steps)), journey, after, limit)
    return [read_enrollment(row) for row in rows]


async def open_ids(tx: Tx, journey: str, after: str, limit: int) -> list[str]:
    """A page of the ids of the open enrollments of ``journey``."""
    return [row["id"] for row in await _open(tx, select(enrollments.c.id), journey, after, limit)]


async def _open(tx: Tx, chosen: Select[Any], journey: str, after: str, limit: int) -> list[Row]:
    open_ = chosen.where(enrollments.c.journey == journey, enrollments.c.ended_at.is_(None), enrollments.c.id > after)
    return await tx.rows(open_.order_by(enrollments.c.id).limit(limit))


async def is_sending(tx: Tx, enrollment_id: str) -> bool:
    """Whether a message of this enrollment is being sent."""
    under_way = select(touches.c.id).where(touches.c.enrollment_id == enrollment_id, touches.c.status == "attempting")
    return await tx.scalar(under_way.limit(1)) is not None
