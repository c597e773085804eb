"""what may be sent: the contact policy, the ledger of consents, suppressions that name nobody"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from idic.interact.reach import reach
from idic.store.digests import digest
from idic.store.tables import Instant, Json, Number

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSERT = "INSERT INTO suppressions (channel, {0}, reason, at) VALUES (:channel, :{0}, :reason, :at)"


def _columns() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("customers", sa.Column("fewer", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("customers", sa.Column("paused_until", Instant(), nullable=True)),
        ("customers", sa.Column("erased_at", Instant(), nullable=True)),
        ("consents", sa.Column("purpose", sa.Text(), nullable=False, server_default="marketing")),
        ("consents", sa.Column("confirmed", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("consents", sa.Column("act", sa.String(length=30), nullable=False, server_default="form")),
        ("consents", sa.Column("proof", Json, nullable=True)),
        ("touches", sa.Column("journey", sa.Text(), nullable=False, server_default="")),
        ("touches", sa.Column("purpose", sa.String(length=20), nullable=False, server_default="marketing")),
        ("touches", sa.Column("topic", sa.Text(), nullable=True)),
        ("touches", sa.Column("sender", sa.Text(), nullable=True)),
        ("touches", sa.Column("recipient", sa.String(length=64), nullable=True)),
        ("touches", sa.Column("replied_at", Instant(), nullable=True)),
    ]


_BATCH = 1000


def upgrade() -> None:
    for table, column in _columns():
        op.add_column(table, column)
    _tell_touches()
    op.create_table(
        "policies",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
    )
    op.create_table(
        "budgets",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "day", name=op.f("pk_budgets")),
    )
    op.create_table(
        "salts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_salts")),
    )
    _learn()
    salt = secrets.token_hex(32)
    op.get_bind().execute(sa.text("INSERT INTO salts (id, salt) VALUES (1, :salt)"), {"salt": salt})
    _forget_addresses(salt)
    _know_numbers(salt)


def _learn() -> None:
    op.create_index("ix_touches_claimed", "touches", ["claimed_at", "id"])
    op.create_table(
        "responses",
        sa.Column("likeness", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("messages", "answers", "after_answer", "answered_again")),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("likeness", "channel", "hour", name=op.f("pk_responses")),
    )
    op.create_table(
        "learnt",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.Column("touch_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learnt")),
    )


def _tell_touches() -> None:
    connection = op.get_bind()
    programs = sa.table("programs", sa.column("id"), sa.column("journey"), sa.column("document", Json))
    for row in connection.execute(sa.select(programs.c.id, programs.c.journey, programs.c.document)).all():
        connection.execute(
            sa.text(
                "UPDATE touches SET journey = :journey, purpose = :purpose, topic = :topic"
                " WHERE enrollment_id IN (SELECT id FROM enrollments WHERE program_id = :program)"
            ),
            {
                "journey": row.journey,
                "purpose": row.document.get("purpose", "marketing"),
                "topic": row.document.get("topic"),
                "program": row.id,
            },
        )


def _know_numbers(salt: str) -> None:
    """Whose numbers they are that answers come from."""
    op.create_index(
        "ix_touches_recipient",
        "touches",
        ["recipient", "attempted_at"],
        postgresql_where=sa.text("recipient IS NOT NULL"),
        sqlite_where=sa.text("recipient IS NOT NULL"),
    )
    numbers = op.create_table(
        "numbers",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_numbers_customer_id")),
        sa.PrimaryKeyConstraint("digest", "customer_id", name=op.f("pk_numbers")),
    )
    op.create_index(op.f("ix_numbers_customer_id"), "numbers", ["customer_id"])
    connection = op.get_bind()
    words = sa.table("vocabularies", sa.column("id"), sa.column("document", Json))
    newest = connection.execute(sa.select(words.c.document).order_by(words.c.id.desc()).limit(1)).scalar()
    customers = sa.table("customers", sa.column("id"), sa.column("traits", Json))
    phone = customers.c.traits["phone"].as_string()
    after = ""
    while rows := connection.execute(
        sa.select(customers.c.id, customers.c.traits)
        .where(customers.c.id > after, phone.is_not(None))
        .order_by(customers.c.id)
        .limit(_BATCH)
    ).all():
        after = rows[-1].id
        known = []
        for id_, traits in rows:
            number = reach("sms", id_, traits, None, datetime.now(UTC), (newest or {}).get("country")).address
            if number is not None:
                known.append({"digest": digest(salt, "sms", number), "customer_id": id_})
        if known:
            connection.execute(sa.insert(numbers), known)


def _suppressions(name: str, key: sa.Column[str]) -> None:
    op.create_table(
        name,
        sa.Column("channel", sa.String(length=20), nullable=False),
        key,
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel", key.name, name=op.f("pk_suppressions")),
    )


def _forget_addresses(salt: str) -> None:
    connection = op.get_bind()
    kept = connection.execute(sa.text("SELECT channel, address, reason, at FROM suppressions")).mappings().all()
    op.drop_table("suppressions")
    _suppressions("suppressions", sa.Column("digest", sa.String(length=64), nullable=False))
    for row in kept:
        connection.execute(
            sa.text(_INSERT.format("digest")),
            {**row, "digest": digest(salt, row["channel"], row["address"])},
        )


def _remember_addresses() -> None:
    """Those of customers who are known: nobody else's can be told from a digest, which is what it is for."""
    connection = op.get_bind()
    salt = connection.execute(sa.text("SELECT salt FROM salts")).scalar_one()
    kept = {
        (row["channel"], row["digest"]): row
        for row in connection.execute(sa.text("SELECT channel, digest, reason, at FROM suppressions")).mappings()
    }
    customers = sa.table("customers", sa.column("traits", Json))
    op.drop_table("suppressions")
    _suppressions("suppressions", sa.Column("address", sa.Text(), nullable=False))
    for (traits,) in connection.execute(sa.select(customers.c.traits)).all():
        for channel, name in (("email", "email"), ("sms", "phone")):
            address = str(traits.get(name) or "").strip().lower()
            row = kept.pop((channel, digest(salt, channel, address)), None) if address else None
            if row is not None:
                connection.execute(
                    sa.text(
                        "INSERT INTO suppressions (channel, address, reason, at) VALUES (:channel, :address, :reason, :at)"
                    ),
                    {"channel": channel, "address": address, "reason": row["reason"], "at": row["at"]},
                )


def downgrade() -> None:
    _remember_addresses()
    op.drop_index("ix_touches_recipient", "touches")
    for table in ("numbers", "learnt", "responses", "salts", "budgets", "policies"):
        op.drop_table(table)
    op.drop_index("ix_touches_claimed", "touches")
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)
