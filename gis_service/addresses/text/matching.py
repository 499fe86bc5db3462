"""From the parts of an address text to the standard address that says the same: equal parts, or none."""

from __future__ import annotations

from typing import Final

import pandas as pd

from gis_service.addresses.text.parse import stored_parts
from layers.frames import ADDRESS_PARTS

_NUMERIC: Final = tuple(part for part in ADDRESS_PARTS if part not in ("compound", "road"))


def comparable_parts(parts: pd.DataFrame) -> pd.DataFrame:
    """Parts (from `parse`) in the columns that people are linked by: `layers.frames.ADDRESS_PARTS`."""
    return stored_parts(parts).assign(compound=parts["compound"])[list(ADDRESS_PARTS)].astype("str")


def find_addresses(
    parts: pd.DataFrame, villages: pd.Series, known: pd.DataFrame, known_villages: pd.Series
) -> pd.Series:
    """The standard address that each set of parts names.

    Every numeric part must be equal, and a part that one side lacks is not equal to one that the other has. Of compound
    and road one at least must be equal, and neither different. In the village stated first, else anywhere, where just
    one address fits.

    Parameters
    ----------
    parts, known
        `comparable_parts` of the texts looked up, and of the standard addresses (index: address id).
    villages, known_villages
        Village of each, Int64, NA = not known.

    Returns
    -------
    Int64 on the index of `parts`: the address id, NA where none or several fit.
    """
    asked, held = parts.fillna(""), known.fillna("")
    numbered = parts[list(_NUMERIC)].notna().any(axis=1)
    found = pd.Series(pd.NA, index=parts.index, dtype="Int64")
    for by_village in (True, False):
        for names in (["compound", "road"], ["compound"], ["road"]):
            open_rows = numbered & found.isna() & parts[names].notna().any(axis=1)
            columns = [*names, *_NUMERIC]
            rows, standard = asked.loc[open_rows, columns], held[columns].copy()
            other = [name for name in ("compound", "road") if name not in names]
            for name in other:  # what only one side says does not contradict; what both say does
                rows = rows[asked.loc[rows.index, name].eq("")]
            if by_village:
                rows = rows.assign(village=villages.reindex(rows.index)).dropna(subset=["village"])
                standard = standard.assign(village=known_villages.reindex(standard.index)).dropna(subset=["village"])
            found = found.fillna(_looked_up(rows, standard))
    return found


def _looked_up(rows: pd.DataFrame, standard: pd.DataFrame) -> pd.Series:
    """The one row of `standard` that equals each of `rows`."""
    columns = list(standard.columns)
    single = standard[~standard.duplicated(keep=False)]
    key = single.reset_index(names="address_id")
    joined = rows.reset_index(names="asked").merge(key, on=columns, how="inner")
    return pd.Series(joined["address_id"].to_numpy(), index=joined["asked"].to_numpy(), dtype="Int64")
