"""Subtrees of the area tree on a day, in SQL: what `Scope.root_ids` means for rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import aliased

from gis_service.access.scope import Scope
from gis_service.areas.tables import AreaVersion


def subtree(root_ids: Collection[int], day: date) -> Select[tuple[int]]:
    """The ids of the areas under (and with) `root_ids` as the tree stood on `day`."""
    start = select(AreaVersion.area_id.label("area_id")).where(
        AreaVersion.area_id.in_(sorted(root_ids)), AreaVersion.valid_on(day)
    )
    tree = start.cte(recursive=True)  # without a name of its own: a query may ask for several subtrees
    child = aliased(AreaVersion)
    tree = tree.union(select(child.area_id).join(tree, child.parent_id == tree.c.area_id).where(child.valid_on(day)))
    return select(tree.c.area_id)


def area_in_scope(scope: Scope, column: Any) -> ColumnElement[bool]:
    """The filter for rows whose area (`column`) is in scope; a NULL area is seen only by the whole district."""
    if scope.root_ids is None:
        return true()
    within: ColumnElement[bool] = column.in_(subtree(scope.root_ids, scope.day))
    return within
