"""The trail of imports: what came in, from which file, with which outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.rows import Row, RowId


class ImportRun(Row):
    """One applied import."""

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(32), index=True)
    file_name: Mapped[str] = mapped_column(String(300))
    sha256: Mapped[str] = mapped_column(String(64))
    imported_at: Mapped[datetime]
    imported_by: Mapped[str] = mapped_column(String(100))
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON)
