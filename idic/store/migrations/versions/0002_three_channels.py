"""three channels: copies, placements, short links, and what became of a touch"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# As idic.store.tables had them when this was written: a migration imports nothing that may change.
_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

_BECAME = ("delivered_at", "shown_at", "opened_at", "clicked_at", "bounced_at")


def upgrade() -> None:
    op.add_column("customers", sa.Column("web_seen_at", _INSTANT, nullable=True))
    op.add_column("touches", sa.Column("segments", sa.Integer(), nullable=True))
    for name in _BECAME:
        op.add_column("touches", sa.Column(name, _INSTANT, nullable=True))
    op.create_table(
        "copies",
        sa.Column("touch_id", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["touch_id"], ["touches.id"], name=op.f("fk_copies_touch_id")),
        sa.PrimaryKeyConstraint("touch_id", name=op.f("pk_copies")),
    )
    op.create_index("ix_copies_at", "copies", ["at", "touch_id"])
    op.create_table(
        "placements",
        sa.Column("touch_id", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=32), nullable=False),
        sa.Column("enrollment_id", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("links", _JSON, nullable=False),
        sa.Column("ends_on_click", sa.Boolean(), nullable=False),
        sa.Column("placed_at", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("ended", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["touch_id"], ["touches.id"], name=op.f("fk_placements_touch_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_placements_customer_id")),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_placements_enrollment_id")),
        sa.PrimaryKeyConstraint("touch_id", name=op.f("pk_placements")),
    )
    op.create_index("ix_placements_customer", "placements", ["customer_id", "until"])
    op.create_index(op.f("ix_placements_enrollment_id"), "placements", ["enrollment_id"])
    op.create_table(
        "short_links",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("touch_id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["touch_id"], ["touches.id"], name=op.f("fk_short_links_touch_id")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_short_links")),
    )


def downgrade() -> None:
    for table in ("short_links", "placements", "copies"):
        op.drop_table(table)
    for name in (*_BECAME, "segments"):
        op.drop_column("touches", name)
    op.drop_column("customers", "web_seen_at")
