"""The tables. One truth per customer: whoever moves anything of a customer's holds that customer's row.

Instants are idic's clock, in UTC; only ``leases`` and ``routers``, which are about processes, are in real time.
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
"""Into how many parts customers are divided among routers. Fixed for the life of a store."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC, to the microsecond, on both databases (SQLite has no time zones: it keeps UTC)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# SQLite numbers rows by itself only where the key is exactly INTEGER.
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
    # When a browser of theirs last asked what to show; to the hour.
    Column("web_seen_at", Instant),
    # What they asked for on their preference page: fewer messages, and none of marketing until then.
    Column("fewer", Boolean, nullable=False, server_default=false()),
    Column("paused_until", Instant),
    # Since when nothing is known of them any more, because they wanted it so.
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
    # Of a telephone number, as in `suppressions`.
    Column("digest", String(64), primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), primary_key=True, index=True),
)
"""Who gave which telephone number: several may have given the same."""

events = Table(
    "events",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("partition", Integer, nullable=False),
    # Segment's calls (`track`, `identify`, `page`, `screen`, `group`, `alias`), or `own` for what idic itself observed.
    Column("kind", String(20), nullable=False),
    Column("name", Text, nullable=False),
    Column("properties", Json, nullable=False),
    # An anonymous customer who turned out to be this one; the router merges them.
    Column("merges", String(32)),
    # Of idic's own events: the message that they are about.
    Column("enrollment_id", String(32)),
    Column("step", Text),
    Column("occurred_at", Instant),
    Column("accepted_at", Instant, nullable=False),
    Column("routed_at", Instant),
    # What the router made of it: journey -> what happened, or why nothing did.
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
    # Paused: nobody is lost, and nothing is sent. Stopped: nobody enters until it is published again.
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
"""What was published when: the newest of a journey is what its row in ``journeys`` says."""

admissions = Table(
    "admissions",
    metadata,
    Column("journey", Text, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How many a journey with ``at_most`` has let in on each day (ISO date) of its program's zone."""

due = Table(
    "due",
    metadata,
    Column("journey", Text, primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Index("ix_due_at", "at"),
)
"""When a customer next enters a journey that has a day of each customer's own."""

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # `scheduled` (every, once), `days` (find everybody's next day), `broadcast` (an event about a thing).
    Column("kind", String(20), nullable=False),
    # Unique for what is swept: the journey and its instant, or the message id of the event.
    Column("message_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("properties", Json, nullable=False),
    Column("due_at", Instant, nullable=False),
    # Of an event about a thing: when its sender says that it happened.
    Column("occurred_at", Instant),
    # All customers up to this one have been gone through.
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
"""What goes through all customers, page by page: interrupted, it goes on where it was."""

calls = Table(
    "calls",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("enrollment_id", String(32), ForeignKey("enrollments.id"), nullable=False),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("endpoint", Text, nullable=False),
    # What it is called with, by name.
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
"""Calls of endpoints. The id is the idempotency key that every try carries."""

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
"""The contact policy as it was published; the newest holds for everybody, also for who is inside a journey."""

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
    # "" for a journey without key: NULLs are not equal to one another, and uniqueness needs them to be.
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
    # Until when a goal that comes after the end still counts as this journey's.
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
    # Of its program, as the contact policy counts it.
    Column("journey", Text, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("topic", Text),
    # Through which provider account it leaves: the first of its channel, or one that stands in for it.
    Column("account", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text),
    # What the provider said, for the person who asks why; may hold an address.
    Column("detail", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("provider_id", Text),
    Column("deliver_by", Instant, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("attempted_at", Instant),
    Column("settled_at", Instant),
    # Of an SMS: in how many parts it was sent, each of which is billed, and from which number, so that an answer finds it. To
    # which address it went (as a digest): whoever holds the message shows that they own this one, and no other.
    Column("segments", Integer),
    Column("sender", Text),
    Column("recipient", String(64)),
    # What became of it after it was sent; each time only the first.
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
"""Messages as customers got them, where they are kept."""

placements = Table(
    "placements",
    metadata,
    Column("touch_id", String(32), ForeignKey("touches.id"), primary_key=True),
    Column("customer_id", String(32), ForeignKey("customers.id"), nullable=False),
    Column("enrollment_id", String(32), ForeignKey("enrollments.id"), nullable=False, index=True),
    Column("slot", Text, nullable=False),
    Column("html", Text, nullable=False),
    # Where it links to: nothing else can be reported as clicked.
    Column("links", Json, nullable=False),
    Column("ends_on_click", Boolean, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("ended_at", Instant),
    # `goal`, `leave`, `closed`, `withdrawn` or `click`; NULL while it lasts, and where its time ran out.
    Column("ended", String(20)),
    Index("ix_placements_customer", "customer_id", "until"),
)
"""What is shown in the slots of customers' own sites."""

responses = Table(
    "responses",
    metadata,
    # Whom it was sent to: `in DE`, `who read de`, or "" for everybody.
    Column("likeness", String(20), primary_key=True),
    Column("channel", String(20), primary_key=True),
    # In which it left, where they live.
    Column("hour", Integer, primary_key=True, autoincrement=False),
    # Sums over messages, each worth half as much after some time; as of `at`.
    Column("messages", Float, nullable=False),
    Column("answers", Float, nullable=False),
    # The same, of those whose receiver had answered the one before on this channel.
    Column("after_answer", Float, nullable=False),
    Column("answered_again", Float, nullable=False),
    Column("at", Instant, nullable=False),
)
"""How people alike answer: what is expected of somebody of whom little is known."""

learnt = Table(
    "learnt",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("claimed_at", Instant, nullable=False),
    Column("touch_id", String(32), nullable=False),
)
"""One row: the touch up to which `responses` knows all, in the order of (claimed_at, id)."""

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
    # NULL speaks for every topic.
    Column("topic", Text),
    Column("channel", String(20), nullable=False),
    Column("given", Boolean, nullable=False),
    # Whether who owns the address has shown it (double opt-in), and not only somebody who knows it.
    Column("confirmed", Boolean, nullable=False, server_default=false()),
    # By which act: `form`, `double opt-in`, `import`, `preference page`, `one-click`, `keyword`, `complaint`.
    Column("act", String(30), nullable=False, server_default="form"),
    # What shows it: the page and its words, an address of the internet, a message's id.
    Column("proof", Json),
    Column("at", Instant, nullable=False),
    Column("event_id", Number),
)
"""The ledger of consents. Rows are added and never changed: what is allowed now is worked out of all of them."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("channel", String(20), primary_key=True),
    # Of the address, under the store's own salt: who is not written to any more is not kept on a list for it.
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
