"""Editing borders so that no gap and no overlap arises: reshape, split by a line, merge, fit a new area in.

A drawn border cuts the plane together with all borders around it into faces; every face goes to one area, and areas are
put together from faces, so that neighbours have the same vertices to the last bit. Areas whose ground stays as it was
keep their border untouched, even where another border now ends on it: no version is made of them for a vertex.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._arrangement import SNAP_DEG, Arrangement, snapped_together
from layers._overlay import Geometries, area_m2
from layers.frames import LEVELS, LONLAT, require_lonlat, require_metric

__all__ = [
    "DrawingError",
    "Edited",
    "LineDoesNotCutError",
    "NotTogetherError",
    "SwallowedError",
    "TooManyVerticesError",
    "area_m2",
    "fitted",
    "merged",
    "reshaped",
    "split_by_line",
]

MOST_VERTICES: Final = 200_000
"""Vertices of all borders at hand up to which an edit is computed at once."""

Path = Sequence[Sequence[float]]
Owners = list[frozenset[int]]


class DrawingError(ValueError):
    """What was drawn cannot become a border."""


class LineDoesNotCutError(DrawingError):
    """The line does not cut the area into parts."""


class NotTogetherError(DrawingError):
    """The areas do not share a border."""


class TooManyVerticesError(DrawingError):
    """There are more vertices at hand than are edited at once."""


class SwallowedError(DrawingError):
    """An area would lose all its ground."""

    def __init__(self, area_id: int) -> None:
        super().__init__(f"area {area_id} would lose all its ground")
        self.area_id = area_id


@dataclass(frozen=True, eq=False)
class Edited:
    """What an edit makes of the land.

    Attributes
    ----------
    borders : multipolygons in lon-lat of every area whose ground differs, by `area_id`.
    moved : `from_id`, `to_id` (Int64; NA = ground that no area had or has), `area_m2`; of the smallest areas.
    """

    borders: gpd.GeoSeries
    moved: pd.DataFrame


def reshaped(
    land: gpd.GeoDataFrame, area_id: int, drawn: shapely.Geometry, metric_crs: Any, moves: Sequence[Path] = ()
) -> Edited:
    """Give an area the border drawn; neighbours give and take what lies between, at every level.

    Ground that the area gains is taken from whoever had it; what it gives up goes to the neighbour with which the piece
    shares the longest border. An area that has children hands its gains and losses down to them by the same
    rule; whatever changes hands between parents changes them too.

    Parameters
    ----------
    land : AREAS frame in lon-lat with all that is near the old and the new border: at its level, above and below.
    area_id : the area whose border was drawn.
    drawn : its new polygon or multipolygon, lon-lat.
    metric_crs : CRS in metres to measure in.
    moves : vertices that were dragged, as pairs (from, to) of lon-lat; along them ground between neighbours is divided.

    Raises
    ------
    NotLonLatError, NotMetricError
    DrawingError
        The drawn border is not valid, or one of its subclasses.
    """
    require_lonlat(land)
    require_metric(metric_crs)
    if drawn.is_empty or not drawn.is_valid or drawn.geom_type not in ("Polygon", "MultiPolygon"):
        raise DrawingError(shapely.is_valid_reason(drawn))
    leaves, group = _leaves(land, area_id, drawn)
    drawn, around = snapped_together(drawn, leaves.geometry.to_numpy())
    cuts = [shapely.LineString(move) for move in moves if list(move[0]) != list(move[1])]
    whole = land.geometry.loc[area_id]
    lines = [*shapely.boundary(around), shapely.boundary(drawn), shapely.boundary(whole), *cuts]
    plane = Arrangement.of(np.array(lines, dtype=object))
    ids = leaves.index.to_numpy()
    before: Owners = [frozenset(ids[row].tolist()) for row in plane.within(around)]
    inside = plane.within(np.array([drawn, whole], dtype=object))
    after = _handed(plane, before, inside, group)
    return _told(land, plane, before, after, metric_crs, {area_id: inside[:, 0]} if group != {area_id} else {})


def split_by_line(area: shapely.Geometry, line: Path) -> list[shapely.Polygon | shapely.MultiPolygon]:
    """The parts of an area that a line cuts, from west to east; parts of it that lie apart go with the nearest.

    Raises
    ------
    LineDoesNotCutError
        There is only one part, or the line has no length.
    """
    if len(line) < 2 or shapely.LineString(line).length == 0:
        raise LineDoesNotCutError
    drawn, [area] = snapped_together(shapely.LineString(line), np.array([area], dtype=object))
    plane = Arrangement.of(np.array([shapely.boundary(area), drawn], dtype=object))
    inside = plane.within(np.array([area], dtype=object))[:, 0] & ~plane.is_tiny
    cut = np.zeros(len(plane.faces), dtype=bool)
    cut[[one for one in np.flatnonzero(inside) if inside[plane.beside(int(one))[0]].any()]] = True
    if not cut.any():
        raise LineDoesNotCutError
    pieces = list(plane.faces[cut])
    for apart in plane.faces[inside & ~cut]:
        nearest = int(np.argmin(shapely.distance(pieces, apart)))
        pieces[nearest] = shapely.union_all([pieces[nearest], apart])
    return sorted(pieces, key=lambda piece: (piece.centroid.x, piece.centroid.y))


def merged(areas: Sequence[shapely.Geometry]) -> shapely.Polygon | shapely.MultiPolygon:
    """Areas as one.

    Raises
    ------
    NotTogetherError
        One of them does not share a border with the others.
    """
    together = np.array(areas, dtype=object)
    first, second = shapely.STRtree(together).query(together, predicate="dwithin", distance=SNAP_DEG)
    meet = shapely.length(shapely.intersection(together[first], together[second])) > SNAP_DEG
    reached, waiting = {0}, [0]
    while waiting:
        one = waiting.pop()
        beside = set(second[(first == one) & meet].tolist()) - reached
        reached |= beside
        waiting += beside
    if len(reached) < len(together):
        raise NotTogetherError
    return shapely.union_all(together)


def fitted(drawn: shapely.Geometry, siblings: gpd.GeoDataFrame) -> shapely.Geometry:
    """What of a drawn polygon no sibling has: a new area that leaves no gap to the siblings it touches.

    Empty when siblings have all of it.

    Raises
    ------
    DrawingError
        The polygon is not valid.
    """
    if drawn.is_empty or not drawn.is_valid or drawn.geom_type not in ("Polygon", "MultiPolygon"):
        raise DrawingError(shapely.is_valid_reason(drawn))
    near = siblings[siblings.geometry.intersects(drawn)].geometry.to_numpy()
    drawn, around = snapped_together(drawn, near)
    plane = Arrangement.of(np.array([*shapely.boundary(around), shapely.boundary(drawn)], dtype=object))
    free = plane.within(np.array([drawn], dtype=object))[:, 0] & ~plane.within(around).any(axis=1) & ~plane.is_tiny
    return shapely.coverage_union_all(plane.faces[free])


def _leaves(land: gpd.GeoDataFrame, area_id: int, drawn: shapely.Geometry) -> tuple[gpd.GeoDataFrame, set[int]]:
    """The smallest areas that the old or the new border touches, and those of them that belong to the area."""
    group, level = {area_id}, str(land.loc[area_id, "level"])
    while len(below := land.index[land["parent_id"].isin(group)]):
        group, level = set(below.tolist()), str(land.loc[below[0], "level"])
    leaves = land[land["level"].eq(level)]
    both = shapely.union_all([drawn, land.geometry.loc[area_id]])
    near = shapely.dwithin(leaves.geometry.to_numpy(), both, SNAP_DEG)
    leaves = leaves[near | leaves.index.isin(group)]
    if shapely.get_num_coordinates(leaves.geometry.to_numpy()).sum() > MOST_VERTICES:
        raise TooManyVerticesError
    return leaves, group


def _handed(plane: Arrangement, before: Owners, inside: npt.NDArray[np.bool_], group: set[int]) -> Owners:
    """Who has each face afterwards: `inside` says of each whether it lies in the drawn border, and in the old one."""
    after: Owners = list(before)
    tiny = plane.is_tiny
    waiting: list[int] = []
    for face, held in enumerate(before):
        drawn, old = bool(inside[face, 0]), bool(inside[face, 1])
        kept = held & group if drawn else held - group
        if tiny[face]:
            after[face] = frozenset()
        elif kept or drawn == old:
            after[face] = kept if held else held
        else:
            after[face] = frozenset(group) if drawn and len(group) == 1 else frozenset()
            if not after[face]:
                waiting.append(face)
    _give(plane, after, waiting, {face: bool(inside[face, 0]) for face in waiting}, group)
    for face in np.flatnonzero(tiny).tolist():
        beside, length = plane.beside(face)
        known = ~tiny[beside]
        after[face] = after[beside[known][np.argmax(length[known])]] if known.any() else frozenset()
    return after


def _give(plane: Arrangement, after: Owners, waiting: Sequence[int], into: Mapping[int, bool], group: set[int]) -> None:
    """Give faces to the area beside them with the longest border, those with a long one first."""
    left = set(waiting)
    while left:
        offers = []
        for face in left:
            beside, length = plane.beside(face)
            by_owner: dict[int, float] = {}
            for other, along in zip(beside.tolist(), length.tolist(), strict=True):
                for owner in after[other]:
                    if (owner in group) == into[face]:
                        by_owner[owner] = by_owner.get(owner, 0.0) + along
            offers += [(along, -owner, face) for owner, along in by_owner.items()]
        if not offers:
            break
        _along, owner, face = max(offers)
        after[face] = frozenset({-owner})
        left.remove(face)
    for face in left:
        if into[face]:
            after[face] = frozenset({min(group)})


def _told(
    land: gpd.GeoDataFrame,
    plane: Arrangement,
    before: Owners,
    after: Owners,
    metric_crs: Any,
    drawn: Mapping[int, npt.NDArray[np.bool_]],
) -> Edited:
    real = ~plane.is_tiny
    differ = [face for face in np.flatnonzero(real).tolist() if before[face] != after[face]]
    changed = sorted({owner for face in differ for owner in before[face] ^ after[face]})
    borders: dict[int, Any] = {}
    for owner in changed:
        own = [face for face, held in enumerate(after) if owner in held]
        if not any(real[face] for face in own):
            raise SwallowedError(owner)
        borders[owner] = shapely.coverage_union_all(plane.faces[own])
    moves = [
        (min(before[face] - after[face], default=None), min(after[face] - before[face], default=None), face)
        for face in differ
    ]
    for ancestor, (lost, gained) in _above(land, moves).items():
        if ancestor in drawn:
            continue
        shape = land.geometry.loc[ancestor]
        shape = shapely.difference(shape, shapely.coverage_union_all(plane.faces[lost])) if lost else shape
        borders[ancestor] = shapely.union(shape, shapely.coverage_union_all(plane.faces[gained])) if gained else shape
    for area_id, inside in drawn.items():
        if differ:
            borders[area_id] = shapely.coverage_union_all(plane.faces[inside])
    return Edited(
        gpd.GeoSeries(
            [_multipolygon(shape) for shape in borders.values()],
            index=pd.Index(list(borders), name="area_id", dtype="int64"),
            crs=LONLAT,
        ).sort_index(),
        _moved(plane.faces, moves, metric_crs),
    )


def _multipolygon(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """The polygons of a shape, without the lines that an overlay may leave."""
    parts = shapely.get_parts(shape)
    return shapely.multipolygons(parts[shapely.area(parts) > 0])


def _above(
    land: gpd.GeoDataFrame, moves: Sequence[tuple[int | None, int | None, int]]
) -> dict[int, tuple[list[int], list[int]]]:
    """Which faces each area above loses and gains: where ground changes hands between its children and others'."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    for source, heir, face in moves:
        from_chain, to_chain = _chain(land, source), _chain(land, heir)
        for ancestor in set(from_chain) - set(to_chain):
            found.setdefault(ancestor, ([], []))[0].append(face)
        for ancestor in set(to_chain) - set(from_chain):
            found.setdefault(ancestor, ([], []))[1].append(face)
    return found


def _chain(land: gpd.GeoDataFrame, area_id: int | None) -> list[int]:
    """The areas above one, as far as they are at hand."""
    chain: list[int] = []
    current = area_id
    while current is not None and len(chain) < len(LEVELS):
        parent = land.loc[current, "parent_id"] if current in land.index else pd.NA
        current = None if pd.isna(parent) or int(parent) not in land.index else int(parent)
        if current is not None:
            chain.append(current)
    return chain


def _moved(faces: Geometries, moves: Sequence[tuple[int | None, int | None, int]], metric_crs: Any) -> pd.DataFrame:
    columns = {
        "from_id": pd.array([source for source, _, _ in moves], dtype="Int64"),
        "to_id": pd.array([heir for _, heir, _ in moves], dtype="Int64"),
        "area_m2": area_m2(faces[[face for _, _, face in moves]], metric_crs) if moves else np.zeros(0),
    }
    table = pd.DataFrame(columns).groupby(["from_id", "to_id"], dropna=False)["area_m2"].sum().reset_index()
    return table.sort_values("area_m2", ascending=False, ignore_index=True, kind="stable")
