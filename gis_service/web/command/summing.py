"""Counts by area added up the tree of what is in scope."""

from __future__ import annotations

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_names
from layers.coverage import roll_up


def summed(session: Session, scope: Scope, counted: pd.DataFrame) -> pd.Series:
    """Add up `counted` (columns `area_id` and a count) over the areas in scope: index `area_id`, Int64."""
    counts: pd.Series = summed_each(session, scope, counted).iloc[:, 0]
    return counts


def summed_each(session: Session, scope: Scope, counted: pd.DataFrame) -> pd.DataFrame:
    """The same for several counts, each by its name."""
    tree = area_names(session, scope)
    parents = tree["parent_id"].where(tree["parent_id"].isin(tree.index))
    own = counted.dropna(subset=["area_id"]).set_index("area_id")
    return roll_up(own.reindex(tree.index).fillna(0).astype("Int64"), parents)[list(own.columns)]
