"""The import of areas: versions from a day, parents in the same file, corrections and changes told apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import select

from gis_service.access.permissions import Permission
from gis_service.areas.division_codes import contradicts_level, contradicts_parent
from gis_service.areas.reach import district_outline, reach_of
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.intake.changes import differing
from gis_service.intake.fields import Field, Kind
from gis_service.intake.subject import Action, Batch, Circumstances, Mode, Plan, Progress, Shape, Subject
from gis_service.storage.bulk import insert_frame, reserve_ids, update_frame
from gis_service.storage.frames import read_frame, read_geoframe
from gis_service.texts import T
from layers.frames import KINDS

LEVEL_NAMES: Final = {
    "district": ("区", "区县", "县", "county"),
    "township": ("镇街", "镇/街道", "乡镇", "镇", "街道", "town"),
    "village": ("村社", "村/社区", "村", "社区"),
    "compound": ("自然村/小区", "小区", "自然村", "网格"),
}
KIND_NAMES: Final = {
    "town": ("镇", "乡"),
    "subdistrict": ("街道",),
    "village": ("行政村", "村"),
    "community": ("社区",),
    "natural_village": ("自然村",),
    "residential": ("小区", "住宅小区"),
}
_CODE_NAMES: Final = ("编码", "代码", "区划代码", "区划编码", "行政区划代码", "统计用区划代码")
_PARENT_NAMES: Final = ("上级编码", "上级代码", "父级编码", "上级区划代码", "上级区划编码")

FIELDS: Final = (
    Field("code", aliases=_CODE_NAMES, required=True, max_length=64),
    Field("name", aliases=("名称", "区划名称", "地名"), required=True),
    Field("level", Kind.CHOICE, aliases=("级别", "层级"), choices=LEVEL_NAMES),
    Field("kind", Kind.CHOICE, aliases=("类型", "类别"), choices=KIND_NAMES),
    Field("parent_code", aliases=_PARENT_NAMES, max_length=64),
)
_DTYPES: Final = {
    "id": "int64",
    "area_id": "int64",
    "code": "str",
    "name": "str",
    "level": "str",
    "kind": "str",
    "parent_id": "Int64",
}


@dataclass(frozen=True)
class _Land:
    """The areas of a batch as they will be, and as they are.

    `rows`: index of the batch; `area_id` (negative for a new area), `code`, `name`, `level`, `kind`, `parent_id`.
    `known`: versions that hold on the day, index `code`, with `geometry`.
    """

    rows: pd.DataFrame
    geometry: gpd.GeoSeries
    known: gpd.GeoDataFrame
    is_known: pd.Series


def plan_areas(circumstances: Circumstances, batch: Batch) -> Plan:
    """Compare a batch of areas with the versions that hold on `valid_from`."""
    land = _settle(circumstances, batch)
    _refuse_unfounded(circumstances, batch, land)
    changed = _changed(land)
    mode = circumstances.options.mode
    batch.faults.refuse(
        changed & (mode is None),
        T("The area is known and looks different now."),
        field="code",
        values=land.rows["code"],
        remedy=T("Say why: a correction (the record was wrong) or a change (it changed on a day): --mode."),
    )
    if mode == Mode.CHANGE:
        since = pd.to_datetime(land.known["valid_from"]).reindex(land.rows["code"]).set_axis(land.rows.index)
        batch.faults.refuse(
            changed & since.ge(pd.Timestamp(circumstances.valid_from)),
            T("The area already has a version from this day on."),
            field="code",
            values=land.rows["code"],
            remedy=T("Take a later day, or import it as a correction."),
        )
    actions = pd.Series(Action.UNCHANGED.value, index=land.rows.index, dtype="str")
    actions[changed] = Action.CHANGED.value
    actions[~land.is_known] = Action.NEW.value
    actions[batch.faults.rows] = Action.REFUSED.value
    covered = land.known[land.known["level"].isin(land.rows["level"].dropna())]
    missing = covered.index.difference(land.rows["code"].dropna())
    return Plan(actions, lambda progress: _write(circumstances, land, actions, progress), tuple(missing))


def told_areas(batch: Batch, levels_known: pd.Series | None = None) -> pd.DataFrame:
    """The columns of `FIELDS`, levels told by the layer (or by `levels_known`, by code) where no column does."""
    rows = pd.DataFrame({field.name: batch.column(field.name) for field in FIELDS})
    by_layer = {way: level for level, ways in LEVEL_NAMES.items() for way in (level, *ways)}
    rows["level"] = rows["level"].fillna(batch.layers.map(by_layer).astype("str"))
    if levels_known is not None:
        rows["level"] = rows["level"].fillna(rows["code"].map(levels_known).astype("str"))
    batch.faults.refuse(
        rows["level"].isna(),
        T("The level is missing."),
        field="level",
        remedy=T("Add a column `level`, or name the layer for its level."),
    )
    batch.faults.refuse(
        rows["code"].notna() & rows["code"].duplicated(),
        T("The code appears twice in the file."),
        field="code",
        values=rows["code"],
        remedy=T("Keep one."),
    )
    return rows


def refuse_contradictions(batch: Batch, rows: pd.DataFrame) -> None:
    """Refuse codes that contradict their parent's or their level, and kinds of another level."""
    faults = batch.faults
    faults.refuse(
        contradicts_parent(rows["code"], rows["level"], rows["parent_code"]),
        T("The code does not begin with the digits of its parent's code."),
        field="code",
        values=rows["code"],
        remedy=T("Correct the code or the parent: county 6 digits, township 3 more, village 3 more, compound 3 more."),
    )
    faults.refuse(
        contradicts_level(rows["code"], rows["level"]),
        T("The zeros of the code say another level."),
        field="code",
        values=rows["code"],
        remedy=T("Correct the code or the level."),
    )
    pairs = [f"{level}/{kind}" for level, kinds in KINDS.items() for kind in kinds]
    strange = rows["kind"].notna() & rows["level"].notna() & ~(rows["level"] + "/" + rows["kind"]).isin(pairs)
    faults.refuse(
        strange,
        T("This kind does not belong to the level."),
        field="kind",
        values=rows["kind"],
        remedy=T("Leave it empty when unsure."),
    )


def _settle(circumstances: Circumstances, batch: Batch) -> _Land:
    """Codes led to ids, levels told by the layer where no column does, geometry as multipolygons."""
    rows = told_areas(batch)
    repeated = rows["code"].notna() & rows["code"].duplicated()
    known = _known(circumstances)
    is_known = rows["code"].isin(known.index)
    rows["kind"] = rows["kind"].fillna(known["kind"].reindex(rows["code"]).set_axis(rows.index))
    fresh = pd.Series(-1 - np.arange(len(rows)), index=rows.index)
    ids = known["area_id"].reindex(rows["code"]).set_axis(rows.index)
    rows["area_id"] = ids.where(is_known, fresh).astype("int64")
    founded = rows[rows["code"].notna() & ~repeated].set_index("code")["area_id"]
    by_code = pd.concat([founded, known["area_id"].drop(index=founded.index, errors="ignore")])
    given = rows["parent_code"].notna() & rows["level"].ne(AreaLevel.DISTRICT)
    rows["parent_id"] = rows["parent_code"].where(given).map(by_code).astype("Int64")
    if "parent_code" not in batch.rows.columns:
        rows["parent_id"] = known["parent_id"].reindex(rows["code"]).set_axis(rows.index)
    geometry = batch.geometry if batch.geometry is not None else gpd.GeoSeries([None] * len(rows), index=rows.index)
    return _Land(rows, _as_multipolygons(geometry, known, rows["code"]), known, is_known)


def _known(circumstances: Circumstances) -> gpd.GeoDataFrame:
    query = (
        select(
            AreaVersion.id,
            AreaVersion.area_id,
            AreaVersion.code,
            AreaVersion.name,
            Area.level,
            AreaVersion.kind,
            AreaVersion.parent_id,
            AreaVersion.valid_from,
            AreaVersion.valid_to,
        )
        .join(Area, Area.id == AreaVersion.area_id)
        .where(AreaVersion.valid_on(circumstances.valid_from))
        .order_by(AreaVersion.code)
    )
    known = read_geoframe(circumstances.session, query, AreaVersion.geom, dtypes=_DTYPES)
    return known.drop_duplicates("code").set_index("code")


def _as_multipolygons(geometry: gpd.GeoSeries, known: gpd.GeoDataFrame, codes: pd.Series) -> gpd.GeoSeries:
    """One geometry type; a row without a shape keeps the one that is known."""
    shapes = geometry.to_numpy().copy()
    polygons = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    shapes[polygons] = shapely.multipolygons(shapes[polygons], indices=np.arange(int(polygons.sum())))
    before = known.geometry.reindex(codes).to_numpy()
    absent = shapely.is_missing(shapes)
    shapes[absent] = before[absent]
    return gpd.GeoSeries(shapes, index=geometry.index, crs="EPSG:4326")


def _refuse_unfounded(circumstances: Circumstances, batch: Batch, land: _Land) -> None:
    rows, faults = land.rows, batch.faults
    rooted = rows["level"].eq(AreaLevel.DISTRICT)
    faults.refuse(
        rows["parent_id"].isna() & ~rooted & rows["level"].notna(),
        T("The parent is not known."),
        field="parent_code",
        values=rows["parent_code"],
        remedy=T("Import the level above first, or in the same file; check the code."),
    )
    levels = pd.concat([land.known.set_index("area_id")["level"], rows.set_index("area_id")["level"]])
    levels = levels[~levels.index.duplicated(keep="last")]
    above = {level.value: level.parent.value for level in AreaLevel if level.parent is not None}
    faults.refuse(
        rows["parent_id"].notna() & ~rooted & rows["parent_id"].map(levels).ne(rows["level"].map(above)),
        T("The parent is not one level above."),
        field="parent_code",
        values=rows["parent_code"],
        remedy=T("The order is district, township, village, compound."),
    )
    refuse_contradictions(batch, rows)
    told = land.known["level"].reindex(rows["code"]).set_axis(rows.index)
    faults.refuse(
        land.is_known & told.ne(rows["level"]),
        T("The area is known at another level."),
        field="level",
        values=rows["level"],
        remedy=T("An area keeps its level; use another code."),
    )
    faults.refuse(
        pd.Series(land.geometry.isna().to_numpy(), index=rows.index) & ~rows.index.isin(faults.rows),
        T("A new area needs a shape."),
        field="geometry",
        values=rows["code"],
        remedy=T("Import it from a layer with polygons."),
    )
    _refuse_later(circumstances, batch, land)
    reach = reach_of(circumstances.session, circumstances.viewer, circumstances.valid_from)
    if reach is not None:
        ours = rows["parent_id"].lt(0) | rows["parent_id"].isin(reach)
        faults.refuse(
            ~ours | (land.is_known & ~rows["area_id"].isin(reach)),
            T("The area lies outside your part of the district."),
            field="code",
            values=rows["code"],
            remedy=T("Leave it to the people who answer for that part, or ask for a wider scope."),
        )


def _refuse_later(circumstances: Circumstances, batch: Batch, land: _Land) -> None:
    """A code that begins to hold only later cannot be founded before."""
    later = select(AreaVersion.code).where(AreaVersion.valid_from > circumstances.valid_from)
    codes = set(circumstances.session.scalars(later))
    batch.faults.refuse(
        ~land.is_known & land.rows["code"].isin(codes),
        T("The area is known from a later day on."),
        field="code",
        values=land.rows["code"],
        remedy=T("Import it from that day on (--valid-from)."),
    )


def _changed(land: _Land) -> pd.Series:
    """Known areas that the file shows differently."""
    known = land.is_known
    before = land.known.reindex(land.rows.loc[known, "code"]).set_axis(land.rows.index[known])
    changed = pd.Series(data=False, index=land.rows.index)
    for name in ("name", "kind", "parent_id"):
        changed[known] |= differing(land.rows.loc[known, name], before[name])
    changed[known] |= differing(land.geometry[known], before.geometry)
    return changed


def _write(circumstances: Circumstances, land: _Land, actions: pd.Series, progress: Progress) -> None:
    session, day = circumstances.session, pd.Timestamp(circumstances.valid_from)
    new, changed = actions.eq(Action.NEW), actions.eq(Action.CHANGED)
    rows = land.rows.copy()
    _revive(circumstances, rows, new)
    founded = new & rows["area_id"].lt(0)
    ids = pd.Series(reserve_ids(session, Area, int(founded.sum())), index=rows.loc[founded, "area_id"], dtype="int64")
    for name in ("area_id", "parent_id"):
        rows[name] = rows[name].map(ids).fillna(rows[name]).astype("Int64")
    insert_frame(session, Area, pd.DataFrame({"id": rows.loc[founded, "area_id"], "level": rows.loc[founded, "level"]}))
    content = pd.DataFrame(rows[["code", "name", "kind", "parent_id"]]).assign(
        geom=land.geometry, source=circumstances.file_name[:200], recorded_at=datetime.now(UTC).replace(tzinfo=None)
    )
    before = land.known.reindex(rows["code"]).set_axis(rows.index)
    total = int(new.sum() + changed.sum())
    if circumstances.options.mode == Mode.CORRECTION:
        update_frame(session, AreaVersion, content[changed].assign(id=before.loc[changed, "id"].astype("int64")))
    else:
        ended = pd.DataFrame({"id": before.loc[changed, "id"].astype("int64"), "valid_to": day})
        update_frame(session, AreaVersion, ended)
        until = pd.to_datetime(before.loc[changed, "valid_to"])
        following = content[changed].assign(area_id=rows.loc[changed, "area_id"], valid_from=day, valid_to=until)
        insert_frame(session, AreaVersion, following)
    progress(int(changed.sum()), total, T("Updating"))
    versions = content[new].assign(area_id=rows.loc[new, "area_id"], valid_from=day)
    insert_frame(session, AreaVersion, versions)
    progress(total, total, T("Inserting"))


def _revive(circumstances: Circumstances, rows: pd.DataFrame, new: pd.Series) -> None:
    """An area that ended and comes back under its code is the same area."""
    query = (
        select(AreaVersion.code, AreaVersion.area_id, Area.level)
        .join(Area, Area.id == AreaVersion.area_id)
        .where(AreaVersion.valid_to <= circumstances.valid_from)
        .order_by(AreaVersion.valid_to)
    )
    ended = read_frame(circumstances.session, query, dtypes={"code": "str", "area_id": "int64", "level": "str"})
    former = ended.drop_duplicates("code", keep="last").set_index("code").reindex(rows["code"]).set_axis(rows.index)
    revived = new & former["level"].eq(rows["level"])
    again = pd.Series(former.loc[revived, "area_id"].to_numpy(dtype="int64"), index=rows.loc[revived, "area_id"])
    for name in ("area_id", "parent_id"):
        rows[name] = rows[name].map(again).fillna(rows[name]).astype("Int64")


AREAS: Final = Subject(
    "areas",
    T("Areas"),
    Permission.IMPORT_LAND,
    FIELDS,
    plan_areas,
    key="code",
    shape=Shape.POLYGON,
    dated=True,
    outline=district_outline,
)
