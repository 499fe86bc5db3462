"""Reads of the area tree."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.scope import area_in_scope, subtree
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.errors import NotFoundError
from gis_service.storage.boxes import Box, in_box
from gis_service.storage.frames import read_frame, read_geoframe
from gis_service.texts import T

_DTYPES = {"area_id": "int64", "code": "str", "name": "str", "level": "str", "kind": "str", "parent_id": "Int64"}


def _selection(
    scope: Scope, levels: Collection[AreaLevel] | None, within: int | None, parent: int | Collection[int] | None
) -> Select[*tuple[Any, ...]]:
    query = (
        select(
            AreaVersion.area_id,
            AreaVersion.code,
            AreaVersion.name,
            Area.level,
            AreaVersion.kind,
            AreaVersion.parent_id,
        )
        .join(Area, Area.id == AreaVersion.area_id)
        .where(AreaVersion.valid_on(scope.day), area_in_scope(scope, AreaVersion.area_id))
        .order_by(AreaVersion.code, AreaVersion.area_id)
    )
    if levels is not None:
        query = query.where(Area.level.in_([level.value for level in levels]))
    if within is not None:
        query = query.where(AreaVersion.area_id.in_(subtree([within], scope.day)))
    if parent is not None:
        parents = [parent] if isinstance(parent, int) else sorted(parent)
        query = query.where(AreaVersion.parent_id.in_(parents))
    return query


def areas(
    session: Session,
    scope: Scope,
    *,
    levels: Collection[AreaLevel] | None = None,
    within: int | None = None,
    parent: int | Collection[int] | None = None,
    box: Box | None = None,
    only: Collection[int] | None = None,
) -> gpd.GeoDataFrame:
    """AREAS frame (lon-lat, ordered by code) of what is in scope on `scope.day` and has a border.

    `levels` narrows to levels, `within` to the subtree of one area, `parent` to the children of one or some areas,
    `box` to what may touch west, south, east, north in degrees, `only` to some areas.
    """
    query = _selection(scope, levels, within, parent).where(AreaVersion.geom.is_not(None))
    if box is not None:
        query = query.where(in_box(session, AreaVersion, box))
    if only is not None:
        query = query.where(AreaVersion.area_id.in_(sorted(only)))
    return read_geoframe(session, query, AreaVersion.geom, dtypes=_DTYPES, index="area_id")


def area_names(
    session: Session,
    scope: Scope,
    *,
    levels: Collection[AreaLevel] | None = None,
    within: int | None = None,
    parent: int | None = None,
) -> pd.DataFrame:
    """AREAS frame without the geometry."""
    return read_frame(session, _selection(scope, levels, within, parent), dtypes=_DTYPES, index="area_id")


def area_by_code(session: Session, scope: Scope, code: str) -> int:
    """The id of the area that has `code` on the scope's day.

    Raises
    ------
    NotFoundError
        There is none in scope; the same answer whether it does not exist or is not for this viewer.
    """
    found = session.execute(
        select(AreaVersion.area_id)
        .where(AreaVersion.code == code, AreaVersion.valid_on(scope.day), area_in_scope(scope, AreaVersion.area_id))
        .order_by(AreaVersion.area_id)
        .limit(1)
    ).scalar()
    if found is None:
        raise NotFoundError(T("There is no area with code {code} in your part of the district.", code=code))
    return found


def area_details(session: Session, scope: Scope, area_id: int) -> dict[str, Any]:
    """One area with its period, its origin and the names above it.

    Raises
    ------
    NotFoundError
        There is none in scope on the day.
    """
    row = (
        session.execute(
            select(
                AreaVersion.area_id,
                AreaVersion.code,
                AreaVersion.name,
                Area.level,
                AreaVersion.kind,
                AreaVersion.parent_id,
                AreaVersion.valid_from,
                AreaVersion.valid_to,
                AreaVersion.source,
            )
            .join(Area, Area.id == AreaVersion.area_id)
            .where(
                AreaVersion.area_id == area_id,
                AreaVersion.valid_on(scope.day),
                area_in_scope(scope, AreaVersion.area_id),
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFoundError(T("There is no such area in your part of the district on that day."))
    return {**row, "lineage": [name for _, _, name in lineage(session, area_id, scope)]}


def lineage(session: Session, area_id: int, scope: Scope) -> list[tuple[int, str, str]]:
    """`(area_id, code, name)` from the district down to the area, for breadcrumbs; only names leave the scope."""
    chain: list[tuple[int, str, str]] = []
    current: int | None = area_id
    while current is not None and len(chain) < len(AreaLevel):
        row = session.execute(
            select(AreaVersion.area_id, AreaVersion.code, AreaVersion.name, AreaVersion.parent_id).where(
                AreaVersion.area_id == current, AreaVersion.valid_on(scope.day)
            )
        ).first()
        if row is None:
            break
        chain.append((row.area_id, row.code, row.name))
        current = row.parent_id
    return chain[::-1]


def count_areas(session: Session, scope: Scope) -> dict[str, int]:
    """How many areas of each level are in scope."""
    rows = session.execute(
        select(Area.level, func.count())
        .join(AreaVersion, Area.id == AreaVersion.area_id)
        .where(AreaVersion.valid_on(scope.day), area_in_scope(scope, AreaVersion.area_id))
        .group_by(Area.level)
    )
    counts = {level: int(count) for level, count in rows}
    return {level.value: counts.get(level.value, 0) for level in AreaLevel}
