"""Layers delivered anew: squares whose common ground can be counted."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import box

from layers.comparison import Likeness, compare_borders, heirs_by_ground, match_areas
from layers.frames import NotMetricError

METRIC = "EPSG:4549"
STEP = 0.01


def cell(column: float, width: float = 1.0) -> shapely.Geometry:
    """A square of a kilometre or so, the first one at 121.6° E."""
    west = 121.6 + column * STEP
    return box(west, 29.9, west + width * STEP, 29.9 + STEP)


def layer(*rows: tuple[Any, ...], first: int = 1) -> gpd.GeoDataFrame:
    """Villages as (code, name, parent, shape)."""
    columns = {name: [row[position] for row in rows] for position, name in enumerate(("code", "name", "parent_code"))}
    index = pd.RangeIndex(first, first + len(rows))
    frame = pd.DataFrame(columns, index=index, dtype="str").assign(level="village")
    return gpd.GeoDataFrame(frame, geometry=[row[3] for row in rows], crs="EPSG:4326")


def matched(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> list[tuple[Any, Any]]:
    found = match_areas(old, new, METRIC).astype(object)
    found = found.where(found.notna(), None)
    return list(zip(found["old"], found["matched_by"], strict=True))


def test_an_area_is_found_by_its_code_whatever_its_name_and_border() -> None:
    old = layer(("a", "x", "p", cell(0)), ("b", "y", "p", cell(1)))
    new = layer(("b", "other", "p", cell(1, 0.7)), ("a", "x", "p", cell(0)), first=100)
    assert matched(old, new) == [(2, "code"), (1, "code")]


def test_an_area_with_another_code_is_found_by_its_ground() -> None:
    old = layer(("a", "x", "p", cell(0)), ("b", "y", "p", cell(1)))
    new = layer(("n", "x", "p", cell(0, 0.9)), ("m", "y", "p", cell(1)), first=100)
    assert matched(old, new) == [(1, "overlap"), (2, "overlap")]


def test_too_little_common_ground_is_another_area() -> None:
    old = layer(("a", "x", "p", cell(0)))
    new = layer(("n", "x", "p", cell(0, 0.7)), first=100)
    assert matched(old, new) == [(None, None)]


def test_a_code_given_to_another_place_does_not_name_the_old_one() -> None:
    old = layer(("a", "x", "p", cell(0)), ("b", "y", "p", cell(1)))
    new = layer(("b", "x", "p", cell(0)), ("c", "y", "p", cell(1)), first=100)
    assert matched(old, new) == [(1, "overlap"), (2, "overlap")]


def test_without_borders_a_name_below_the_same_parent_tells() -> None:
    old = layer(("a", "新村", "p", None), ("b", "新村", "q", None), ("c", "老村", "p", None))
    new = layer(("n", "新村", "q", None), ("m", "新村", "p", None), ("o", "老村", "r", None), first=100)
    assert matched(old, new) == [(2, "name"), (1, "name"), (3, "name")]


def test_a_name_does_not_tell_where_both_are_drawn_apart() -> None:
    old = layer(("a", "x", "p", cell(0)))
    new = layer(("n", "x", "p", cell(5)), first=100)
    assert matched(old, new) == [(None, None)]


def borders(*shapes: shapely.Geometry | None) -> Any:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return array


def test_the_difference_is_the_ground_of_just_one_over_the_old_ground() -> None:
    found = compare_borders(borders(cell(0), cell(0)), borders(cell(0.25), cell(0, 0.5)), METRIC)
    assert found["same"].tolist() == [False, False]
    assert found["difference_share"].to_numpy() == pytest.approx([0.5, 0.5], rel=1e-5)
    assert found["difference_m2"].iloc[1] == pytest.approx(found["old_area_m2"].iloc[1] - found["new_area_m2"].iloc[1])


def test_rounded_coordinates_and_another_first_vertex_are_the_same_border() -> None:
    turned = shapely.Polygon(np.roll(shapely.get_coordinates(cell(0))[:-1], 1, axis=0))
    wobbly = shapely.transform(cell(0), lambda xy: xy + 5e-8 * np.sin(1e6 * xy))
    found = compare_borders(borders(cell(0), cell(0)), borders(turned, wobbly), METRIC)
    assert found["same"].all()
    assert found["difference_m2"].tolist() == [0.0, 0.0]


def test_one_moved_vertex_of_many_is_another_border() -> None:
    fine = shapely.segmentize(cell(0), STEP / 500)
    moved = shapely.get_coordinates(fine).copy()
    moved[7] += 1e-6
    found = compare_borders(borders(fine), borders(shapely.Polygon(moved)), METRIC)
    assert not found["same"].iloc[0]
    assert 0 < found["difference_m2"].iloc[0] < 10


def test_what_is_not_drawn_anew_stays_the_same() -> None:
    assert compare_borders(borders(cell(0), None), borders(None, None), METRIC)["same"].all()


def test_an_old_area_without_a_border_that_gets_one_differs() -> None:
    found = compare_borders(borders(None), borders(cell(0)), METRIC)
    assert not found["same"].iloc[0]
    assert found["difference_m2"].isna().all()


def test_heirs_have_at_least_a_share_of_the_ground() -> None:
    gone = layer(("a", "x", "p", cell(0)))
    now = layer(("b", "y", "p", cell(0, 0.6)), ("c", "z", "p", cell(0.6, 0.35)), ("d", "w", "p", cell(0.95)), first=100)
    found = heirs_by_ground(gone, now, METRIC)
    assert found["new"].tolist() == [100, 101]
    assert found["share"].to_numpy() == pytest.approx([0.6, 0.35], rel=1e-5)


def test_nothing_is_measured_in_degrees() -> None:
    with pytest.raises(NotMetricError):
        compare_borders(borders(cell(0)), borders(cell(1)), "EPSG:4326")


def test_a_negative_share_is_refused() -> None:
    with pytest.raises(ValueError, match="heir_share"):
        Likeness(heir_share=-0.1)
