"""Exports: what is on the screen as a file, within the viewer's scope, with notes and without formula injection."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import addresses
from gis_service.addresses.topology import topology_findings
from gis_service.areas.queries import area_names, areas
from gis_service.errors import InvalidInputError
from gis_service.intake.report import inert
from gis_service.planning.published import published_staffing
from gis_service.registers.published import (
    published_beat_loads,
    published_coverage,
    published_mismatches,
    published_rentals,
)
from gis_service.settings import Settings
from gis_service.teams.queries import officers, units
from gis_service.texts import T
from gis_service.web.column_names import COLUMN_NAMES, number_format
from gis_service.web.export_kinds import ExportKind

#: rows that one sheet of Excel can hold, less the header
EXCEL_ROWS = 1_048_575


def _areas(session: Session, scope: Scope, _settings: Settings) -> pd.DataFrame:
    """Areas as their import takes them back: with the code of the parent, who may lie above the scope."""
    land = areas(session, scope)
    codes = area_names(session, Scope(scope.day, None))["code"]
    with_parents: pd.DataFrame = land.assign(parent_code=land["parent_id"].map(codes))
    return with_parents


def _addresses(session: Session, scope: Scope, _settings: Settings) -> pd.DataFrame:
    return addresses(session, scope, limit=10**9)[0]


def _unresolved(session: Session, scope: Scope, _settings: Settings) -> pd.DataFrame:
    return addresses(session, scope, only_unresolved=True, limit=10**9)[0]


_READERS: dict[ExportKind, Callable[[Session, Scope, Settings], pd.DataFrame]] = {
    ExportKind.AREAS: _areas,
    ExportKind.UNITS: lambda session, scope, _: units(session, scope),
    ExportKind.OFFICERS: lambda session, scope, _: officers(session, scope),
    ExportKind.BEATS: published_beat_loads,
    ExportKind.ADDRESSES: _addresses,
    ExportKind.UNRESOLVED: _unresolved,
    ExportKind.COVERAGE: published_coverage,
    ExportKind.RENTALS: published_rentals,
    ExportKind.MISMATCHES: published_mismatches,
    ExportKind.TOPOLOGY: topology_findings,
    ExportKind.STAFFING: published_staffing,
}


def write_export(session: Session, scope: Scope, settings: Settings, kind: ExportKind, path: Path) -> int:
    """Write one export to `path`, in the format of its suffix; return how many rows.

    Raises
    ------
    InvalidInputError
        The suffix is none that this kind of export has.
    """
    frame = _READERS[kind](session, scope, settings)
    match path.suffix.lower():
        case ".csv":
            _write_csv(frame, path)
        case ".xlsx":
            _write_xlsx(frame, path, kind, scope)
        case ".gpkg" | ".geojson" if isinstance(frame, gpd.GeoDataFrame):
            frame.to_file(path, layer=kind.value) if path.suffix == ".gpkg" else frame.to_file(path, driver="GeoJSON")
        case ".parquet" if isinstance(frame, gpd.GeoDataFrame):
            frame.to_parquet(path)
        case suffix:
            raise InvalidInputError(T("{kind} cannot be exported as {suffix}.", kind=kind.value, suffix=suffix or "?"))
    return len(frame)


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows as plain values, without geometry, NA as None, the mark where a figure is withheld."""
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    plain = plain.reset_index(drop=plain.index.name is None).astype(object)
    plain = plain.where(plain.notna(), None)
    if "withheld" in plain:
        withheld = plain["withheld"].explode().dropna()
        for name, rows in withheld.groupby(withheld):
            plain.loc[rows.index, name] = plain.loc[rows.index, "withheld_mark"]
    return plain.drop(columns=["withheld", "withheld_mark"], errors="ignore")


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    rows = _rows(frame)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows.columns)
        writer.writerows(
            [inert(value) if isinstance(value, str) else value for value in row] for row in rows.itertuples(index=False)
        )


def _write_xlsx(frame: pd.DataFrame, path: Path, kind: ExportKind, scope: Scope) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    rows = _rows(frame)
    if len(rows) > EXCEL_ROWS:
        raise InvalidInputError(T("{count} rows do not fit a sheet of Excel; export as .csv.", count=len(rows)))
    book = Workbook(write_only=True)
    sheet = book.create_sheet(kind.value)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(rows.columns))}{len(rows) + 1}"
    for position, name in enumerate(rows.columns, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = max(12, min(40, len(str(name)) + 4))
    header = []
    for name in rows.columns:
        cell = WriteOnlyCell(sheet, str(name))
        cell.font = Font(bold=True)
        header.append(cell)
    sheet.append(header)
    names = [str(name) for name in rows.columns]
    for row in rows.itertuples(index=False):
        sheet.append([_cell(sheet, value, name) for value, name in zip(row, names, strict=True)])
    notes = book.create_sheet("notes")
    notes.column_dimensions["A"].width, notes.column_dimensions["B"].width = 28, 60
    for name, note in _notes(kind, scope, frame).items():
        notes.append([name, note])
    notes.append([])
    notes.append([str(T("Column")), str(T("Meaning"))])
    for name in rows.columns:
        notes.append([str(name), str(COLUMN_NAMES.get(str(name), name))])
    book.save(path)


def _cell(sheet: Any, value: Any, column: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value)
        cell.data_type = "s"  # a text stays a text, whatever sign it begins with
        return cell
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        shown = number_format(column, value)
        if shown is None:
            return value
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = shown
        return cell
    if value is None or isinstance(value, (bool, date, datetime)):
        return value
    return str(value)


def _notes(kind: ExportKind, scope: Scope, frame: pd.DataFrame) -> dict[str, str]:
    marked = "withheld" in frame and frame["withheld_mark"].notna().any()
    part = str(T("the whole district")) if scope.is_whole_district else str(T("the part in your scope"))
    withheld = {"*": str(T("small, or withheld because it would give a small one away"))} if marked else {}
    return {
        str(T("Content")): kind.value,
        str(T("As of")): scope.day.isoformat(),
        str(T("Scope")): part,
        str(T("Source")): "；".join(sorted({str(source) for source in _sources(frame)})) or kind.value,
        str(T("Personal fields")): str(T("masked or left out")),
        **withheld,
    }


def _sources(frame: pd.DataFrame) -> list[object]:
    """Where the rows say that they come from."""
    return list(frame["source"].dropna().unique()) if "source" in frame else []
