"""What addresses are found by: searched forms and tokens, in a GIN index on PostGIS and in FTS5 on SpatiaLite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from gis_service.addresses.search_index import index_addresses

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FULL_TEXT = (
    # the index alone (no text, no positions); the tokenizer takes whatever is not ASCII as part of a word
    """
    CREATE VIRTUAL TABLE address_search_tokens USING fts5(
        tokens, content='', contentless_delete=1, detail=none, tokenize='ascii'
    )
    """,
    """
    CREATE TRIGGER address_search_forgets AFTER DELETE ON address_search
    BEGIN DELETE FROM address_search_tokens WHERE rowid = old.id; END
    """,
)


def upgrade() -> None:
    op.create_table(
        "address_search",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "code", sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("initials", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["address.id"], name=op.f("fk_address_search_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_search")),
    )
    op.create_index(op.f("ix_address_search_code"), "address_search", ["code"], unique=False)
    op.create_index(
        "ix_address_search_tokens",
        "address_search",
        ["tokens"],
        unique=False,
        postgresql_using="gin",
        sqlite_where=sa.text("tokens IS NOT NULL"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in FULL_TEXT:
            op.execute(statement)
    with Session(op.get_bind(), join_transaction_mode="rollback_only") as session:
        index_addresses(session, None)
        session.flush()
