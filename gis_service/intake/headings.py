"""The first row of a table names its columns: every name once, none empty over cells that hold something."""

from __future__ import annotations

from typing import Final

import pandas as pd

from gis_service.errors import Fault, InvalidInputError
from gis_service.texts import T

MOST_COLUMNS: Final = 500


def check_headings(cells: pd.DataFrame, rows_above: int = 0) -> pd.DataFrame:
    """Make the first non-empty row the headings.

    Parameters
    ----------
    cells
        Text cells of a whole sheet, NA where empty, rows and columns counted from 0.
    rows_above
        Empty rows that were cut off above them.

    Returns
    -------
    The rows under the headings without wholly empty ones; index `row` as a person counts (the first row is 1).

    Raises
    ------
    InvalidInputError
        There are no rows, a heading repeats, or a column that holds something has none.
    """
    filled = cells.notna().any(axis=1).to_numpy()
    if not filled.any():
        raise InvalidInputError(T("The file holds no rows."))
    first = int(filled.argmax())
    if cells.shape[1] > MOST_COLUMNS:
        raise InvalidInputError(T("{count} columns are too many.", count=cells.shape[1]))
    headings = cells.iloc[first].astype("str").str.strip()
    body = cells.iloc[first + 1 :][filled[first + 1 :]]
    heading_row = rows_above + first + 1
    body.index = pd.RangeIndex(heading_row + 1, rows_above + len(cells) + 1)[filled[first + 1 :]].rename("row")
    nameless = (headings.isna() | headings.eq("")).to_numpy()
    faults = [
        Fault(
            T("Column {number} has cells but no heading.", number=position + 1),
            row=heading_row,
            remedy=T("Give the column a heading, or empty it."),
        )
        for position in nameless.nonzero()[0]
        if body.iloc[:, int(position)].notna().any()
    ]
    named = headings[~nameless]
    faults += [
        Fault(
            T("The heading appears {count} times.", count=int((named == heading).sum())),
            row=heading_row,
            field=heading,
            remedy=T("Rename or remove the repeated columns."),
        )
        for heading in named[named.duplicated()].unique()
    ]
    if faults:
        raise InvalidInputError(T("The headings are not clear."), faults)
    frame = body.loc[:, ~nameless]
    frame.columns = pd.Index(named.tolist())
    return frame
