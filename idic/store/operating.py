"""What an operator asks of journeys that run: who stands where, in which program, and what came of it so far."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from idic.store.database import Tx
from idic.store.tables import Row, enrollments, touches


async def inside(tx: Tx, journey: str | None = None) -> list[Row]:
    """How many are open at each step: ``journey``, ``program_id``, ``step`` and ``n``."""
    counted = select(enrollments.c.journey, enrollments.c.program_id, enrollments.c.step, func.count().label("n")).where(
        enrollments.c.ended_at.is_(None)
    )
    if journey is not None:
        counted = counted.where(enrollments.c.journey == journey)
    return await tx.rows(counted.group_by(enrollments.c.journey, enrollments.c.program_id, enrollments.c.step))


class Funnel(NamedTuple):
    """What came of everybody who ever entered a journey: how many entered, reached the goal and what that was worth, how
    many messages were sent by step and channel, and how many ended by which kind and reason."""

    entered: int = 0
    goals: int = 0
    value: float = 0
    sent: tuple[tuple[str, str, int], ...] = ()
    endings: tuple[tuple[str, str, int], ...] = ()


async def funnel(tx: Tx, journey: str) -> Funnel:
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


async def formerly(tx: Tx, journey: str, program_id: str, after: str, limit: int) -> list[Row]:
    """A page, in the order of their ids, of the open enrollments of ``journey`` that are in another program than this:
    ``id`` and ``program_id``."""
    return await _page(tx, _open(journey).where(enrollments.c.program_id != program_id), after, limit)


async def standing_at(tx: Tx, journey: str, steps: Collection[str], after: str, limit: int) -> list[Row]:
    """A page of the open enrollments of ``journey`` that stand at one of these steps: ``id`` and ``program_id``."""
    return await _page(tx, _open(journey).where(enrollments.c.step.in_(steps)), after, limit)


async def of_journey(tx: Tx, journey: str, after: str, limit: int) -> list[Row]:
    """A page of the open enrollments of ``journey``: ``id`` and ``program_id``."""
    return await _page(tx, _open(journey), after, limit)


def _open(journey: str) -> Select[Any]:
    return select(enrollments.c.id, enrollments.c.program_id).where(
        enrollments.c.journey == journey, enrollments.c.ended_at.is_(None)
    )


async def _page(tx: Tx, asked: Select[Any], after: str, limit: int) -> list[Row]:
    return await tx.rows(asked.where(enrollments.c.id > after).order_by(enrollments.c.id).limit(limit))
