"""What a change would break: overlaps, gaps and overhangs that were not there before it."""

from __future__ import annotations

from datetime import date
from typing import Final

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.topology import tolerances
from gis_service.areas.periods import Timeline, Version, holding
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.errors import Fault
from gis_service.settings import Settings
from gis_service.texts import T, Text
from layers.boundaries import check_topology

_BROKEN: Final[dict[str, Text]] = {
    "invalid_ring": T("Invalid ring"),
    "overlap": T("Overlapping areas"),
    "gap": T("Gap"),
    "outside_parent": T("Outside its parent"),
}


def new_faults(
    session: Session, settings: Settings, day: date, before: dict[int, Timeline], after: dict[int, Timeline]
) -> gpd.GeoDataFrame:
    """Alarms of `layers.boundaries.check_topology` around the changed areas, that their former shapes did not raise.

    The session sees the land as changed.
    """
    was = {area_id: version for area_id, timeline in before.items() if (version := holding(timeline, day))}
    now = {area_id: version for area_id, timeline in after.items() if (version := holding(timeline, day))}
    around = _surroundings(session, day, [*was.values(), *now.values()])
    concerned = {*was, *now, *(version.parent_id for version in (*was.values(), *now.values()))}
    found = _alarms(around, concerned, settings)
    if found.empty:
        return found
    former = pd.concat([around[~around.index.isin(list(now))], _frame(list(was.values()))])
    known = _alarms(gpd.GeoDataFrame(former, geometry="geometry", crs=around.crs), concerned, settings)
    keys = ["finding", "area_id", "other_id"]
    there = known.groupby(keys, dropna=False)["area_m2"].sum()
    grown = found["area_m2"] - pd.MultiIndex.from_frame(found[keys]).map(there.to_dict()).fillna(0.0)
    return found[(grown > settings.sliver_area_m2) | found["area_m2"].isna()]


def told(session: Session, scope: Scope, found: gpd.GeoDataFrame) -> list[Fault]:
    """What `new_faults` found, one fault each, with the neighbour's name and square metres; none beyond the scope."""
    names = area_names(session, scope)["name"].to_dict()
    elsewhere = T("an area outside your part")
    faults = []
    for row in found.itertuples():
        between: list[object] = [names.get(row.area_id, elsewhere)]
        between += [] if pd.isna(row.other_id) else [names.get(row.other_id, elsewhere)]
        said = "、".join(str(name) for name in between)
        faults.append(
            Fault(
                T(
                    "{finding} ({areas}): {area_m2} m²",
                    finding=_BROKEN[str(row.finding)],
                    areas=said,
                    area_m2=f"{row.area_m2:,.1f}",
                ),
                field="border",
                value=str(row.area_id),
                remedy=T("Redraw it so that neighbours share their border, or approve it with a reason."),
            )
        )
    return faults


def _surroundings(session: Session, day: date, versions: list[Version]) -> gpd.GeoDataFrame:
    """The areas as they are now that may overlap with these, hold them, or lie in them."""
    scope = Scope(day, None)
    parts = []
    for level in sorted({version.level for version in versions}):
        own = [version for version in versions if version.level == level]
        drawn = [version.border for version in own if version.border is not None]
        if drawn:
            bounds = gpd.GeoSeries(drawn).total_bounds
            box = (float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3]))
            parts.append(areas(session, scope, levels=[AreaLevel(level)], box=box))
    parents = {version.parent_id for version in versions if version.parent_id is not None}
    if versions:
        parts.append(areas(session, scope, parent=parents | {version.area_id for version in versions}))
        parts.append(areas(session, scope, only=parents))
    around = pd.concat(parts) if parts else areas(session, scope, parent=-1)
    return gpd.GeoDataFrame(around[~around.index.duplicated()], geometry="geometry", crs="EPSG:4326")


def _alarms(land: gpd.GeoDataFrame, concerned: set[int | None], settings: Settings) -> gpd.GeoDataFrame:
    report = check_topology(land, settings.metric_crs, tolerances(settings), alarms_only=True)
    ours = report["area_id"].isin(list(concerned)) | report["other_id"].isin(list(concerned))
    # around other parents only some of the children are at hand: their gaps are not gaps
    complete = report["finding"].ne("gap") | report["area_id"].isin(list(concerned))
    return report[report["severity"].eq("alarm") & report["finding"].isin(list(_BROKEN)) & ours & complete]


def _frame(versions: list[Version]) -> gpd.GeoDataFrame:
    drawn = [version for version in versions if version.border is not None]
    return gpd.GeoDataFrame(
        {
            "code": [version.code for version in drawn],
            "name": [version.name for version in drawn],
            "level": [version.level for version in drawn],
            "kind": [version.kind for version in drawn],
            "parent_id": pd.array([version.parent_id for version in drawn], dtype="Int64"),
        },
        geometry=[version.border for version in drawn],
        index=pd.Index([version.area_id for version in drawn], name="area_id", dtype="int64"),
        crs="EPSG:4326",
    )
