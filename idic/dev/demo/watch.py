"""Follow the store while the demo runs: new trace lines and a few counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from idic.dev.demo.script import Shopper
from idic.journey.engine.trace import sentence
from idic.store.database import Store, Tx
from idic.store.enrollment.touches import touch_id
from idic.store.tables import Row, copies, customers, enrollments, events, identities, journeys, touches, trace

_STRANGER = "a visitor"


class TraceLine(NamedTuple):
    """One new line; ``kind`` as in the trace, or ``clicked`` and ``unsubscribed``."""

    at: datetime
    who: str
    journey: str
    kind: str
    text: str


class JourneyCounts(NamedTuple):
    """A journey's counts: everyone who ``entered`` is in one of ``waiting``, ``goal``, ``left`` and ``ended``; ``places``
    counts waiting by step."""

    journey: str
    entered: int = 0
    waiting: int = 0
    email: int = 0
    sms: int = 0
    web: int = 0
    clicks: int = 0
    goals: int = 0
    value: float = 0
    left: int = 0
    ended: int = 0
    places: tuple[tuple[str, int], ...] = ()


class DemoState(NamedTuple):
    """The state at ``now``. Events are those sent to the API, without idic's own."""

    now: datetime
    customers: int
    accepted: int
    routed: int
    standings: tuple[JourneyCounts, ...]


class Watch:
    """Reads the store; ``lines`` are all lines so far, in the order of their recording."""

    def __init__(self, store: Store, shoppers: Sequence[Shopper]) -> None:
        self._store = store
        self._names = {shopper.user_id: shopper.name for shopper in shoppers}
        self._known: dict[str, str] = {}
        self._traced = 0
        self._seen = 0
        self.lines: list[TraceLine] = []

    async def look(self) -> DemoState:
        """Read what is new."""
        async with self._store.reading() as tx:
            await self._read_names(tx)
            # A click is recorded before it moves the enrollment.
            self.lines += [*await self._read_own(tx), *await self._read_trace(tx)]
            return await _picture(tx)

    async def _read_names(self, tx: Tx) -> None:
        rows = await tx.rows(select(identities.c.value, identities.c.customer_id).where(identities.c.kind == "user_id"))
        self._known = {row["customer_id"]: self._names.get(row["value"], _STRANGER) for row in rows}

    async def _read_trace(self, tx: Tx) -> list[TraceLine]:
        rows = await tx.rows(
            select(trace, enrollments.c.journey, enrollments.c.customer_id)
            .join(enrollments, enrollments.c.id == trace.c.enrollment_id)
            .where(trace.c.id > self._traced)
            .order_by(trace.c.id)
        )
        self._traced = max((row["id"] for row in rows), default=self._traced)
        said = await self._read_copies(tx, [touch for row in rows if (touch := _touch(row))])
        return [self._line(row, row["kind"], self._told(row, said)) for row in rows if _worth_telling(row)]

    async def _read_copies(self, tx: Tx, sent: Sequence[str]) -> dict[str, str]:
        rows = await tx.rows(select(copies.c.touch_id, copies.c.subject, copies.c.text).where(copies.c.touch_id.in_(sent)))
        return {row["touch_id"]: text for row in rows if (text := " ".join((row["subject"] or row["text"]).split()))}

    async def _read_own(self, tx: Tx) -> list[TraceLine]:
        rows = await tx.rows(
            select(events.c.id, events.c.name, events.c.step, events.c.customer_id, enrollments.c.journey)
            .add_columns(events.c.accepted_at.label("at"))
            .join(enrollments, enrollments.c.id == events.c.enrollment_id)
            .where(events.c.id > self._seen, events.c.kind == "own")
            .order_by(events.c.id)
        )
        self._seen = max((row["id"] for row in rows), default=self._seen)
        told = {"Link Clicked": "clicked", "Consent Withdrawn": "unsubscribed"}
        words = {"clicked": "clicks", "unsubscribed": "unsubscribes"}
        lines = []
        for row in rows:
            kind = told.get(row["name"])
            if kind is not None:
                lines.append(self._line(row, kind, f"{row['step']}: {words[kind]}"))
        return lines

    def _line(self, row: Row, kind: str, text: str) -> TraceLine:
        return TraceLine(row["at"], self._known.get(row["customer_id"], _STRANGER), row["journey"], kind, text)

    def _told(self, row: Row, said: dict[str, str]) -> str:
        touch = _touch(row)
        if touch is not None and touch in said:
            return f"{row['step']}: {_GETS.get(row['why'].get('channel'), 'gets')} “{said[touch]}”"
        return sentence(row["kind"], row["step"], row["why"], clock=CLOCK)


_GETS = {"email": "gets the mail", "sms": "gets the SMS", "web": "is to see"}


def _touch(row: Row) -> str | None:
    """The message that was sent."""
    if row["kind"] != "sent":
        return None
    return touch_id(row["enrollment_id"], row["step"], 1, row["why"].get("channel", "email"))


CLOCK = "%a %H:%M"
"""The format of instants in UTC."""

_QUIET = {
    "segment", "claimed", "waited", "silence", "chose", "merged", "split", "best", "delivered", "opened", "shown", "clicked"
}  # fmt: skip


def _worth_telling(row: Row) -> bool:
    # A goal already says that the journey has ended.
    return row["kind"] not in _QUIET and not (row["kind"] == "ended" and row["why"].get("kind") == "goal")


async def _picture(tx: Tx) -> DemoState:
    reached = enrollments.c.goal_at.is_not(None)
    ended = enrollments.c.ended_at.is_not(None)
    left = (enrollments.c.ending == "leave") & ~reached
    rows = await tx.rows(
        select(
            enrollments.c.journey,
            func.count().label("entered"),
            func.count(case((~ended & ~reached, 1))).label("waiting"),
            func.count(case((reached, 1))).label("goals"),
            func.coalesce(func.sum(enrollments.c.goal_value), 0).label("value"),
            func.count(case((left, 1))).label("left"),
            func.count(case((ended & ~reached & ~left, 1))).label("ended"),
        ).group_by(enrollments.c.journey)
    )
    standings = {name: JourneyCounts(name) for name in [row["name"] for row in await tx.rows(select(journeys.c.name))]}
    standings |= {row["journey"]: JourneyCounts(**row) for row in rows}
    sent = {
        channel: await _by_journey(tx, touches.c.enrollment_id, (touches.c.status == "sent") & (touches.c.channel == channel))
        for channel in ("email", "sms", "web")
    }
    clicks = await _by_journey(tx, events.c.enrollment_id, events.c.name == "Link Clicked")
    places = await tx.rows(
        select(enrollments.c.journey, enrollments.c.step, func.count().label("n"))
        .where(~ended)
        .group_by(enrollments.c.journey, enrollments.c.step)
        .order_by(func.count().desc(), enrollments.c.step)
    )
    events_counted = await tx.row(
        select(func.count().label("accepted"), func.count(events.c.routed_at).label("routed")).where(events.c.kind != "own")
    )
    assert events_counted is not None
    return DemoState(
        now=tx.now(),
        customers=await tx.scalar(select(func.count()).select_from(customers).where(customers.c.merged_into.is_(None))),
        **events_counted,
        standings=tuple(
            one._replace(
                email=sent["email"].get(name, 0),
                sms=sent["sms"].get(name, 0),
                web=sent["web"].get(name, 0),
                clicks=clicks.get(name, 0),
                places=tuple((row["step"], row["n"]) for row in places if row["journey"] == name),
            )
            for name, one in sorted(standings.items())
        ),
    )


async def _by_journey(tx: Tx, enrollment_id: Any, which: Any) -> dict[str, int]:
    rows = await tx.rows(
        select(enrollments.c.journey, func.count().label("n"))
        .join(enrollments, enrollments.c.id == enrollment_id)
        .where(which)
        .group_by(enrollments.c.journey)
        .select_from(enrollment_id.table)
    )
    return {row["journey"]: row["n"] for row in rows}
