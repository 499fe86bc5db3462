"""Whatever is drawn, edited areas neither overlap nor leave a gap, and share the vertices of their borders."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layers.editing import LineDoesNotCutError, SwallowedError, reshaped, split_by_line

METRIC = "EPSG:4549"
FRAME = shapely.box(120.0, 30.0, 120.02, 30.02)
#: what the rounding of nodes may cost on edges of 2 km, square degrees: 10 mm², as in `layers.boundaries.Tolerances`
ROUNDING_DEG2 = 1e-15

seeds = st.integers(0, 2**32 - 1)


def mesh(seed: int, cells: int = 9) -> gpd.GeoDataFrame:
    """Compounds that tile a square without a pattern, in three villages; neighbours share their vertices."""
    points = np.random.default_rng(seed).uniform((120.0, 30.0), (120.02, 30.02), (cells, 2))
    voronoi = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=FRAME))
    edges = shapely.union_all([*shapely.intersection(shapely.boundary(voronoi), FRAME), shapely.boundary(FRAME)])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    ids = np.arange(len(faces)) + 10
    villages = {number: faces[ids % 3 == number] for number in range(3) if (ids % 3 == number).any()}
    index = pd.Index([*villages, *ids.tolist()], name="area_id")
    frame = pd.DataFrame({"code": index.astype(str), "name": index.astype(str), "kind": None}, index=index)
    frame["level"] = ["village"] * len(villages) + ["compound"] * len(faces)
    frame["parent_id"] = pd.Series([pd.NA] * len(villages) + (ids % 3).tolist(), index=index, dtype="Int64")
    shapes = [*(shapely.coverage_union_all(cells) for cells in villages.values()), *faces]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326")


def drawn_over(land: gpd.GeoDataFrame, area_id: int, seed: int) -> shapely.Geometry:
    """The border of an area with one vertex dragged somewhere and one laid on a neighbour's corner."""
    random = np.random.default_rng(seed)
    ring = shapely.get_coordinates(land.geometry[area_id].exterior)[:-1]
    ring[random.integers(len(ring))] += random.normal(0, 0.002, 2)
    corners = shapely.get_coordinates(land.geometry.to_numpy())
    ring = np.insert(ring, random.integers(len(ring)), corners[random.integers(len(corners))], axis=0)
    return shapely.Polygon(ring)


@settings(deadline=None, max_examples=150)
@given(seeds, seeds)
def test_after_any_edit_the_land_is_tiled_as_drawn(seed: int, drawing: int) -> None:
    land = mesh(seed)
    compounds = land.index[land["level"] == "compound"]
    area_id = int(compounds[drawing % len(compounds)])
    drawn = drawn_over(land, area_id, drawing)
    assume(drawn.is_valid and drawn.area > 0)
    try:
        edited = reshaped(land, area_id, drawn, METRIC)
    except SwallowedError:
        return
    after = land.geometry.copy()
    after.loc[edited.borders.index] = edited.borders

    # as drawn
    assert shapely.symmetric_difference(after[area_id], drawn).area < ROUNDING_DEG2
    # no overlap, no gap but where there is nobody else
    tiles = after.loc[compounds]
    whole = shapely.union_all(tiles.to_numpy())
    assert abs(shapely.area(tiles.to_numpy()).sum() - whole.area) < ROUNDING_DEG2
    outside = edited.moved[edited.moved["to_id"].isna()]
    if outside.empty:
        assert shapely.symmetric_difference(whole, shapely.union(FRAME, drawn)).area < ROUNDING_DEG2
    # parents are their children
    for village in land.index[land["level"] == "village"]:
        below = shapely.union_all(after.loc[land.index[land["parent_id"] == village]].to_numpy())
        assert shapely.symmetric_difference(below, after[village]).area < ROUNDING_DEG2
    # what changed has the same vertices on both sides of every border
    for one, other in combinations([area for area in edited.borders.index if area in compounds], 2):
        left, right = after[one], after[other]
        assert left.intersection(right).area == 0.0
        for point in shapely.get_coordinates(left):
            if right.distance(shapely.Point(point)) == 0.0:
                assert (shapely.get_coordinates(right) == point).all(axis=1).any()


@settings(deadline=None, max_examples=100)
@given(seeds, st.tuples(*[st.floats(0, 1)] * 4))
def test_the_parts_of_a_split_are_the_area(seed: int, ends: tuple[float, float, float, float]) -> None:
    area = mesh(seed).geometry[10]
    west, south, east, north = area.bounds
    line = [(west + (east - west) * ends[0], south - 0.001), (west + (east - west) * ends[1], north + 0.001)]
    try:
        parts = split_by_line(area, line)
    except LineDoesNotCutError:
        return
    assert sum(part.area for part in parts) == pytest.approx(area.area, rel=1e-12)
    for one, other in combinations(parts, 2):
        assert one.intersection(other).area == 0.0
        shared = shapely.get_coordinates(one.intersection(other))
        assert all(
            (shapely.get_coordinates(side) == point).all(axis=1).any() for side in (one, other) for point in shared
        )
