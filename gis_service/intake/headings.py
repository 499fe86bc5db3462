"""The first row of a table names its columns: every name once, none empty over cells that hold something."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.content import ROW
from gis_service.texts import T

MOST_COLUMNS: Final = 500


def check_headings(cells: pa.Table, rows_above: int = 0) -> pa.Table:
    """Make the first non-empty row the headings.

    Parameters
    ----------
    cells
        Text cells of a whole sheet, null where empty, in columns of any name.
    rows_above
        Empty rows that were cut off above them.

    Returns
    -------
    The rows under the headings without wholly empty ones, and `ROW` as a person counts (the first row is 1).

    Raises
    ------
    InvalidInputError
        There are no rows, a heading repeats, or a column that holds something has none.
    """
    filled = np.zeros(cells.num_rows, dtype=bool)
    for column in cells.columns:
        filled |= column.is_valid().to_numpy()
    if not filled.any():
        raise InvalidInputError(T("The file holds no rows."))
    first = int(filled.argmax())
    if cells.num_columns > MOST_COLUMNS:
        raise InvalidInputError(T("{count} columns are too many.", count=cells.num_columns))
    headings = [(column[first].as_py() or "").strip() for column in cells.columns]
    heading_row = rows_above + first + 1
    body = cells.slice(first + 1)
    kept = filled[first + 1 :]
    body = body if kept.all() else body.filter(pa.array(kept))
    faults = [*_nameless(headings, body, heading_row), *_repeated(headings, heading_row)]
    if faults:
        raise InvalidInputError(T("The headings are not clear."), faults)
    named = {heading: column for heading, column in zip(headings, body.columns, strict=True) if heading}
    return pa.table({**named, ROW: pa.array(heading_row + 1 + np.flatnonzero(kept), pa.int64())})


def _nameless(headings: list[str], body: pa.Table, heading_row: int) -> list[Fault]:
    return [
        Fault(
            T("Column {number} has cells but no heading.", number=number),
            row=heading_row,
            remedy=T("Give the column a heading, or empty it."),
        )
        for number, (heading, column) in enumerate(zip(headings, body.columns, strict=True), start=1)
        if not heading and column.null_count < len(column)
    ]


def _repeated(headings: list[str], heading_row: int) -> list[Fault]:
    counts = {heading: headings.count(heading) for heading in headings if heading}
    return [
        Fault(
            T("The heading appears {count} times.", count=count),
            row=heading_row,
            field=heading,
            remedy=T("Rename or remove the repeated columns."),
        )
        for heading, count in counts.items()
        if count > 1
    ]
