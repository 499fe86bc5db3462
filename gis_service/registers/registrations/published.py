"""Stock and flow as their reader may see them (docs/decisions/0012-small-counts.md)."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.tables import AreaLevel
from gis_service.registers.registrations.turnover import turnover_of_areas
from gis_service.registers.withholding import (
    all_shown,
    hidden_counts,
    hidden_together,
    is_small,
    looks_across_townships,
    withhold,
)
from gis_service.settings import Settings

_FLOWS = ("arrivals", "departures", "moved_within")


def published_turnover(session: Session, scope: Scope, settings: Settings, first: date, last: date) -> pd.DataFrame:
    """`turnover_of_areas` as the reader may see it.

    Across townships series end at the village: month after month a compound would be given away. The flows of a month
    go together, and with a withheld stock at one of its ends, since stock and flows are one equation.
    """
    figures = turnover_of_areas(session, scope, first, last)
    if not looks_across_townships(session, scope):
        return all_shown(figures)
    above = figures["level"].ne(AreaLevel.COMPOUND)
    gone = dict.fromkeys(("stock_start", *_FLOWS, "stock_end", "turnover"), ~above)
    for _month, rows in figures[above].groupby("month"):
        hidden = _hidden(rows.set_index("area_id"), settings)
        for name, flags in hidden.items():
            gone[name] = gone[name].copy()
            gone[name].loc[rows.index] = flags.to_numpy()
    return withhold(figures, gone)


def _hidden(rows: pd.DataFrame, settings: Settings) -> dict[str, pd.Series]:
    """What goes in one month: column → areas."""
    stock = hidden_counts(rows, ["stock_start", "stock_end"], settings)
    least = is_small(rows[list(_FLOWS)], settings).any(axis=1) | stock["stock_start"] | stock["stock_end"]
    movement = rows.assign(movement=rows["arrivals"] + rows["departures"])
    flows = hidden_together(movement, "movement", least, settings)
    return {**stock, **dict.fromkeys(_FLOWS, flows), "turnover": flows | stock["stock_end"]}
