"""Figures of mismatches as their reader may see them (docs/decisions/0012-small-counts.md)."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.tables import AreaLevel
from gis_service.registers.mismatches.figures import monthly, rates_of_areas, worst_of_rates
from gis_service.registers.published import published_coverage, published_mismatches
from gis_service.registers.withholding import all_shown, is_small, looks_across_townships, withhold
from gis_service.settings import Settings
from layers.mismatches import ALL_CLASSES

_RATES = ("rate", "rate_adjusted", "rate_low", "rate_high")
_FLOWS = ("found", "settled")


def published_rates(session: Session, scope: Scope, settings: Settings, level: AreaLevel) -> pd.DataFrame:
    """`rates_of_areas` as the reader may see it: a rate goes when its count or the number of registered does."""
    rates = rates_of_areas(session, scope, settings, level)
    if not looks_across_townships(session, scope) or rates.empty:
        return all_shown(rates)
    counts = published_mismatches(session, scope, settings).rename(columns={"mismatches": ALL_CLASSES})
    few = pd.Series(
        [
            pd.isna(counts[str(kind)].to_dict()[area_id])
            for area_id, kind in zip(rates["area_id"], rates["mismatch_class"], strict=True)
        ],
        index=rates.index,
    )
    people = published_coverage(session, scope, settings)["withheld"].map(lambda names: "migrants" in names)
    unsaid = rates["area_id"].map(people).astype(bool)
    gone = {"mismatches": few, "registered": unsaid} | dict.fromkeys(_RATES, few | unsaid)
    return withhold(rates, gone)


def published_worst(session: Session, scope: Scope, settings: Settings, number: int = 10) -> pd.DataFrame:
    """The worst compounds among those of which everything may be shown: a rank would tell of a withheld count."""
    rates = published_rates(session, scope, settings, AreaLevel.COMPOUND)
    telling = rates.loc[rates["withheld"].map(len).gt(0), "area_id"]
    return worst_of_rates(rates[~rates["area_id"].isin(telling)].drop(columns=["withheld", "withheld_mark"]), number)


def published_months(session: Session, scope: Scope, settings: Settings, first: date, last: date) -> pd.DataFrame:
    """`monthly` as the reader may see it: with one small class all classes of that month go."""
    table = monthly(session, scope, first, last)
    if not looks_across_townships(session, scope):
        return all_shown(table)
    small = is_small(table[list(_FLOWS)], settings).groupby(table["month"]).transform("any")
    return withhold(table.astype(dict.fromkeys(_FLOWS, "Int64")), {name: small[name] for name in _FLOWS})


def published_month_totals(session: Session, scope: Scope, settings: Settings, first: date, last: date) -> pd.DataFrame:
    """All classes together: index `month`; `found`, `settled`."""
    totals = monthly(session, scope, first, last).groupby("month")[list(_FLOWS)].sum()
    if not looks_across_townships(session, scope):
        return all_shown(totals)
    small = is_small(totals, settings)
    return withhold(totals.astype("Int64"), {name: small[name] for name in _FLOWS})
