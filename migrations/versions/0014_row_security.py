"""Row-level security on PostGIS; stood up by `gis_service.storage.fence_standing` after every upgrade, not here.

What it lets through is said by the tables as they are now, and a database user that may not make roles can still
upgrade.

Revision: 0014
Revises: 0013
"""

from __future__ import annotations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
