"""Figures of mismatches: rates per class and area, what was found and settled month by month, the worst compounds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import and_, extract, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.tables import Placement
from gis_service.areas.tables import AreaLevel
from gis_service.registers.days import check_day
from gis_service.registers.figures import mismatch_in_scope, mismatches_of_areas, population
from gis_service.registers.tables import Mismatch, MismatchClass
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from layers.mismatches import mismatch_rates, worst, worst_reasons

_CLASSES = [kind.value for kind in MismatchClass]


def rates_of_areas(session: Session, scope: Scope, settings: Settings, level: AreaLevel) -> pd.DataFrame:
    """Unsettled mismatches per class and area of a level: the columns of `layers.mismatches.mismatch_rates`.

    Shrinking towards the mean is over the areas of the level in scope; `code` and `name` are added.
    """
    counts = mismatches_of_areas(session, scope)
    at_level = counts[counts["level"].eq(level)]
    registered = population(session, scope)["migrants"].reindex(at_level.index)
    rates = mismatch_rates(at_level[_CLASSES], registered, per=settings.rate_per, confidence=settings.rate_confidence)
    return rates.reset_index().merge(at_level[["code", "name"]].reset_index(), on="area_id", how="left")


def worst_compounds(session: Session, scope: Scope, settings: Settings, number: int = 10) -> pd.DataFrame:
    """The compounds with the highest adjusted rate, worst first, and why: index `area_id`.

    `code`, `name`, the columns of the rates over all classes, and those of `layers.mismatches.worst_reasons`.
    """
    return worst_of_rates(rates_of_areas(session, scope, settings, AreaLevel.COMPOUND), number)


def worst_of_rates(rates: pd.DataFrame, number: int) -> pd.DataFrame:
    """The worst areas of `rates_of_areas`, as `worst_compounds` returns them."""
    indexed = rates.set_index(["area_id", "mismatch_class"])
    if indexed.empty:
        return pd.DataFrame(columns=["code", "name"])
    top = worst(indexed, number)
    return top.join(worst_reasons(indexed, top.index))


def monthly(session: Session, scope: Scope, first: date, last: date) -> pd.DataFrame:
    """What was found and what was settled in each month: month (first day), mismatch_class, found, settled (int64).

    Months in which nothing happened are there, with zeros.
    """
    check_day(first)
    check_day(last)
    months = pd.date_range(first.replace(day=1), last, freq="MS")
    every = pd.MultiIndex.from_product([months.date, _CLASSES], names=["month", "mismatch_class"])
    found = _by_month(session, scope, Mismatch.found_on, first, last)
    settled = _by_month(session, scope, Mismatch.settled_at, first, last)
    table = pd.DataFrame({"found": found, "settled": settled}).reindex(every).fillna(0).astype("int64")
    return table.reset_index()


def _by_month(session: Session, scope: Scope, column: Any, first: date, last: date) -> pd.Series:
    year, month = extract("year", column), extract("month", column)
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    query = (
        select(year.label("year"), month.label("month_no"), Mismatch.mismatch_class, func.count().label("count"))
        .select_from(Mismatch)
        .outerjoin(Placement, and_(Placement.address_id == Mismatch.address_id, Placement.valid_on(scope.day)))
        .where(column >= first.replace(day=1), column < after, mismatch_in_scope(scope))
        .group_by(year, month, Mismatch.mismatch_class)
    )
    rows = read_frame(session, query, dtypes={"year": "int64", "month_no": "int64", "count": "int64"})
    days = [date(y, m, 1) for y, m in zip(rows["year"].tolist(), rows["month_no"].tolist(), strict=True)]
    index = pd.MultiIndex.from_arrays([days, rows["mismatch_class"].tolist()], names=["month", "mismatch_class"])
    return pd.Series(rows["count"].to_numpy(), index=index)
