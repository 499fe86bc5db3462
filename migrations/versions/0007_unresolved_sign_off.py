"""Signing off what could not be decided, by area and quarter.

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "unresolved_sign_off",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("area_id", ROW_ID, nullable=False),
        sa.Column("quarter", sa.String(length=7), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("signed_by", sa.String(length=100), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("signed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_unresolved_sign_off_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unresolved_sign_off")),
    )
    for column in ("area_id", "quarter"):
        op.create_index(op.f(f"ix_unresolved_sign_off_{column}"), "unresolved_sign_off", [column])
    op.create_table(
        "signed_address",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("sign_off_id", ROW_ID, nullable=False),
        sa.Column("address_id", ROW_ID, nullable=False),
        sa.Column("unresolved", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["sign_off_id"], ["unresolved_sign_off.id"], name=op.f("fk_signed_address_sign_off_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_signed_address_address_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signed_address")),
    )
    op.create_index(op.f("ix_signed_address_address_id"), "signed_address", ["address_id"])
    op.create_index(
        "ix_signed_address_sign_off_id_address_id", "signed_address", ["sign_off_id", "address_id"], unique=True
    )


def downgrade() -> None:
    op.drop_table("signed_address")
    op.drop_table("unresolved_sign_off")
