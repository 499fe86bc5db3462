"""Rental hotspots: compounds where rentals cluster, with a choice of what is counted and of the dwellings behind it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import areas
from gis_service.areas.tables import AreaLevel
from gis_service.registers.figures import rentals_of_areas
from gis_service.registers.published import published_rentals
from gis_service.registers.withholding import all_shown, looks_across_townships, withhold
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.texts import T
from layers.crs import to_metric


class HotspotMeasure(StrEnum):
    """What is counted, and out of what."""

    GROUP_RENTALS = "group_rentals"
    RED_OR_ORANGE = "red_or_orange"
    RENTALS = "rentals"


_RATES: Final = ("rate", "rate_adjusted")
_SCORES: Final = ("gi_z", "p_sim", "q_value")
_PER_RENTAL: Final = (HotspotMeasure.GROUP_RENTALS, HotspotMeasure.RED_OR_ORANGE)


def hotspots_of_compounds(
    session: Session, scope: Scope, settings: Settings, measure: HotspotMeasure = HotspotMeasure.GROUP_RENTALS
) -> pd.DataFrame:
    """Where rentals cluster beyond chance: `layers.hotspots.hotspots` over compounds, with `as_of` and `source`.

    Suspected group rentals and red or orange ones are counted out of all rentals of the compound, rentals out of all
    its dwellings (standard addresses): a compound is not hot for being large.
    """
    from layers.hotspots import hotspots
    from layers.neighbours import contiguity

    land = areas(session, scope, levels=[AreaLevel.COMPOUND])
    counts = rentals_of_areas(session, scope, settings).loc[land.index]
    base = counts["rentals"] if measure in _PER_RENTAL else _dwellings(session, scope).reindex(land.index).fillna(0)
    events = counts[measure.value].clip(upper=base.astype("Int64"))
    near = contiguity(
        to_metric(land, settings.metric_crs),
        gap_m=settings.border_gap_m,
        min_border_m=settings.border_min_m,
        islands_nearest=settings.islands_nearest,
    )
    found = hotspots(
        events,
        base.mask(base.eq(0)).astype("Int64"),
        near.graph,
        permutations=settings.hotspot_permutations,
        seed=settings.hotspot_seed,
    )
    return found.assign(as_of=scope.day, source=str(T("rentals")))


def published_hotspots(
    session: Session, scope: Scope, settings: Settings, measure: HotspotMeasure = HotspotMeasure.GROUP_RENTALS
) -> pd.DataFrame:
    """`hotspots_of_compounds` as the reader may see it (docs/decisions/0012-small-counts.md).

    The classes stay; rates of withheld counts go, and with them all scores, which are sums over neighbours.
    """
    found = hotspots_of_compounds(session, scope, settings, measure)
    if not looks_across_townships(session, scope):
        return all_shown(found)
    published = published_rentals(session, scope, settings).loc[found.index]
    hidden = published[["rentals", measure.value]].isna().any(axis=1)
    everywhere = pd.Series(bool(hidden.any()), index=found.index)
    numbers = found.astype(dict.fromkeys(_RATES + _SCORES, "Float64"))
    shown = withhold(numbers, dict.fromkeys(_RATES, hidden) | dict.fromkeys(_SCORES, everywhere))
    return shown.assign(withheld_mark=shown["withheld_mark"].where(hidden, None))  # elsewhere a dash is a dash


def _dwellings(session: Session, scope: Scope) -> pd.Series:
    """Standard addresses of each compound in scope."""
    query = (
        select(Placement.area_id, func.count().label("dwellings"))
        .where(Placement.valid_on(scope.day), Placement.area_id.is_not(None), placement_in_scope(scope))
        .group_by(Placement.area_id)
    )
    frame = read_frame(session, query, dtypes={"area_id": "int64", "dwellings": "Int64"}, index="area_id")
    return frame["dwellings"]
