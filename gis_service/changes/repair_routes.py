"""Repair proposals over HTTP: what could be repaired, and a draft of what is accepted."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

import geopandas as gpd
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import AsOf, EngineDep, SettingsDep
from gis_service.api.wire import PlainText, RowKey
from gis_service.areas.tables import AreaLevel
from gis_service.changes.repairing import accept_repairs, propose_repairs
from gis_service.changes.routes import ChangeItem

router = APIRouter(
    prefix="/api/v1/land-repairs",
    tags=["land changes"],
    dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))],
)


class Proposal(BaseModel):
    """One repair: the ground that changes hands, and the borders before and after (GeoJSON, lon-lat)."""

    key: str
    kind: Literal["invalid_ring", "overlap", "outside_parent", "gap", "parent_follows"]
    sliver: bool
    level: AreaLevel
    area_ids: list[int]
    moved_m2: float
    addresses: int
    place: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class Acceptance(BaseModel):
    """Which proposals are accepted, from which day's land."""

    keys: Annotated[list[PlainText], Field(min_length=1, max_length=10_000)]
    day: date
    area_id: RowKey | None = None
    note: Annotated[PlainText | None, Field(max_length=300)] = None


@router.get("")
def list_proposals(
    engine: EngineDep, settings: SettingsDep, viewer: ViewerDep, day: AsOf, area_id: RowKey | None = None
) -> list[Proposal]:
    """Propose repairs of the land in your part of the district (inside an area); writes nothing."""
    found = propose_repairs(engine, settings, viewer, day, within=area_id)
    rows: list[dict[Any, Any]] = found.table.reset_index().to_dict("records")
    before, after = _by_key(found.before), _by_key(found.after)
    return [
        Proposal.model_validate(
            {
                **row,
                "place": found.places[row["key"]].__geo_interface__,
                "before": before[row["key"]],
                "after": after[row["key"]],
            }
        )
        for row in rows
    ]


@router.post("/acceptance")
def accept(engine: EngineDep, settings: SettingsDep, acting: ActingDep, order: Acceptance) -> ChangeItem:
    """Draft the correction that some proposals come to; then look, approve and apply it as any other change."""
    change = accept_repairs(engine, settings, acting, order.day, order.keys, within=order.area_id, note=order.note)
    return ChangeItem.model_validate(change)


def _by_key(borders: gpd.GeoDataFrame) -> dict[str, Any]:
    return {str(key): json.loads(rows.to_json(ensure_ascii=False)) for key, rows in borders.groupby("key")}
