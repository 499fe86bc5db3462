"""Addresses that say the same place in different words."""

from __future__ import annotations

from typing import Final

import pandas as pd

from gis_service.addresses.text.scanning import NUMBERED_PARTS

_PLATE: Final = tuple(part for part in NUMBERED_PARTS if part != "group")


def duplicates(parts: pd.DataFrame, villages: pd.Series | None = None) -> pd.Series:
    """Number the groups of addresses whose village, road and every numeric part are equal.

    Parameters
    ----------
    parts
        What `parse` returns.
    villages
        The village of each address where it is known otherwise (its code); else the one that the text says.

    Returns
    -------
    Int64 on the same index: the group, counted from 0 in order of first appearance; NA for an address that stands
    alone, or is not compared because it lacks a village, a road or compound, or any number, or was not wholly
    understood. The group of neighbours (组, 邻) is compared only where there is no road: along a road it adds nothing.
    """
    said = parts["village_code"].fillna(parts["village"])
    village = said if villages is None else villages.astype("object").where(villages.notna(), said)
    key = parts[["road", "compound", *_PLATE]].assign(
        village=village.astype("str"), group=parts["group"].mask(parts["road"].notna())
    )
    along = parts[["road", "compound", "group"]].notna().any(axis=1)
    compared = village.notna() & along & parts[list(_PLATE)].notna().any(axis=1) & parts["rest"].eq("")
    key = key[compared].fillna("")
    several = key.duplicated(keep=False)
    group = key[several].groupby(list(key.columns), sort=False).ngroup()
    return group.astype("Int64").reindex(parts.index)
