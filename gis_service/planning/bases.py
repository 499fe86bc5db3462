"""What required posts are counted on: the migrants registered on a day, or their three-year average (三年平均)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import pandas as pd
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.registers.people import registered_on
from gis_service.registers.tables import Registration
from gis_service.storage.frames import read_frame

YEARS = 3


class Base(StrEnum):
    """What posts are counted on."""

    TODAY = "today"
    THREE_YEARS = "three_years"


def same_day_before(day: date, years: int) -> date:
    """The same day so many years ago; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def three_year_average(session: Session, scope: Scope) -> pd.Series:
    """Mean of the migrants registered on this day and on the same day one and two years ago, Float64 by home area.

    Addresses count where they lie on the scope's day, so that all three years are of the same land.
    """
    days = [same_day_before(scope.day, years) for years in range(YEARS)]
    per_address = (
        select(
            Registration.address_id,
            *(func.sum(case((registered_on(day), 1), else_=0)).label(f"y{years}") for years, day in enumerate(days)),
        )
        .where(or_(Registration.deregistered_on.is_(None), Registration.deregistered_on > days[-1]))
        .group_by(Registration.address_id)
        .subquery()
    )
    total = sum((per_address.c[f"y{years}"] for years in range(1, YEARS)), per_address.c.y0)
    query = (
        select(Placement.home_area_id.label("area_id"), func.sum(total).label("people"))
        .join(per_address, per_address.c.address_id == Placement.address_id)
        .where(and_(Placement.valid_on(scope.day), placement_in_scope(scope)))
        .group_by(Placement.home_area_id)
    )
    found = read_frame(session, query, dtypes={"area_id": "Int64", "people": "Float64"}).dropna(subset=["area_id"])
    return (found.set_index("area_id")["people"] / YEARS).rename("base")
