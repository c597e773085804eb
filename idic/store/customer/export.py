"""Export a customer's data as JSON for them: events, consents, journeys, and messages with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from idic.interact.consent import WORDS, ConsentStatus, all_statuses
from idic.interact.reach import reach
from idic.journey.channels import addressed
from idic.journey.engine.state import Trace
from idic.journey.engine.trace import sentence
from idic.store.any_of import any_of
from idic.store.customer import consents, erase
from idic.store.customer.customers import CustomerRow
from idic.store.database import Tx
from idic.store.enrollment import enrollments
from idic.store.journey.policies import Policies
from idic.store.journey.programs import vocabulary
from idic.store.tables import Row, calls, copies, events, identities, placements, programs, short_links, touches
from idic.store.tables import enrollments as trips

VERSION = 1

_TOUCH = (
    "step", "channel", "message", "purpose", "topic", "status", "reason", "detail", "claimed_at", "attempted_at",
    "settled_at", "delivered_at", "shown_at", "opened_at", "clicked_at", "bounced_at",
)  # fmt: skip
_ENTERED = frozenset({"entered", "segment"})
_PROVED = ("channel", "topic", "purpose", "given", "confirmed", "act", "proof", "at")


async def customer_export(tx: Tx, row: CustomerRow) -> dict[str, Any]:
    """Everything that is known of a customer. Instants are in ISO 8601 and UTC. Every message says ``why`` it was sent or
    not, in the sentences of ``idic explain``."""
    ids = await erase.merged_ids(tx, row.id)
    known = select(identities.c.kind, identities.c.value, identities.c.created_at).where(identities.c.customer_id == row.id)
    happened = select(events).where(any_of(tx, events.c.customer_id, ids)).order_by(events.c.accepted_at, events.c.id)
    exported: dict[str, Any] = to_json(
        {
            "version": VERSION,
            "exported_at": tx.now(),
            "customer": {
                "id": row.id,
                "formerly": ids[1:],
                "attributes": row.traits,
                "known_since": row.created_at,
                "last_seen_on_the_web": row.web_seen_at,
                "erased_at": row.erased_at,
            },
            "identities": await tx.rows(known.order_by(identities.c.kind, identities.c.value)),
            "preferences": {"fewer": row.fewer, "paused_until": row.paused_until},
            "consents": await export_consents(tx, row),
            "events": [_event(one) for one in await tx.rows(happened)],
            "journeys": await _journeys(tx, ids),
        }
    )
    return exported


async def export_consents(tx: Tx, row: CustomerRow) -> dict[str, Any]:
    """What a customer consents to (``now``), their statements with their proof (``said``, oldest first), and by channel why
    their address is suppressed (``suppressed``)."""
    words = await vocabulary(tx) or {}
    suppressed: dict[str, Any] = {}
    for channel in (channel.name for channel in addressed()):
        address = reach(channel, row.id, row.traits, None, tx.now(), words.get("country")).address
        if address and (found := await consents.suppression_of(tx, channel, address)):
            suppressed[channel] = found._asdict()
    return {
        "now": [{**one._asdict(), "words": WORDS[one.state]} for one in await consent_states(tx, row.id, words)],
        "said": [{name: getattr(consent, name) for name in _PROVED} for consent in await consents.ledger_of(tx, row.id)],
        "suppressed": suppressed,
    }


async def consent_states(tx: Tx, customer_id: str, words: Mapping[str, Any] | None = None) -> list[ConsentStatus]:
    """How a customer's consents stand under the policy in force, for all topics of the vocabulary (its JSON is ``words``)."""
    if words is None:
        words = await vocabulary(tx) or {}
    policy = await Policies().current(tx)
    return all_statuses(await consents.entries(tx, customer_id), policy.consent, topics=words.get("topics") or ())


def _event(row: Row) -> dict[str, Any]:
    fields = {name: row[name] for name in ("name", "kind", "properties", "occurred_at", "accepted_at", "message_id")}
    return {**fields, "led_to": row["outcome"] or {}}


async def _journeys(tx: Tx, ids: list[str]) -> list[dict[str, Any]]:
    rows = await tx.rows(
        select(trips, programs.c.document["title"].as_string().label("title"))
        .join(programs, programs.c.id == trips.c.program_id)
        .where(any_of(tx, trips.c.customer_id, ids))
        .order_by(trips.c.entered_at, trips.c.id)
    )
    named = [row["id"] for row in rows]
    sent = _by(
        await tx.rows(
            select(touches).where(any_of(tx, touches.c.customer_id, ids)).order_by(touches.c.claimed_at, touches.c.id)
        ),
        "enrollment_id",
    )
    asked = _by(await tx.rows(select(calls).where(any_of(tx, calls.c.enrollment_id, named))), "enrollment_id")
    messages = [touch["id"] for those in sent.values() for touch in those]
    copied = {row["touch_id"]: row for row in await tx.rows(select(copies).where(any_of(tx, copies.c.touch_id, messages)))}
    shown = {
        row["touch_id"]: row for row in await tx.rows(select(placements).where(any_of(tx, placements.c.touch_id, messages)))
    }
    links = _by(await tx.rows(select(short_links).where(any_of(tx, short_links.c.touch_id, messages))), "touch_id")
    exported = []
    for row in rows:
        traced = await enrollments.traced(tx, row["id"])
        state = row["state"]
        exported.append(
            {
                **{name: row[name] for name in ("id", "journey", "title", "entered_at", "step", "deadline", "ended_at")},
                **{name: row[name] for name in ("ending", "reason", "goal_at", "goal_value")},
                "about": row["key"] or None,
                "segment": state.get("segment"),
                "entered_with": state["entry"].get("properties") or {},
                "variables": state.get("variables") or {},
                "remembered": {name: one.get("properties") or {} for name, one in (state.get("captured") or {}).items()},
                "shares": state.get("splits") or {},
                "what_happened": [{"at": entry.at, "text": _sentence(entry), "why": entry.why} for entry in traced],
                "calls": [
                    {name: one[name] for name in ("step", "endpoint", "given", "status", "reason", "detail", "asked_at")}
                    for one in asked.get(row["id"], ())
                ],
                "messages": [
                    _message(one, traced, copied.get(one["id"]), shown.get(one["id"]), links.get(one["id"], ()))
                    for one in sent.get(row["id"], ())
                ],
            }
        )
    return exported


def _message(touch: Row, traced: list[Trace], copy: Row | None, shown: Row | None, links: Iterable[Row]) -> dict[str, Any]:
    channel = touch["channel"]
    why = [
        _sentence(entry)
        for entry in traced
        if entry.kind in _ENTERED or (entry.step == touch["step"] and entry.why.get("channel") in (None, channel))
    ]
    as_sent = None if copy is None else {name: copy[name] for name in ("address", "subject", "text", "html", "at")}
    placed = (
        None if shown is None else {name: shown[name] for name in ("slot", "html", "links", "placed_at", "until", "ended_at")}
    )
    return {
        "id": touch["id"],
        **{name: touch[name] for name in _TOUCH},
        "why": why,
        "copy": as_sent,
        "shown": placed,
        "links": [one["url"] for one in links],
    }


def _sentence(entry: Trace) -> str:
    return sentence(entry.kind, entry.step, entry.why)


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[column], []).append(row)
    return grouped


def to_json(value: Any) -> Any:
    """The value with instants as ISO 8601 text, ready for JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: to_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    return value
