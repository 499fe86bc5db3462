"""From a file's layers to one batch: columns mapped, cells typed, geometry in lon-lat."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis_service.errors import InvalidInputError
from gis_service.intake.columns import map_columns
from gis_service.intake.content import NO_GEOMETRY, FileContent, Layer
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import parse
from gis_service.intake.places import place, points, refuse_flaws, remark_invalid
from gis_service.intake.subject import Batch, ImportOptions, Shape, Subject
from gis_service.texts import T, Text
from layers.crs import SHIFTED

_TAKEN = {
    Shape.POLYGON: (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
    Shape.POINT: (shapely.GeometryType.POINT,),
}


def assemble(subject: Subject, content: FileContent, options: ImportOptions) -> Batch:
    """One batch of all layers, in their order.

    Raises
    ------
    InvalidInputError
        The columns do not fit, there is no row, or the geometry cannot be placed.
    """
    texts = [_named(subject, layer, options) for layer in content.layers]
    counts = [len(layer.rows) for layer in content.layers]
    if not sum(counts):
        raise InvalidInputError(T("{file} holds no rows.", file=content.name))
    labels = [content.name if layer.name is None else f"{content.name}: {layer.name}" for layer in content.layers]
    places = pd.DataFrame(
        {
            "file": pd.Series(labels).repeat(counts).to_numpy(),
            "row": [number for layer in content.layers for number in layer.rows.index],
        }
    )
    faults = FaultList(places)
    warnings: list[Text] = list(content.notes)
    together = pd.concat([each.reset_index(drop=True) for each, _ in texts], ignore_index=True)
    rows = parse({field.name: field for field in subject.fields}, together, faults)
    ignored = sorted({heading for _, headings in texts for heading in headings})
    if ignored:
        warnings.append(T("Columns without meaning here, ignored: {columns}.", columns=", ".join(ignored)))
    names = pd.Series([layer.name for layer in content.layers], dtype="str").repeat(counts).reset_index(drop=True)
    written = _written(subject, content, rows, faults, warnings)
    if written is None:
        return Batch(rows, names, None, faults, warnings)
    geometry = _placed(written, content, options, faults, warnings)
    return Batch(rows, names, geometry, faults, warnings, _in_degrees(written, options.crs))


def _named(subject: Subject, layer: Layer, options: ImportOptions) -> tuple[pd.DataFrame, list[str]]:
    """The layer's columns under the names of fields, constants filled in; and the columns ignored."""
    known = {field.name for field in subject.fields}
    unknown = [name for name in options.constants if name not in known]
    if unknown:
        raise InvalidInputError(T("There is no such field: {names}.", names=", ".join(unknown)))
    headings = [str(heading) for heading in layer.rows.columns]
    mapping = map_columns(headings, subject.fields, options.columns, given=options.constants)
    named = layer.rows[list(mapping.fields)].rename(columns=mapping.fields)
    return named.assign(**options.constants), list(mapping.ignored)


def _written(
    subject: Subject, content: FileContent, rows: pd.DataFrame, faults: FaultList, warnings: list[Text]
) -> list[gpd.GeoSeries] | None:
    """The geometry of each layer as it is in the file, on the batch's index; what the subject does not take is None."""
    if subject.shape is None:
        return None
    with_shapes = [layer for layer in content.layers if layer.geometry is not None and layer.flaws is not None]
    if with_shapes and len(with_shapes) < len(content.layers):
        raise InvalidInputError(T("{file}: some layers have geometry and some have not.", file=content.name))
    if not with_shapes:
        in_columns = subject.lonlat_columns and {"lon", "lat"} <= set(rows.columns)
        return [points(rows, faults)] if in_columns else None
    flaws = pd.concat([layer.flaws for layer in with_shapes if layer.flaws is not None], ignore_index=True)
    refuse_flaws(flaws, faults, may_be_missing=subject.lonlat_columns)
    remark_invalid(flaws, warnings)
    written, start = [], 0
    for layer in with_shapes:
        shapes = gpd.GeoSeries(layer.geometry).set_axis(range(start, start + len(layer.rows)))
        start += len(layer.rows)
        taken = _of_shape(subject.shape, shapes, faults) & ~flaws[shapes.index].isin(NO_GEOMETRY)
        written.append(shapes.where(taken, None))
    return written


def _of_shape(shape: Shape, shapes: gpd.GeoSeries, faults: FaultList) -> pd.Series:
    """Which geometries are of the kind that the subject takes; others are refused."""
    odd = pd.Series(~np.isin(shapely.get_type_id(shapes.to_numpy()), [-1, *_TAKEN[shape]]), index=shapes.index)
    faults.refuse(
        odd.reindex(faults.places.index, fill_value=False),
        T("The geometry is not a {shape}.", shape=T(shape.value)),
        field="geometry",
        values=pd.Series(shapes.geom_type, index=shapes.index),
        remedy=T("Export a layer of that kind."),
    )
    return ~odd


def _placed(
    written: list[gpd.GeoSeries], content: FileContent, options: ImportOptions, faults: FaultList, warnings: list[Text]
) -> gpd.GeoSeries:
    """All geometry in lon-lat."""
    placed = [place(shapes, options.crs, content.name, faults, warnings) for shapes in written]
    return gpd.GeoSeries(pd.concat(placed))


def _in_degrees(written: list[gpd.GeoSeries], declared: str | None) -> gpd.GeoSeries | None:
    """The geometry as written, where its numbers are said to be degrees or nothing is said; None where they are not."""
    said = [declared or shapes.crs for shapes in written]
    if any(crs not in {None, *SHIFTED} and not CRS.from_user_input(crs).is_geographic for crs in said):
        return None
    return gpd.GeoSeries(pd.concat([shapes.set_crs(None, allow_override=True) for shapes in written]))
