"""Compounds whose buildings stand so that the right split can be seen."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.building_split import building_graph, split_by_buildings
from layers.districting import BeatRules, Breach, verify_plan
from layers.frames import FrameError, NotMetricError


def buildings(points: list[tuple[float, float]], addresses: list[int]) -> gpd.GeoDataFrame:
    index = pd.Index([f"{number}幢" for number in range(10, 10 + len(points))])
    geometry = gpd.points_from_xy(*zip(*points, strict=True))
    return gpd.GeoDataFrame({"addresses": addresses}, geometry=geometry, crs="EPSG:4549", index=index)


def pairs(frame: gpd.GeoDataFrame) -> set[tuple[int, int]]:
    lower, higher, _ = building_graph(frame).pairs()
    return set(zip(lower.tolist(), higher.tolist(), strict=True))


def test_two_rows_of_houses_are_parted_across_not_along() -> None:
    # 2 x 6 houses, 20 m apart along the row and 30 m between rows, 10 addresses each
    frame = buildings([(20.0 * x, 30.0 * y) for y in range(2) for x in range(6)], [10] * 12)
    split = split_by_buildings(frame, 2)
    assert split.part.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert split.addresses.tolist() == [60, 60]
    assert (split.deviation, split.least_deviation) == (0.0, 0.0)


def test_a_tower_weighs_as_many_addresses_as_it_has() -> None:
    split = split_by_buildings(buildings([(0, 0), (20, 0), (40, 0), (60, 0)], [90, 30, 30, 30]), 2)
    assert split.part.tolist() == [0, 1, 1, 1]
    assert split.addresses.tolist() == [90, 90]


def test_neighbours_have_nothing_between_them() -> None:
    square = buildings([(0, 0), (10, 0), (0, 10), (10, 10), (5, 5)], [1] * 5)
    assert pairs(square) == {(0, 4), (1, 4), (2, 4), (3, 4)} | {(0, 1), (0, 2), (1, 3), (2, 3)}
    row = buildings([(0, 0), (20, 0), (10, 0)], [1] * 3)
    assert pairs(row) == {(0, 2), (1, 2)}


def test_buildings_at_one_point_belong_together() -> None:
    frame = buildings([(0, 0), (0, 0), (30, 0)], [5, 5, 10])
    assert pairs(frame) == {(0, 1), (0, 2)}
    assert split_by_buildings(frame, 2).part.tolist() == [0, 0, 1]


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    frame = buildings([(float(x), float(y)) for x, y in rng.random((40, 2)) * 300], rng.integers(1, 60, 40).tolist())
    one, two = split_by_buildings(frame, 3), split_by_buildings(frame.sample(frac=1, random_state=5), 3)
    pd.testing.assert_series_equal(one.part, two.part)


@settings(deadline=None, max_examples=30)
@given(
    points=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=30),
    parts=st.integers(2, 4),
    data=st.data(),
)
def test_every_part_is_in_one_piece_and_every_building_in_a_part(
    points: list[tuple[float, float]], parts: int, data: st.DataObject
) -> None:
    parts = min(parts, len(points))
    numbers = data.draw(st.lists(st.integers(0, 80), min_size=len(points), max_size=len(points)).filter(any))
    frame = buildings(points, numbers)
    split = split_by_buildings(frame, parts)
    graph = building_graph(frame)
    assert graph.territories == 1
    found = verify_plan(graph, split.part.to_numpy(np.int32), BeatRules(parts, 0.0))
    assert all(violation.breach is Breach.OUTSIDE_BAND for violation in found)
    assert split.addresses.sum() == sum(numbers)
    assert split.deviation >= split.least_deviation - 1e-9


def test_what_cannot_be_split_is_refused() -> None:
    frame = buildings([(0, 0), (9, 0)], [1, 1])
    with pytest.raises(ValueError, match="cannot be split"):
        split_by_buildings(frame, 3)
    with pytest.raises(NotMetricError):
        split_by_buildings(frame.to_crs("EPSG:4326"), 2)
    with pytest.raises(FrameError, match="addresses"):
        split_by_buildings(frame.assign(addresses=[0.5, 1]), 2)
