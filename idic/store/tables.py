"""The tables of the store.

A transaction that changes anything of a customer locks the customer's row first. Instants are of idic's clock, in UTC; only
``leases`` and ``routers``, which are about processes, are in real time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

PARTITIONS = 16
"""The number of partitions that routers share. Fixed for the life of a store."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC, to the microsecond, on both databases (SQLite has no time zones: it keeps UTC)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database. Raises ``ValueError`` for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# SQLite numbers rows only where the key is exactly INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def partition_of(identifier: str) -> int:
    """The partition of a customer or an enrollment, from its random hexadecimal id."""
    return int(identifier[:8], 16) % PARTITIONS


customers = Table(
    "customers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("traits", Json, nullable=False),
    Column("merged_into", String(32)),
    # When one of their browsers last asked for content; to the hour.
    Column("web_seen_at", Instant),
    # From their preference page: fewer messages; no marketing until then.
    Column("fewer", Boolean, nullable=False, server_default=false()),
    Column("paused_until", Instant),
    # When their data was erased, at their request.
    Column("erased_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
)

numbers = Table(
    "numbers",
    metadata,
    # Digest of a phone number, as in `suppressions`.
    Column("digest", String(64), primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), primary_key=True, index=True),
)
"""Which customers have which phone number; several may have the same."""

events = Table(
    "events",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("partition", Integer, nullable=False),
    # Segment's calls (`track`, `identify`, `page`, `screen`, `group`, `alias`), or `own` for an event of idic itself.
    Column("kind", String(20), nullable=False),
    Column("name", Text, nullable=False),
    Column("properties", Json, nullable=False),
    # An anonymous customer who is the same person; the router merges them.
    Column("merges", String(32)),
    # The message that an event of idic itself is about.
    Column("enrollment_id", String(32)),
    Column("step", Text),
    Column("occurred_at", Instant),
    Column("accepted_at", Instant, nullable=False),
    Column("routed_at", Instant),
    # The result of routing: journey -> what happened, or why nothing did.
    Column("outcome", Json),
    Index(
        "ix_events_unrouted",
        "partition",
        "customer_id",
        "id",
        **{  # type: ignore[arg-type]
            f"{dialect}_where": text("routed_at IS NULL") for dialect in ("postgresql", "sqlite")
        },
    ),
    Index("ix_events_inbox", "customer_id", "name", "accepted_at"),
)

programs = Table(
    "programs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("journey", Text, nullable=False, index=True),
    Column("flow", String(32), nullable=False),
    Column("content", String(32), nullable=False),
    Column("document", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)

journeys = Table(
    "journeys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("program_id", String(32), ForeignKey("programs.id"), nullable=False),
    Column("published_at", Instant, nullable=False),
    # Paused: customers stay in it, and nothing is sent. Stopped: nobody enters until it is published again.
    Column("paused_at", Instant),
    Column("stopped_at", Instant),
)

publications = Table(
    "publications",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("journey", Text, nullable=False, index=True),
    Column("program_id", String(32), ForeignKey("programs.id"), nullable=False),
    Column("published_at", Instant, nullable=False),
)
"""Every publication of a program; the newest of a journey is the one in ``journeys``."""

admissions = Table(
    "admissions",
    metadata,
    Column("journey", Text, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How many customers entered a journey with ``at_most`` on each day (ISO date) of its program's zone."""

due = Table(
    "due",
    metadata,
    Column("journey", Text, primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Index("ix_due_at", "at"),
)
"""When a customer next enters a journey that depends on the customer's own date."""

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # `scheduled` (every, once), `days` (find each customer's next day), `broadcast` (an event about a thing).
    Column("kind", String(20), nullable=False),
    # Unique for each sweep: the journey and its instant, or the message id of the event.
    Column("message_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("properties", Json, nullable=False),
    Column("due_at", Instant, nullable=False),
    # When an event about a thing happened, as its sender says.
    Column("occurred_at", Instant),
    # The sweep has done all customers up to this one.
    Column("after_id", String(32), nullable=False, server_default=""),
    Column("done_at", Instant),
    Index("ix_sweeps_kind", "kind", "name", "due_at"),
    Index(
        "ix_sweeps_open",
        "due_at",
        **{  # type: ignore[arg-type]
            f"{dialect}_where": text("done_at IS NULL") for dialect in ("postgresql", "sqlite")
        },
    ),
)
"""Jobs that go through all customers, page by page; after an interruption they go on where they were."""

calls = Table(
    "calls",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("enrollment_id", String(32), ForeignKey("enrollments.id"), nullable=False),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("endpoint", Text, nullable=False),
    # The values it is called with, by name.
    Column("given", Json, nullable=False),
    # `asked`, `answered` or `failed`.
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("answer_by", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("settled_at", Instant),
    UniqueConstraint("enrollment_id", "step", "round"),
    Index("ix_calls_customer", "customer_id"),
)
"""Calls of endpoints. The id is the idempotency key of every attempt."""

vocabularies = Table(
    "vocabularies",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("document", Json, nullable=False),
    Column("published_at", Instant, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("document", Json, nullable=False),
    Column("published_at", Instant, nullable=False),
)
"""Published contact policies. The newest holds for all customers, also for those inside a journey."""

budgets = Table(
    "budgets",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How many messages of a channel with a budget were claimed on each day (ISO date) of the vocabulary's zone."""

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("journey", Text, nullable=False),
    Column("program_id", String(32), ForeignKey("programs.id"), nullable=False),
    # "" for a journey without key: NULLs are not equal to each other, and the unique index needs equal values.
    Column("key", Text, nullable=False, server_default=""),
    Column("semantics", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("state", Json, nullable=False),
    Column("step", Text),
    Column("deadline", Instant),
    Column("entered_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ending", String(20)),
    Column("reason", Text),
    Column("goal_at", Instant),
    Column("goal_value", Float),
    # Until when a goal after the end still counts for this journey.
    Column("attribute_until", Instant),
    Index(
        "uq_enrollments_open",
        "customer_id",
        "journey",
        "key",
        unique=True,
        **{  # type: ignore[arg-type]
            f"{dialect}_where": text("ended_at IS NULL") for dialect in ("postgresql", "sqlite")
        },
    ),
    Index("ix_enrollments_entries", "customer_id", "journey", "key", "entered_at"),
    Index(
        "ix_enrollments_open_deadline",
        "deadline",
        **{  # type: ignore[arg-type]
            f"{dialect}_where": text("ended_at IS NULL") for dialect in ("postgresql", "sqlite")
        },
    ),
)

touches = Table(
    "touches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("enrollment_id", String(32), ForeignKey("enrollments.id"), nullable=False),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("message", Text, nullable=False),
    # From its program, as the contact policy counts it.
    Column("journey", Text, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("topic", Text),
    # The provider account that sends it: the first of its channel, or one that replaces it.
    Column("account", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    # The provider's words, for the person who asks why; may contain an address.
    Column("detail", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("provider_id", Text),
    Column("deliver_by", Instant, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("attempted_at", Instant),
    Column("settled_at", Instant),
    # Of an SMS: the number of billed parts, and the number it was sent from, so that a reply finds it. The digest of the
    # address it was sent to: whoever opens a link from the message owns this address, and no other.
    Column("segments", Integer),
    Column("sender", Text),
    Column("recipient", String(64)),
    # What happened to it after it was sent, each for the first time.
    Column("delivered_at", Instant),
    Column("shown_at", Instant),
    Column("opened_at", Instant),
    Column("clicked_at", Instant),
    Column("replied_at", Instant),
    Column("bounced_at", Instant),
    UniqueConstraint("enrollment_id", "step", "round", "channel"),
    Index("ix_touches_customer", "customer_id", "claimed_at"),
    Index(
        "ix_touches_recipient",
        "recipient",
        "attempted_at",
        **{  # type: ignore[arg-type]
            f"{dialect}_where": text("recipient IS NOT NULL") for dialect in ("postgresql", "sqlite")
        },
    ),
    Index("ix_touches_claimed", "claimed_at", "id"),
    Index(
        "ix_touches_under_way",
        "enrollment_id",
        **{  # type: ignore[arg-type]
            f"{dialect}_where": text("status = 'attempting'") for dialect in ("postgresql", "sqlite")
        },
    ),
)

copies = Table(
    "copies",
    metadata,
    Column("touch_id", String(32), ForeignKey("touches.id"), primary_key=True),
    Column("address", Text, nullable=False),
    Column("subject", Text),
    Column("html", Text),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_copies_at", "at", "touch_id"),
)
"""Copies of messages as customers got them, where copies are kept."""

placements = Table(
    "placements",
    metadata,
    Column("touch_id", String(32), ForeignKey("touches.id"), primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("enrollment_id", String(32), ForeignKey("enrollments.id"), nullable=False, index=True),
    Column("slot", Text, nullable=False),
    Column("html", Text, nullable=False),
    # Its links: only these can be reported as clicked.
    Column("links", Json, nullable=False),
    Column("ends_on_click", Boolean, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("ended_at", Instant),
    # `goal`, `leave`, `closed`, `withdrawn` or `click`; NULL while it is shown, and where its time ran out.
    Column("ended", String(20)),
    Index("ix_placements_customer", "customer_id", "until"),
)
"""The content shown in the slots of websites."""

responses = Table(
    "responses",
    metadata,
    # A group of customers: `in DE`, `who read de`, or "" for all.
    Column("likeness", String(20), primary_key=True),
    Column("channel", String(20), primary_key=True),
    # The hour at which it was sent, in the customer's zone.
    Column("hour", Integer, primary_key=True, autoincrement=False),
    # Sums over messages, which fade with time; as of `at`.
    Column("messages", Float, nullable=False),
    Column("answers", Float, nullable=False),
    # The same, of messages whose customer had answered the one before on this channel.
    Column("after_answer", Float, nullable=False),
    Column("answered_again", Float, nullable=False),
    Column("at", Instant, nullable=False),
)
"""How groups of customers respond, for customers of whom little is known."""

learnt = Table(
    "learnt",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("claimed_at", Instant, nullable=False),
    Column("touch_id", String(32), nullable=False),
)
"""One row: the touch up to which `responses` is summed up, in the order of (claimed_at, id)."""

short_links = Table(
    "short_links",
    metadata,
    Column("code", String(16), primary_key=True),
    Column("touch_id", String(32), ForeignKey("touches.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

trace = Table(
    "trace",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("enrollment_id", String(32), ForeignKey("enrollments.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("step", Text),
    Column("why", Json, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("partition", Integer, nullable=False, index=True),
    Column("enrollment_id", String(32), nullable=False),
    Column("kind", String(10), nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False, index=True),
    Column("purpose", Text, nullable=False, server_default="marketing"),
    # NULL means every topic.
    Column("topic", Text),
    Column("channel", String(20), nullable=False),
    Column("given", Boolean, nullable=False),
    # Whether the owner of the address has confirmed it (double opt-in): anybody can enter an address into a form.
    Column("confirmed", Boolean, nullable=False, server_default=false()),
    # How it was given or withdrawn: `form`, `double opt-in`, `import`, `preference page`, `one-click`, `keyword`, `complaint`.
    Column("act", String(30), nullable=False, server_default="form"),
    # The proof: the page and its words, an IP address, a message's id.
    Column("proof", Json),
    Column("at", Instant, nullable=False),
    Column("event_id", Number),
)
"""The ledger of consents. Rows are added and never changed; the current consent follows from all of them."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("channel", String(20), primary_key=True),
    # Digest of the address under the store's own salt, so that this is no list of addresses.
    Column("digest", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

salts = Table(
    "salts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("salt", String(64), nullable=False),
)
"""One row: the salt of this store's digests."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", Json, nullable=False),
    Column("at", Instant, nullable=False),
)

routers = Table(
    "routers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alive_until", Instant, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(32)),
    Column("until", Instant, nullable=False),
)

clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("factor", Float, nullable=False),
    Column("idic", Instant, nullable=False),
    Column("real", Instant, nullable=False),
)

Row = dict[str, Any]
