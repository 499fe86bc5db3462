"""What a page shows of a change of the land: what it asks for in words, its impact as rows, its borders on two maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.viewer import Viewer
from gis_service.areas.change_kinds import (
    Create,
    Merge,
    Move,
    Recode,
    Redraw,
    Reimport,
    Rename,
    Split,
    areas_named,
    asked_of,
)
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import Area, AreaLevel, LandChange
from gis_service.changes.borders import recorded_borders
from gis_service.changes.impact import Impact
from gis_service.settings import Settings
from gis_service.teams.queries import beats
from gis_service.teams.scope import scope_of
from gis_service.texts import T, Text
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import records
from gis_service.web.wording import code_name
from maps.compare import compared

#: how far around the borders the neighbourhood is shown, as a share of their extent
AROUND = 0.35
FLOWS_SHOWN = 50


def sentences(session: Session, viewer: Viewer, changes: Sequence[LandChange]) -> dict[int, str]:
    """What each change asks for; names are read once a day."""
    known: dict[date, dict[int, str]] = {}
    for change in changes:
        if change.day not in known:
            known[change.day] = names_on(session, viewer, change.day)
    return {change.id: what_is_asked(change, known[change.day]) for change in changes}


def what_is_asked(change: LandChange, known: Mapping[int, str]) -> str:
    """One sentence: `Split 石塘村 into 石塘上村, 石塘下村`; `known` are names in the viewer's part."""
    asked = asked_of(change.payload)
    names = {**known, **_found(change)}

    def named(area_ids: list[int]) -> str:
        return "、".join(names.get(area_id, str(area_id)) for area_id in area_ids)

    said: Text
    match asked:
        case Create():
            said = T("New area {name} ({code})", name=asked.name, code=asked.code)
        case Rename():
            said = T("{area} is called {name}", area=named([asked.area_id]), name=asked.name)
        case Recode():
            said = T("{area} has the code {code}", area=named([asked.area_id]), code=asked.code)
        case Redraw():
            said = T("New borders of {areas}", areas=named([each.area_id for each in asked.borders]))
        case Split():
            parts = "、".join(part.name for part in asked.parts)
            said = T("{area} is split into {parts}", area=named([asked.area_id]), parts=parts)
        case Merge():
            said = T("{areas} become {name}", areas=named(asked.area_ids), name=asked.into.name)
        case Move():
            said = T("{area} belongs to {parent}", area=named([asked.area_id]), parent=named([asked.parent_id]))
        case Reimport():
            counts = {"count": len(asked.areas), "ended": len(asked.ended)}
            said = T("{file}: {count} areas new or different, {ended} no more", file=asked.source, **counts)
        case _:
            said = T("{area} is no more", area=named([asked.area_id]))
    return str(said)


def names_on(session: Session, viewer: Viewer, day: date) -> dict[int, str]:
    """Names of areas in the viewer's part on a day."""
    known = area_names(session, scope_of(session, viewer, day))["name"]
    return {int(str(area_id)): str(name) for area_id, name in known.items()}


def _found(change: LandChange) -> dict[int, str]:
    """Names as a change that was carried out found them, or gave them."""
    return {row["area_id"]: row["name"] for row in recorded_borders(change)[::-1].to_dict("records")}


def compared_borders(
    session: Session, settings: Settings, viewer: Viewer, change: LandChange, impact: Impact | None
) -> dict[str, Any] | None:
    """The two maps of a change: as it would be while it waits, as it was once carried out; None without borders."""
    borders = recorded_borders(change) if impact is None else impact.borders
    if borders.empty:
        return None
    scope = scope_of(session, viewer, change.day)
    faults = gpd.GeoDataFrame({"label": []}, geometry=[], crs=borders.crs)
    if impact is not None and len(impact.faults):
        found = impact.faults
        faults = found.assign(
            label=[
                f"{code_name(str(kind))} {m2:,.1f} m²"
                for kind, m2 in zip(found["finding"], found["area_m2"], strict=True)
            ]
        )
    west, south, east, north = (float(value) for value in borders.total_bounds)
    wide, high = (east - west) * AROUND, (north - south) * AROUND
    levels = _levels(session, change, borders)
    ground = areas(session, scope, levels=levels, box=(west - wide, south - high, east + wide, north + high))
    return compared(borders, ground, faults, Drawing(session, scope, settings).base_maps)


def _levels(session: Session, change: LandChange, borders: gpd.GeoDataFrame) -> list[AreaLevel]:
    """The level at which the change happens."""
    named = [*areas_named(asked_of(change.payload)), *borders["area_id"].tolist()]
    area = next((found for area_id in named if (found := session.get(Area, int(area_id))) is not None), None)
    return [] if area is None else [AreaLevel(area.level)]


def impact_tables(session: Session, viewer: Viewer, change: LandChange, impact: Impact) -> dict[str, Any]:
    """The impact as rows that say names; what lies outside the viewer's part stays unnamed."""
    new = impact.borders[impact.borders["when"] == "after"].drop_duplicates("area_id").set_index("area_id")["name"]
    called = {**names_on(session, viewer, change.day), **new.to_dict()}
    held = beats(session, scope_of(session, viewer, change.day))["name"]
    concerned = {**held.to_dict(), **impact.officers["name"].to_dict()}
    flows = impact.flows.head(FLOWS_SHOWN)
    moved = [
        {
            **{f"{side}_area": _called(row[f"{side}_area_id"], called) for side in ("from", "to")},
            **{f"{side}_beat": _called(row[f"{side}_beat_id"], concerned) for side in ("from", "to")},
            **{name: row[name] for name in ("addresses", "migrants", "rentals")},
        }
        for row in records(flows)
    ]
    return {
        "totals": {name: _together(impact.flows, name) for name in ("addresses", "migrants", "rentals")},
        "flows": moved,
        "flows_left": len(impact.flows) - len(flows),
        "officers": records(impact.officers),
        "coverage": records(_telling(impact.coverage)),
        "faults": [
            {
                "finding": code_name(row["finding"]),
                "area": called.get(row["area_id"], "—"),
                "other": called.get(row["other_id"], "—"),
                "area_m2": row["area_m2"],
            }
            for row in records(impact.faults)
        ],
    }


def _together(flows: pd.DataFrame, name: str) -> int | str:
    """All flows together; the mark when they are withheld."""
    withheld = flows["withheld"].map(lambda names: name in names)
    return str(flows["withheld_mark"].iloc[0]) if withheld.any() else int(flows[name].sum())


def _telling(coverage: pd.DataFrame) -> pd.DataFrame:
    """What lies above compounds, and the compounds whose figures change."""
    ratios = [name.removesuffix("_before") for name in coverage.columns if name.endswith("_before")]
    before = coverage[[f"{name}_before" for name in ratios]].set_axis(ratios, axis=1).astype("Float64")
    after = coverage[[f"{name}_after" for name in ratios]].set_axis(ratios, axis=1).astype("Float64")
    same = (before.eq(after) | (before.isna() & after.isna())).fillna(value=False).all(axis=1)
    return coverage[~same | coverage["level"].ne(AreaLevel.COMPOUND)]


def _called(key: Any, names: dict[Any, str]) -> str:
    return "—" if key is None else names.get(key, "—")
