"""Topology report: where boundaries break the rule that siblings do not overlap and children tile their parent.

The report finds and shows; it repairs nothing.
"""

from itertools import pairwise
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers._defects import (
    Siblings,
    Surveyor,
    Tolerances,
    duplicate_vertices,
    gaps,
    invalid_rings,
    nothing_found,
    odd_parts,
    overhang,
    overlaps,
)
from layers._overlay import Geometries, valid_copies
from layers.frames import LEVELS, LONLAT, require_lonlat, require_metric

__all__ = ["COLUMNS", "FINDINGS", "Tolerances", "check_topology"]

FINDINGS: Final = (
    "invalid_ring",
    "overlap",
    "gap",
    "outside_parent",
    "sliver_overlap",
    "sliver_gap",
    "sliver_outside_parent",
    "enclave",
    "hole",
    "multipart",
    "tiny_part",
    "duplicate_vertex",
)
"""Kinds of finding, in the order in which the report lists them."""

COLUMNS: Final = (
    "finding",
    "severity",
    "area_id",
    "other_id",
    "level",
    "area_m2",
    "pieces",
    "addresses",
    "message_key",
    "detail",
    "geometry",
)


def check_topology(
    areas_lonlat: gpd.GeoDataFrame,
    metric_crs: Any,
    tolerances: Tolerances | None = None,
    addresses: pd.DataFrame | None = None,
    *,
    alarms_only: bool = False,
) -> gpd.GeoDataFrame:
    """Every place where areas break the rules of their tree.

    Overlaps are sought between all areas of one level, whatever their parents; gaps between the children of one parent,
    inside (a hole that the siblings surround) and at the edge (between the siblings and the parent's boundary);
    overhang between child and parent. Sets are computed in lon-lat, where neighbours share vertices, and measured in
    `metric_crs`.

    Invalid areas are reported. For the overlay alone a valid copy stands for them, or, beyond the tolerances' limits on
    work, nothing; then no gaps are sought among the children of their parent.

    Parameters
    ----------
    areas_lonlat : AREAS frame in EPSG:4326 or 4490.
    metric_crs : CRS in metres to measure areas in.
    tolerances : what counts; defaults when None.
    addresses : ADDRESSES frame; counts the points that each finding touches.
    alarms_only : do not look for what is a notice in any case (odd parts, repeated vertices).

    Returns
    -------
    One row per finding, alarms first, the same for any order of the areas: `finding` (see `FINDINGS`), `severity`
    (alarm, notice), `area_id` (int64; of a gap, hole or enclave: the parent), `other_id` (Int64: the other sibling, the
    parent of an overhanging child), `level` (of the siblings), `area_m2` (float64, NaN where nothing is measured),
    `pieces` (int64: separate places gathered in the row), `addresses` (Int64, NA when none were given or the geometry
    cannot be used), `message_key`, `detail` (str or NA: GEOS's reason) and the place as geometry in EPSG:4326.

    `hole` is a hole in siblings and parent alike (a lake, another district); `enclave` one that another parent's
    children fill.

    Raises
    ------
    NotLonLatError, NotMetricError
    """
    require_lonlat(areas_lonlat)
    require_metric(metric_crs)
    tolerances = tolerances or Tolerances()
    surveyor = Surveyor(metric_crs, tolerances)
    areas = areas_lonlat.sort_index()
    valid = valid_copies(areas.geometry.to_numpy(), tolerances.max_repair_vertices, tolerances.max_repair_crossings)
    findings = [*invalid_rings(areas, valid)]
    if not alarms_only:
        findings += [*odd_parts(areas, valid, surveyor), *duplicate_vertices(areas)]
    levels = [Siblings.of(areas, valid, level) for level in LEVELS]
    for siblings in levels:
        findings += overlaps(siblings, surveyor)
    for parents, children in pairwise(levels):
        if not len(children.area_ids):
            continue
        findings += [*overhang(children, parents, surveyor), *gaps(children, parents, surveyor)]
    told = [found for found in findings if len(found)] or [nothing_found()]
    report = gpd.GeoDataFrame(pd.concat(told, ignore_index=True), geometry="geometry", crs=LONLAT)
    report["addresses"] = _addresses_touched(report, areas.index, valid, addresses)
    return _in_order(report)[list(COLUMNS)]


def _addresses_touched(
    report: gpd.GeoDataFrame, area_ids: pd.Index, valid: Geometries, addresses: pd.DataFrame | None
) -> pd.Series:
    """Addresses on each finding's place, its edge included; of an invalid ring, those in the area's valid copy."""
    touched = pd.Series(pd.NA, index=report.index, dtype="Int64")
    if addresses is None:
        return touched
    with_point = addresses.loc[addresses["lon"].notna()]
    points = shapely.STRtree(shapely.points(with_point["lon"].to_numpy(), with_point["lat"].to_numpy()))
    places = report.geometry.to_numpy().copy()
    invalid = report["finding"].eq("invalid_ring").to_numpy()
    places[invalid] = valid[area_ids.get_indexer(report.loc[invalid, "area_id"])]
    shapely.prepare(places)
    place, _ = points.query(places, predicate="intersects")
    counted = ~shapely.is_missing(places)
    touched[counted] = np.bincount(place, minlength=len(places))[counted]
    return touched


def _in_order(report: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Alarms first, then by kind, level and area, the larger first: the same whatever the order of the input."""
    keys = pd.DataFrame(
        {
            "severity": report["severity"].ne("alarm"),
            "finding": report["finding"].map(FINDINGS.index),
            "level": report["level"].map(LEVELS.index),
            "area_id": report["area_id"],
            "other_id": report["other_id"].fillna(0),
            "area_m2": -report["area_m2"].fillna(0.0),
            "place": shapely.to_wkb(shapely.normalize(report.geometry.to_numpy())),
        }
    )
    return report.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)
