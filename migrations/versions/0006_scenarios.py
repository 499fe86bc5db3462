"""Scenarios of planning, their steps and comments, and notices of what their publication changes.

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _id(name: str = "id", *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "scenario",
        _id(),
        sa.Column("name", sa.String(length=100), nullable=False),
        _id("area_id"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("inputs_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("approved_by", sa.String(length=100), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("publish_on", sa.Date(), nullable=True),
        sa.Column("undo", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_scenario_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
    )
    for column in ("area_id", "state"):
        op.create_index(op.f(f"ix_scenario_{column}"), "scenario", [column], unique=False)
    op.create_table(
        "scenario_edit",
        _id(),
        _id("scenario_id"),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_scenario_edit_scenario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario_edit")),
    )
    op.create_index("ix_scenario_edit_scenario_id_step", "scenario_edit", ["scenario_id", "step"], unique=True)
    op.create_table(
        "scenario_comment",
        _id(),
        _id("scenario_id"),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_scenario_comment_scenario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario_comment")),
    )
    op.create_index(op.f("ix_scenario_comment_scenario_id"), "scenario_comment", ["scenario_id"], unique=False)
    op.create_table(
        "notice",
        _id(),
        _id("scenario_id"),
        _id("officer_id", nullable=True),
        _id("area_id", nullable=True),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_notice_scenario_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_notice_officer_id")),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_notice_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    for column in ("scenario_id", "officer_id", "area_id"):
        op.create_index(op.f(f"ix_notice_{column}"), "notice", [column], unique=False)
