"""The audit at the end: compare what was accepted, what the store says, and what the providers received."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from chaos.fake_sendgrid import read_taken as read_grid
from chaos.play import Promise
from chaos.sliding_windows import Sending
from chaos.world import LIMITS, ChaosWorld
from idic.errors import IdicError
from idic.interact import consent
from idic.store.tables import customers, enrollments, events, outbox, placements, touches

Row = dict[str, Any]

_FORGOTTEN = 20.0
"""Real seconds after which something due or in progress counts as lost."""
_UNDER_WAY = 8.0
"""The most real seconds from marking a message until its provider has it."""


class Totals(NamedTuple):
    """The figures of a run."""

    events_in: int
    events_routed: int
    touches_claimed: int
    provider_accepts: int
    duplicates: int
    uncertain: int
    lost: int
    over_cap: int
    after_unsubscribe: int
    kills: int

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.events_in == self.events_routed and not (
            self.duplicates or self.lost or self.over_cap or self.after_unsubscribe
        )

    def line(self) -> str:
        """The figures as one line of JSON."""
        return json.dumps(self._asdict())


class Audit:
    """``wrong`` says, by what it is counted as, what does not agree; ``troubles`` what is wrong beside that."""

    def __init__(self, town: ChaosWorld, accepted: set[str], promises: list[Promise]) -> None:
        self.town = town
        self.accepted = accepted
        self.promises = promises
        self.wrong: dict[str, list[str]] = defaultdict(list)
        self.troubles: list[str] = []
        self.events: list[Row] = []
        self.enrollments: list[Row] = []
        self.touches: dict[str, Row] = {}
        self.merged: set[str] = set()
        self.arrived: Counter[str] = Counter()
        # The machine's monotonic clock and idic's clock, read together.
        self._steady, self._now = time.monotonic(), town.clock.now()

    async def read(self) -> Audit:
        """Read the store and what the providers received."""
        async with self.town.store.reading() as tx:
            self.events = await tx.rows(select(events))
            self.enrollments = await tx.rows(select(enrollments))
            self.touches = {row["id"]: row for row in await tx.rows(select(touches))}
            placed = await tx.rows(select(placements.c.touch_id))
            merged = await tx.rows(select(customers.c.merged_into).where(customers.c.merged_into.is_not(None)))
        self.merged = {row["merged_into"] for row in merged}
        mails = [accept.touch for accept in self.town.accepts()] + [one.touch for one in read_grid(self.town.grid_file)]
        self.arrived = Counter(mails) + Counter(sms.touch for sms in self.town.sms())
        self.arrived += Counter(row["touch_id"] for row in placed)
        return self

    def total(self) -> Totals:
        """Compare them, fill ``wrong`` and ``troubles``, and return the figures."""
        kept = {row["message_id"] for row in self.events}
        routed = sum(row["routed_at"] is not None and "problem" not in (row["outcome"] or {}) for row in self.events)
        self._check_messages(kept)
        self._check_enrollments()
        self._check_caps()
        self._check_promises()
        count = {name: len(found) for name, found in self.wrong.items()}
        return Totals(
            events_in=len(kept | self.accepted),
            events_routed=routed,
            touches_claimed=len(self.touches),
            provider_accepts=self.arrived.total(),
            duplicates=sum(times - 1 for times in self.arrived.values() if times > 1),
            uncertain=sum(row["status"] == "uncertain" for row in self.touches.values()),
            lost=count.get("lost", 0),
            over_cap=count.get("over cap", 0),
            after_unsubscribe=count.get("after unsubscribe", 0),
            kills=len(self.town.kills),
        )

    def _check_messages(self, kept: set[str]) -> None:
        self.wrong["lost"] += [f"event {one} had its 200 and is not there" for one in sorted(self.accepted - kept)]
        for touch, times in self.arrived.items():
            if times > 1:
                self.wrong["duplicate"].append(f"{self._named(touch)} arrived {times} times")
            if touch not in self.touches:
                self.troubles.append(f"touch {touch} arrived, and nobody knows it")
        for id, row in self.touches.items():
            arrived, stands = self.arrived[id], row["status"]
            if stands in ("claimed", "attempting") and self._since(row["attempted_at"] or row["claimed_at"]) > _FORGOTTEN * 2:
                self.wrong["lost"].append(f"{self._named(id)} is {stands} and nobody sees to it")
            elif stands == "sent" and not arrived:
                self.wrong["lost"].append(f"{self._named(id)} is said to be sent, and never arrived")
            elif stands in ("failed", "deferred") and arrived:
                self.troubles.append(f"{self._named(id)} arrived and is said to have {stands}: {row['reason']}")

    def _check_enrollments(self) -> None:
        busy = {row["enrollment_id"] for row in self.touches.values() if row["status"] in ("claimed", "attempting")}
        for row in self.enrollments:
            waits = row["deadline"] is not None and self._since(row["deadline"]) < _FORGOTTEN
            if row["ended_at"] is None and not waits and row["id"] not in busy:
                late = self._since(row["deadline"]) if row["deadline"] else float("nan")
                self.troubles.append(f"{row['journey']} {row['id']} is open at {row['step']}, {late:.0f} s overdue")

    def _check_caps(self) -> None:
        """What left, or may have, by the instant of its last attempt: it stands in the store, and the providers' own notes of
        when they were called must bear it out."""
        sent: dict[str, list[tuple[Sending, str]]] = defaultdict(list)
        for id, row in self.touches.items():
            left = row["status"] in ("attempting", "sent", "uncertain") or self.arrived[id]
            if row["purpose"] == "marketing" and row["attempted_at"] and left and row["customer_id"] not in self.merged:
                sending = Sending(row["attempted_at"], row["channel"], row["topic"])
                sent[row["customer_id"]].append((sending, id))
        for theirs in sent.values():
            sendings = [sending for sending, _ in theirs]
            for limit in LIMITS:
                beyond = set(limit.beyond(sendings))
                self.wrong["over cap"] += [f"{self._named(id)} is beyond {limit}" for one, id in theirs if one.at in beyond]
        for channel, call in self.town.calls():
            known = self.touches.get(call.touch)
            if known is not None and known["attempted_at"] and self.arrived[call.touch] and channel == "sms":
                apart = call.at - self._steadily(known["attempted_at"])
                if not -0.5 < apart < _UNDER_WAY:
                    self.troubles.append(f"{self._named(call.touch)} was handed over {apart:.1f} s after it was marked")

    def _check_promises(self) -> None:
        calls: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
        for channel, call in self.town.calls():
            calls[channel, call.to].append((call.at, call.touch))
        mails = defaultdict(list)
        for accept in self.town.accepts():
            taken = self._steady - (datetime.now(UTC) - datetime.fromisoformat(accept.at)).total_seconds()
            mails[accept.to[0]].append((taken + time.monotonic() - self._steady, accept.touch))
        for promise in self.promises:
            for at, touch in calls[promise.channel, promise.address]:
                if at <= promise.at:
                    continue
                # An SMTP server learns the recipient before the message; the message then says which touch it was.
                touch = touch or next((id for taken, id in mails[promise.address] if at - 0.01 <= taken < at + _UNDER_WAY), "")
                row = self.touches.get(touch)
                if row is not None and self._forbids(promise, row):
                    late = at - promise.at
                    said = self._said(row["customer_id"])
                    self.wrong["after unsubscribe"].append(
                        f"{promise.way}: {self._named(touch)} {late:.3f} s after the 200, {self._steady - at:.1f} s ago; "
                        f"they said: {said}"
                    )
                elif row is None and self._refused_after(promise, at):
                    self.wrong["after unsubscribe"].append(f"{promise.way}: a call {at - promise.at:.3f} s after the 200")

    def _forbids(self, promise: Promise, touch: Row) -> bool:
        return touch["purpose"] == "marketing" and promise.topic in (None, touch["topic"])

    def _refused_after(self, promise: Promise, at: float) -> bool:
        """Whether a call that came to nothing can only have been for what was promised not to come."""
        whose = {row["customer_id"] for row in self.touches.values() if row["id"] in self._to(promise.address)}
        near = [
            row
            for row in self.touches.values()
            if row["customer_id"] in whose
            and row["channel"] == promise.channel
            and row["attempted_at"]
            and abs(at - self._steadily(row["attempted_at"])) < _UNDER_WAY
        ]
        return bool(near) and all(self._forbids(promise, row) for row in near)

    def _to(self, address: str) -> set[str]:
        return {accept.touch for accept in self.town.accepts() if accept.to[0] == address}

    def _named(self, touch: str) -> str:
        row = self.touches.get(touch, {})
        return f"{row.get('journey')}/{row.get('step')} by {row.get('channel')} ({touch})"

    def _said(self, customer: str) -> str:
        """The customer's words on being written to, each with the real seconds until now."""
        theirs = [row for row in self.events if row["customer_id"] == customer and row["name"] in consent.EVENTS]
        return ", ".join(
            f"{row['name']} ({row['properties'].get('topic') or 'all'}) {self._since(row['accepted_at']):.1f} s ago"
            for row in sorted(theirs, key=lambda row: row["id"])
        )

    def _since(self, at: datetime) -> float:
        """Real seconds."""
        return self.town.clock.real_seconds(self._now - at)

    def _steadily(self, at: datetime) -> float:
        """An instant of idic's clock by the steady one of this machine."""
        return self._steady - self._since(at)


async def come_to_rest(town: ChaosWorld, stop: asyncio.Event, patience: float) -> float:
    """Wait until every accepted event is routed, and nothing is overdue or in progress. Days go on meanwhile. Returns the
    real seconds it took."""
    began, calm = time.monotonic(), 0
    while calm < 4 and time.monotonic() - began < patience and not stop.is_set():
        try:
            calm = 0 if await _unrest(town) else calm + 1
        except IdicError:
            calm = 0
        await asyncio.sleep(0.5)
    return time.monotonic() - began


async def _unrest(town: ChaosWorld) -> int:
    ago = town.clock.now() - timedelta(seconds=3 * town.clock.factor)
    under_way = touches.c.status.in_(("claimed", "attempting"))
    async with town.store.reading() as tx:
        counts = [
            select(func.count()).where(events.c.routed_at.is_(None)),
            select(func.count()).select_from(outbox),
            select(func.count()).where(under_way, func.coalesce(touches.c.attempted_at, touches.c.claimed_at) < ago),
            select(func.count()).where(
                enrollments.c.ended_at.is_(None), or_(enrollments.c.deadline.is_(None), enrollments.c.deadline < ago)
            ),
        ]
        return sum([int(await tx.scalar(count)) for count in counts])


async def strangers(town: ChaosWorld, ledger: Audit) -> list[str]:
    """Open enrollments without a running workflow, and ended ones with one."""
    client = await town.client()
    room = asyncio.Semaphore(30)

    async def runs(enrollment: str) -> bool:
        async with room:
            try:
                described = await client.get_workflow_handle(enrollment).describe()
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    return False
                raise
            return described.status == WorkflowExecutionStatus.RUNNING

    running = await asyncio.gather(*(runs(row["id"]) for row in ledger.enrollments))
    return [
        f"{row['journey']} {row['id']} is {'open' if row['ended_at'] is None else 'ended'}, and its workflow "
        f"{'runs' if runs_ else 'does not run'}"
        for row, runs_ in zip(ledger.enrollments, running, strict=True)
        if runs_ != (row["ended_at"] is None)
    ]
