"""The accounts after the battle: what the store says, what the world took, what Temporal runs; and that they agree."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import func, select
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from chaos.deployment import ROUTERS, WORKERS, Deployment
from chaos.fake_twilio import Sms
from chaos.shop_client import CarefulClient
from idic.dev.mailbox import Accept
from idic.store.tables import enrollments, events, outbox, placements, touches, trace

Row = dict[str, Any]

_MONTH_LONG = "membership"
"""The journey in which customers rightly wait when all is done."""


_PATIENCE = 120.0
"""Seconds until everything has come to rest, on a slow machine too."""


async def come_to_rest(site: Deployment) -> float:
    """Wait until nothing moves any more; returns how long it took."""
    began, calm = time.monotonic(), 0
    while calm < 3:
        unrest = await _unrest(site)
        calm = calm + 1 if not any(unrest.values()) else 0
        passed = time.monotonic() - began
        assert passed < _PATIENCE, f"after {passed:.0f} s still {unrest}\n{await _stuck(site)}\n{site.last_words()}"
        await asyncio.sleep(0.25)
    return time.monotonic() - began


async def _unrest(site: Deployment) -> dict[str, int]:
    async with site.store.reading() as tx:
        return {
            "unrouted": await tx.scalar(select(func.count()).where(events.c.routed_at.is_(None))),
            "letters": await tx.scalar(select(func.count()).select_from(outbox)),
            "touches under way": await tx.scalar(select(func.count()).where(touches.c.status.in_(("claimed", "attempting")))),
            "baskets open": await tx.scalar(
                select(func.count()).where(enrollments.c.ended_at.is_(None), enrollments.c.journey != _MONTH_LONG)
            ),
        }


async def _stuck(site: Deployment) -> str:
    """A few of those who do not move, with what their workflows do."""
    client = await site.client()
    said = []
    async with site.store.reading() as tx:
        stuck = await tx.rows(
            select(enrollments)
            .where(enrollments.c.ended_at.is_(None), enrollments.c.journey != _MONTH_LONG)
            .order_by(enrollments.c.deadline)
            .limit(3)
        )
        for row in stuck:
            theirs = await tx.rows(select(touches).where(touches.c.enrollment_id == row["id"]))
            said.append(f"{row['id']} seq {row['seq']} at {row['step']} until {row['deadline']}")
            said.extend(f"    touch {t['step']} {t['status']} attempts {t['attempts']}" for t in theirs)
            try:
                described = await client.get_workflow_handle(row["id"]).describe()
                said.append(f"    workflow {described.status} {described.raw_description.pending_activities}")
            except RPCError as error:
                said.append(f"    workflow {error.status.name}")
    return "\n".join(said)


class Ledger:
    """Read once everything has come to rest. ``accepted`` is how often the world took each touch, whatever its channel."""

    def __init__(self, events_: list[Row], enrollments_: list[Row], touches_: list[Row], traces: list[Row],
                 placed: list[Row], accepts: list[Accept], sms: list[Sms]) -> None:  # fmt: skip
        self.events = events_
        self.enrollments = enrollments_
        self.touches = touches_
        self.traces: dict[str, list[Row]] = defaultdict(list)
        for entry in traces:
            self.traces[entry["enrollment_id"]].append(entry)
        self.accepts = accepts
        self.sms = sms
        self.accepted = Counter(one.touch for one in (*accepts, *sms)) + Counter(one["touch_id"] for one in placed)

    @classmethod
    async def read(cls, site: Deployment) -> Ledger:
        """Read the store and what the providers received."""
        async with site.store.reading() as tx:
            return cls(
                await tx.rows(select(events)),
                await tx.rows(select(enrollments)),
                await tx.rows(select(touches)),
                await tx.rows(select(trace).order_by(trace.c.id)),
                await tx.rows(select(placements)),
                site.accepts(),
                site.sms(),
            )

    def check_events(self, client: CarefulClient) -> None:
        """What got a 200 is there, once, and routed."""
        kept = Counter(event["message_id"] for event in self.events)
        assert {one for one in client.accepted if kept[one] != 1} == set()
        sent_by_us = {one for one in kept if one.startswith("m-")}
        assert sent_by_us == client.accepted
        assert [event["id"] for event in self.events if event["routed_at"] is None] == []
        assert [event["outcome"] for event in self.events if "problem" in (event["outcome"] or {})] == []

    def check_touches(self) -> None:
        """Each message at most once; what is ``sent`` once, what ``failed`` never, what nobody knows is ``uncertain``."""
        message_ids = Counter(accept.message_id for accept in self.accepts)
        assert [one for one, times in message_ids.items() if times > 1] == []
        wrong = [
            (touch["id"], touch["step"], touch["status"], touch["reason"], self.accepted[touch["id"]])
            for touch in self.touches
            if self.accepted[touch["id"]] not in _ACCEPTS.get(touch["status"], ())
        ]
        assert wrong == []
        # Each SMS that was taken was reported, and a report settles what nobody knew; what is placed is never uncertain.
        unsure = [touch for touch in self.touches if touch["status"] == "uncertain"]
        assert [t["id"] for t in unsure if t["channel"] == "web" or (t["channel"] == "sms" and self.accepted[t["id"]])] == []
        arrived = {one.touch for one in self.sms}
        assert arrived
        assert {t["id"] for t in self.touches if t["channel"] == "sms" and t["delivered_at"]} == arrived
        assert self.accepted.keys() <= {touch["id"] for touch in self.touches}

    def check_enrollments(self) -> None:
        """Ended with one ending; or open, with its deadline ahead. Each move was traced."""
        keys = Counter((row["customer_id"], row["journey"], row["key"]) for row in self.enrollments)
        assert [key for key, times in keys.items() if times > 1] == [], "entered twice"
        awaited = Counter(event["customer_id"] for event in self.events if event["name"] in _AWAITED)
        for row in self.enrollments:
            kinds = Counter(entry["kind"] for entry in self.traces[row["id"]])
            story = [(entry["kind"], entry["step"]) for entry in self.traces[row["id"]]]
            assert kinds["entered"] == 1, story
            assert kinds["ended"] == (1 if row["ended_at"] else 0), story
            assert kinds["goal"] == (1 if row["goal_at"] else 0), story
            if row["ended_at"] is None:
                assert row["journey"] == _MONTH_LONG
                assert row["step"] == "settle_in"
            # Entering, each touch that came to stand, the goal, and an ending from outside are one move each; a move
            # that was late may go through several waits at once; and one that only saw what was not for it leaves no trace.
            settled = kinds["sent"] + kinds["failed"] + kinds["uncertain"]
            outside = row["ending"] in ("goal", "leave")
            least = 1 + settled + kinds["goal"] + outside
            most = least + kinds["timed out"] + kinds["waited"] + kinds["happened"] + awaited[row["customer_id"]]
            assert least <= row["seq"] <= most, (row["seq"], story)
            for touch in (touch for touch in self.touches if touch["enrollment_id"] == row["id"]):
                told = [(e["kind"], e["step"], e["why"].get("channel")) for e in self.traces[row["id"]]]
                stands = touch["status"], touch["step"], touch["channel"]
                times = (0, 1) if touch["reason"] == "ended" else (1,)
                assert told.count(stands) in times, (touch["status"], touch["reason"], told)

    def entered_as_told(self) -> None:
        """Whoever had to enter did: each basket of 30 and more, each who signed up."""
        wanted = {
            ("basket", event["customer_id"], event["properties"]["cart_id"])
            for event in self.events
            if event["name"] == "Cart Updated" and event["properties"]["total"] >= 30
        } | {("membership", event["customer_id"], "") for event in self.events if event["name"] == "Signed Up"}
        assert {(row["journey"], row["customer_id"], row["key"]) for row in self.enrollments} == wanted

    async def check_workflows(self, site: Deployment) -> None:
        """Whoever is open has a workflow that runs; whoever ended has none."""
        client = await site.client()
        room = asyncio.Semaphore(20)

        async def runs(enrollment_id: str) -> bool:
            async with room:
                try:
                    described = await client.get_workflow_handle(enrollment_id).describe()
                except RPCError as error:
                    if error.status == RPCStatusCode.NOT_FOUND:
                        return False
                    raise
                return described.status == WorkflowExecutionStatus.RUNNING

        deadline = time.monotonic() + 15
        while True:
            running = await asyncio.gather(*(runs(row["id"]) for row in self.enrollments))
            wrong = [
                (row["id"], row["ending"], runs_)
                for row, runs_ in zip(self.enrollments, running, strict=True)
                if runs_ != (row["ended_at"] is None)
            ]
            if not wrong:
                return
            assert time.monotonic() < deadline, f"(enrollment, ending, whether its workflow runs): {wrong}"
            await asyncio.sleep(0.5)

    def text(self, site: Deployment, client: CarefulClient, rest: float) -> str:
        """The figures in one line."""
        statuses = Counter(touch["status"] for touch in self.touches)
        channels = Counter(f"{touch['status']} by {touch['channel']}" for touch in self.touches)
        answers = Counter(one.answer for one in self.sms)
        unsure = [touch for touch in self.touches if touch["status"] == "uncertain"]
        reasons = Counter(f"{touch['channel']}: {touch['reason']}" for touch in self.touches if touch["status"] == "failed")
        endings = Counter(row["ending"] or "open" for row in self.enrollments)
        kills = Counter(name for _, name in site.kills) + Counter({"by the sink": site.carried_out()})
        return (
            f"  events       {len(client.accepted)} got a 200 in {client.tries} tries · {len(self.events)} kept, all routed\n"
            f"  enrollments  {len(self.enrollments)}: {_counted(endings)}\n"
            f"  touches      {len(self.touches)}: {_counted(statuses)}\n"
            f"  channels     {_counted(channels)} · the carrier answered {_counted(answers)}\n"
            f"  failed       {_counted(reasons)}\n"
            f"  world        {self.accepted.total()} accepts of {len(self.accepted)} messages · of the uncertain,"
            f" {sum(self.accepted[touch['id']] for touch in unsure)} of {len(unsure)} had arrived\n"
            f"  kills        {kills.total()}: {_counted(kills)} · at rest {rest:.1f} s after the last customer"
        )


_AWAITED = {"Link Clicked", "Message Delivered", "Question Asked"}
"""What the journeys wait for, perhaps of another basket of the same customer's."""
_ACCEPTS = {"sent": (1,), "failed": (0,), "uncertain": (0, 1)}
"""How often the world may have accepted a touch, by how it stands at the end."""


def _counted(counts: Counter[str]) -> str:
    return " · ".join(f"{number} {name}" for name, number in sorted(counts.items()))


async def settle_accounts(site: Deployment, client: CarefulClient, title: str) -> Ledger:
    """Wait for rest, print the ledger, and hold everything against everything."""
    rest = await come_to_rest(site)
    ledger = await Ledger.read(site)
    print(f"\n{title}\n{ledger.text(site, client, rest)}")
    ledger.check_events(client)
    ledger.entered_as_told()
    ledger.check_enrollments()
    ledger.check_touches()
    await ledger.check_workflows(site)
    asked_for = {(name, -9) for name in site.parts}
    if any(name == "temporal" for _, name in site.kills):
        # Started while Temporal is away, they say so and end; whoever supervises them tries again.
        asked_for |= {(name, 1) for name in (*ROUTERS, *WORKERS)}
    assert {end: times for end, times in site.ends.items() if end not in asked_for} == {}, site.last_words()
    return ledger
