"""Changes of the land: drafts, ancestry, areas before their border; periods that the database keeps apart.

Revision: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: table → what its periods belong to
PERIODS = {
    "area_version": ("area_id",),
    "beat_duty": ("beat_id",),
    "posting": ("officer_id", "unit_id", "role"),
}
#: these have their exclusion constraint on PostGIS since the first revision
CONSTRAINED = ("area_version", "beat_duty")


def upgrade() -> None:
    op.create_table(
        "land_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("accepted_reason", sa.String(length=500), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("drafted_at", sa.DateTime(), nullable=False),
        sa.Column("approved_by", sa.String(length=100), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("undo", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_land_change")),
    )
    op.create_index(op.f("ix_land_change_state"), "land_change", ["state"], unique=False)
    op.create_table(
        "area_ancestry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["from_area_id"], ["area.id"], name=op.f("fk_area_ancestry_from_area_id")),
        sa.ForeignKeyConstraint(["to_area_id"], ["area.id"], name=op.f("fk_area_ancestry_to_area_id")),
        sa.ForeignKeyConstraint(["change_id"], ["land_change.id"], name=op.f("fk_area_ancestry_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_ancestry")),
    )
    for column in ("from_area_id", "to_area_id", "change_id"):
        op.create_index(op.f(f"ix_area_ancestry_{column}"), "area_ancestry", [column], unique=False)
    with op.batch_alter_table("area_version") as batch_op:
        batch_op.alter_column("geom", type_=Geometry("MULTIPOLYGON", srid=4326, nullable=True), nullable=True)
    for table, keys in PERIODS.items():
        if op.get_bind().dialect.name == "sqlite":
            _refuse_overlaps(table, keys)
        elif table not in CONSTRAINED:
            equal = ", ".join(f"{key} WITH =" for key in keys)
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_periods "
                f"EXCLUDE USING gist ({equal}, daterange(valid_from, valid_to) WITH &&)"
            )


def _refuse_overlaps(table: str, keys: tuple[str, ...]) -> None:
    """SQLite has no exclusion constraints: triggers stand for them."""
    same = " AND ".join(f"o.{key} = NEW.{key}" for key in keys)
    for event, other in (("INSERT", ""), ("UPDATE", " AND o.id <> NEW.id")):
        met = (
            f"SELECT 1 FROM {table} o WHERE {same}{other} "  # noqa: S608 - names of our own tables
            "AND o.valid_from < coalesce(NEW.valid_to, '9999-12-31') "
            "AND NEW.valid_from < coalesce(o.valid_to, '9999-12-31')"
        )
        refusal = f"RAISE(ABORT, 'periods of one {table} overlap')"
        op.execute(
            f"CREATE TRIGGER ex_{table}_{event.lower()} BEFORE {event} ON {table} WHEN EXISTS ({met}) "
            f"BEGIN SELECT {refusal}; END"
        )
