"""Stock and flow: how many are registered in each area at the end of each month, how many came and how many left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, and_, case, extract, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import area_names
from gis_service.errors import InvalidInputError
from gis_service.registers.days import check_day
from gis_service.registers.tables import LeavingReason, Registration
from gis_service.storage.frames import read_frame
from gis_service.texts import T
from layers.turnover import stock_and_flow

#: most months that one answer covers
MONTHS_MOST = 120


def turnover_of_areas(session: Session, scope: Scope, first: date, last: date) -> pd.DataFrame:
    """Stock and flow per area in scope and month, added up the tree.

    Parameters
    ----------
    first, last
        Any day of the first and of the last month. Addresses count where they lie on the scope's day.

    Returns
    -------
    One row an area and month: `area_id`, `code`, `name`, `level`, `parent_id`, `month` (its first day), and the columns
    of `layers.turnover.stock_and_flow`.

    Raises
    ------
    InvalidInputError
        The months are in the wrong order, or too many.
    """
    months = _months(first, last)
    tree = area_names(session, scope)
    parents = tree["parent_id"].where(tree["parent_id"].isin(tree.index))
    opening = _opening(session, scope, months[0])
    came = _by_month(session, scope, Registration.registered_on, months)
    left = _by_month(session, scope, Registration.deregistered_on, months)
    figures = stock_and_flow(opening, came, left, months=months, parents=parents)
    return (
        tree.reset_index()
        .merge(figures.reset_index(), on="area_id")
        .sort_values(["code", "area_id", "month"], ignore_index=True)
    )


def _months(first: date, last: date) -> Sequence[date]:
    check_day(first)
    check_day(last)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    if not 1 <= count <= MONTHS_MOST:
        raise InvalidInputError(T("Ask for 1 to {most} months, the first one first.", most=MONTHS_MOST))
    start = first.year * 12 + first.month - 1
    return [date((start + n) // 12, (start + n) % 12 + 1, 1) for n in range(count)]


def _placed(scope: Scope, *columns: Any) -> Any:
    return (
        select(Placement.home_area_id.label("area_id"), *columns)
        .select_from(Registration)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope))
    )


def _opening(session: Session, scope: Scope, month: date) -> pd.Series:
    """How many were registered in each area when the first month began."""
    held = and_(
        Registration.registered_on < month,
        or_(Registration.deregistered_on.is_(None), Registration.deregistered_on >= month),
    )
    query = _placed(scope, func.count().label("stock")).where(held).group_by(Placement.home_area_id)
    frame = read_frame(session, query, dtypes={"area_id": "Int64", "stock": "int64"})
    return frame.dropna(subset=["area_id"]).astype({"area_id": "int64"}).set_index("area_id")["stock"]


def _by_month(session: Session, scope: Scope, column: Any, months: Sequence[date]) -> pd.DataFrame:
    """Rows whose day falls into the months: area_id, month, count, moved (those that moved within the district)."""
    last = months[-1]
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    within: ColumnElement[bool] = and_(column >= months[0], column < after)
    year, month = extract("year", column), extract("month", column)
    moved = case((Registration.deregistration_reason == LeavingReason.MOVED_WITHIN.value, 1), else_=0)
    query = (
        _placed(scope, year.label("year"), month.label("month_no"))
        .add_columns(func.count().label("count"), func.sum(moved).label("moved"))
        .where(within)
        .group_by(Placement.home_area_id, year, month)
    )
    kinds = {"area_id": "Int64", "year": "int64", "month_no": "int64", "count": "int64", "moved": "int64"}
    frame = read_frame(session, query, dtypes=kinds).dropna(subset=["area_id"])
    days = [date(y, m, 1) for y, m in zip(frame["year"].tolist(), frame["month_no"].tolist(), strict=True)]
    return frame.assign(month=pd.Series(days, index=frame.index, dtype="object"))[
        ["area_id", "month", "count", "moved"]
    ]
