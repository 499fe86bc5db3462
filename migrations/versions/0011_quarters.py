"""The quarter of a village and its mismatches as they stood; what is closed is never changed.

Revision: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSAL = "a closed quarter does not change"


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("village_id", KEY, nullable=False),
        sa.Column("quarter", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_by", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("matched_at", sa.DateTime(), nullable=True),
        sa.Column("figures", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("worked_at", sa.DateTime(), nullable=True),
        sa.Column("police_signed_by", sa.String(length=100), nullable=True),
        sa.Column("police_signed_at", sa.DateTime(), nullable=True),
        sa.Column("village_signed_by", sa.String(length=100), nullable=True),
        sa.Column("village_signed_at", sa.DateTime(), nullable=True),
        sa.Column("signed_digest", sa.String(length=64), nullable=True),
        sa.Column("closed_by", sa.String(length=100), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["village_id"], ["area.id"], name=op.f("fk_reconciliation_village_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    op.create_index("ix_reconciliation_village_id_quarter", "reconciliation", ["village_id", "quarter"], unique=True)
    op.create_index(op.f("ix_reconciliation_quarter"), "reconciliation", ["quarter"])
    op.create_table(
        "reconciled_item",
        sa.Column("id", KEY, nullable=False),
        sa.Column("reconciliation_id", KEY, nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=False),
        sa.Column("mismatch_class", sa.String(length=32), nullable=False),
        sa.Column("at_register", sa.String(length=16), nullable=True),
        sa.Column("field", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"], ["reconciliation.id"], name=op.f("fk_reconciled_item_reconciliation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciled_item")),
    )
    op.create_index(op.f("ix_reconciled_item_reconciliation_id"), "reconciled_item", ["reconciliation_id"])
    (_keep_in_postgres if op.get_bind().dialect.name == "postgresql" else _keep_in_sqlite)()


def _keep_in_postgres() -> None:
    op.execute(
        "CREATE FUNCTION keep_closed_quarter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.state = 'closed' THEN RAISE EXCEPTION '{REFUSAL}'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_closed BEFORE UPDATE OR DELETE ON reconciliation "
        "FOR EACH ROW EXECUTE FUNCTION keep_closed_quarter()"
    )
    op.execute(
        "CREATE FUNCTION keep_closed_items() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM reconciliation r WHERE r.state = 'closed' "
        "AND r.id IN (OLD.reconciliation_id, NEW.reconciliation_id)) "
        "THEN RAISE EXCEPTION 'a closed quarter does not change'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_closed BEFORE INSERT OR UPDATE OR DELETE ON reconciled_item "
        "FOR EACH ROW EXECUTE FUNCTION keep_closed_items()"
    )


def _keep_in_sqlite() -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER keep_closed_{event.lower()} BEFORE {event} ON reconciliation "
            f"WHEN OLD.state = 'closed' BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    for event, rows in (("INSERT", "NEW"), ("UPDATE", "OLD, NEW"), ("DELETE", "OLD")):
        named = ", ".join(f"{row}.reconciliation_id" for row in rows.split(", "))
        closed = f"SELECT 1 FROM reconciliation r WHERE r.state = 'closed' AND r.id IN ({named})"  # noqa: S608 - our own tables
        op.execute(
            f"CREATE TRIGGER keep_closed_item_{event.lower()} BEFORE {event} ON reconciled_item "
            f"WHEN EXISTS ({closed}) BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
