"""What calls for attention: coverage far under the standard, inspections overdue, registrations that jump."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pandas as pd
from sqlalchemy import and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.tables import AreaLevel
from gis_service.registers.figures import let_on
from gis_service.registers.published import published_counts, published_coverage
from gis_service.registers.rentals.queries import inspection_due_days
from gis_service.registers.tables import Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.texts import T
from gis_service.web.command.figures import shared
from gis_service.web.command.summing import summed, summed_each
from gis_service.web.wording import amount, percent

SHOWN: Final = 8
"""Alerts of one kind that are shown, the worst first; how many there are in all is said."""


def alerts_answer(session: Session, scope: Scope, settings: Settings) -> dict[str, Any]:
    """Alerts by kind, each with the area that it leads to; `total` counts those not shown as well."""
    figures = shared(published_coverage, session, scope, settings)
    villages = figures[figures["level"].eq(AreaLevel.VILLAGE)]
    return {
        "as_of": scope.day.isoformat(),
        "kinds": [
            _coverage(villages, settings),
            _overdue(villages, shared(published_overdue, session, scope, settings)["overdue"], settings),
            _jumps(villages, session, scope, settings),
        ],
    }


def overdue_by_area(session: Session, scope: Scope, settings: Settings) -> pd.Series:
    """Rentals whose last inspection is longer ago than their grade allows: index `area_id`, Int64, added up."""
    last = func.coalesce(Rental.inspected_on, Rental.let_from)
    late = or_(
        false(),
        *(
            and_(Rental.grade == grade, last < scope.day - timedelta(days=days))
            for grade, days in sorted(inspection_due_days(settings).items())
        ),
    )
    query = (
        select(Placement.home_area_id.label("area_id"), func.count().label("overdue"))
        .select_from(Rental)
        .join(Placement, and_(Placement.address_id == Rental.address_id, Placement.valid_on(scope.day)))
        .where(let_on(scope.day), late, placement_in_scope(scope))
        .group_by(Placement.home_area_id)
    )
    return summed(session, scope, read_frame(session, query, dtypes={"area_id": "Int64", "overdue": "int64"}))


def published_overdue(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`overdue_by_area` as the reader may see it: column `overdue`."""
    return published_counts(session, scope, settings, overdue_by_area(session, scope, settings).to_frame("overdue"))


def _coverage(villages: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    low = villages[villages["coverage"].lt(settings.alert_coverage_below).fillna(value=False)]
    low = low.sort_values("short", ascending=False)
    items = [
        _item(
            area_id, row, f"{percent(row['coverage'])} · {T('Short of {count}', count=amount(round(row['short'], 1)))}"
        )
        for area_id, row in low.head(SHOWN).iterrows()
    ]
    title = T("Coverage below {share}", share=percent(settings.alert_coverage_below))
    return {"kind": "coverage", "title": str(title), "total": len(low), "items": items}


def _overdue(villages: pd.DataFrame, overdue: pd.Series, settings: Settings) -> dict[str, Any]:
    late = overdue.reindex(villages.index).dropna().sort_values(ascending=False)
    late = late[late >= settings.alert_overdue_least]
    worst = late.head(SHOWN)
    items = [
        _item(area_id, row, str(T("{count} inspections overdue", count=amount(count))))
        for (area_id, row), count in zip(villages.loc[worst.index].iterrows(), worst, strict=True)
    ]
    return {"kind": "overdue", "title": str(T("Inspections overdue")), "total": len(late), "items": items}


def _jumps(villages: pd.DataFrame, session: Session, scope: Scope, settings: Settings) -> dict[str, Any]:
    """Registrations of the last seven days against the weekly mean of the eight weeks before."""
    day, week = scope.day, timedelta(days=7)
    recent = case((Registration.registered_on > day - week, 1), else_=0)
    query = (
        select(
            Placement.home_area_id.label("area_id"), func.sum(recent).label("recent"), func.count().label("nine_weeks")
        )
        .select_from(Registration)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(day)))
        .where(
            Registration.registered_on > day - 9 * week, Registration.registered_on <= day, placement_in_scope(scope)
        )
        .group_by(Placement.home_area_id)
    )
    counted = read_frame(session, query, dtypes={"area_id": "Int64", "recent": "int64", "nine_weeks": "int64"})
    weeks = summed_each(session, scope, counted)
    known = published_counts(session, scope, settings, weeks).reindex(villages.index).dropna(subset=["recent"])
    last, all_weeks = known["recent"], known["nine_weeks"].fillna(known["recent"])
    usual = (all_weeks - last) / 8
    high = last[(last >= settings.alert_jump_least) & (last > settings.alert_jump_ratio * usual)]
    worst = high.sort_values(ascending=False).head(SHOWN)
    items = [
        _item(area_id, row, str(T("{count} in a week, usually {usual}", count=amount(now), usual=amount(round(mean)))))
        for (area_id, row), now, mean in zip(
            villages.loc[worst.index].iterrows(), worst, usual[worst.index].astype(float), strict=True
        )
    ]
    return {"kind": "jump", "title": str(T("Jump in registrations")), "total": len(high), "items": items}


def _item(area_id: Any, row: pd.Series, text: str) -> dict[str, Any]:
    return {"area_id": int(area_id), "name": row["name"], "text": text}
