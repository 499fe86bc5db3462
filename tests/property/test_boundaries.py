"""Tilings cut at random: whatever is cut, a tiling has no defects, and its borders add up."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.adjacency import adjacency
from layers.boundaries import check_topology
from layers.frames import LONLAT, check_areas

METRIC = "EPSG:4549"
CORNER_LONLAT = (121.5, 29.9)
SIDE_DEG = 0.01


@st.composite
def tilings(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """A district and a township of one outline, cut into villages by a jittered grid; neighbours share every vertex."""
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    jitter = st.floats(-0.3, 0.3)
    x, y = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0), indexing="ij")
    for i in range(1, columns):
        for j in range(1, rows):
            x[i, j] += draw(jitter)
            y[i, j] += draw(jitter)
    corners = np.stack([CORNER_LONLAT[0] + x * SIDE_DEG, CORNER_LONLAT[1] + y * SIDE_DEG], axis=-1)
    villages = [
        shapely.Polygon([corners[i, j], corners[i + 1, j], corners[i + 1, j + 1], corners[i, j + 1]])
        for i in range(columns)
        for j in range(rows)
    ]
    outline = shapely.union_all(villages)
    count = len(villages)
    return check_areas(
        gpd.GeoDataFrame(
            {
                "code": [str(i) for i in range(count + 2)],
                "name": "村",
                "level": ["district", "township", *["village"] * count],
                "kind": None,
                "parent_id": [None, 1, *[2] * count],
            },
            geometry=[outline, outline, *villages],
            crs=LONLAT,
            index=pd.RangeIndex(1, count + 3, name="area_id"),
        )
    )


@settings(max_examples=15, deadline=None)
@given(areas=tilings())
def test_a_tiling_has_no_defects(areas: gpd.GeoDataFrame) -> None:
    assert check_topology(areas, METRIC).empty


@settings(max_examples=15, deadline=None)
@given(areas=tilings(), grow=st.floats(1e-6, 1e-3), data=st.data())
def test_the_report_is_the_same_for_any_order_of_the_areas(
    areas: gpd.GeoDataFrame, grow: float, data: st.DataObject
) -> None:
    last = areas.index[-1]
    areas.loc[last, "geometry"] = areas.geometry[last].buffer(grow, join_style="mitre")
    report = check_topology(areas, METRIC)
    assert {"outside_parent", "overlap"} <= set(report["finding"].str.removeprefix("sliver_"))
    shuffled = areas.loc[data.draw(st.permutations(list(areas.index)))]
    again = check_topology(shuffled, METRIC)
    pd.testing.assert_frame_equal(again.drop(columns="geometry"), report.drop(columns="geometry"))
    assert shapely.equals_exact(again.geometry.to_numpy(), report.geometry.to_numpy(), 1e-12, normalize=True).all()


@settings(max_examples=15, deadline=None)
@given(areas=tilings(), data=st.data())
def test_a_missing_village_is_the_gap(areas: gpd.GeoDataFrame, data: st.DataObject) -> None:
    missing = data.draw(st.sampled_from(list(areas.index[2:])))
    report = check_topology(areas.drop(index=missing), METRIC)
    assert report["finding"].tolist() == ["gap"]
    straight_in_lonlat = areas.geometry.segmentize(SIDE_DEG / 50).to_crs(METRIC)
    assert report["area_m2"][0] == pytest.approx(straight_in_lonlat.area[missing], rel=1e-7)


@settings(max_examples=15, deadline=None)
@given(areas=tilings())
def test_borders_and_the_outline_add_up_to_the_perimeters(areas: gpd.GeoDataFrame) -> None:
    villages = areas[areas["level"].eq("village")].to_crs(METRIC)
    outline_m = shapely.union_all(villages.geometry.to_numpy()).length
    borders_m = adjacency(villages)["shared_border_m"].sum()
    assert 2 * borders_m + outline_m == pytest.approx(villages.length.sum(), abs=0.5 * len(villages))
