"""Excel workbooks: calculated values are taken; merged cells and formulas that were never calculated are refused."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped] # it has no types
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.content import RawContent, RawLayer
from gis_service.intake.delimited import text_columns
from gis_service.intake.headings import check_headings
from gis_service.intake.limits import Limits
from gis_service.intake.unpacking import check_archive
from gis_service.texts import T, Text

_FORMULA: Final = re.compile(rb"<c\b([^>]*)>\s*<f\b[^>]*?(?:/>|>.*?</f>)\s*(<v>[^<]+</v>)?", re.DOTALL)
_REFERENCE: Final = re.compile(rb'\br="([A-Z]+)(\d+)"')
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FAULTS_NAMED: Final = 20
_EXACT_INTEGERS: Final = 2**53


def read_xlsx(path: Path, limits: Limits, sheets: tuple[str, ...] | None) -> RawContent:
    """Read one sheet: the named one, or the only one that holds something."""
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, limits)
        if "xl/workbook.xml" not in archive.namelist():
            raise InvalidInputError(T("The file is not an Excel workbook: save it as .xlsx again."))
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            name = _choose(workbook, sheets)
            sheet = workbook.get_sheet_by_name(name)
            if sheet.height * sheet.width > limits.max_vertices * 10:
                raise InvalidInputError(T("Sheet {sheet} is too large.", sheet=name))
            _refuse_merged(sheet)
            notes = _refuse_uncalculated(path, name)
            rows = sheet.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise InvalidInputError(T("The workbook is damaged: save it as .xlsx again.")) from error
    cells = text_columns((_cell_text(cell) for cell in column) for column in zip(*rows, strict=True))
    return RawContent((RawLayer(None, check_headings(cells)),), (T("Read sheet {sheet}.", sheet=name), *notes))


def _choose(workbook: CalamineWorkbook, sheets: tuple[str, ...] | None) -> str:
    names = workbook.sheet_names
    if sheets is not None:
        if len(sheets) != 1 or sheets[0] not in names:
            raise InvalidInputError(T("Name one of these sheets: {names}.", names=", ".join(names)))
        return sheets[0]
    filled = [name for name in names if workbook.get_sheet_by_name(name).height]
    if len(filled) != 1:
        found = ", ".join(filled or names)
        raise InvalidInputError(
            T(
                "The workbook has {count} sheets with rows ({names}): name one (--layer).",
                count=len(filled),
                names=found,
            )
        )
    return filled[0]


def _refuse_merged(sheet: CalamineSheet) -> None:
    merged = sheet.merged_cell_ranges or []
    if merged:
        faults = [
            Fault(
                T("Cells {range} are merged.", range=f"{_column(c0)}{r0 + 1}:{_column(c1)}{r1 + 1}"),
                row=r0 + 1,
                remedy=T("Unmerge them and fill in every cell; leave no title above the headings."),
            )
            for (r0, c0), (r1, c1) in merged[:_FAULTS_NAMED]
        ]
        raise InvalidInputError(T("The sheet has {count} merged cells.", count=len(merged)), faults)


def _refuse_uncalculated(path: Path, name: str) -> list[Text]:
    """Look for formulas in the sheet's own XML: calculated ones are remarked on, others refused."""
    with zipfile.ZipFile(path) as archive:
        found = list(_FORMULA.finditer(archive.read(_member(archive, name))))
    places = [
        _REFERENCE.search(match[1])
        for match in found
        if not match[2] and b't="str"' not in match[1]  # "" is a value
    ]
    faults = [
        Fault(
            T("The cell holds a formula without a calculated value."),
            row=int(place[2]),
            field=place[1].decode(),
            remedy=T("Open and save the file in Excel, or paste the values in place of the formulas."),
        )
        for place in places
        if place
    ]
    if faults:
        raise InvalidInputError(T("{count} formulas were never calculated.", count=len(faults)), faults[:_FAULTS_NAMED])
    return [T("{count} cells hold formulas: their calculated values were taken.", count=len(found))] if found else []


def _member(archive: zipfile.ZipFile, name: str) -> str:
    """The archive's member that holds the sheet."""
    relations = {
        each.get("Id"): each.get("Target", "") for each in fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    }
    sheets = fromstring(archive.read("xl/workbook.xml")).iter(f"{_MAIN}sheet")
    target = next(relations[sheet.get(_RELATION)] for sheet in sheets if sheet.get("name") == name)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _column(position: int) -> str:
    """A, B, …, Z, AA of a column counted from 0."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _cell_text(cell: object) -> str:
    """What a person would type to get this cell."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_INTEGERS:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)
