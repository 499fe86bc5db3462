"""The figures of mismatches over HTTP: rates with their intervals, months, the worst compounds and why."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from gis_service.access.http import ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import Limit, Offset, Page, Withheld, items_of
from gis_service.areas.tables import AreaLevel
from gis_service.errors import InvalidInputError
from gis_service.registers.mismatches.published import published_months, published_rates, published_worst
from gis_service.registers.tables import MismatchClass
from gis_service.texts import T

router = APIRouter(prefix="/api/v1/figures", tags=["figures"], dependencies=[Depends(requires(Permission.SEE_FIGURES))])
MONTHS_MOST = 120


class RateItem(BaseModel):
    """A rate per 1,000 registered (setting), raw and adjusted for small numbers, with its interval."""

    area_id: int
    code: str
    name: str
    mismatch_class: str
    mismatches: int | None
    registered: int | None
    rate: float | None
    rate_adjusted: float | None
    rate_low: float | None
    rate_high: float | None
    status: str
    withheld: Withheld = []


class WorstItem(RateItem):
    """One of the worst compounds; `reason_class` is found `reason_times` as often as is to be expected."""

    reason_class: MismatchClass | None
    reason_found: int | None
    reason_expected: float | None
    reason_times: float | None
    mismatch_class: str = "all"


class MonthItem(BaseModel):
    """What was found and settled of a class in a month."""

    month: date
    mismatch_class: MismatchClass
    found: int | None
    settled: int | None
    withheld: Withheld


@router.get("/mismatch-rates")
def list_rates(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    level: Annotated[AreaLevel, Query(description="The level to list.")],
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[RateItem]:
    """List mismatch rates per area and class; `all` adds the classes up."""
    frame = published_rates(session, scope, settings, level).set_index("area_id")
    return Page(items=items_of(RateItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.get("/worst-compounds")
def list_worst(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    limit: Annotated[int, Query(ge=1, le=100, description="How many.")] = 10,
) -> list[WorstItem]:
    """List the compounds with the highest adjusted mismatch rate, worst first, and why."""
    return items_of(WorstItem, published_worst(session, scope, settings, limit))


@router.get("/mismatch-months")
def list_months(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    first: Annotated[date, Query(description="Any day of the first month.")],
    last: Annotated[date, Query(description="Any day of the last month.")],
) -> list[MonthItem]:
    """List what was found and settled in each month, by class."""
    if not 0 <= (last.year - first.year) * 12 + last.month - first.month < MONTHS_MOST:
        raise InvalidInputError(T("Ask for 1 to {most} months, the first one first.", most=MONTHS_MOST))
    return items_of(MonthItem, published_months(session, scope, settings, first, last).set_index("month"))
