"""Geometry files, in the reading process: GeoJSON, GeoPackage, zipped Shapefile, KML and GeoParquet.

GDAL sees one private copy of the file under a name of our own, with every driver but one taken away (`child` proves
it), so there is nothing beside it to read and nowhere to go. Geometry leaves as well-known binary, as it was written.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from gis_service.errors import InvalidInputError, TooLargeError
from gis_service.intake.content import FLAW, MISSING, NOT_FINITE, ROW, UNREADABLE, WKB, RawContent, RawLayer
from gis_service.intake.delimited import decode
from gis_service.intake.geoparquet import named_crs
from gis_service.intake.json_depth import check_json
from gis_service.intake.limits import Limits
from gis_service.intake.unpacking import unpack_shapefiles
from gis_service.texts import T, Text

_POLYGONAL: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_EXACT_INTEGERS: Final = float(2**53)


def read_geojson(path: Path, limits: Limits, layers: tuple[str, ...] | None) -> RawContent:
    """Read GeoJSON; the file names its CRS only when it has a `crs` member, whatever GDAL assumes."""
    text, encoding = decode(path.read_bytes())
    data = text.encode()
    names_crs = check_json(data, limits.max_json_depth)
    copy = path.with_name("content.geojson")
    copy.write_bytes(data)
    found = _read_layers(copy, _spatial_layers(copy), layers, limits, trust_crs=names_crs)
    return RawContent(found, (T("Read as {encoding}.", encoding=encoding),))


def read_kml(path: Path, limits: Limits, layers: tuple[str, ...] | None) -> RawContent:
    """Read KML; a file with a document type is refused, because entities may unfold without end.

    KML has no place to name a CRS, and what phone apps write as KML is often shifted, so it must be declared.
    """
    text, encoding = decode(path.read_bytes())
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise InvalidInputError(T("The file defines XML entities; that is not taken."))
    copy = path.with_name("content.kml")
    copy.write_text(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), encoding="utf-8")
    found = _read_layers(copy, _spatial_layers(copy), layers, limits, trust_crs=False)
    return RawContent(found, (T("Read as {encoding}.", encoding=encoding),))


def read_geopackage(path: Path, limits: Limits, layers: tuple[str, ...] | None) -> RawContent:
    """Read the layers of a GeoPackage that are plain tables; views and virtual tables could run what they like."""
    copy = path.with_name("content.gpkg")
    shutil.copyfile(path, copy)
    names = _spatial_layers(copy) if layers is None else [str(name) for name, _ in pyogrio.list_layers(copy)]
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as database:
            plain = {
                name
                for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
                if not str(sql).upper().startswith("CREATE VIRTUAL")
            }
    except sqlite3.Error as error:
        raise _unreadable(error) from error
    odd = [name for name in names if name not in plain]
    if odd:
        raise InvalidInputError(T("These layers are not plain tables: {names}.", names=", ".join(odd)))
    return RawContent(_read_layers(copy, names, layers, limits, trust_crs=True))


def read_shapefiles(path: Path, limits: Limits, layers: tuple[str, ...] | None) -> RawContent:
    """Read every Shapefile of a zip; without a .cpg its texts are UTF-8 if they can be, else GB18030."""
    shapefiles = unpack_shapefiles(path, path.parent, limits)
    notes: list[Text] = []
    found: list[RawLayer] = []
    for name in _wanted(list(shapefiles), layers):
        source = shapefiles[name]
        encoding = _dbf_encoding(source)
        notes.append(T("{layer}: read as {encoding}.", layer=name, encoding=encoding))
        found.append(_read_layer(source, None, limits, trust_crs=True, encoding=encoding, called=name))
    return RawContent(tuple(found), tuple(notes))


def read_geoparquet(path: Path, limits: Limits) -> RawContent:
    """Read GeoParquet: the primary geometry column as well-known binary, and the plain columns."""
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            primary, crs = named_crs(file.schema_arrow.metadata or {})
            columns = [field.name for field in file.schema_arrow if field.name == primary or _is_plain(field.type)]
            unpacked = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
            if unpacked > limits.memory_bytes / 4:
                raise TooLargeError(T("The file unpacks to far more than its size; that is not taken."))
            table = file.read(columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error) from error
    return RawContent((RawLayer(None, _finish(table, primary, limits), crs),))


def _spatial_layers(path: Path) -> list[str]:
    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except DataSourceError as error:
        raise _unreadable(error) from error


def _wanted(names: Sequence[str], layers: tuple[str, ...] | None) -> list[str]:
    unknown = [layer for layer in layers or () if layer not in names]
    if unknown or not names:
        raise InvalidInputError(
            T(
                "There is no layer {unknown}; the file holds: {names}.",
                unknown=", ".join(unknown),
                names=", ".join(names),
            )
        )
    return list(layers or names)


def _read_layers(
    path: Path, names: list[str], layers: tuple[str, ...] | None, limits: Limits, *, trust_crs: bool
) -> tuple[RawLayer, ...]:
    wanted = _wanted(names, layers)
    alone = len(names) == 1
    return tuple(
        _read_layer(path, name, limits, trust_crs=trust_crs, called=None if alone else name) for name in wanted
    )


def _read_layer(
    path: Path,
    layer: str | None,
    limits: Limits,
    *,
    trust_crs: bool,
    called: str | None,
    encoding: str | None = None,
) -> RawLayer:
    try:
        meta, table = pyogrio.read_arrow(path, layer=layer, encoding=encoding, datetime_as_string=True)
    except (DataSourceError, DataLayerError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _unreadable(error) from error
    primary = meta["geometry_name"] or "wkb_geometry"
    finished = _finish(table, primary if primary in table.column_names else None, limits)
    crs = meta["crs"] if trust_crs else None
    return RawLayer(called, finished, None if crs is None else str(crs))


def _finish(table: pa.Table, primary: str | None, limits: Limits) -> pa.Table:
    """Text columns, rows counted from 1, and the geometry checked against the limits."""
    columns: dict[str, Any] = {
        name: _as_text(table.column(name))
        for name in table.column_names
        if name != primary and _is_plain(table.schema.field(name).type)
    }
    columns[ROW] = pa.array(np.arange(1, table.num_rows + 1), pa.int64())
    if primary is not None:
        wkb = table.column(primary).cast(pa.binary())
        columns[WKB] = wkb
        columns[FLAW] = pa.array(_flaws(wkb, limits), pa.string())
    return pa.table(columns)


def _flaws(wkb: pa.ChunkedArray, limits: Limits) -> list[str]:
    """What is wrong with each geometry, "" when nothing is; whether it may pass is for the subject to say."""
    written = wkb.to_numpy(zero_copy_only=False)
    shapes = shapely.from_wkb(written, on_invalid="ignore")
    if int(shapely.get_num_coordinates(shapes).sum()) > limits.max_vertices:
        raise TooLargeError(T("The file has more than {count} vertices.", count=limits.max_vertices))
    parts = shapely.get_parts(shapes)
    rings = shapely.get_rings(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    if len(rings) and int(shapely.get_num_coordinates(rings).max()) > limits.max_ring_vertices:
        raise TooLargeError(T("A ring has more than {count} vertices.", count=limits.max_ring_vertices))
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    not_finite = np.unique(owner[~np.isfinite(coordinates).all(axis=1)])
    flaws = np.full(len(shapes), "", dtype=object)
    finite = np.ones(len(shapes), dtype=bool)
    finite[not_finite] = False
    check = finite & np.isin(shapely.get_type_id(shapes), _POLYGONAL)
    invalid = np.flatnonzero(check)[~shapely.is_valid(shapes[check])]
    flaws[invalid] = shapely.is_valid_reason(shapes[invalid])
    flaws[not_finite] = NOT_FINITE
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    flaws[absent] = MISSING
    flaws[shapely.is_missing(shapes) & np.array([value is not None for value in written], dtype=bool)] = UNREADABLE
    return flaws.tolist()


def _is_plain(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
    )


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as a person would type it: whole numbers without a decimal point, days without a time."""
    if pa.types.is_floating(column.type):
        whole = pc.all(pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), _EXACT_INTEGERS))).as_py()
        column = column.cast(pa.int64()) if whole in (True, None) else column
    text = column.cast(pa.string())
    if pa.types.is_timestamp(column.type):
        text = pc.replace_substring_regex(text, r"[ T]00:00:00(\.0+)?Z?$", "")
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), pa.scalar(None, pa.string()), text)


def _dbf_encoding(shapefile: Path) -> str:
    """The .cpg's encoding; without one, what the bytes of the .dbf can be."""
    declared = shapefile.with_suffix(".cpg")
    if declared.exists():
        name = declared.read_text(encoding="ascii", errors="replace").strip().upper()
        page = name.removeprefix("CP").removeprefix("WINDOWS-")
        return {"936": "GB18030", "GBK": "GB18030", "GB2312": "GB18030", "65001": "UTF-8"}.get(page, name)
    return decode(shapefile.with_suffix(".dbf").read_bytes().replace(b"\0", b""))[1]


def _unreadable(error: Exception) -> InvalidInputError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return InvalidInputError(
        T("The file cannot be read: it is damaged or not what its ending says ({reason}).", reason=reason)
    )
