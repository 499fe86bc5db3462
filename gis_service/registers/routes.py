"""The figures over HTTP: coverage, rentals and mismatches per area, loads per beat."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from gis_service.access.http import ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import Limit, Offset, Page, Withheld, items_of
from gis_service.areas.tables import AreaLevel
from gis_service.registers.published import (
    published_beat_loads,
    published_coverage,
    published_mismatches,
    published_rentals,
)
from gis_service.registers.tables import MismatchClass

router = APIRouter(prefix="/api/v1/figures", tags=["figures"], dependencies=[Depends(requires(Permission.SEE_FIGURES))])

Level = Annotated[AreaLevel, Query(description="The level to list.")]


class AreaFigures(BaseModel):
    """What every row of figures starts with."""

    area_id: int
    code: str
    name: str
    parent_id: int | None
    withheld: Withheld


class CoverageItem(AreaFigures):
    """Load, required posts and coverage of an area; `status` tells uncovered, empty and no data apart."""

    migrants: int | None
    officers_fte: float | None
    load: float | None
    required: int | None
    short: float | None
    surplus: float | None
    coverage: float | None
    status: str
    numerator: float | None
    denominator: float | None
    source: str
    as_of: date
    migrants_missing: int
    officers_fte_missing: int


class RentalItem(AreaFigures):
    """Rentals of an area; `group_rentals` are suspected by the settings."""

    rentals: int | None
    residents: int | None
    group_rentals: int | None
    red_or_orange: int | None


class MismatchItem(AreaFigures):
    """Unsettled mismatches of an area."""

    mismatches: int | None
    by_class: dict[str, int | None]


class BeatLoad(BaseModel):
    """What one officer answers for."""

    beat_id: int
    code: str
    name: str
    unit_name: str
    badge_no: str | None
    officer: str | None
    share: float
    addresses: int
    migrants: int | None
    load: float | None
    withheld: Withheld


@router.get("/coverage")
def list_coverage(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, level: Level, offset: Offset = 0, limit: Limit = 100
) -> Page[CoverageItem]:
    """List coverage per area of one level."""
    figures = published_coverage(session, scope, settings)
    rows = figures[figures["level"].eq(level)]
    return Page(items=items_of(CoverageItem, rows, offset, limit), total=len(rows), offset=offset, limit=limit)


@router.get("/rentals")
def list_rentals(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, level: Level, offset: Offset = 0, limit: Limit = 100
) -> Page[RentalItem]:
    """List rentals per area of one level."""
    figures = published_rentals(session, scope, settings)
    rows = figures[figures["level"].eq(level)]
    return Page(items=items_of(RentalItem, rows, offset, limit), total=len(rows), offset=offset, limit=limit)


@router.get("/mismatches")
def list_mismatches(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, level: Level, offset: Offset = 0, limit: Limit = 100
) -> Page[MismatchItem]:
    """List unsettled mismatches per area of one level, by class."""
    figures = published_mismatches(session, scope, settings)
    rows = figures[figures["level"].eq(level)]
    classes = [kind.value for kind in MismatchClass]
    by_class = rows[classes].astype(object).where(rows[classes].notna(), None).to_dict("records")
    rows = rows.assign(by_class=pd.Series(by_class, index=rows.index, dtype="object"))
    return Page(items=items_of(MismatchItem, rows, offset, limit), total=len(rows), offset=offset, limit=limit)


@router.get("/beats")
def list_beat_loads(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, offset: Offset = 0, limit: Limit = 100
) -> Page[BeatLoad]:
    """List beats with the addresses and migrants that each officer answers for."""
    rows = published_beat_loads(session, scope, settings)
    return Page(items=items_of(BeatLoad, rows, offset, limit), total=len(rows), offset=offset, limit=limit)
