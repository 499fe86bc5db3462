"""The locator against an exact reading of its rules in rational numbers, and against GEOS."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layers import _grid_index, _grid_levels
from layers.locate import AMBIGUOUS, OUTSIDE, AreaLocator

Point = tuple[float, float]
Edge = tuple[Point, Point]


def edges_of(area: shapely.Geometry) -> list[Edge]:
    """Edges of positive length that the area passes an odd number of times."""
    rings = shapely.get_rings(shapely.get_parts(area))
    passed = Counter((min(a, b), max(a, b)) for ring in rings for a, b in pairwise(ring.coords) if a != b)
    return [edge for edge, times in passed.items() if times % 2]


def exact_side(a: Point, b: Point, p: Point) -> int:
    (ax, ay), (bx, by), (px, py) = ((Fraction(x), Fraction(y)) for x, y in (a, b, p))
    turn = (ax - px) * (by - py) - (ay - py) * (bx - px)
    return (turn > 0) - (turn < 0)


def touches_exactly(area: shapely.Geometry, p: Point) -> bool:
    return any(
        exact_side(a, b, p) == 0
        and min(a[0], b[0]) <= p[0] <= max(a[0], b[0])
        and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
        for a, b in edges_of(area)
    )


def holds_half_open(area: shapely.Geometry, p: Point) -> bool:
    """Even-odd rule along the ray to the right; a point on an edge counts as right of it and above it."""
    crossings = 0
    for a, b in edges_of(area):
        low, high = (a, b) if a[1] < b[1] else (b, a)
        if low[1] <= p[1] < high[1] and exact_side(low, high, p) > 0:
            crossings += 1
    return crossings % 2 == 1


def owner_by_the_rules(areas: list[shapely.Geometry], keys: list[str], p: Point) -> tuple[int, list[int]]:
    rows = sorted(range(len(areas)), key=lambda row: keys[row])
    touched = [row for row in rows if touches_exactly(areas[row], p)]
    half_open = [row for row in rows if holds_half_open(areas[row], p)]
    inside = [row for row in half_open if row not in touched]
    if len(inside) > 1:
        return AMBIGUOUS, inside
    return (inside or half_open or touched or [OUTSIDE])[0], []


@st.composite
def scaled(draw: st.DrawFn) -> tuple[float, float]:
    return draw(st.sampled_from([(1.0, 0.0), (0.1, 121.3), (1e-5, 29.9), (1e6, -3e7), (2.0**-150, 0.0)]))


@st.composite
def tilings(draw: st.DrawFn) -> list[shapely.Geometry]:
    """Triangles of a bent lattice dissolved at random: shared edges to the last bit, holes, islands, multiparts."""
    size = draw(st.integers(1, 4))
    scale, offset = draw(scaled())
    bend = st.sampled_from([0.0, 0.0, 0.2, -0.2, 0.1, -0.15])
    nodes = {
        (i, j): (offset + scale * (i + draw(bend)), offset + scale * (j + draw(bend)))
        for i in range(size + 1)
        for j in range(size + 1)
    }
    tiles: dict[int, list[shapely.Geometry]] = {}
    for i in range(size):
        for j in range(size):
            south_west, north_east = nodes[i, j], nodes[i + 1, j + 1]
            for third in (nodes[i + 1, j], nodes[i, j + 1]):
                tiles.setdefault(draw(st.integers(-1, 4)), []).append(shapely.polygons([south_west, third, north_east]))
    tiles.pop(-1, None)  # the gaps
    return [shapely.coverage_union_all(triangles) for triangles in tiles.values()]


@st.composite
def loose_polygons(draw: st.DrawFn) -> list[shapely.Geometry]:
    """Polygons that overlap, touch, repeat and cross themselves, on few coordinates so that ties are frequent."""
    scale, offset = draw(scaled())
    coordinate = st.integers(0, 4).map(lambda k: offset + scale * k)
    vertex = st.tuples(coordinate, coordinate)
    rings = draw(st.lists(st.lists(vertex, min_size=3, max_size=7), min_size=1, max_size=6))
    return [shapely.polygons(ring) for ring in rings]


@st.composite
def query_points(draw: st.DrawFn, areas: list[shapely.Geometry]) -> list[Point]:
    """Vertices, midpoints (rounded, so beside the edge by a hair), their float neighbours, and anything around."""
    vertices = [(float(x), float(y)) for x, y in shapely.get_coordinates(areas)]
    assume(vertices)
    pick = st.sampled_from(vertices)
    points = []
    for _ in range(12):
        a, b = draw(pick), draw(pick)
        share = draw(st.sampled_from([0.0, 0.5, 0.25, 0.3, 1 / 3, 0.9]))
        x, y = a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
        if draw(st.booleans()):
            x = float(np.nextafter(x, b[0] + 1.0)) if abs(x) > 1e-40 else x
        points.append((x, y))
    return points


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[shapely.Geometry], list[str], list[Point]]:
    areas = draw(st.one_of(tilings(), loose_polygons()))
    keys = draw(st.permutations([f"{k:02}" for k in range(len(areas))]))
    return areas, list(keys), draw(query_points(areas))


@settings(deadline=None)  # the first example compiles
@given(cases())
def test_owner_and_candidates_are_those_of_exact_arithmetic(
    case: tuple[list[shapely.Geometry], list[str], list[Point]],
) -> None:
    areas, keys, points = case
    x, y = np.array(points).T
    found = AreaLocator.build(areas, keys).locate(x, y)
    candidates = iter(np.split(found.candidates, found.candidate_offsets[1:-1]))
    for point, owner in zip(points, found.owner.tolist(), strict=True):
        expected, expected_candidates = owner_by_the_rules(areas, keys, point)
        assert owner == expected
        if owner == AMBIGUOUS:
            assert next(candidates).tolist() == expected_candidates


@settings(deadline=None)  # the first example compiles
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_areas_and_points_does_not_matter(
    case: tuple[list[shapely.Geometry], list[str], list[Point]], random: object
) -> None:
    areas, keys, points = case
    x, y = np.array(points).T
    as_given = AreaLocator.build(areas, keys).locate(x, y).owner
    rows, places = np.arange(len(areas)), np.arange(len(points))
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(places)  # type: ignore[attr-defined]
    shuffled = AreaLocator.build([areas[row] for row in rows], [keys[row] for row in rows]).locate(x[places], y[places])
    back = np.where(shuffled.owner >= 0, rows[shuffled.owner], shuffled.owner)
    assert back.tolist() == as_given[places].tolist()


@settings(deadline=None)  # the first example compiles
@given(tilings(), st.data())
def test_every_point_within_a_tiling_has_exactly_one_owner(areas: list[shapely.Geometry], data: st.DataObject) -> None:
    assume(areas)
    points = data.draw(query_points(areas))
    x, y = np.array(points).T
    found = AreaLocator.build(areas, [f"{row}" for row in range(len(areas))]).locate(x, y)
    in_some_area = [any(touches_exactly(area, p) or holds_half_open(area, p) for area in areas) for p in points]
    assert ((found.owner >= 0) == in_some_area).all()


@pytest.mark.parametrize("most_edges", [1, 2, 4])
@pytest.mark.parametrize("cells_per_edge", [0.001, 0.1, 3, 30])
def test_coarse_and_fine_grids_answer_alike(
    cells_per_edge: float, most_edges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(20261122)
    areas = [
        shapely.polygons(centre + rng.uniform(0.1, 2, (30, 1)) * np.column_stack([np.cos(turn), np.sin(turn)]))
        for centre in rng.uniform(0, 10, (40, 2))
        for turn in [np.sort(rng.uniform(0, 2 * np.pi, 30))]
    ]
    keys = [f"{row:02}" for row in range(len(areas))]
    x, y = rng.uniform(-2, 12, (2, 20_000))
    as_usual = AreaLocator.build(areas, keys).locate(x, y)
    monkeypatch.setattr(_grid_levels, "CELLS_PER_EDGE", cells_per_edge)
    monkeypatch.setattr(_grid_index, "MOST_EDGES", most_edges)
    otherwise = AreaLocator.build(areas, keys).locate(x, y)
    assert (otherwise.owner == as_usual.owner).all()
    assert (otherwise.candidates == as_usual.candidates).all()
    point, area = shapely.STRtree(areas).query(shapely.points(x, y), predicate="within")
    count = np.bincount(point, minlength=len(x))
    expected = np.where(count > 1, AMBIGUOUS, OUTSIDE)
    expected[point[count[point] == 1]] = area[count[point] == 1]
    assert (as_usual.owner == expected).all()
    by_point = np.lexsort([area, point])
    assert (as_usual.candidates == area[by_point][count[point[by_point]] > 1]).all()
