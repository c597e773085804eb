"""Accept events: write whole sets of messages into the events table, in a handful of statements.

The order of steps is what makes deadlines exact. First the customers' rows are held (FOR KEY SHARE, in the order of
their ids; a transaction that moves an enrollment locks them FOR UPDATE), and only then ``accepted_at`` is read. So a
move either waits for these events, or they are accepted after it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import bindparam, false, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from idic.errors import NotFound
from idic.identify.messages import OWN_MESSAGE_ID, IncomingMessage
from idic.identify.resolution import Identity, Resolution, UserIds, resolve
from idic.store import sweeps
from idic.store.any_of import any_of
from idic.store.database import Tx
from idic.store.digests import salt, tombstone
from idic.store.enrollment.touches import Touch
from idic.store.tables import Row, customers, events, identities, partition_of

REQUEST = "request"
"""The kind of idic's own event that asks for entry into one journey."""


class Observation(NamedTuple):
    """An event that idic itself observed, most often about one of its messages. Observations with the same ``once``
    (``delivered:`` and the touch) are stored once."""

    name: str
    customer_id: str
    enrollment_id: str | None
    step: str | None
    properties: dict[str, Any]
    once: str | None = None


def about_touch(touch: Touch, name: str, properties: dict[str, Any] | None = None, once: str | None = None) -> Observation:
    """What became of a touch, as one of ``vocabulary.ABOUT_MESSAGES``. With ``once`` it counts
    one time a touch, whatever tells of it."""
    round_ = {"round": touch.round} if touch.round > 1 else {}
    about = {"step": touch.step, "channel": touch.channel, **round_, **(properties or {})}
    once_for_touch = f"{once}:{touch.id}" if once else None
    return Observation(name, touch.customer_id, touch.enrollment_id, touch.step, about, once_for_touch)


async def accept(tx: Tx, messages: Sequence[IncomingMessage]) -> Sequence[IncomingMessage]:
    """Store the messages that are new, in their order, each under its customer. An event about a thing becomes a sweep, which
    finds the customers whom it concerns.

    Returns the aliases that are stored but not followed, because their previous id is another user's.
    """
    # Of several messages with one id the first counts, as it would across requests.
    by_id: dict[str, IncomingMessage] = {}
    for message in messages:
        by_id.setdefault(message.message_id or f"{OWN_MESSAGE_ID}{uuid.uuid4().hex}", message)
    for message_id in [message_id for message_id, message in by_id.items() if message.nobodys]:
        about, accepted_at = by_id.pop(message_id), tx.now()
        occurred_at = about.occurred_at or accepted_at
        await sweeps.add(tx, "broadcast", message_id, about.name, accepted_at, about.properties, occurred_at)
    if not by_id:
        return ()
    ties = await _ties(tx, by_id.values())
    resolution = resolve(_persons(by_id.values()), ties.known, ties.named, _new_id)
    if resolution.linked:
        # A message that is stored already must not create a customer. (Its own row is skipped by ON CONFLICT.)
        for message_id in await _kept(tx, by_id.keys()):
            del by_id[message_id]
        resolution = await _resolved(tx, _persons(by_id.values()), ties)
    if not by_id:
        return ()
    accepted_at = tx.now()
    await _keep(
        tx,
        [
            _row(message_id, message, belonging.customer, accepted_at, belonging.merges)
            for (message_id, message), belonging in zip(by_id.items(), resolution.belongings, strict=True)
        ],
    )
    return [message for message, belonging in zip(by_id.values(), resolution.belongings, strict=True) if belonging.apart]


async def observe(tx: Tx, seen: Observation) -> None:
    """Store one observation, unless its customer was erased. Raises ``NotFound``."""
    roots = await _held(tx, {seen.customer_id})
    if seen.customer_id not in roots:
        raise NotFound("there is no such customer")
    if roots[seen.customer_id].erased:
        return  # their old message, or its provider, reports on an erased customer
    customer_id = roots[seen.customer_id].id
    now = tx.now()
    await _keep(
        tx,
        [
            {
                "message_id": f"{OWN_MESSAGE_ID}{seen.once or uuid.uuid4().hex}",
                "customer_id": customer_id,
                "partition": partition_of(customer_id),
                "kind": "own",
                "name": seen.name,
                "properties": seen.properties,
                "merges": None,
                "enrollment_id": seen.enrollment_id,
                "step": seen.step,
                "occurred_at": now,
                "accepted_at": now,
            }
        ],
    )


async def request(tx: Tx, customer_id: str, journey: str, given: Mapping[str, Any], message_id: str, name: str) -> None:
    """Store a request that this customer enter a journey, once by its ``message_id``; it is routed like an event, to that
    journey alone. ``given`` are the properties of the entry, ``name`` is its name in traces. The caller holds the
    customer."""
    await _keep(tx, [_told(message_id, customer_id, entry_request(name, journey, given), tx.now())])


class NewEvent(NamedTuple):
    """An event that idic stores for a customer."""

    kind: str
    name: str
    properties: dict[str, Any]
    occurred_at: datetime | None = None


def entry_request(name: str, journey: str, given: Mapping[str, Any]) -> NewEvent:
    """A request for entry into a journey, with the properties ``given``."""
    return NewEvent(REQUEST, name, {"journey": journey, "given": dict(given)})


async def record_for_customers(tx: Tx, message_id: str, told: Mapping[str, NewEvent]) -> None:
    """Store an event for each of many customers, by customer id; once for each by ``message_id``. A merged customer's goes to
    the customer whom they became; erased customers get none."""
    roots = await _held(tx, set(told))
    now = tx.now()
    rows: dict[str, Row] = {}
    for customer_id in sorted(told):
        if roots[customer_id].erased:
            continue
        root = roots[customer_id].id
        rows.setdefault(root, _told(f"{message_id}:{root}", root, told[customer_id], now))
    if rows:
        await _keep(tx, list(rows.values()))


def _told(message_id: str, customer_id: str, told: NewEvent, now: datetime) -> Row:
    return {
        "message_id": message_id,
        "customer_id": customer_id,
        "partition": partition_of(customer_id),
        "kind": told.kind,
        "name": told.name,
        "properties": told.properties,
        "merges": None,
        "enrollment_id": None,
        "step": None,
        "occurred_at": told.occurred_at or now,
        "accepted_at": now,
    }


async def customer_of(tx: Tx, person: UserIds) -> str:
    """The id of the customer behind these identities, created when there is none. Unlike ``accept``, merges nobody.

    The customer's row is not locked here: the caller locks it FOR UPDATE, and two callers with a weaker lock on it would wait
    for each other.
    """
    ties = await _ties(tx, [person], hold=False)
    return (await _resolved(tx, [person], ties)).belongings[0].customer


def _row(message_id: str, message: IncomingMessage, customer_id: str, accepted_at: datetime, merges: str | None) -> Row:
    return {
        "message_id": message_id,
        "customer_id": customer_id,
        "partition": partition_of(customer_id),
        "kind": message.kind,
        "name": message.name,
        "properties": message.properties,
        "merges": merges,
        "enrollment_id": None,
        "step": None,
        "occurred_at": message.occurred_at or accepted_at,
        "accepted_at": accepted_at,
    }


async def _keep(tx: Tx, rows: list[Row]) -> None:
    # Two requests with the same message meet in ON CONFLICT; the first to commit wins.
    if tx.sqlite:
        await tx.execute(_INSERT_SQLITE, rows)
    else:
        # One statement, with a parameter for each column: a statement for each row is several times slower on PostgreSQL.
        columns = {f"{name}s": [row[name] for row in rows] for name in _COLUMNS}
        await tx.execute(_INSERT_POSTGRESQL, columns)


_COLUMNS = (
    "message_id", "customer_id", "partition", "kind", "name", "properties", "merges", "enrollment_id", "step",
    "occurred_at", "accepted_at",
)  # fmt: skip
_INSERT_SQLITE = sqlite.insert(events).on_conflict_do_nothing(index_elements=["message_id"])


def _insert_postgresql() -> postgresql.Insert:
    arrays = [bindparam(f"{name}s", type_=postgresql.ARRAY(events.c[name].type)) for name in _COLUMNS]
    sent = func.unnest(*arrays).table_valued(*_COLUMNS, with_ordinality="place", name="sent").render_derived()
    in_order = select(*(sent.c[name] for name in _COLUMNS)).order_by(sent.c.place)
    statement = postgresql.insert(events).from_select(list(_COLUMNS), in_order)
    return statement.on_conflict_do_nothing(index_elements=["message_id"])


_INSERT_POSTGRESQL = _insert_postgresql()


async def is_recorded(tx: Tx, once: str) -> bool:
    """Whether an observation with this ``once`` is stored, also of a customer who was erased since."""
    return bool(await _kept(tx, [f"{OWN_MESSAGE_ID}{once}"]))


async def _kept(tx: Tx, message_ids: Collection[str]) -> set[str]:
    """Which of these messages are stored, also of erased customers: sending such a message again must not bring its customer
    back."""
    salted = await salt(tx)
    known = {tombstone(salted, message_id): message_id for message_id in message_ids}
    chosen = select(events.c.message_id).where(any_of(tx, events.c.message_id, [*message_ids, *known]))
    stored: set[str] = {row["message_id"] for row in await tx.rows(chosen)}
    return {known.get(message_id, message_id) for message_id in stored}


def _persons(messages: Iterable[IncomingMessage]) -> list[UserIds]:
    return [UserIds(message.user_id, message.anonymous_id, message.previous_id) for message in messages]


async def _resolved(tx: Tx, persons: Sequence[UserIds], ties: _Ties) -> Resolution:
    """Resolve the identities and write the new ones; start again when another request wrote one of them first."""
    alone: set[str] = set()
    while True:
        resolution = resolve(persons, ties.known, ties.named, _new_id)
        named = {customer for identity, customer in resolution.linked.items() if identity.kind == "user_id"}
        named.difference_update(resolution.created, alone)
        if tx.sqlite or not named:
            if await _linked(tx, resolution):
                return resolution
        else:
            # Two requests must not each give one anonymous customer a user id: lock the row exclusively.
            alone |= named
            await tx.execute(
                select(customers.c.id).where(any_of(tx, customers.c.id, named)).order_by(customers.c.id)
                .with_for_update(key_share=True)
            )  # fmt: skip
        ties = await _ties(tx, persons)


def _new_id() -> str:
    return uuid.uuid4().hex


class _Ties(NamedTuple):
    """The customers of identities, merges followed, and which of these customers have a user id."""

    known: dict[Identity, str]
    named: set[str]


class _Identified(Protocol):
    @property
    def user_id(self) -> str | None: ...

    @property
    def anonymous_id(self) -> str | None: ...

    @property
    def previous_id(self) -> str | None: ...


async def _ties(tx: Tx, persons: Iterable[_Identified], *, hold: bool = True) -> _Ties:
    """Look up these identities, and lock the rows of their customers."""
    users, anonymous = set[str](), set[str]()
    for person in persons:
        if person.user_id is not None:
            users.add(person.user_id)
        if person.anonymous_id is not None:
            anonymous.add(person.anonymous_id)
        if person.previous_id is not None:
            users.add(person.previous_id)
            anonymous.add(person.previous_id)
    asked = [
        (identities.c.kind == kind) & any_of(tx, identities.c.value, values)
        for kind, values in (("user_id", users), ("anonymous_id", anonymous))
        if values
    ]
    chosen = (
        select(identities.c.kind, identities.c.value, customers.c.id, customers.c.merged_into, customers.c.erased_at, NAMED)
        .join(customers, customers.c.id == identities.c.customer_id)
        .where(or_(false(), *asked))
        .order_by(customers.c.id)
    )
    rows = await tx.rows(chosen.with_for_update(read=True, key_share=True, of=customers) if hold else chosen)
    known, named, merged = dict[Identity, str](), set[str](), dict[Identity, str]()
    for row in rows:
        identity = Identity(row["kind"], row["value"])
        if row["merged_into"] is not None:
            merged[identity] = row["merged_into"]
        else:
            known[identity] = row["id"]
            if row["named"]:
                named.add(row["id"])
    roots = await _held(tx, set(merged.values())) if merged else {}
    if any(row["erased_at"] for row in rows) or any(root.erased for root in roots.values()):
        # Erased while we waited for their rows: their identities are gone, so look again.
        return await _ties(tx, persons, hold=hold)
    if merged:
        for identity, customer in merged.items():
            known[identity] = roots[customer].id
        named.update(root.id for root in roots.values() if root.named)
    return _Ties(known, named)


_user = identities.alias("named")
NAMED = (
    select(_user.c.customer_id)
    .where(_user.c.customer_id == customers.c.id, _user.c.kind == "user_id")
    .correlate(customers)
    .exists()
    .label("named")
)
"""A column: whether the customer has a user id."""


class _Root(NamedTuple):
    """A customer who was not merged into another."""

    id: str
    named: bool
    erased: bool


async def _held(tx: Tx, ids: set[str]) -> dict[str, _Root]:
    """Lock the rows of these customers, and of those they were merged into. Returns by id whom each has become."""
    into: dict[str, str | None] = {}
    named: dict[str, bool] = {}
    erased: set[str] = set()
    missing = ids
    while missing:
        rows = await tx.rows(
            select(customers.c.id, customers.c.merged_into, customers.c.erased_at, NAMED)
            .where(any_of(tx, customers.c.id, missing))
            .order_by(customers.c.id)
            .with_for_update(read=True, key_share=True, of=customers)
        )
        into |= {row["id"]: row["merged_into"] for row in rows}
        named |= {row["id"]: bool(row["named"]) for row in rows}
        erased |= {row["id"] for row in rows if row["erased_at"] is not None}
        missing = {target for target in into.values() if target is not None} - into.keys()
    roots = {}
    for customer in into:
        root = customer
        while (target := into[root]) is not None:
            root = target
        roots[customer] = _Root(root, named[root], root in erased)
    return roots


async def _linked(tx: Tx, resolution: Resolution) -> bool:
    """Write new customers and identities. Returns False, and writes nothing, if another request wrote one of them first."""
    if not resolution.linked:
        return True
    now = tx.now()
    try:
        async with tx.connection.begin_nested():
            if resolution.created:
                await tx.execute(
                    insert(customers),
                    [{"id": id, "traits": {}, "created_at": now, "updated_at": now} for id in resolution.created],
                )
            # In a fixed order, or two requests with the same identities deadlock.
            await tx.execute(
                insert(identities),
                [
                    {"kind": kind, "value": value, "customer_id": customer, "created_at": now}
                    for (kind, value), customer in sorted(resolution.linked.items())
                ],
            )
    except IntegrityError:
        return False
    return True
