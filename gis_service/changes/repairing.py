"""Repairs of defects that came with the borders: proposed under limits, drafted as a correction where accepted."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import address_in_scope, address_points
from gis_service.addresses.topology import tolerances
from gis_service.areas.queries import areas
from gis_service.areas.reach import reach_of
from gis_service.areas.tables import LandChange
from gis_service.changes.actions import draft_change
from gis_service.changes.repair_child import AREAS, POINTS
from gis_service.errors import NotFoundError
from gis_service.intake.child import JOB, refused
from gis_service.intake.limits import Limits
from gis_service.intake.restrained import run_restrained
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.scope import scope_of
from gis_service.texts import T

NOTE_CHARACTERS = 500


@dataclass(frozen=True, eq=False)
class Proposals:
    """Repairs that nobody has accepted yet.

    Attributes
    ----------
    table : index `key`; `kind` (`layers.repair.KINDS`), `sliver` (no piece is larger than one), `level`, `area_ids`
        (of what changes), `moved_m2` (ground that changes hands), `addresses` (on that ground).
    places : that ground, lon-lat, on the same index.
    before, after : borders of the areas that each changes, lon-lat; `key`, `area_id`, `code`, `name`.
    """

    table: pd.DataFrame
    places: gpd.GeoSeries
    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame


def propose_repairs(
    engine: Engine, settings: Settings, viewer: Viewer, day: date, *, within: int | None = None
) -> Proposals:
    """Look for repairs of the land of a day in the viewer's part of the district (inside an area); writes nothing.

    Raises
    ------
    NotPermittedError
        The role may not draft changes of the land.
    TooLargeError
        It takes longer, or more memory, than it may.
    """
    viewer.require(Permission.DRAFT_LAND_CHANGE)
    with reading(engine) as session:
        land, answer = _answer(session, settings, viewer, day, within, None)
    return _proposals(land, answer["repairs"])


def accept_repairs(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    keys: Collection[str],
    *,
    within: int | None = None,
    note: str | None = None,
) -> LandChange:
    """Draft the correction that some proposals come to; the note of the versions names the repairs.

    Raises
    ------
    NotPermittedError, TooLargeError
        As for the proposals; or an area lies outside the viewer's part of the district.
    NotFoundError
        A proposal is no longer there: the land is another, or somebody has accepted it.
    """
    viewer.require(Permission.DRAFT_LAND_CHANGE)
    with reading(engine) as session:
        _, answer = _answer(session, settings, viewer, day, within, keys)
    gone = set(keys) - {repair["key"] for repair in answer["repairs"]}
    if gone or not answer["borders"]:
        raise NotFoundError(T("{count} of these repairs are no longer proposed: look again.", count=len(gone)))
    borders = [
        {"area_id": int(area_id), "border": shapely.geometry.mapping(shapely.from_wkb(wkb))}
        for area_id, wkb in answer["borders"].items()
    ]
    said = "; ".join(part for part in (named(answer["repairs"]), note) if part)
    payload = {"kind": "redraw", "borders": borders}
    return draft_change(engine, viewer, payload, Mode.CORRECTION, day, note=said[:NOTE_CHARACTERS])


def named(repairs: list[dict[str, Any]]) -> str:
    """What was repaired, for the note of the versions: `repair: 2 overlap (31.5 m²), 12 sliver gap (0.4 m²)`."""
    counts: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    for repair in repairs:
        kind = f"{'sliver ' if repair['sliver'] else ''}{repair['kind'].replace('_', ' ')}"
        counts[kind] += 1
        moved[kind] += repair["moved_m2"]
    return "repair: " + ", ".join(f"{count} {kind} ({moved[kind]:.1f} m²)" for kind, count in counts.items())


def _answer(
    session: Session,
    settings: Settings,
    viewer: Viewer,
    day: date,
    within: int | None,
    keys: Collection[str] | None,
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    scope = scope_of(session, viewer, day)
    reach = reach_of(session, viewer, day)
    land = areas(session, scope, within=within)
    land = land if reach is None else land[land.index.isin(reach)]
    points = address_points(session, address_in_scope(scope))[["lon", "lat"]]
    limits = Limits.of(settings)
    job = {
        "limits": asdict(limits),
        "metric_crs": settings.metric_crs,
        "rules": {"overlap": settings.repair_overlap_rule, "parents": settings.repair_parents},
        "tolerances": asdict(tolerances(settings)),
        "chosen": None if keys is None else sorted(keys),
    }
    with tempfile.TemporaryDirectory(prefix="repair-") as name:
        folder = Path(name)
        plain = pd.DataFrame(land.drop(columns="geometry")).assign(wkb=shapely.to_wkb(land.geometry.to_numpy()))
        plain.reset_index().to_feather(folder / AREAS)
        points.reset_index(drop=True).to_feather(folder / POINTS)
        (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        answer = run_restrained("gis_service.changes.repair_child", folder, limits, called=str(T("Repairs")))
    if "refused" in answer:
        raise refused(answer, str(T("Repairs")))
    return land, answer


def _proposals(land: gpd.GeoDataFrame, repairs: list[dict[str, Any]]) -> Proposals:
    columns = ["key", "kind", "sliver", "level", "area_ids", "moved_m2", "addresses"]
    table = pd.DataFrame([{name: repair[name] for name in columns} for repair in repairs], columns=pd.Index(columns))
    places = [shapely.from_wkb(repair["place"]) for repair in repairs]
    pairs = [(repair["key"], int(area_id)) for repair in repairs for area_id in repair["after"]]
    after = [shapely.from_wkb(wkb) for repair in repairs for wkb in repair["after"].values()]
    before = [land.geometry[area_id] for _, area_id in pairs]
    return Proposals(
        table.set_index("key"),
        gpd.GeoSeries(places, index=pd.Index(table["key"]), crs="EPSG:4326"),
        _bordered(land, pairs, before),
        _bordered(land, pairs, after),
    )


def _bordered(land: gpd.GeoDataFrame, pairs: list[tuple[str, int]], shapes: list[Any]) -> gpd.GeoDataFrame:
    said = {
        "key": [key for key, _ in pairs],
        "area_id": [area_id for _, area_id in pairs],
        "code": [land.loc[area_id, "code"] for _, area_id in pairs],
        "name": [land.loc[area_id, "name"] for _, area_id in pairs],
    }
    return gpd.GeoDataFrame(said, geometry=shapes, crs="EPSG:4326")
