"""Repair proposals for boundaries: ground that changes hands so that siblings tile their parent again.

The proposals change nothing by themselves. Each is a handful of pieces of ground, each taken from one area, given to
another, or both, so that any choice of them can be applied together; or a parent drawn anew as its children together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers._defects import Siblings, Surveyor, Tolerances, gaps, overhang, overlaps
from layers._overlay import Geometries, Pieces, area_m2, divided, valid_copies
from layers.frames import LEVELS, LONLAT, require_lonlat, require_metric

OverlapRule = Literal["longest_border", "larger", "smaller", "earlier_code"]
ParentRule = Literal["keep", "follow"]
KINDS: Final = ("invalid_ring", "overlap", "outside_parent", "gap", "parent_follows")

_REACH_DEG: Final = 5e-7
"""How far from a piece its neighbours are sought, about 5 cm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who gets the ground that is in question.

    Attributes
    ----------
    overlap : of two areas that overlap, the one with the longer border to the piece keeps it, the larger, the smaller,
        or the one whose code comes first. Before that, whoever's parent holds the ground, and whoever's children do.
    least_m2 : less ground than this (square metres) is what coordinates are rounded by, and no repair.
    parents : keep them and pull children into them, or let them follow their children.
    """

    overlap: OverlapRule = "longest_border"
    parents: ParentRule = "keep"
    least_m2: float = 0.001


@dataclass(frozen=True, slots=True)
class Move:
    """Ground (lon-lat) that `taken_from` loses and `given_to` gets; None for nobody."""

    ground: shapely.Geometry
    taken_from: int | None
    given_to: int | None


@dataclass(frozen=True, slots=True)
class Repair:
    """One proposal.

    Attributes
    ----------
    key : the same for the same defect on the same land.
    kind : see `KINDS`; `sliver` says that no piece is larger than a sliver.
    level : of the areas that change.
    area_ids : the areas concerned, ascending.
    moves : ground that changes hands; none for a ring that is only read anew and for a parent that follows.
    moved_m2 : how much ground that is, square metres.
    place : where, lon-lat.
    addresses : points on that ground; None when none were given.
    """

    key: str
    kind: str
    sliver: bool
    level: str
    area_ids: tuple[int, ...]
    moves: tuple[Move, ...]
    moved_m2: float
    place: shapely.Geometry
    addresses: int | None = None


def propose_repairs(
    areas_lonlat: gpd.GeoDataFrame,
    metric_crs: Any,
    rules: Rules | None = None,
    tolerances: Tolerances | None = None,
    addresses: pd.DataFrame | None = None,
) -> list[Repair]:
    """Propose a repair for every invalid ring, overlap, overhang and gap that `check_topology` would find.

    Parameters
    ----------
    areas_lonlat : AREAS frame in EPSG:4326 or 4490.
    metric_crs : CRS in metres to measure areas in.
    rules, tolerances : who gets the ground, and what counts as a sliver and as mere rounding.
    addresses : ADDRESSES frame; counts the points on the ground that changes hands.

    Returns
    -------
    In the order of `KINDS` and then of levels from below; the same for any order of the areas. Applying all of them and
    asking again proposes nothing for the same places.

    Raises
    ------
    NotLonLatError, NotMetricError
    """
    require_lonlat(areas_lonlat)
    require_metric(metric_crs)
    land = _Land.of(areas_lonlat.sort_index(), metric_crs, rules or Rules(), tolerances or Tolerances())
    found = land.invalid_rings()
    cuts = [repair for level in reversed(LEVELS) for repair in land.overlaps(level)]
    if land.rules.parents == "keep":
        cuts += [repair for pair in reversed(list(pairwise(LEVELS))) for repair in land.overhangs(*pair)]
    land = land.after(cuts)
    found += cuts
    if land.rules.parents == "keep":
        for parents, children in reversed(list(pairwise(LEVELS))):
            fillings = land.gaps(parents, children)
            land = land.after(fillings)
            found += fillings
    else:
        found += land.following()
    worth_it = [repair for repair in found if repair.kind == "invalid_ring" or repair.moved_m2 >= land.rules.least_m2]
    return _with_addresses(worth_it, addresses)


def apply_repairs(
    areas_lonlat: gpd.GeoDataFrame, repairs: Iterable[Repair], tolerances: Tolerances | None = None
) -> gpd.GeoSeries:
    """The borders (multipolygons, lon-lat) that some repairs leave, of the areas that they change."""
    chosen = list(repairs)
    limits = tolerances or Tolerances()
    areas = areas_lonlat.sort_index()
    touched = sorted({area_id for repair in chosen for area_id in repair.area_ids})
    land = dict(zip(areas.index.tolist(), areas.geometry.to_numpy(), strict=True))
    valid = valid_copies(areas.geometry.to_numpy(), limits.max_repair_vertices, limits.max_repair_crossings)
    whole = {area_id: shape for area_id, shape in zip(land, valid, strict=True) if shape is not None}
    moved = _moved(whole, [move for repair in chosen for move in repair.moves])
    children = areas.groupby("parent_id").groups
    for level in reversed(LEVELS):
        for repair in chosen:
            if repair.kind == "parent_follows" and repair.level == level:
                (parent,) = repair.area_ids
                moved[parent] = shapely.union_all([moved[child] for child in children[parent] if child in moved])
    shapes = {area_id: _polygonal(moved[area_id]) for area_id in touched if area_id in moved}
    kept = {area_id: shape for area_id, shape in shapes.items() if not shape.is_empty and shape != land[area_id]}
    return gpd.GeoSeries(list(kept.values()), index=pd.Index(list(kept), name="area_id", dtype="int64"), crs=LONLAT)


@dataclass(frozen=True, eq=False, slots=True)
class _Land:
    areas: gpd.GeoDataFrame
    valid: Geometries
    metric_crs: Any
    rules: Rules
    tolerances: Tolerances

    @classmethod
    def of(cls, areas: gpd.GeoDataFrame, metric_crs: Any, rules: Rules, limits: Tolerances) -> "_Land":
        valid = valid_copies(areas.geometry.to_numpy(), limits.max_repair_vertices, limits.max_repair_crossings)
        return cls(areas, valid, metric_crs, rules, limits)

    @property
    def surveyor(self) -> Surveyor:
        return Surveyor(self.metric_crs, self.tolerances)

    def siblings(self, level: str) -> Siblings:
        return Siblings.of(self.areas, self.valid, level)

    def shape(self, area_id: int) -> Any:
        return self.valid[self.areas.index.get_loc(area_id)]

    def after(self, repairs: Sequence[Repair]) -> "_Land":
        """The land with these repairs."""
        whole = {int(i): shape for i, shape in zip(self.areas.index, self.valid, strict=True) if shape is not None}
        moved = _moved(whole, [move for repair in repairs for move in repair.moves])
        valid = self.valid.copy()
        valid[:] = [moved.get(int(i)) for i in self.areas.index]
        return replace(self, valid=valid)

    def invalid_rings(self) -> list[Repair]:
        found = []
        for position in np.flatnonzero(~shapely.is_valid(self.areas.geometry.to_numpy())):
            read = self.valid[position]
            if read is None:
                continue
            other = shapely.make_valid(self.areas.geometry.to_numpy()[position])
            doubtful = shapely.symmetric_difference(read, _polygonal(other))
            moved = float(area_m2(np.array([doubtful], dtype=object), self.metric_crs)[0])
            row = self.areas.iloc[position]
            area_ids = (int(self.areas.index[position]),)
            found.append(_repair("invalid_ring", row["level"], area_ids, (), moved, read, sliver=False))
        return found

    def overlaps(self, level: str) -> list[Repair]:
        """Cut what two siblings share from one of them."""
        found = []
        for findings in overlaps(self.siblings(level), self.surveyor):
            for row in _rows(findings):
                pair = (int(row["area_id"]), int(row["other_id"]))
                moves = [Move(piece, *self._loser_first(piece, *pair)) for piece in shapely.get_parts(row["geometry"])]
                cut = tuple(replace(move, given_to=None) for move in moves)
                sliver = row["finding"].startswith("sliver")
                found.append(_repair("overlap", level, pair, cut, row["area_m2"], row["geometry"], sliver=sliver))
        return found

    def overhangs(self, parents: str, children: str) -> list[Repair]:
        """Cut what a child has outside its parent."""
        found = []
        for findings in overhang(self.siblings(children), self.siblings(parents), self.surveyor):
            for row in _rows(findings):
                cut = (Move(row["geometry"], int(row["area_id"]), None),)
                sliver = row["finding"].startswith("sliver")
                area_ids = (int(row["area_id"]),)
                found.append(
                    _repair("outside_parent", children, area_ids, cut, row["area_m2"], row["geometry"], sliver=sliver)
                )
        return found

    def gaps(self, parents: str, children: str) -> list[Repair]:
        """Give ground that none of a parent's children has to the child with the longest border to it."""
        siblings, found = self.siblings(children), []
        tree = shapely.STRtree(siblings.polygons)
        for findings in gaps(siblings, self.siblings(parents), self.surveyor):
            for row in _rows(findings[findings["finding"].isin(["gap", "sliver_gap"])]):
                free = self._free(row["geometry"], siblings, tree)
                ours = siblings.parent_ids == row["area_id"]
                moves = tuple(
                    Move(piece, None, int(siblings.area_ids[ours][self._nearest(piece, siblings.polygons[ours])]))
                    for piece in free.polygons
                )
                if not moves:
                    continue
                given = tuple(sorted({move.given_to for move in moves if move.given_to is not None}))
                sliver = row["finding"].startswith("sliver")
                found.append(_repair("gap", children, given, moves, free.area_m2.sum(), row["geometry"], sliver=sliver))
        return found

    def following(self) -> list[Repair]:
        """Parents drawn as their children together, from below, where that is something else."""
        found, shapes = [], dict(zip(self.areas.index.tolist(), self.valid, strict=True))
        children = self.areas.groupby("parent_id").groups
        for parents, _ in reversed(list(pairwise(LEVELS))):
            for parent in self.areas.index[self.areas["level"].eq(parents) & self.areas.index.isin(list(children))]:
                drawn = [shapes[child] for child in children[parent] if shapes[child] is not None]
                if not drawn or shapes[parent] is None:
                    continue
                together, before = shapely.union_all(drawn), shapes[parent]
                differs = shapely.union_all(
                    [divided(*_pair(before, together))[1], divided(*_pair(together, before))[1]]
                )
                pieces = self.surveyor.pieces(np.array([_polygonal(differs)], dtype=object))
                shapes[parent] = together
                if len(pieces.polygons):
                    place = shapely.multipolygons(pieces.polygons)
                    sliver, moved = bool(self.surveyor.is_sliver(pieces).all()), pieces.area_m2.sum()
                    found.append(_repair("parent_follows", parents, (int(parent),), (), moved, place, sliver=sliver))
        return found

    def _free(self, ground: Any, siblings: Siblings, tree: shapely.STRtree) -> Pieces:
        """The pieces of some ground that no area of the level has."""
        holders = siblings.polygons[tree.query(ground, predicate="intersects")]
        _, left = divided(*_pair(ground, shapely.union_all(holders)))
        return self.surveyor.pieces(left)

    def _nearest(self, piece: Any, candidates: Geometries) -> int:
        """The candidate with the longest border to a piece; the nearest when none touches it."""
        borders = _borders(piece, candidates)
        return int(np.argmax(borders) if borders.max() > 0 else np.argmin(shapely.distance(candidates, piece)))

    def _loser_first(self, piece: Any, one: int, other: int) -> tuple[int, int]:
        """Who of two areas gives a piece up, and who keeps it."""
        pair = (one, other)
        claims = [(*self._claims(piece, each), -position) for position, each in enumerate(pair)]
        return pair if claims[1] > claims[0] else (other, one)

    def _claims(self, piece: Any, area_id: int) -> tuple[float, ...]:
        """How strong an area's claim to a piece is: parent, children, then the rule."""
        row = self.areas.loc[area_id]
        parent = None if pd.isna(row["parent_id"]) else self.areas.index.isin([row["parent_id"]])
        in_parent = 1.0 if parent is None or not parent.any() else _share(piece, self.valid[parent])
        held = _share(piece, self.valid[self.areas["parent_id"].eq(area_id).fillna(value=False).to_numpy(dtype=bool)])
        rest = shapely.difference(self.shape(area_id), piece)
        match self.rules.overlap:
            case "longest_border":
                rank = float(_borders(piece, np.array([rest], dtype=object))[0])
            case "larger":
                rank = float(self.shape(area_id).area)
            case "smaller":
                rank = -float(self.shape(area_id).area)
            case "earlier_code":
                rank = -float(self.areas["code"].rank()[area_id])
        return (round(in_parent, 1), round(held, 1), rank)


def _repair(
    kind: str,
    level: str,
    area_ids: Sequence[int],
    moves: tuple[Move, ...],
    moved_m2: float,
    place: Any,
    *,
    sliver: bool,
) -> Repair:
    ids = tuple(sorted(area_ids))
    at = shapely.get_coordinates(shapely.centroid(place)).round(6)[0]
    named = f"{'sliver_' if sliver else ''}{kind}"
    key = f"{named}:{level}:{'-'.join(map(str, ids))}@{at[0]:.6f},{at[1]:.6f}"
    return Repair(key, kind, sliver, level, ids, moves, float(moved_m2), place)


def _moved(land: dict[int, Any], moves: Sequence[Move]) -> dict[int, Any]:
    """The land after some ground has changed hands: what is taken goes first."""
    taken: dict[int, list[Any]] = {}
    given: dict[int, list[Any]] = {}
    for move in moves:
        if move.taken_from is not None:
            taken.setdefault(move.taken_from, []).append(move.ground)
        if move.given_to is not None:
            given.setdefault(move.given_to, []).append(move.ground)
    after = dict(land)
    for area_id, grounds in taken.items():
        after[area_id] = divided(*_pair(after[area_id], shapely.union_all(grounds)))[1][0]
    for area_id, grounds in given.items():
        after[area_id] = shapely.union_all([after[area_id], *grounds])
    return after


def _with_addresses(repairs: list[Repair], addresses: pd.DataFrame | None) -> list[Repair]:
    if addresses is None or not repairs:
        return repairs
    with_point = addresses[addresses["lon"].notna()]
    points = shapely.STRtree(shapely.points(with_point["lon"].to_numpy(), with_point["lat"].to_numpy()))
    places = np.array([repair.place for repair in repairs], dtype=object)
    shapely.prepare(places)
    counts = np.bincount(points.query(places, predicate="intersects")[0], minlength=len(places))
    return [replace(repair, addresses=int(count)) for repair, count in zip(repairs, counts, strict=True)]


def _borders(piece: Any, areas: Geometries) -> Any:
    """How long a border each area has to a piece, in units that only compare."""
    around = shapely.buffer(piece, _REACH_DEG)
    return shapely.area(shapely.intersection(areas, shapely.difference(around, piece)))


def _share(piece: Any, holders: Geometries) -> float:
    """Which share of a piece lies in any of the holders; shares of one place need no metres."""
    drawn = holders[~shapely.is_missing(holders)]
    near = drawn[shapely.intersects(drawn, piece)]
    return float(shapely.area(shapely.intersection(piece, shapely.union_all(near))) / shapely.area(piece))


def _rows(findings: pd.DataFrame) -> list[dict[Any, Any]]:
    rows: list[dict[Any, Any]] = findings.to_dict("records")
    return rows


def _pair(one: Any, other: Any) -> tuple[Geometries, Geometries]:
    return np.array([one], dtype=object), np.array([other], dtype=object)


def _polygonal(shape: Any) -> Any:
    """The polygons of a shape as one multipolygon."""
    parts = shapely.get_parts(shape)
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
