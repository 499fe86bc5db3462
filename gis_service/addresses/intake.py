"""The import of standard addresses: a text, its parts, and a point with its source."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis_service.access.permissions import Permission
from gis_service.addresses.parts import with_parts
from gis_service.addresses.search_index import index_addresses
from gis_service.addresses.tables import Address, PointSource
from gis_service.areas.reach import area_codes, district_outline, outlines, reach_of
from gis_service.intake.fields import Field, Kind
from gis_service.intake.flat_table import FlatTable
from gis_service.intake.subject import Batch, Circumstances, Progress, Shape, Subject
from gis_service.texts import T

_SOURCES: Final = {
    "surveyed": ("实测", "测绘"),
    "geocoded": ("地理编码", "匹配"),
    "hand_placed": ("手工标注", "手工"),
    "none": ("无", "无坐标"),
}
FIELDS: Final = (
    Field(
        "code", aliases=("地址编码", "地址代码", "标准地址编码", "编码", "address_code"), required=True, max_length=64
    ),
    Field("text", aliases=("地址", "标准地址", "地址全称", "详细地址", "address"), required=True, max_length=300),
    Field("road", aliases=("路", "街路巷", "道路"), max_length=100),
    Field("lane", aliases=("弄",), max_length=32),
    Field("number", aliases=("号", "门牌号"), max_length=32),
    Field("building", aliases=("幢", "楼栋", "栋"), max_length=32),
    Field("unit", aliases=("单元",), max_length=32),
    Field("room", aliases=("室", "房号"), max_length=32),
    Field("stated_village_code", aliases=("村社编码", "所属村社编码", "社区编码", "stated_village"), max_length=64),
    Field("lon", Kind.NUMBER, aliases=("经度", "lng", "longitude", "x")),
    Field("lat", Kind.NUMBER, aliases=("纬度", "latitude", "y")),
    Field("point_source", Kind.CHOICE, aliases=("坐标来源", "点位来源"), choices=_SOURCES),
)


def settle(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    """A point says where it comes from; without a point the source is `none`."""
    if "geom" not in rows.columns:
        said = batch.column("point_source")
        batch.faults.refuse(
            said.notna() & said.ne(PointSource.NONE),
            T("A source of the point is named, but the file has no points."),
            field="point_source",
            values=said,
            remedy=T("Add the columns lon and lat, or leave the source out."),
        )
        return rows.assign(point_source=PointSource.NONE.value) if "point_source" not in rows.columns else rows
    pointed = pd.Series(~shapely.is_missing(rows["geom"].to_numpy()), index=rows.index)
    source = batch.column("point_source")
    batch.faults.refuse(
        pointed & (source.isna() | source.eq(PointSource.NONE)) & ~pointed.index.isin(batch.faults.rows),
        T("The point does not say where it comes from."),
        field="point_source",
        values=source,
        remedy=T("Fill in surveyed, geocoded or hand_placed; for the whole file: --set point_source=geocoded."),
    )
    return rows.assign(point_source=source.where(pointed, PointSource.NONE.value))


def within_reach(circumstances: Circumstances, rows: pd.DataFrame) -> pd.Series:
    """Addresses in the viewer's part of the district: by their point, or without one by the village that they state."""
    reach = reach_of(circumstances.session, circumstances.viewer, circumstances.today)
    if reach is None:
        return pd.Series(data=True, index=rows.index)
    own = circumstances.viewer.area_ids or frozenset()
    ground = shapely.union_all(outlines(circumstances.session, own, circumstances.today).to_numpy())
    shapely.prepare(ground)
    shapes = np.asarray(rows["geom"], dtype=object) if "geom" in rows.columns else np.full(len(rows), None)
    inside = pd.Series(shapely.covers(ground, shapes), index=rows.index)
    codes = area_codes(circumstances.session)
    stated = rows["stated_village_code"].map(codes["area_id"]).isin(reach) if "stated_village_code" in rows else False
    return inside.where(~shapely.is_missing(shapes), stated)


def keep_searchable(circumstances: Circumstances, ids: npt.NDArray[np.int64], progress: Progress) -> None:
    """What was written can be searched for at once."""
    index_addresses(
        circumstances.session, ids.tolist(), lambda done, total: progress(done, total, T("Indexing addresses"))
    )


ADDRESSES: Final = Subject(
    "addresses",
    T("Standard addresses"),
    Permission.IMPORT_ADDRESSES,
    FIELDS,
    FlatTable(
        Address,
        ("code",),
        settle=settle,
        allowed=within_reach,
        elsewhere=("lon", "lat"),
        completed=with_parts,
        written=keep_searchable,
    ).plan,
    key="code",
    shape=Shape.POINT,
    lonlat_columns=True,
    outline=district_outline,
)
