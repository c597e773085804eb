"""The audit at the demo's end: check in store, mailbox and outbox that everything arrived that should have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from idic.dev.demo.script import Shopper
from idic.dev.local_stack import LocalStack
from idic.dev.mailbox import Accept, read_accepts
from idic.interact.policy.rules import NAMES
from idic.store.database import Tx
from idic.store.journey.programs import Programs
from idic.store.tables import Row, consents, copies, customers, enrollments, events, identities, placements, touches, trace

_LATE = 10.0
"""Real seconds by which a worker or a router may be late."""
_NAMED = 10
"""How many problems of one kind are listed."""
_REFUSALS = set(NAMES) | {"condition", "too late", "ended"}
"""Reasons for which a message may rightly not be sent."""


class ExpectedJourney(NamedTuple):
    """The topic and purpose of a published journey, by which consent is checked."""

    topic: str | None
    purpose: str


class Records(NamedTuple):
    """Everything, read together.

    ``customer`` is the customer of a user id; ``journeys`` by name; ``texts`` and ``places`` are the touches with an SMS in
    the outbox and with content on the web; ``put_off`` are the (enrollment, step) whose messages the contact policy
    deferred.
    """

    now: datetime
    late: timedelta
    accepts: tuple[Accept, ...]
    events: dict[str, Row]
    enrollments: dict[str, Row]
    touches: dict[str, Row]
    refusals: list[Row]
    put_off: frozenset[tuple[str, str]]
    consents: list[Row]
    customer: dict[str, str]
    customers: int
    journeys: dict[str, ExpectedJourney]
    currency: str
    texts: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()


async def read_records(running: LocalStack) -> Records:
    """Read everything. The mailbox comes first: a mail is in it before anything says that it was sent."""
    accepts = tuple(read_accepts(Path(running.plan.mail)))
    async with running.store.reading() as tx:
        published = await Programs().published(tx)
        refused = select(trace.c.enrollment_id, trace.c.step, trace.c.why, enrollments.c.customer_id).join(
            enrollments, enrollments.c.id == trace.c.enrollment_id
        )
        return Records(
            now=tx.now(),
            late=timedelta(seconds=_LATE * running.clock.factor),
            accepts=accepts,
            events=await _keyed(tx, events, "message_id"),
            enrollments=await _keyed(tx, enrollments, "id"),
            touches=await _keyed(tx, touches, "id"),
            refusals=await tx.rows(refused.where(trace.c.kind.in_(("not sent", "failed")))),
            put_off=frozenset(
                (row["enrollment_id"], row["step"]) for row in await tx.rows(refused.where(trace.c.kind == "deferred"))
            ),
            consents=await tx.rows(select(consents).order_by(consents.c.at, consents.c.id)),
            customer={
                row["value"]: row["customer_id"]
                for row in await tx.rows(select(identities).where(identities.c.kind == "user_id"))
            },
            customers=len(await tx.rows(select(customers.c.id).where(customers.c.merged_into.is_(None)))),
            journeys={program.journey: ExpectedJourney(program.topic, program.purpose) for _, program, _ in published},
            currency=published[0][1].currency if published else "",
            texts=frozenset(
                row["touch_id"]
                for row in await tx.rows(
                    select(copies.c.touch_id).join(touches, touches.c.id == copies.c.touch_id).where(touches.c.channel == "sms")
                )
            ),
            places=frozenset(row["touch_id"] for row in await tx.rows(select(placements.c.touch_id))),
        )


async def _keyed(tx: Tx, table: object, key: str) -> dict[str, Row]:
    return {row[key]: row for row in await tx.rows(select(table))}  # type: ignore[call-overload]


def missing(shoppers: Sequence[Shopper], sent: Mapping[str, str], pressed: Set[str], records: Records) -> list[str]:
    """What should have arrived and didn't, or did and shouldn't have; empty if all is well.

    ``sent``: the customer of each message id given to Segment's client. ``pressed``: the touches in which a link was
    clicked.
    """
    return [
        *_events(sent, records),
        *_mails(records),
        *_texts_and_places(records),
        *_standing(records),
        *_entries_and_goals(shoppers, records),
        *_clicks(pressed, records),
        *_consent(shoppers, records),
        *_reach(shoppers, records),
    ]


def _events(sent: Mapping[str, str], records: Records) -> Iterator[str]:
    lost = [what for message_id, what in sent.items() if message_id not in records.events]
    yield from _some("sent by Segment's client and not among the accepted events", lost)
    waiting = [sent.get(message_id, row["name"]) for message_id, row in records.events.items() if row["routed_at"] is None]
    yield from _some("accepted and not routed", waiting)
    problems = [
        f"{sent.get(message_id, row['name'])} ({row['outcome']['problem']})"
        for message_id, row in records.events.items()
        if row["outcome"] and "problem" in row["outcome"]
    ]
    yield from _some("set aside by the router", problems)


def _mails(records: Records) -> Iterator[str]:
    taken = Counter(accept.touch for accept in records.accepts)
    sent = _sent(records, "email")
    yield from _some("recorded as sent, and no mail in the mailbox", [_touch(records, id) for id in sent - taken.keys()])
    yield from _some("in the mailbox more than once", [_touch(records, id) for id, count in taken.items() if count > 1])
    uncertain = {id for id, row in records.touches.items() if row["status"] == "uncertain"}
    unknown = [_touch(records, id) for id in taken.keys() - sent - uncertain]
    yield from _some("in the mailbox and not recorded as sent", unknown)
    yield from _some("uncertain, with providers that never fail", [_touch(records, id) for id in uncertain])
    failed = [
        f"{_touch(records, id)} ({row['reason']})"
        for id, row in records.touches.items()
        if row["status"] == "failed" and row["reason"] not in _REFUSALS
    ]
    yield from _some("failed", failed)
    late = [
        f"{records.enrollments[row['enrollment_id']]['journey']}"
        for row in records.refusals
        # A message that the policy deferred for too long is correct.
        if rule_of(row) == "too late" and (row["enrollment_id"], row["step"]) not in records.put_off
    ]
    yield from _some("too late to be sent; this machine is too slow for this --speed", late)


def _texts_and_places(records: Records) -> Iterator[str]:
    """Each touch has at most one."""
    for channel, where, there in (("sms", "outbox", records.texts), ("web", "slots", records.places)):
        sent = _sent(records, channel)
        yield from _some(f"recorded as sent, and not in the {where}", [_touch(records, id) for id in sent - there])
        yield from _some(f"in the {where} and not recorded as sent", [_touch(records, id) for id in there - sent])


def _sent(records: Records, channel: str) -> set[str]:
    return {id for id, row in records.touches.items() if row["status"] == "sent" and row["channel"] == channel}


def _standing(records: Records) -> Iterator[str]:
    """Every enrollment has ended or waits for something that is still to come."""
    busy = {
        row["enrollment_id"]
        for row in records.touches.values()
        if row["status"] in ("claimed", "attempting") and row["claimed_at"] > records.now - records.late
    }
    stuck = [
        f"{row['journey']} at {row['step']}, due {row['deadline']}"
        for id, row in records.enrollments.items()
        if row["ended_at"] is None
        and id not in busy
        and (row["deadline"] is None or row["deadline"] < records.now - records.late)
    ]
    yield from _some("open, and overdue", stuck)


def _entries_and_goals(shoppers: Sequence[Shopper], records: Records) -> Iterator[str]:
    if not records.enrollments:
        yield "nobody entered any journey: this shop's customers do nothing on which these journeys are entered"
        return
    # A customer whose message came too late has nothing to answer, and a purchase counts for all their journeys.
    excused = {row["customer_id"] for row in records.refusals if rule_of(row) == "too late"}
    for journey in records.journeys:
        # Nothing is expected of an added journey; it is shown like the others.
        foreseen = [shopper for shopper in shoppers if journey in shopper.story.enters]
        entered = {row["customer_id"] for row in records.enrollments.values() if row["journey"] == journey}
        out = [_named(one) for one in foreseen if records.customer.get(one.user_id) not in entered]
        yield from _some(f"should have entered {journey}", out)
        reached = {
            row["customer_id"]
            for row in records.enrollments.values()
            if row["journey"] == journey and row["goal_at"] is not None
        }
        foreseen = [one for one in shoppers if journey in one.story.reaches]
        short = [_named(one) for one in foreseen if records.customer.get(one.user_id) not in reached | excused]
        yield from _some(f"should have reached the goal of {journey}", short)


def _clicks(pressed: Set[str], records: Records) -> Iterator[str]:
    """Every clicked link was recorded, whichever messages a customer got."""
    clicked = {id for id, row in records.touches.items() if row["clicked_at"] is not None}
    yield from _some("pressed, and no click arrived", [_touch(records, id) for id in pressed - clicked])


def _consent(shoppers: Sequence[Shopper], records: Records) -> Iterator[str]:
    """Marketing reached only customers with consent, and none after a withdrawal."""
    by_customer = {records.customer.get(shopper.user_id): shopper for shopper in shoppers}
    against = []
    for id, touch in records.touches.items():
        if touch["status"] != "sent" or touch["attempted_at"] is None or touch["channel"] == "web":
            continue  # the shop's own page needs no consent
        journey = records.journeys[records.enrollments[touch["enrollment_id"]]["journey"]]
        if journey.purpose == "service":
            continue
        said = [
            row
            for row in records.consents
            if row["customer_id"] == touch["customer_id"]
            and row["channel"] == touch["channel"]
            and row["topic"] in (None, journey.topic)
            and row["at"] <= touch["attempted_at"]
        ]
        shopper = by_customer.get(touch["customer_id"])
        if not said or not said[-1]["given"] or (shopper and journey.topic not in shopper.story.agrees):
            against.append(_touch(records, id))
    yield from _some("sent without the customer's consent", against)


def _reach(shoppers: Sequence[Shopper], records: Records) -> Iterator[str]:
    """Customers got nothing on channels that don't reach them; for customers without any channel, a trace says so."""
    for shopper in shoppers:
        customer = records.customer.get(shopper.user_id)
        got = {row["channel"] for row in records.touches.values() if row["customer_id"] == customer and row["status"] == "sent"}
        for channel in sorted(got - shopper.story.reached):
            yield f"{_named(shopper)} cannot be reached by {channel}, and yet something is recorded as sent"
        why = {rule_of(row) for row in records.refusals if row["customer_id"] == customer}
        if not shopper.story.reached and not why & {"reachable", "consent"}:
            yield f"{_named(shopper)} cannot be reached, and no trace says that this is why nothing was sent"


def rule_of(refusal: Row) -> str:
    """Why a message was not sent, or was deferred and then not sent."""
    return str(refusal["why"].get("rule") or refusal["why"].get("reason"))


def _touch(records: Records, touch_id: str) -> str:
    row = records.touches.get(touch_id)
    return f"{row['message']} (touch {touch_id})" if row else f"touch {touch_id}, which nobody knows"


def _named(shopper: Shopper) -> str:
    return f"{shopper.name} ({shopper.user_id}, who {shopper.kind})"


def _some(what: str, which: Sequence[str]) -> Iterator[str]:
    if which:
        more = f", and {len(which) - _NAMED} more" if len(which) > _NAMED else ""
        yield f"{what}: {', '.join(sorted(which)[:_NAMED])}{more}"
