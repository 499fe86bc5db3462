"""A layer of areas delivered anew, over HTTP: compare it with the record, and draft the change that it comes to."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

import geopandas as gpd
import pandas as pd
from fastapi import APIRouter, Depends, Form
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, SettingsDep
from gis_service.api.problems import fault_body
from gis_service.api.wire import PlainText
from gis_service.areas.tables import AreaLevel
from gis_service.changes.comparing import Comparison, Said, compare_layer
from gis_service.changes.reimporting import draft_reimport
from gis_service.changes.routes import ChangeItem
from gis_service.intake.routes import Columns, Crs, FaultItem, FileSent, Layers, ModeSaid, options_of, owner_of
from gis_service.intake.subject import Mode
from gis_service.intake.uploads import find_upload, keep_upload

router = APIRouter(
    prefix="/api/v1/land-reimports",
    tags=["land changes"],
    dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))],
)

FAULTS_SHOWN = 200
Day = Annotated[date, Form(description="The day whose land the layer is compared with, and from which it holds.")]


class ComparedArea(BaseModel):
    """One area of the comparison; `number` names it in `old`, `new` and `heirs`."""

    number: int
    found: Literal["unchanged", "corrected", "changed", "new", "missing"]
    suggested: Literal["correction", "change"] | None
    matched_by: Literal["code", "overlap", "name"] | None
    area_id: int | None
    level: AreaLevel
    code: str | None
    old_code: str | None
    name: str | None
    old_name: str | None
    kind: str | None
    old_kind: str | None
    parent_code: str | None
    old_parent_code: str | None
    fields: list[str]
    old_area_m2: float | None
    new_area_m2: float | None
    difference_m2: float | None
    difference_percent: Annotated[float | None, Field(description="Ground of just one of the two ÷ the old ground.")]
    heirs: list[int]


class ComparisonItem(BaseModel):
    """A layer beside the record; `old` and `new` as GeoJSON in lon-lat, for maps side by side.

    `ticket` names the file for the draft; it is kept for an hour.
    """

    ticket: str
    file_name: str
    day: date
    counts: dict[str, int]
    areas: list[ComparedArea]
    old: dict[str, Any]
    new: dict[str, Any]
    faults: list[FaultItem]
    warnings: list[str]


class Order(BaseModel):
    """Make the land what a file that was compared shows."""

    ticket: Annotated[PlainText, Field(max_length=64)]
    day: date
    mode: Annotated[Mode | None, Field(description="None: each as is suggested.")] = None
    said: Annotated[
        dict[str, Said], Field(max_length=100_000, description="By code: correction, change or leave.")
    ] = {}
    end_missing: Annotated[bool, Field(description="Areas that the file does not have end on the day.")] = False
    crs: Annotated[PlainText | None, Field(max_length=40)] = None
    columns: Annotated[PlainText | None, Field(max_length=4000)] = None
    layers: Annotated[list[PlainText] | None, Field(max_length=20)] = None
    note: Annotated[PlainText | None, Field(max_length=500)] = None


class Drafted(BaseModel):
    """The draft that a layer came to; null where nothing differs."""

    counts: dict[str, int]
    change: ChangeItem | None


@router.post("/comparison")
def compare(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    file: FileSent,
    day: Day,
    crs: Crs = None,
    columns: Columns = None,
    layers: Layers = None,
    mode: ModeSaid = None,
) -> ComparisonItem:
    """Compare a layer of areas with the record: unchanged, corrected, changed, new, missing; writes nothing."""
    upload = keep_upload(settings, owner_of(acting), file.filename or "", file.file)
    options = options_of(upload.name, crs, columns, layers, day, mode)
    found = compare_layer(engine, settings, acting, upload.path, options)
    return comparison_item(found, upload.ticket)


@router.post("")
def draft(engine: EngineDep, settings: SettingsDep, acting: ActingDep, order: Order) -> Drafted:
    """Draft the one change that a layer comes to; then look at its impact, approve and apply it as any other."""
    upload = find_upload(settings, owner_of(acting), order.ticket)
    options = options_of(upload.name, order.crs, order.columns, order.layers, order.day, order.mode)
    made = draft_reimport(
        engine, settings, acting, upload.path, options, order.said, end_missing=order.end_missing, note=order.note
    )
    change = None if made.change is None else ChangeItem.model_validate(made.change)
    return Drafted(counts=made.comparison.counts, change=change)


def comparison_item(found: Comparison, ticket: str) -> ComparisonItem:
    """A comparison as it goes over the wire."""
    table = found.table.assign(difference_percent=100 * found.table["difference_share"]).reset_index().astype(object)
    rows = table.drop(columns="difference_share").where(lambda each: each.map(_is_said), None).to_dict("records")
    return ComparisonItem(
        ticket=ticket,
        file_name=found.file_name,
        day=found.day,
        counts=found.counts,
        areas=[ComparedArea.model_validate(row) for row in rows],
        old=_features(found.old, found.table),
        new=_features(found.new, found.table),
        faults=[FaultItem.model_validate(fault_body(fault)) for fault in found.faults[:FAULTS_SHOWN]],
        warnings=[str(warning) for warning in found.warnings],
    )


def _is_said(value: Any) -> bool:
    return isinstance(value, list) or bool(pd.notna(value))


def _features(borders: gpd.GeoSeries, table: pd.DataFrame) -> dict[str, Any]:
    drawn = borders[borders.notna()]
    named = table.assign(code=table["code"].fillna(table["old_code"]), name=table["name"].fillna(table["old_name"]))
    said = named.loc[drawn.index, ["found", "level", "code", "name"]]
    frame = gpd.GeoDataFrame(said.reset_index(), geometry=drawn.to_numpy(), crs="EPSG:4326")
    collection: dict[str, Any] = json.loads(frame.to_json(ensure_ascii=False))
    return collection
