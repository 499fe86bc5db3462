"""Registers as they stood on a day, kept for good; saved mappings of their sources; who was found to be who.

Revision: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSAL = "a snapshot does not change"
CLOSED = "a closed quarter does not change"

#: what never changes of a row; a rotation of keys writes the sealed columns anew
PLAIN = (
    "id", "snapshot_id", "row_key", "row_number", "source_key", "birth_year", "sex", "dwelling", "address_text",
    "address_code", "arrived_on", "left_on", "doubts",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", KEY, nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("area_id", KEY, nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("file_name", sa.String(length=300), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("doubtful_count", sa.Integer(), nullable=False),
        sa.Column("handed_in_by", sa.String(length=100), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_snapshot_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
    )
    op.create_index("ix_snapshot_area_id_side_taken_on", "snapshot", ["area_id", "side", "taken_on"])
    op.create_table(
        "snapshot_row",
        sa.Column("id", KEY, nullable=False),
        sa.Column("snapshot_id", KEY, nullable=False),
        sa.Column("row_key", sa.String(length=40), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("sex", sa.String(length=8), nullable=True),
        sa.Column("dwelling", sa.String(length=16), nullable=True),
        sa.Column("address_text", sa.String(length=300), nullable=True),
        sa.Column("address_code", sa.String(length=64), nullable=True),
        sa.Column("arrived_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("doubts", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.id"], name=op.f("fk_snapshot_row_snapshot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_row")),
        sa.UniqueConstraint("row_key", name=op.f("uq_snapshot_row_row_key")),
    )
    for column in ("snapshot_id", "id_number_index", "phone_index"):
        op.create_index(op.f(f"ix_snapshot_row_{column}"), "snapshot_row", [column])
    op.create_table(
        "snapshot_source",
        sa.Column("id", KEY, nullable=False),
        sa.Column("area_id", KEY, nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("saved_by", sa.String(length=100), nullable=False),
        sa.Column("saved_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_snapshot_source_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_source")),
    )
    op.create_index("ix_snapshot_source_area_id_side_name", "snapshot_source", ["area_id", "side", "name"], unique=True)
    op.create_table(
        "person_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("quarter", sa.String(length=8), nullable=False),
        sa.Column("village_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("left_row_id", KEY, nullable=False),
        sa.Column("right_row_id", KEY, nullable=False),
        sa.Column("left_side", sa.String(length=16), nullable=False),
        sa.Column("right_side", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=24), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("id_number", sa.String(length=16), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("birth_year", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["village_id"], ["area.id"], name=op.f("fk_person_link_village_id")),
        sa.ForeignKeyConstraint(["left_row_id"], ["snapshot_row.id"], name=op.f("fk_person_link_left_row_id")),
        sa.ForeignKeyConstraint(["right_row_id"], ["snapshot_row.id"], name=op.f("fk_person_link_right_row_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_link")),
    )
    op.create_index("ix_person_link_village_id_quarter", "person_link", ["village_id", "quarter"])
    for column in ("left_row_id", "right_row_id"):
        op.create_index(op.f(f"ix_person_link_{column}"), "person_link", [column])
    if op.get_bind().dialect.name == "postgresql":
        _keep_in_postgres()
    else:
        _keep_in_sqlite()


def _keep_in_postgres() -> None:
    op.execute(
        "CREATE FUNCTION keep_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.is_complete THEN RAISE EXCEPTION '{REFUSAL}'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_snapshot BEFORE UPDATE OR DELETE ON snapshot FOR EACH ROW EXECUTE FUNCTION keep_snapshot()"
    )
    other = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in PLAIN)
    op.execute(
        "CREATE FUNCTION keep_snapshot_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608 - our own tables
        f"IF TG_OP = 'UPDATE' THEN IF {other} THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN NEW; END IF; "
        "IF TG_OP = 'DELETE' THEN "
        "IF EXISTS (SELECT 1 FROM snapshot s WHERE s.id = OLD.snapshot_id AND s.is_complete) "
        f"THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN OLD; END IF; "
        "IF EXISTS (SELECT 1 FROM snapshot s WHERE s.id = NEW.snapshot_id AND s.is_complete) "
        f"THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_snapshot_row BEFORE INSERT OR UPDATE OR DELETE ON snapshot_row "
        "FOR EACH ROW EXECUTE FUNCTION keep_snapshot_row()"
    )
    closed = "SELECT 1 FROM reconciliation r WHERE r.state = 'closed'"
    op.execute(
        "CREATE FUNCTION keep_closed_links() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'INSERT' THEN "
        f"IF EXISTS ({closed} AND r.village_id = OLD.village_id AND r.quarter = OLD.quarter) "
        f"THEN RAISE EXCEPTION '{CLOSED}'; END IF; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; "
        f"IF EXISTS ({closed} AND r.village_id = NEW.village_id AND r.quarter = NEW.quarter) "
        f"THEN RAISE EXCEPTION '{CLOSED}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_closed_links BEFORE INSERT OR UPDATE OR DELETE ON person_link "
        "FOR EACH ROW EXECUTE FUNCTION keep_closed_links()"
    )


def _keep_in_sqlite() -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER keep_snapshot_{event.lower()} BEFORE {event} ON snapshot "
            f"WHEN OLD.is_complete BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    other = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in PLAIN)
    op.execute(
        f"CREATE TRIGGER keep_snapshot_row_update BEFORE UPDATE ON snapshot_row "
        f"WHEN {other} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
        complete = f"SELECT 1 FROM snapshot s WHERE s.id = {row}.snapshot_id AND s.is_complete"  # noqa: S608 - our own tables
        op.execute(
            f"CREATE TRIGGER keep_snapshot_row_{event.lower()} BEFORE {event} ON snapshot_row "
            f"WHEN EXISTS ({complete}) BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
        named = " OR ".join(f"(r.village_id = {row}.village_id AND r.quarter = {row}.quarter)" for row in rows)
        closed = f"SELECT 1 FROM reconciliation r WHERE r.state = 'closed' AND ({named})"  # noqa: S608 - as above
        op.execute(
            f"CREATE TRIGGER keep_closed_link_{event.lower()} BEFORE {event} ON person_link "
            f"WHEN EXISTS ({closed}) BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
        )
