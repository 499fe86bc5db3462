"""Subtrees of the area tree on a day, in SQL: what `Scope.root_ids` means for rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import Session, aliased

from gis_service.access.scope import Scope
from gis_service.areas.tables import Area, AreaLevel, AreaVersion


def subtree(root_ids: Collection[int], day: date) -> Select[int]:
    """The ids of the areas under (and with) `root_ids` as the tree stood on `day`."""
    return _subtree(tuple(sorted(root_ids)), day)


@lru_cache(maxsize=256)
def _subtree(root_ids: tuple[int, ...], day: date) -> Select[int]:
    """The query, which never changes: a request asks for the same one several times, and making it takes 2 ms."""
    return subtree_under(AreaVersion.area_id.in_(root_ids), day)


def subtree_under(is_root: ColumnElement[bool], day: Any) -> Select[int]:
    """The same under the areas whose version is one; `day` may be a parameter of a statement that is kept."""
    start = select(AreaVersion.area_id.label("area_id")).where(is_root, AreaVersion.valid_on(day))
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


def townships_of(session: Session, area_ids: Collection[int], day: date) -> frozenset[int]:
    """The townships that the areas lie in or hold, as the tree stood on `day`."""
    below = subtree(area_ids, day)
    found = set(session.scalars(select(Area.id).where(Area.id.in_(below), Area.level == AreaLevel.TOWNSHIP)))
    step = set(area_ids)
    while step:
        query = (
            select(Area.id, Area.level, AreaVersion.parent_id)
            .join(AreaVersion, AreaVersion.area_id == Area.id)
            .where(Area.id.in_(sorted(step)), AreaVersion.valid_on(day))
        )
        rows = session.execute(query).all()
        found |= {row.id for row in rows if row.level == AreaLevel.TOWNSHIP}
        beneath = (AreaLevel.VILLAGE, AreaLevel.COMPOUND)
        step = {row.parent_id for row in rows if row.level in beneath and row.parent_id is not None}
    return frozenset(found)
