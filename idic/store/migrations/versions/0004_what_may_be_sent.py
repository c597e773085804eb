"""what may be sent: the contact policy, the ledger of consents, suppressions that name nobody"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

import phonenumbers
import sqlalchemy as sa
from alembic import op
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As idic.store.tables had them when this was written: a migration imports nothing that may change.
_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_INSERT = "INSERT INTO suppressions (channel, {0}, reason, at) VALUES (:channel, :{0}, :reason, :at)"


def _columns() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("customers", sa.Column("fewer", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("customers", sa.Column("paused_until", _INSTANT, nullable=True)),
        ("customers", sa.Column("erased_at", _INSTANT, nullable=True)),
        ("consents", sa.Column("purpose", sa.Text(), nullable=False, server_default="marketing")),
        ("consents", sa.Column("confirmed", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("consents", sa.Column("act", sa.String(length=30), nullable=False, server_default="form")),
        ("consents", sa.Column("proof", _JSON, nullable=True)),
        ("touches", sa.Column("journey", sa.Text(), nullable=False, server_default="")),
        ("touches", sa.Column("purpose", sa.String(length=20), nullable=False, server_default="marketing")),
        ("touches", sa.Column("topic", sa.Text(), nullable=True)),
        ("touches", sa.Column("sender", sa.Text(), nullable=True)),
        ("touches", sa.Column("recipient", sa.String(length=64), nullable=True)),
        ("touches", sa.Column("replied_at", _INSTANT, nullable=True)),
    ]


_BATCH = 1000


def upgrade() -> None:
    for table, column in _columns():
        op.add_column(table, column)
    _tell_touches()
    op.create_table(
        "policies",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("published_at", _INSTANT, nullable=False),
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
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("likeness", "channel", "hour", name=op.f("pk_responses")),
    )
    op.create_table(
        "learnt",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claimed_at", _INSTANT, nullable=False),
        sa.Column("touch_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learnt")),
    )


def _tell_touches() -> None:
    connection = op.get_bind()
    programs = sa.table("programs", sa.column("id"), sa.column("journey"), sa.column("document", _JSON))
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
    words = sa.table("vocabularies", sa.column("id"), sa.column("document", _JSON))
    newest = connection.execute(sa.select(words.c.document).order_by(words.c.id.desc()).limit(1)).scalar()
    customers = sa.table("customers", sa.column("id"), sa.column("traits", _JSON))
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
            number = _e164(traits, (newest or {}).get("country"))
            if number is not None:
                known.append({"digest": _digest(salt, "sms", number), "customer_id": id_})
        if known:
            connection.execute(sa.insert(numbers), known)


_LETTER = re.compile(r"[^\W\d_]")
_NO_SMS = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PAGER,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
)


def _digest(salt: str, channel: str, address: str) -> str:
    """The digest of an address, as idic.store.digests computed it."""
    return hmac.digest(salt.encode(), f"{channel}:{address.strip().lower()}".encode(), hashlib.sha256).hex()


def _e164(traits: dict[str, Any], country: str | None) -> str | None:
    """A customer's phone number in E.164, as idic.interact.reach read it; None where no SMS could go there."""
    phone = traits.get("phone")
    written = (str(phone) if isinstance(phone, int) else phone.strip() if isinstance(phone, str) else "").removeprefix("tel:")
    if not written or _LETTER.search(written):
        return None
    home = traits.get("country")
    told = ((home.strip() if isinstance(home, str) else "") or country or "").upper()
    region = told if told in phonenumbers.SUPPORTED_REGIONS else None
    number = _valid(written, region)
    # Databases keep numbers without their plus sign.
    if number is None and region is not None and written.startswith(str(phonenumbers.country_code_for_region(region))):
        return _valid(f"+{written}", None)
    return number


def _valid(written: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) in _NO_SMS:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _suppressions(name: str, key: sa.Column[str]) -> None:
    op.create_table(
        name,
        sa.Column("channel", sa.String(length=20), nullable=False),
        key,
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
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
            {**row, "digest": _digest(salt, row["channel"], row["address"])},
        )


def _remember_addresses() -> None:
    """Those of customers who are known: nobody else's can be told from a digest, which is what it is for."""
    connection = op.get_bind()
    salt = connection.execute(sa.text("SELECT salt FROM salts")).scalar_one()
    kept = {
        (row["channel"], row["digest"]): row
        for row in connection.execute(sa.text("SELECT channel, digest, reason, at FROM suppressions")).mappings()
    }
    customers = sa.table("customers", sa.column("traits", _JSON))
    op.drop_table("suppressions")
    _suppressions("suppressions", sa.Column("address", sa.Text(), nullable=False))
    for (traits,) in connection.execute(sa.select(customers.c.traits)).all():
        for channel, name in (("email", "email"), ("sms", "phone")):
            address = str(traits.get(name) or "").strip().lower()
            row = kept.pop((channel, _digest(salt, channel, address)), None) if address else None
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
