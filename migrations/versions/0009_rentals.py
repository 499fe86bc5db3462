"""Rentals: versions of the grading rules, gradings with their reasons, inspections and rectifications.

Revision: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rental_rule_set",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rental_rule_set")),
        sa.UniqueConstraint("number", name=op.f("uq_rental_rule_set_number")),
    )
    op.create_table(
        "rental_grading",
        sa.Column("id", KEY, nullable=False),
        sa.Column("rental_id", KEY, nullable=False),
        sa.Column("graded_on", sa.Date(), nullable=False),
        sa.Column("rule_set", sa.Integer(), nullable=False),
        sa.Column("grade_before", sa.String(length=16), nullable=False),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("contributions", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["rental_id"], ["rental.id"], name=op.f("fk_rental_grading_rental_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rental_grading")),
    )
    op.create_index(op.f("ix_rental_grading_rental_id"), "rental_grading", ["rental_id"])
    op.create_table(
        "rental_inspection",
        sa.Column("id", KEY, nullable=False),
        sa.Column("rental_id", KEY, nullable=False),
        sa.Column("inspected_on", sa.Date(), nullable=False),
        sa.Column("inspector", sa.String(length=100), nullable=False),
        sa.Column("findings", sa.String(length=1000), nullable=True),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["rental_id"], ["rental.id"], name=op.f("fk_rental_inspection_rental_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rental_inspection")),
    )
    op.create_index(op.f("ix_rental_inspection_rental_id"), "rental_inspection", ["rental_id"])
    op.create_table(
        "rectification",
        sa.Column("id", KEY, nullable=False),
        sa.Column("inspection_id", KEY, nullable=False),
        sa.Column("rental_id", KEY, nullable=False),
        sa.Column("what", sa.String(length=300), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("done_note", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["rental_inspection.id"], name=op.f("fk_rectification_inspection_id")
        ),
        sa.ForeignKeyConstraint(["rental_id"], ["rental.id"], name=op.f("fk_rectification_rental_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification")),
    )
    for column in ("inspection_id", "rental_id", "due_on"):
        op.create_index(op.f(f"ix_rectification_{column}"), "rectification", [column])
