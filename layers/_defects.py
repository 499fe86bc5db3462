"""Finders of boundary defects: each looks for one kind and gives its findings as a frame."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._overlay import (
    Geometries,
    Pieces,
    Positions,
    area_m2,
    divided,
    holes,
    overlapping_pairs,
    rings_of,
    unions,
    without_holes,
)

NO_PARENT: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """From what size on a defect counts, in square metres, and how much work an invalid ring is worth.

    Attributes
    ----------
    sliver_area_m2 : a piece of overlap, gap or overhang up to this is a sliver: a notice, whatever their number.
    overlap_alarm_m2 : two siblings that overlap by more than this, slivers aside, are an alarm; less is a notice.
    gap_alarm_m2 : a gap larger than this is an alarm.
    outside_alarm_m2 : a child outside its parent by more than this, slivers aside, is an alarm.
    min_part_m2 : a part of an area smaller than this is tiny.
    rounding_area_m2 : pieces along edges up to this are the rounding of coordinates, and not reported (10 mm²).
    max_repair_vertices, max_repair_crossings : up to so many vertices and self-crossings an invalid area takes part in
        the overlay as a valid copy; beyond, it is left out and the finding says so.
    """

    sliver_area_m2: float = 1.0
    overlap_alarm_m2: float = 3.0
    gap_alarm_m2: float = 3.0
    outside_alarm_m2: float = 3.0
    min_part_m2: float = 100.0
    rounding_area_m2: float = 1e-5
    max_repair_vertices: int = 20_000
    max_repair_crossings: int = 5_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) >= 0:
                raise ValueError(f"{field.name} must not be negative: {getattr(self, field.name)}")


@dataclass(frozen=True, eq=False, slots=True)
class Siblings:
    """Areas of one level as arrays in order of `area_id`, without those that cannot be used in an overlay."""

    level: str
    area_ids: npt.NDArray[np.int64]
    parent_ids: npt.NDArray[np.int64]
    polygons: Geometries
    incomplete_parents: frozenset[int]

    @classmethod
    def of(cls, areas: gpd.GeoDataFrame, valid: Geometries, level: str) -> Self:
        """Areas of a level with the valid geometries given for all areas (None: cannot be used)."""
        of_level = areas["level"].eq(level).to_numpy()
        usable = of_level & ~shapely.is_missing(valid)
        parents = areas["parent_id"].fillna(NO_PARENT).to_numpy(dtype=np.int64)
        return cls(
            level=level,
            area_ids=areas.index.to_numpy()[usable],
            parent_ids=parents[usable],
            polygons=valid[usable],
            incomplete_parents=frozenset(parents[of_level & ~usable].tolist()),
        )


@dataclass(frozen=True, slots=True)
class Surveyor:
    """What every finder needs to judge the size of a piece."""

    metric_crs: Any
    tolerances: Tolerances

    def pieces(self, geometries: Geometries) -> Pieces:
        """Polygons among the geometries, without those that are rounding."""
        pieces = Pieces.of(geometries, self.metric_crs)
        return pieces.where(pieces.area_m2 > self.tolerances.rounding_area_m2)

    def is_sliver(self, pieces: Pieces) -> npt.NDArray[np.bool_]:
        """Which pieces are slivers."""
        return pieces.area_m2 <= self.tolerances.sliver_area_m2


def finding(
    kind: str,
    level: str | npt.NDArray[np.object_],
    geometry: Geometries,
    *,
    area_id: npt.NDArray[np.int64],
    other_id: npt.NDArray[np.int64] | None = None,
    area_m2: npt.NDArray[np.float64] | float = np.nan,
    pieces: npt.NDArray[np.int64] | int = 1,
    alarm: npt.NDArray[np.bool_] | bool = False,
    message: str | None = None,
    detail: Any = None,
) -> pd.DataFrame:
    """Findings of one kind, one row per geometry."""
    count = len(geometry)
    if not count:
        return nothing_found()
    return pd.DataFrame(
        {
            "finding": kind,
            "severity": np.where(np.broadcast_to(alarm, count), "alarm", "notice"),
            "area_id": area_id,
            "other_id": pd.array([pd.NA] * count if other_id is None else other_id, dtype="Int64"),
            "level": level,
            "area_m2": np.broadcast_to(np.asarray(area_m2, dtype=np.float64), count),
            "pieces": np.broadcast_to(np.asarray(pieces, dtype=np.int64), count),
            "message_key": message or f"topology.{kind}",
            "detail": pd.array([pd.NA] * count if detail is None else detail, dtype="str"),
            "geometry": geometry,
        }
    )


@cache
def nothing_found() -> pd.DataFrame:
    """No finding of any kind. Most finders find nothing, and such a frame takes longer to make than they to look."""
    texts = dict.fromkeys(("finding", "severity", "level", "message_key", "detail"), "str")
    numbers = {"area_id": "int64", "other_id": "Int64", "area_m2": "float64", "pieces": "int64", "geometry": "object"}
    dtypes = texts | numbers
    names = ("finding", "severity", "area_id", "other_id", "level", "area_m2", "pieces", "message_key", "detail")
    return pd.DataFrame({name: pd.Series([], dtype=dtypes[name]) for name in (*names, "geometry")})


def invalid_rings(areas: gpd.GeoDataFrame, valid: Geometries) -> Iterator[pd.DataFrame]:
    """Areas whose rings cross themselves or each other; always alarms, at the place that GEOS names."""
    geometry = areas.geometry.to_numpy()
    invalid = ~shapely.is_valid(geometry)
    for excluded in (False, True):
        chosen = invalid & (shapely.is_missing(valid) == excluded)
        if not chosen.any():
            continue
        reasons = pd.Series(shapely.is_valid_reason(geometry[chosen]), dtype="str")
        place = reasons.str.extract(r"\[(\S+) (\S+)\]").astype("float64").to_numpy()
        yield finding(
            "invalid_ring",
            areas["level"].to_numpy()[chosen],
            np.where(np.isnan(place).any(axis=1), geometry[chosen], shapely.points(place)),
            area_id=areas.index.to_numpy()[chosen],
            alarm=True,
            message="topology.invalid_ring_left_out" if excluded else None,
            detail=reasons.str.replace(r"\[.*", "", regex=True),
        )


def odd_parts(areas: gpd.GeoDataFrame, valid: Geometries, surveyor: Surveyor) -> Iterator[pd.DataFrame]:
    """Areas of several parts (the place: all but the largest), and parts that are tiny."""
    level = areas["level"].to_numpy()
    area_id = areas.index.to_numpy()
    parts = Pieces.of(valid, surveyor.metric_crs)
    by_size = np.lexsort((parts.area_m2, parts.owners))
    last = np.append(parts.owners[by_size][1:] != parts.owners[by_size][:-1], True)[: len(by_size)]
    lesser = np.ones(len(parts.owners), dtype=bool)
    lesser[by_size[last]] = False
    tiny = parts.area_m2 < surveyor.tolerances.min_part_m2
    for kind, chosen in (("multipart", lesser), ("tiny_part", tiny)):
        gathered, counts = parts.where(chosen).gathered()
        yield finding(
            kind,
            level[gathered.owners],
            gathered.polygons,
            area_id=area_id[gathered.owners],
            area_m2=gathered.area_m2,
            pieces=counts,
        )


def duplicate_vertices(areas: gpd.GeoDataFrame) -> Iterator[pd.DataFrame]:
    """Areas with a vertex that repeats the one before it."""
    rings, area_of_ring = rings_of(areas.geometry.to_numpy())
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    repeated = np.flatnonzero((ring[1:] == ring[:-1]) & (coordinates[1:] == coordinates[:-1]).all(axis=1)) + 1
    owners, groups, counts = np.unique(area_of_ring[ring[repeated]], return_inverse=True, return_counts=True)
    yield finding(
        "duplicate_vertex",
        areas["level"].to_numpy()[owners],
        shapely.multipoints(shapely.points(coordinates[repeated]), indices=groups) if len(owners) else rings[:0],
        area_id=areas.index.to_numpy()[owners],
        pieces=counts,
    )


def overlaps(siblings: Siblings, surveyor: Surveyor) -> Iterator[pd.DataFrame]:
    """Pairs of areas of one level that share ground."""
    first, second = overlapping_pairs(siblings.polygons)
    pieces = surveyor.pieces(divided(siblings.polygons[first], siblings.polygons[second])[0])
    yield from _by_size(
        "overlap",
        siblings.level,
        pieces,
        surveyor,
        surveyor.tolerances.overlap_alarm_m2,
        area_id=siblings.area_ids[first],
        other_id=siblings.area_ids[second],
    )


def overhang(children: Siblings, parents: Siblings, surveyor: Surveyor) -> Iterator[pd.DataFrame]:
    """Children that reach outside their parents."""
    parent, known = _positions(parents, children.parent_ids)
    _, outside = divided(children.polygons[known], parents.polygons[parent[known]])
    yield from _by_size(
        "outside_parent",
        children.level,
        surveyor.pieces(outside),
        surveyor,
        surveyor.tolerances.outside_alarm_m2,
        area_id=children.area_ids[known],
        other_id=children.parent_ids[known],
    )


def gaps(children: Siblings, parents: Siblings, surveyor: Surveyor) -> Iterator[pd.DataFrame]:
    """Ground of a parent that none of its children holds: holes that they surround, and gaps at the parent's edge."""
    complete = ~np.isin(children.parent_ids, [NO_PARENT, *children.incomplete_parents])
    parent_ids, group = np.unique(children.parent_ids[complete], return_inverse=True)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]) if len(group) else []
    united = unions(children.polygons[complete], members)
    parent, known = _positions(parents, parent_ids)
    yield from _surrounded(children, parents, surveyor, parent_ids, united)
    _, at_edge = divided(parents.polygons[parent[known]], without_holes(united[known]))
    pieces, area_id = surveyor.pieces(at_edge), parent_ids[known]
    sliver = surveyor.is_sliver(pieces)
    yield _gap(children.level, pieces.where(~sliver), surveyor, area_id)
    slivers, counts = pieces.where(sliver).gathered()
    yield finding(
        "sliver_gap",
        children.level,
        slivers.polygons,
        area_id=area_id[slivers.owners],
        area_m2=slivers.area_m2,
        pieces=counts,
    )


def _surrounded(
    children: Siblings, parents: Siblings, surveyor: Surveyor, parent_ids: npt.NDArray[np.int64], united: Geometries
) -> Iterator[pd.DataFrame]:
    """Holes in a union of siblings: each a sliver, another parent's enclave, a hole in the parent too, or a gap."""
    rings, group = holes(united)
    ring_m2, area_id = area_m2(rings, surveyor.metric_crs), parent_ids[group]
    sliver = ring_m2 <= surveyor.tolerances.sliver_area_m2
    yield finding("sliver_gap", children.level, rings[sliver], area_id=area_id[sliver], area_m2=ring_m2[sliver])

    wide, wide_m2, area_id = rings[~sliver], ring_m2[~sliver], area_id[~sliver]
    empty = _without(wide, children.polygons)
    claimed = empty.copy()
    parent, known = _positions(parents, area_id)
    claimed[known], _ = divided(empty[known], parents.polygons[parent[known]])
    is_enclave = ~_is_wide(empty, surveyor)
    is_hole = ~is_enclave & ~_is_wide(claimed, surveyor)
    for kind, chosen in (("enclave", is_enclave), ("hole", is_hole)):
        yield finding(kind, children.level, wide[chosen], area_id=area_id[chosen], area_m2=wide_m2[chosen])
    claimed[is_enclave | is_hole] = None
    pieces = surveyor.pieces(claimed)
    yield _gap(children.level, pieces.where(~surveyor.is_sliver(pieces)), surveyor, area_id)


def _gap(level: str, pieces: Pieces, surveyor: Surveyor, area_id: npt.NDArray[np.int64]) -> pd.DataFrame:
    return finding(
        "gap",
        level,
        pieces.polygons,
        area_id=area_id[pieces.owners],
        area_m2=pieces.area_m2,
        alarm=pieces.area_m2 > surveyor.tolerances.gap_alarm_m2,
    )


def _by_size(
    kind: str,
    level: str,
    pieces: Pieces,
    surveyor: Surveyor,
    alarm_m2: float,
    *,
    area_id: npt.NDArray[np.int64],
    other_id: npt.NDArray[np.int64],
) -> Iterator[pd.DataFrame]:
    """One finding per owner for its slivers and one for what is more."""
    sliver = surveyor.is_sliver(pieces)
    for name, chosen, alarm_above_m2 in ((kind, ~sliver, alarm_m2), (f"sliver_{kind}", sliver, np.inf)):
        gathered, counts = pieces.where(chosen).gathered()
        yield finding(
            name,
            level,
            gathered.polygons,
            area_id=area_id[gathered.owners],
            other_id=other_id[gathered.owners],
            area_m2=gathered.area_m2,
            pieces=counts,
            alarm=gathered.area_m2 > alarm_above_m2,
        )


def _positions(parents: Siblings, parent_ids: npt.NDArray[np.int64]) -> tuple[Positions, npt.NDArray[np.bool_]]:
    """Positions of the parents among the usable ones, and which of them are there at all."""
    positions = pd.Index(parents.area_ids).get_indexer(pd.Index(parent_ids))
    return positions, positions >= 0


def _without(geometries: Geometries, taken: Geometries) -> Geometries:
    """The geometries without the ground of any polygon that meets them."""
    owner, position = shapely.STRtree(taken).query(geometries, predicate="intersects")
    takers = unions(taken, [position[owner == each] for each in range(len(geometries))])
    return divided(geometries, takers)[1]


def _is_wide(geometries: Geometries, surveyor: Surveyor) -> npt.NDArray[np.bool_]:
    """Which geometries hold a piece that is more than a sliver."""
    pieces = surveyor.pieces(geometries)
    wide = np.zeros(len(geometries), dtype=bool)
    wide[pieces.owners[~surveyor.is_sliver(pieces)]] = True
    return wide
