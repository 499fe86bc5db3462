"""Editing borders over HTTP: what an edit would make of the land, ready to be drafted; nothing is written."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import shapely
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import AsOf, ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.reach import reach_of
from gis_service.areas.tables import AreaLevel
from gis_service.changes.editing import (
    Proposal,
    Surveying,
    propose_merge,
    propose_new,
    propose_reshape,
    propose_split,
)

router = APIRouter(
    prefix="/api/v1", tags=["land changes"], dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))]
)

Degree = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
LonLat = tuple[Degree, Degree]
#: degrees around an area within which its neighbours are shown
_BESIDE_DEG = 1e-6


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Reshaping(_Edit):
    """Another border of one area; `moves` are vertices that were dragged, from and to."""

    kind: Literal["reshape"] = "reshape"
    area_id: RowKey
    border: dict[str, Any]
    moves: Annotated[list[tuple[LonLat, LonLat]], Field(max_length=5000)] = []


class Splitting(_Edit):
    """A line across one area."""

    kind: Literal["split"] = "split"
    area_id: RowKey
    line: Annotated[list[LonLat], Field(min_length=2, max_length=5000)]


class Merging(_Edit):
    """Neighbours that become one."""

    kind: Literal["merge"] = "merge"
    area_ids: Annotated[list[RowKey], Field(min_length=2, max_length=100)]


class Founding(_Edit):
    """A new area, drawn."""

    kind: Literal["create"] = "create"
    level: AreaLevel
    border: dict[str, Any]


Edit = Annotated[Reshaping | Splitting | Merging | Founding, Field(discriminator="kind")]


class MovedGround(BaseModel):
    """Ground that goes from one area to another; null = to or from nobody, or outside your part."""

    from_name: str | None
    to_name: str | None
    area_m2: float


class ProposalItem(BaseModel):
    """What an edit makes of the land: `asked` can be drafted, `borders` are the areas as they would be (lon-lat)."""

    asked: dict[str, Any]
    borders: dict[str, Any]
    moved: list[MovedGround]
    notes: list[str]


@router.post("/land-edits")
def propose(session: ReadDep, settings: SettingsDep, viewer: ViewerDep, day: AsOf, edit: Edit) -> ProposalItem:
    """Tell what an edit would make of the land: neighbours follow, no gap or overlap arises; writes nothing."""
    at = Surveying(session, settings, viewer, day)
    match edit:
        case Reshaping():
            found = propose_reshape(at, edit.area_id, edit.border, [*edit.moves])
        case Splitting():
            found = propose_split(at, edit.area_id, edit.line)
        case Merging():
            found = propose_merge(at, edit.area_ids)
        case Founding():
            found = propose_new(at, edit.level, edit.border)
    return _on_the_wire(found)


@router.get("/land-edits/areas/{area_id}")
def area_to_edit(
    session: ReadDep, settings: SettingsDep, viewer: ViewerDep, day: AsOf, area_id: RowKey
) -> dict[str, Any]:
    """One area and its neighbours of the same level in your part, every vertex to the last bit (GeoJSON, lon-lat).

    `fixed`: vertices of the area that it shares with areas outside your part.
    """
    at = Surveying(session, settings, viewer, day)
    own = at.area(area_id)
    land = at.around(own.geometry)
    around = land[land["level"].eq(own["level"].iloc[0])]
    reach = reach_of(session, viewer, day)
    near = around[shapely.dwithin(around.geometry.to_numpy(), own.geometry.iloc[0], _BESIDE_DEG)]
    seen = near if reach is None else near[near.index.isin(reach)]
    foreign = near[~near.index.isin(seen.index)]
    corners = shapely.get_coordinates(own.geometry.to_numpy())
    touched = shapely.dwithin(shapely.points(corners), shapely.union_all(foreign.geometry.to_numpy()), _BESIDE_DEG)
    features = json.loads(seen[["code", "name", "level", "geometry"]].to_json(ensure_ascii=False))["features"]
    return {
        "type": "FeatureCollection",
        "features": [{**feature, "id": int(feature["id"])} for feature in features],
        "fixed": corners[touched].tolist() if len(foreign) else [],
    }


def _on_the_wire(found: Proposal) -> ProposalItem:
    moved = found.moved.astype(object)
    rows = moved.where(moved.notna(), None).to_dict("records")
    return ProposalItem(
        asked=found.asked,
        borders=json.loads(found.borders.to_json(ensure_ascii=False)),
        moved=[MovedGround(**{name: row[name] for name in ("from_name", "to_name", "area_m2")}) for row in rows],
        notes=list(found.notes),
    )
