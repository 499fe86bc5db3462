"""Old snapshots may be removed: what was removed stays on record, and nothing goes that a closed quarter stands on.

Revision: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSAL = "a snapshot does not change"
STANDS = "a closed quarter stands on this snapshot"
KEPT = "what was removed stays on record"
#: a snapshot may go once its removal is on record
REMOVED = "SELECT 1 FROM removed_snapshot x WHERE x.snapshot_id = "
LINKED = (
    "SELECT 1 FROM snapshot_row w JOIN person_link l ON w.id IN (l.left_row_id, l.right_row_id) "
    "JOIN reconciliation r ON r.village_id = l.village_id AND r.quarter = l.quarter "
    "WHERE r.state = 'closed' AND w.snapshot_id = NEW.snapshot_id"
)


def upgrade() -> None:
    op.create_table(
        "removed_snapshot",
        sa.Column("snapshot_id", KEY, autoincrement=False, nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("area_id", KEY, nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("removed_by", sa.String(length=100), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_removed_snapshot_area_id")),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_removed_snapshot")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _allow_in_postgres()
    else:
        _allow_in_sqlite()


def _allow_in_postgres() -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION keep_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND EXISTS ({REMOVED} OLD.id) THEN RETURN OLD; END IF; "
        f"IF OLD.is_complete THEN RAISE EXCEPTION '{REFUSAL}'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE FUNCTION let_snapshot_row_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608 - as above
        "IF EXISTS (SELECT 1 FROM snapshot s WHERE s.id = OLD.snapshot_id AND s.is_complete) "
        f"AND NOT EXISTS ({REMOVED} OLD.snapshot_id) "
        f"THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN OLD; END $$"
    )
    op.execute("DROP TRIGGER keep_snapshot_row ON snapshot_row")
    op.execute(
        "CREATE TRIGGER keep_snapshot_row BEFORE INSERT OR UPDATE ON snapshot_row "
        "FOR EACH ROW EXECUTE FUNCTION keep_snapshot_row()"
    )
    op.execute(
        "CREATE TRIGGER let_snapshot_row_go BEFORE DELETE ON snapshot_row "
        "FOR EACH ROW EXECUTE FUNCTION let_snapshot_row_go()"
    )
    named = (
        "SELECT 1 FROM reconciliation r, json_each_text(r.figures -> 'snapshots') n "
        "WHERE r.state = 'closed' AND n.value = NEW.snapshot_id::text"
    )
    op.execute(
        "CREATE FUNCTION keep_removed_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN RAISE EXCEPTION '{KEPT}'; END IF; "
        f"IF EXISTS ({named}) OR EXISTS ({LINKED}) THEN RAISE EXCEPTION '{STANDS}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER keep_removed_snapshot BEFORE INSERT OR UPDATE OR DELETE ON removed_snapshot "
        "FOR EACH ROW EXECUTE FUNCTION keep_removed_snapshot()"
    )


def _allow_in_sqlite() -> None:
    op.execute("DROP TRIGGER keep_snapshot_delete")
    op.execute("DROP TRIGGER keep_snapshot_row_delete")
    op.execute(
        "CREATE TRIGGER keep_snapshot_delete BEFORE DELETE ON snapshot "
        f"WHEN OLD.is_complete AND NOT EXISTS ({REMOVED} OLD.id) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    complete = "SELECT 1 FROM snapshot s WHERE s.id = OLD.snapshot_id AND s.is_complete"
    op.execute(
        "CREATE TRIGGER keep_snapshot_row_delete BEFORE DELETE ON snapshot_row "
        f"WHEN EXISTS ({complete}) AND NOT EXISTS ({REMOVED} OLD.snapshot_id) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    named = (
        "SELECT 1 FROM reconciliation r, json_each(r.figures, '$.snapshots') n "
        "WHERE r.state = 'closed' AND n.value = NEW.snapshot_id"
    )
    op.execute(
        "CREATE TRIGGER keep_removed_snapshot_insert BEFORE INSERT ON removed_snapshot "
        f"WHEN EXISTS ({named}) OR EXISTS ({LINKED}) BEGIN SELECT RAISE(ABORT, '{STANDS}'); END"
    )
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER keep_removed_snapshot_{event.lower()} BEFORE {event} ON removed_snapshot "
            f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        )
