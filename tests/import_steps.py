"""Steps that import tests share: write small files, preview and apply them, and a small district to import onto."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from sqlalchemy import Engine, func, select

from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.actions import ImportOutcome, ImportPreview, apply_import, preview_import
from gis_service.intake.subject import ImportOptions
from gis_service.settings import Settings
from gis_service.storage.bulk import table_of
from gis_service.storage.engine import reading
from gis_service.storage.rows import Row
from gis_service.subjects import SUBJECTS

#: a district of two villages with two compounds each, 0.1° apart, far from any border
AREAS = [
    ("330211000000", "镇海区", "district", None, (121.4, 29.8, 121.8, 30.0)),
    ("330211001000", "招宝山街道", "township", "330211000000", (121.4, 29.8, 121.8, 30.0)),
    ("330211001001", "东村", "village", "330211001000", (121.4, 29.8, 121.6, 30.0)),
    ("330211001002", "西村", "village", "330211001000", (121.6, 29.8, 121.8, 30.0)),
    ("330211001001001", "东一", "compound", "330211001001", (121.4, 29.8, 121.5, 30.0)),
    ("330211001001002", "东二", "compound", "330211001001", (121.5, 29.8, 121.6, 30.0)),
    ("330211001002001", "西一", "compound", "330211001002", (121.6, 29.8, 121.7, 30.0)),
    ("330211001002002", "西二", "compound", "330211001002", (121.7, 29.8, 121.8, 30.0)),
]


@dataclass(frozen=True)
class Desk:
    """Somebody who imports into one database, with a folder for the files."""

    engine: Engine
    settings: Settings
    folder: Path
    viewer: Viewer = SHELL

    def csv(self, name: str, lines: str | Sequence[str], encoding: str = "utf-8") -> Path:
        """Write a text table."""
        path = self.folder / name
        path.write_bytes((lines if isinstance(lines, str) else "\n".join(lines)).encode(encoding))
        return path

    def preview(self, subject: str, path: Path, **said: Any) -> ImportPreview:
        """Dry run."""
        return preview_import(self.engine, self.settings, self.viewer, SUBJECTS[subject], path, ImportOptions(**said))

    def apply(self, subject: str, path: Path, **said: Any) -> ImportOutcome:
        """Import."""
        return apply_import(self.engine, self.settings, self.viewer, SUBJECTS[subject], path, ImportOptions(**said))

    def faults(self, subject: str, path: Path, **said: Any) -> list[Fault]:
        """The faults of a dry run, which the import must refuse as well."""
        try:
            preview = self.preview(subject, path, **said)
        except InvalidInputError as error:
            return list(error.faults)
        if len(preview.faults):
            try:
                self.apply(subject, path, **said)
            except InvalidInputError:
                return list(preview.faults.first(None))
            message = "an import with faults was applied"
            raise AssertionError(message)
        return []

    def count(self, row: type[Row]) -> int:
        """Rows in a table."""
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(table_of(row))) or 0

    def areas(self, name: str = "areas.gpkg", rows: Sequence[tuple[Any, ...]] = AREAS) -> Path:
        """Write a layer of areas."""
        return write_areas(self.folder / name, rows)


def write_areas(path: Path, rows: Sequence[tuple[Any, ...]]) -> Path:
    """Write areas as (code, name, level, parent_code, box or geometry)."""
    shapes = [shapely.box(*row[4]) if isinstance(row[4], tuple) else row[4] for row in rows]
    columns = {
        name: [row[position] for row in rows] for position, name in enumerate(("code", "name", "level", "parent_code"))
    }
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")
    path.unlink(missing_ok=True)
    frame.to_file(path, engine="pyogrio")
    return path


def messages(faults: Sequence[Fault]) -> list[tuple[int | None, str | None, str]]:
    """Row, field and English message of faults."""
    return [(fault.row, fault.field, fault.message.render("en")) for fault in faults]
