"""the whole language: calls, launches, days and schedules, and changing journeys while they run"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As idic.store.tables had them when this was written: a migration imports nothing that may change.
_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("journeys", sa.Column("paused_at", _INSTANT, nullable=True))
    op.add_column("journeys", sa.Column("stopped_at", _INSTANT, nullable=True))
    op.create_table(
        "publications",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("published_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name=op.f("fk_publications_program_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
    )
    op.create_index(op.f("ix_publications_journey"), "publications", ["journey"])
    op.execute(
        "INSERT INTO publications (journey, program_id, published_at) SELECT name, program_id, published_at FROM journeys"
    )
    op.create_table(
        "admissions",
        sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journey", "day", name=op.f("pk_admissions")),
    )
    op.create_table(
        "due",
        sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=32), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_due_customer_id")),
        sa.PrimaryKeyConstraint("journey", "customer_id", name=op.f("pk_due")),
    )
    op.create_index("ix_due_at", "due", ["at"])
    op.create_table(
        "sweeps",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("properties", _JSON, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=True),
        sa.Column("after_id", sa.String(length=32), server_default="", nullable=False),
        sa.Column("done_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("message_id", name=op.f("uq_sweeps_message_id")),
    )
    op.create_index("ix_sweeps_kind", "sweeps", ["kind", "name", "due_at"])
    op.create_index(
        "ix_sweeps_open",
        "sweeps",
        ["due_at"],
        postgresql_where=sa.text("done_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("enrollment_id", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("given", _JSON, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer_by", _INSTANT, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_calls_enrollment_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_calls_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("enrollment_id", "step", "round", name=op.f("uq_calls_enrollment_id_step_round")),
    )
    op.create_index("ix_calls_customer", "calls", ["customer_id"])


def downgrade() -> None:
    for table in ("calls", "sweeps", "due", "admissions", "publications"):
        op.drop_table(table)
    with op.batch_alter_table("journeys") as journeys:
        journeys.drop_column("stopped_at")
        journeys.drop_column("paused_at")
