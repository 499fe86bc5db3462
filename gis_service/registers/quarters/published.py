"""How far the villages are, as the reader may see it (docs/decisions/0012-small-counts.md)."""

from __future__ import annotations

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.queries import progress
from gis_service.registers.tables import MismatchState
from gis_service.registers.withholding import (
    all_shown,
    hidden_counts,
    hidden_together,
    is_small,
    looks_across_townships,
    mark,
    withhold,
)
from gis_service.settings import Settings

_STATES = [state.value for state in MismatchState]
_TOTALS = ("found", "settled", "open", "confirmed")


def published_progress(
    session: Session, scope: Scope, settings: Settings, quarter: Quarter, area_id: int | None = None
) -> pd.DataFrame:
    """`progress` as the reader may see it: what was found, and apart from it the states of a village together."""
    figures = progress(session, scope, quarter, area_id)
    if not looks_across_townships(session, scope):
        return all_shown(figures)
    everywhere = figures if area_id is None else progress(session, scope, quarter)
    counted = everywhere.assign(found=everywhere["found"].astype("Int64"))
    gone = hidden_counts(counted, ["found", "previous_found"], settings)
    parts = everywhere[[*_STATES, "settled"]].assign(waiting=everywhere["found"] - everywhere["settled"])
    least = is_small(parts, settings).any(axis=1) | gone["found"]
    together = hidden_together(counted, "found", least, settings, keep=counted.index[counted["found"].eq(0)])
    gone |= dict.fromkeys((*_STATES, "settled", "share_settled"), together)
    shown = figures.astype(dict.fromkeys((*_STATES, "found", "settled"), "Int64"))
    return withhold(shown, {name: rows.reindex(figures.index) for name, rows in gone.items()}, settings)


def totals_of(shown: pd.DataFrame, settings: Settings) -> dict[str, int | str]:
    """The villages of `published_progress` together; the mark when the sum is small or one of them is withheld."""
    return {
        name: mark(settings) if shown[name].isna().any() or is_small(shown[[name]].sum(), settings).any()
        else int(shown[name].sum())
        for name in _TOTALS
    }  # fmt: skip
