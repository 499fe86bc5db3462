"""Registrations: reasons for leaving are codes, and what happens to a registration is kept.

Revision: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: what people used to write → the code
REASONS = {
    "离开本区": "left_district",
    "离开": "left_district",
    "返乡": "left_district",
    "离甬": "left_district",
    "区内迁移": "moved_within",
    "区内搬迁": "moved_within",
    "搬迁": "moved_within",
    "逾期未续": "not_renewed",
    "到期未续": "not_renewed",
    "落户": "became_resident",
    "户口迁入": "became_resident",
    "死亡": "deceased",
    "登记错误": "entered_in_error",
    "误登": "entered_in_error",
    "其他": "other",
    "其它": "other",
}


def upgrade() -> None:
    op.create_table(
        "registration_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("registration_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("other_id", KEY, nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_registration_event_registration_id")
        ),
        sa.ForeignKeyConstraint(["other_id"], ["registration.id"], name=op.f("fk_registration_event_other_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_event")),
    )
    op.create_index(op.f("ix_registration_event_registration_id"), "registration_event", ["registration_id"])
    op.create_index(op.f("ix_registration_event_other_id"), "registration_event", ["other_id"])
    _code_reasons()


def _code_reasons() -> None:
    """What has no code becomes `other`, with its words kept as a note."""
    registration = sa.table(
        "registration", sa.column("id"), sa.column("deregistered_on"), sa.column("deregistration_reason")
    )
    reason = registration.c.deregistration_reason
    known = {*REASONS, *REASONS.values()}
    op.execute(
        sa.text(
            "INSERT INTO registration_event (registration_id, kind, day, note, actor, recorded_at) "
            "SELECT id, 'note', deregistered_on, deregistration_reason, 'migration', CURRENT_TIMESTAMP "
            "FROM registration WHERE deregistration_reason NOT IN :known AND deregistered_on IS NOT NULL"
        ).bindparams(sa.bindparam("known", sorted(known), expanding=True))
    )
    coded = sa.case(REASONS, value=reason, else_=sa.case((reason.in_(sorted(REASONS.values())), reason), else_="other"))
    op.execute(registration.update().where(reason.is_not(None)).values(deregistration_reason=coded))
