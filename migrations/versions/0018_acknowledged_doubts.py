"""Doubts about addresses that somebody has looked into.

Revision: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "acknowledged_doubt",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("address_id", ROW_ID, nullable=False),
        sa.Column("doubt", sa.String(length=20), nullable=False),
        sa.Column("facts", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=100), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_acknowledged_doubt_address_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledged_doubt")),
    )
    op.create_index(op.f("ix_acknowledged_doubt_address_id"), "acknowledged_doubt", ["address_id"])


def downgrade() -> None:
    op.drop_table("acknowledged_doubt")
