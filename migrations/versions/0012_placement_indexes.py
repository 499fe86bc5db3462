"""Placements: what a search in a part of the district asks in one index; none of days, which choose nothing.

Revision: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

GONE = ("home_area_id", "valid_from", "valid_to")


def upgrade() -> None:
    for column in GONE:
        op.drop_index(op.f(f"ix_placement_{column}"), table_name="placement")
    op.create_index("ix_placement_home", "placement", ["home_area_id", "address_id", "valid_from", "valid_to"])


def downgrade() -> None:
    op.drop_index("ix_placement_home", table_name="placement")
    for column in GONE:
        op.create_index(op.f(f"ix_placement_{column}"), "placement", [column])
