"""Twelve months and one week of an area: how many are registered, who came and left, what was found.

Across townships (docs/decisions/0012-small-counts.md) both end at the village, and a series with a withheld month is
withheld as a whole.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import area_names
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaLevel
from gis_service.registers.people import registered_on
from gis_service.registers.tables import Mismatch, Registration
from gis_service.registers.withholding import hidden_counts, looks_across_townships
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.web.command.summing import summed_each

MONTHS: Final = 12
WEEK: Final = timedelta(days=7)


def month_days(day: date, months: int = MONTHS) -> list[date]:
    """The first days of the `months` months before the one of `day`, and `day` itself."""
    firsts = []
    year, month = day.year, day.month
    for _ in range(months):
        firsts.append(date(year, month, 1))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return [*reversed(firsts), day] if firsts[0] != day else list(reversed(firsts))


def stock_by_month(session: Session, scope: Scope, settings: Settings, area_id: int) -> list[int] | None:
    """Registered migrants on each of `month_days`, at the addresses that are the area's today; None = withheld."""
    at = {f"m{n}": func.sum(case((registered_on(day), 1), else_=0)) for n, day in enumerate(month_days(scope.day))}
    counts = _counts(session, scope, settings, area_id, Registration, at)
    return None if any(count is None for count in counts.values()) else [int(counts[name] or 0) for name in at]


def week_of(session: Session, scope: Scope, settings: Settings, area_id: int) -> dict[str, int | None]:
    """What happened in the seven days up to the day: `begun`, `ended`, `found`; None = withheld."""

    def since(column: Any) -> ColumnElement[int]:
        happened = and_(column > scope.day - WEEK, column <= scope.day)
        return func.coalesce(func.sum(case((happened, 1), else_=0)), 0)

    moved = {"begun": since(Registration.registered_on), "ended": since(Registration.deregistered_on)}
    found = {"found": since(Mismatch.found_on)}
    return _counts(session, scope, settings, area_id, Registration, moved) | _counts(
        session, scope, settings, area_id, Mismatch, found
    )


def _counts(
    session: Session, scope: Scope, settings: Settings, area_id: int, row: Any, sums: dict[str, Any]
) -> dict[str, int | None]:
    """Sums over the rows at the addresses of one area, each by itself as the reader may see it."""
    query = (
        select(*(column.label(name) for name, column in sums.items()))
        .select_from(row)
        .join(Placement, and_(Placement.address_id == row.address_id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope))
    )
    if not looks_across_townships(session, scope):
        own = query.where(Placement.home_area_id.in_(subtree([area_id], scope.day)))
        row = session.execute(own).one()
        return {name: int(row[place] or 0) for place, name in enumerate(sums)}
    by_area = query.add_columns(Placement.home_area_id.label("area_id")).group_by(Placement.home_area_id)
    rows = read_frame(session, by_area, dtypes={"area_id": "Int64", **dict.fromkeys(sums, "int64")})
    names = area_names(session, scope)
    above = names[names["level"].ne(AreaLevel.COMPOUND)][["parent_id"]]
    figures = above.join(summed_each(session, scope, rows))
    hidden = hidden_counts(figures, list(sums), settings)
    return {
        name: int(figures[name][area_id]) if area_id in figures.index and not hidden[name][area_id] else None
        for name in sums
    }
