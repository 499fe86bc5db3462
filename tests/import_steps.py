"""Steps that import tests share: write small files, preview and apply them, and a small district to import onto."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from sqlalchemy import Engine, func, select

from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.actions import (
    ImportOutcome,
    ImportPreview,
    apply_content,
    apply_import,
    preview_content,
    preview_import,
)
from gis_service.intake.content import FileContent, Layer
from gis_service.intake.limits import Limits
from gis_service.intake.reading import read_file
from gis_service.intake.subject import ImportOptions
from gis_service.settings import Settings
from gis_service.storage.bulk import table_of
from gis_service.storage.engine import reading
from gis_service.storage.rows import Row
from gis_service.subjects import SUBJECTS

#: what a quarter is matched on; mismatches of an earlier, imported reconciliation are none of it
BEFORE_A_QUARTER = (
    "areas",
    "units",
    "officers",
    "postings",
    "beats",
    "beat_parts",
    "beat_duties",
    "addresses",
    "registrations",
)


AREA_COLUMNS = ("code", "name", "level", "parent_code")
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

    def lay(self, subject: str, lines: Sequence[str], **said: Any) -> ImportOutcome:
        """Import a table that was read already: what a test needs on the board before it begins."""
        rows = pd.read_csv(io.StringIO("\n".join(lines)), dtype="str")
        rows.index = pd.RangeIndex(2, len(rows) + 2, name="row")
        return self._apply_layer(subject, Layer(None, rows), **said)

    def lay_areas(self, **said: Any) -> ImportOutcome:
        """Import `AREAS` without a file."""
        rows = pd.DataFrame(AREAS, columns=[*AREA_COLUMNS, "box"], index=pd.RangeIndex(1, len(AREAS) + 1, name="row"))
        shapes = gpd.GeoSeries([shapely.box(*box) for box in rows.pop("box")], index=rows.index, crs="EPSG:4326")
        flaws = pd.Series("", index=rows.index)
        return self._apply_layer("areas", Layer(None, rows.astype("str"), shapes, flaws), **said)

    def _apply_layer(self, subject: str, layer: Layer, **said: Any) -> ImportOutcome:
        content = FileContent("board", "0" * 64, (layer,))
        return apply_content(self.engine, self.viewer, SUBJECTS[subject], content, ImportOptions(**said))

    def faults(self, subject: str, path: Path, **said: Any) -> list[Fault]:
        """The faults of a dry run, which the import must refuse as well."""
        options, importing = ImportOptions(**said), SUBJECTS[subject]
        content = read_file(path, Limits.of(self.settings), layers=options.layers)
        try:
            preview = preview_content(self.engine, self.viewer, importing, content, options)
        except InvalidInputError as error:
            return list(error.faults)
        if not preview.is_acceptable:
            with pytest.raises(InvalidInputError):
                apply_content(self.engine, self.viewer, importing, content, options)
        return list(preview.faults.first(None))

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
    columns = {name: [row[position] for row in rows] for position, name in enumerate(AREA_COLUMNS)}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")
    path.unlink(missing_ok=True)
    frame.to_file(path, engine="pyogrio")
    return path


def messages(faults: Sequence[Fault]) -> list[tuple[int | None, str | None, str]]:
    """Row, field and English message of faults."""
    return [(fault.row, fault.field, fault.message.render("en")) for fault in faults]
