"""Mismatches as items: the fact and its evidence, where to correct, owner, due day; their trail and their files.

Revision: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("mismatch") as batch_op:
        batch_op.add_column(sa.Column("fact_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("fact_index", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("sides_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("at_register", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("field", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("village_id", KEY, nullable=True))
        batch_op.add_column(sa.Column("owner", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("last_found_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("times_opened", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("settled_at", sa.DateTime(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_mismatch_village_id"), "area", ["village_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_mismatch_fact_index"), ["fact_index"], unique=True)
        batch_op.create_index(batch_op.f("ix_mismatch_village_id"), ["village_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mismatch_owner"), ["owner"], unique=False)
        batch_op.create_index(batch_op.f("ix_mismatch_due_on"), ["due_on"], unique=False)
    op.create_table(
        "mismatch_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("mismatch_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("side", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state_before", sa.String(length=24), nullable=True),
        sa.Column("state_after", sa.String(length=24), nullable=True),
        sa.Column("text", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["mismatch_id"], ["mismatch.id"], name=op.f("fk_mismatch_event_mismatch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mismatch_event")),
    )
    op.create_index(op.f("ix_mismatch_event_mismatch_id"), "mismatch_event", ["mismatch_id"])
    op.create_table(
        "mismatch_attachment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("mismatch_id", KEY, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mismatch_id"], ["mismatch.id"], name=op.f("fk_mismatch_attachment_mismatch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mismatch_attachment")),
        sa.UniqueConstraint("key", name=op.f("uq_mismatch_attachment_key")),
    )
    op.create_index(op.f("ix_mismatch_attachment_mismatch_id"), "mismatch_attachment", ["mismatch_id"])
