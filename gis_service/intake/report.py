"""A dry run as tables that people read and keep: no cell in them is taken for a formula."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import pandas as pd

from gis_service.errors import Fault
from gis_service.intake.fault_list import FaultList
from gis_service.intake.subject import Subject
from gis_service.texts import T, current_locale

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def fault_cells(fault: Fault, subject: Subject | None = None) -> tuple[str, str, str, str, str, str]:
    """File, row, field, value, what is wrong, what to do: one line of a table."""
    row = "" if fault.row is None else str(fault.row)
    remedy = "" if fault.remedy is None else str(fault.remedy)
    return fault.file or "", row, field_label(fault.field, subject), fault.value or "", str(fault.message), remedy


def field_label(name: str | None, subject: Subject | None) -> str:
    """A field by its name and, for readers of Chinese, by the heading that people give it."""
    fields = () if subject is None else subject.fields
    field = next((field for field in fields if field.name == name), None)
    if field is None or not field.aliases or current_locale() == "en":
        return name or ""
    return f"{field.aliases[0]} {field.name}"


def fault_headings() -> tuple[str, ...]:
    """The headings over `fault_cells`."""
    return tuple(str(text) for text in (T("File"), T("Row"), T("Field"), T("Value"), T("What is wrong"), T("Remedy")))


def write_faults(faults: FaultList, subject: Subject, path: Path) -> None:
    """Write every fault as CSV for Excel (UTF-8 with a mark)."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(fault_headings())
        writer.writerows([[inert(cell) for cell in fault_cells(fault, subject)] for fault in faults.first(None)])


def write_rows(rows: pd.DataFrame, path: Path) -> None:
    """Write what would happen to every row as CSV for Excel."""
    texts = rows.astype("str").fillna("")
    risky = texts.apply(lambda column: column.str.startswith(_FORMULA_STARTS))
    texts.where(~risky, "'" + texts).to_csv(path, index=False, encoding="utf-8-sig")


def inert(cell: str) -> str:
    """A cell that a spreadsheet shows and does not calculate (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
