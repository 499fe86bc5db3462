"""A layer delivered anew beside the land on record: what is unchanged, corrected, changed, new or missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.intake import AREAS, refuse_contradictions, told_areas
from gis_service.areas.queries import area_names, areas
from gis_service.areas.reach import reach_of
from gis_service.areas.tables import AreaLevel
from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.assembling import assemble
from gis_service.intake.changes import differing
from gis_service.intake.limits import Limits
from gis_service.intake.reading import read_file
from gis_service.intake.subject import Batch, ImportOptions, Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.texts import T, Text
from layers.comparison import Likeness, compare_borders, heirs_by_ground, match_areas
from layers.editing import area_m2

FAULTS_CARRIED: Final = 1000
Said = Literal["correction", "change", "leave"]
"""What a person says of one area: the record was wrong, the world changed, or leave it as it is on record."""


class Found(StrEnum):
    """What a new layer makes of one area."""

    UNCHANGED = "unchanged"
    CORRECTED = "corrected"
    CHANGED = "changed"
    NEW = "new"
    MISSING = "missing"


@dataclass(frozen=True, eq=False)
class Comparison:
    """A layer beside the record of one day.

    Attributes
    ----------
    file_name, day : what was compared, and with the land of which day.
    table : one row an area, those of the layer in its order and then the missing ones; index `number` from 1.
        `found` (see `Found`), `suggested` (correction or change, of what differs), `matched_by` (code, overlap, name),
        `area_id` (Int64), `level`, and `code`, `name`, `kind`, `parent_code` as delivered, `old_…` as on record,
        `fields` (names of what differs), `old_area_m2`, `new_area_m2`, `difference_m2`, `difference_share` (of the
        old ground), `heirs` (numbers of the areas that have the ground of a missing one).
    old, new : borders of what is not unchanged, lon-lat, on the same index.
    parents : of each row of the layer the parent: an `area_id`, below 0 the n-th row of the layer; NA for none.
    faults, warnings : why rows cannot be taken, and what the user should know.
    """

    file_name: str
    day: date
    table: pd.DataFrame
    old: gpd.GeoSeries
    new: gpd.GeoSeries
    parents: pd.Series
    faults: tuple[Fault, ...]
    warnings: tuple[Text, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Areas by class, all five present."""
        found = self.table["found"].value_counts()
        return {each.value: int(found.get(each.value, 0)) for each in Found}


def compare_layer(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    path: Path,
    options: ImportOptions | None = None,
    said: Mapping[str, Said] | None = None,
) -> Comparison:
    """Compare a file of areas with the land on `options.valid_from`; writes nothing.

    Areas are found again by code, then by ground, then (without a border) by name. What differs is a correction or a
    change as `said` has it by code, else as `options.mode` has it, else as is likely: only the border, and by next to
    nothing, is a correction.

    Raises
    ------
    NotPermittedError, InvalidInputError, TooLargeError
        The viewer may not, or the file cannot be understood at all.
    """
    viewer.require(Permission.DRAFT_LAND_CHANGE)
    asked = options or ImportOptions()
    content = read_file(path, Limits.of(settings), name=asked.file_name, layers=asked.layers)
    batch = assemble(AREAS, content, asked)
    if batch.faults.refuses_all:
        raise InvalidInputError(T("{file} cannot be compared.", file=content.name), batch.faults.first(FAULTS_CARRIED))
    day = asked.valid_from or date.today()  # noqa: DTZ011 - a calendar day of the district
    with reading(engine) as session:
        return _compare(session, settings, viewer, batch, asked.mode, day, dict(said or {}), content.name)


def _compare(
    session: Session,
    settings: Settings,
    viewer: Viewer,
    batch: Batch,
    mode: Mode | None,
    day: date,
    said: Mapping[str, Said],
    file_name: str,
) -> Comparison:
    known = _known(session, day)
    reach = reach_of(session, viewer, day)
    ours = known if reach is None else known[known.index.isin(reach)]
    told = told_areas(batch, known.drop_duplicates("code").set_index("code")["level"])
    refuse_contradictions(batch, told)
    elsewhere = told["code"].isin(known["code"]) & ~told["code"].isin(ours["code"])
    if reach is not None:
        elsewhere |= told["level"].eq(AreaLevel.DISTRICT) & ~told["code"].isin(ours["code"])
    batch.faults.refuse(
        elsewhere,
        T("The area lies outside your part of the district."),
        field="code",
        values=told["code"],
        remedy=T("Leave it to the people who answer for that part, or ask for a wider scope."),
    )
    layer = _layer(told, batch.geometry)
    likeness = _likeness(settings)
    covered = ours[ours["level"].isin(layer["level"].dropna())]
    matches = match_areas(covered, layer, settings.metric_crs, likeness)
    parents = _parents(batch, layer, matches["old"], known)
    delivered = _delivered(layer, matches, parents, ours, settings, likeness)
    missing = _missing(covered[~covered.index.isin(matches["old"].dropna())], layer, settings, likeness)
    table = pd.concat([delivered, missing]) if len(missing) else delivered
    rows: list[dict[Any, Any]] = table.to_dict("records")
    table["found"] = [_found(row, said, mode) for row in rows]
    numbers = pd.RangeIndex(1, len(table) + 1, name="number")
    before = ours.geometry.reindex(table["area_id"].fillna(-1).astype("int64")).set_axis(numbers)
    after = layer.geometry.reindex(table.index).set_axis(numbers)
    shown = table["found"].ne(Found.UNCHANGED.value).set_axis(numbers)
    return Comparison(
        file_name,
        day,
        table.set_axis(numbers),
        gpd.GeoSeries(before[shown], crs="EPSG:4326"),
        gpd.GeoSeries(after[shown], crs="EPSG:4326"),
        parents.set_axis(numbers[: len(layer)]),
        batch.faults.first(FAULTS_CARRIED),
        tuple(batch.warnings),
    )


def _known(session: Session, day: date) -> gpd.GeoDataFrame:
    """Every area of the day with the code of its parent; without a border too."""
    everything = Scope(day, None)
    names = area_names(session, everything)
    names["parent_code"] = names["parent_id"].map(names["code"]).astype("str")
    drawn = areas(session, everything).geometry.reindex(names.index)
    return gpd.GeoDataFrame(names, geometry=drawn, crs="EPSG:4326")


def _layer(told: pd.DataFrame, geometry: gpd.GeoSeries | None) -> gpd.GeoDataFrame:
    """The delivered areas, from 0 on, borders as multipolygons."""
    shapes = np.full(len(told), None, dtype=object) if geometry is None else geometry.to_numpy().copy()
    polygons = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    shapes[polygons] = shapely.multipolygons(shapes[polygons], indices=np.arange(int(polygons.sum())))
    return gpd.GeoDataFrame(told.reset_index(drop=True), geometry=shapes, crs="EPSG:4326")


def _likeness(settings: Settings) -> Likeness:
    return Likeness(
        same_border_m=settings.reimport_same_border_m,
        overlap_share=settings.reimport_overlap_share,
        heir_share=settings.reimport_heir_share,
    )


def _parents(batch: Batch, layer: gpd.GeoDataFrame, old: pd.Series, known: gpd.GeoDataFrame) -> pd.Series:
    """The parent of each delivered area: by the codes of the layer first, then by those on record, else as it is."""
    first = layer[layer["code"].notna()].drop_duplicates("code")
    fresh = pd.Series(-1 - np.arange(len(layer)), index=layer.index, dtype="Int64")
    here = old.fillna(fresh)[first.index].set_axis(first["code"])
    there = known.reset_index().drop_duplicates("code").set_index("code")["area_id"].astype("Int64")
    by_code = pd.concat([here, there[~there.index.isin(here.index)]])
    rooted = layer["level"].eq(AreaLevel.DISTRICT.value)
    told = layer["parent_code"].notna() & ~rooted
    parents = layer["parent_code"].where(told).map(by_code).astype("Int64")
    kept = old.map(known["parent_id"]).astype("Int64")
    parents = pd.Series(parents.where(told, kept))
    batch.faults.refuse(
        (parents.isna() & ~rooted & layer["level"].notna()).set_axis(batch.rows.index),
        T("The parent is not known."),
        field="parent_code",
        values=layer["parent_code"].set_axis(batch.rows.index),
        remedy=T("Import the level above first, or in the same file; check the code."),
    )
    return parents


def _delivered(
    layer: gpd.GeoDataFrame,
    matches: pd.DataFrame,
    parents: pd.Series,
    known: gpd.GeoDataFrame,
    settings: Settings,
    likeness: Likeness,
) -> pd.DataFrame:
    old = known.reindex(matches["old"].fillna(-1).astype("int64")).set_axis(layer.index)
    table = pd.DataFrame({"area_id": matches["old"], "matched_by": matches["matched_by"], "level": layer["level"]})
    kind = layer["kind"].fillna(old["kind"])
    borders = compare_borders(old.geometry.to_numpy(), layer.geometry.to_numpy(), settings.metric_crs, likeness)
    borders = borders.set_axis(layer.index)
    differs = {
        "code": differing(layer["code"], old["code"]),
        "name": differing(layer["name"], old["name"]),
        "kind": differing(kind, old["kind"]),
        "parent": differing(parents, old["parent_id"].astype("Int64")),
        "border": ~borders["same"],
    }
    is_known = matches["old"].notna()
    table["fields"] = [
        [name for name, mask in differs.items() if mask[row]] if is_known[row] else [] for row in layer.index
    ]
    for name, said in (("code", layer["code"]), ("name", layer["name"]), ("kind", kind)):
        table[name], table[f"old_{name}"] = said, old[name]
    codes = pd.concat([known["code"], layer["code"].set_axis(-1 - np.arange(len(layer)))])
    table["parent_code"] = parents.map(codes)
    table["old_parent_code"] = old["parent_code"]
    only_border = table["fields"].map(lambda found: found == ["border"])
    likely = only_border & borders["difference_share"].lt(settings.reimport_correction_share)
    suggested = likely.map({True: Mode.CORRECTION.value, False: Mode.CHANGE.value})
    table["suggested"] = suggested.where(table["fields"].map(len).gt(0), None)
    table["heirs"] = [[] for _ in range(len(table))]
    return table.join(borders.drop(columns="same"))


def _missing(gone: gpd.GeoDataFrame, layer: gpd.GeoDataFrame, settings: Settings, likeness: Likeness) -> pd.DataFrame:
    heirs = heirs_by_ground(gone, layer, settings.metric_crs, likeness).groupby("old")["new"].agg(list)
    table = pd.DataFrame({"area_id": gone.index.astype("Int64"), "level": gone["level"].to_numpy()}, index=gone.index)
    for name in ("code", "name", "kind", "parent_code"):
        table[f"old_{name}"] = gone[name]
    drawn = gone.geometry.notna()
    measured = area_m2(gone.geometry[drawn].to_numpy(), settings.metric_crs)
    table["old_area_m2"] = pd.Series(measured, index=gone.index[drawn]).reindex(gone.index)
    table["fields"] = [[] for _ in range(len(table))]
    table["heirs"] = [[1 + row for row in heirs.get(area_id, [])] for area_id in gone.index]
    return table.set_axis(-1 - np.arange(len(table)))


def _found(row: Mapping[str, Any], said: Mapping[str, Said], mode: Mode | None) -> str:
    if pd.isna(row["area_id"]):
        return Found.NEW.value
    if pd.isna(row.get("code")):
        return Found.MISSING.value
    if not row["fields"]:
        return Found.UNCHANGED.value
    return (Found.CORRECTED if reason_of(row, said, mode) is Mode.CORRECTION else Found.CHANGED).value


def reason_of(row: Mapping[str, Any], said: Mapping[str, Said], mode: Mode | None) -> Mode:
    """Why an area differs: as is said of it, else of the whole, else as is likely."""
    told = said.get(row["code"], "leave")
    if told != "leave":
        return Mode(told)
    return mode or Mode(row["suggested"] or Mode.CHANGE)
