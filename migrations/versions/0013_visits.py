"""Visits that officers record, and the photos taken on them.

Revision: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("receipt_key", sa.String(length=64), nullable=False),
        sa.Column("officer_id", KEY, nullable=False),
        sa.Column("address_id", KEY, nullable=False),
        sa.Column("beat_id", KEY, nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("conflict", sa.String(length=40), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("figures", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_visit_address_id")),
        sa.ForeignKeyConstraint(["beat_id"], ["beat.id"], name=op.f("fk_visit_beat_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_visit_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("receipt_key", name=op.f("uq_visit_receipt_key")),
    )
    op.create_index(op.f("ix_visit_officer_id"), "visit", ["officer_id"])
    op.create_index(op.f("ix_visit_address_id_made_at"), "visit", ["address_id", "made_at"])
    op.create_table(
        "visit_photo",
        sa.Column("id", KEY, nullable=False),
        sa.Column("visit_id", KEY, nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_photo_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_photo")),
        sa.UniqueConstraint("key", name=op.f("uq_visit_photo_key")),
    )
    op.create_index(op.f("ix_visit_photo_visit_id"), "visit_photo", ["visit_id"])


def downgrade() -> None:
    op.drop_table("visit_photo")
    op.drop_table("visit")
