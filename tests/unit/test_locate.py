from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box

from layers.frames import NotLonLatError, NotMetricError
from layers.locate import (
    AMBIGUOUS,
    NO_POINT,
    OUTSIDE,
    AreaLocator,
    affected_points,
    locate_areas,
    nearest_areas,
)

KEELUNG_METRIC = "EPSG:3826"


def owners(geometries: list[object], points: list[tuple[float, float]], keys: list[str] | None = None) -> list[int]:
    locator = AreaLocator.build(geometries, keys or [f"{row:05}" for row in range(len(geometries))])
    x, y = np.array(points, dtype=float).T
    return [int(owner) for owner in locator.locate(x, y).owner]


def areas_frame(geometries: list[object], codes: list[str], ids: list[int], crs: str = "EPSG:4326") -> gpd.GeoDataFrame:
    index = pd.Index(ids, name="area_id")
    return gpd.GeoDataFrame({"code": codes}, geometry=geometries, crs=crs, index=index)


def addresses_frame(points: list[tuple[float, float]], ids: list[int]) -> pd.DataFrame:
    return pd.DataFrame(points, columns=["lon", "lat"], index=pd.Index(ids, name="address_id"))


def test_interior_points_go_to_the_area_around_them() -> None:
    assert owners([box(0, 0, 1, 1), box(1, 0, 2, 1)], [(0.5, 0.5), (1.5, 0.5), (2.5, 0.5)]) == [0, 1, OUTSIDE]


def test_shared_edges_belong_to_the_right_and_upper_neighbour() -> None:
    squares = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)]
    assert owners(squares, [(1, 0.5), (0.5, 1), (1, 1), (1, 1.5), (1.5, 1)]) == [1, 2, 3, 3, 3]


def test_slanted_shared_edges_belong_to_the_area_on_their_right() -> None:
    lower, upper = Polygon([(0, 0), (3, 0), (3, 3)]), Polygon([(0, 0), (3, 3), (0, 3)])
    assert owners([lower, upper], [(1, 1), (2, 2), (0.3, 0.3)]) == [0, 0, 0]


def test_outer_border_belongs_to_the_only_area_there() -> None:
    points = [(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 1), (1, 0.5), (0.5, 0), (0, 0.5)]
    assert owners([box(0, 0, 1, 1)], points) == [0] * len(points)


def test_smallest_key_decides_where_the_half_open_rule_finds_nobody() -> None:
    squares = [box(0, 0, 1, 1), box(0, 1, 1, 2)]  # (1, 1) is the east end of their edge: to its right is nobody
    assert owners(squares, [(1, 1)], ["b", "a"]) == [1]
    assert owners(squares, [(1, 1)], ["a", "b"]) == [0]


def test_smallest_key_decides_where_overlapping_areas_begin() -> None:
    squares = [box(1, 0, 2, 1), box(1, 0, 3, 1)]
    assert owners(squares, [(1, 0.5)], ["b", "a"]) == [1]


def test_boundary_of_one_area_inside_another_belongs_to_the_one_whose_interior_holds_it() -> None:
    assert owners([box(0, 0, 4, 4), box(2, 1, 6, 3)], [(2, 2), (4, 2)]) == [0, 1]


def test_overlap_is_ambiguous_and_names_all_candidates_by_key() -> None:
    squares = [box(0, 0, 3, 3), box(1, 1, 4, 4), box(2, 2, 5, 5)]
    found = AreaLocator.build(squares, ["c", "b", "a"]).locate([0.5, 1.5, 2.5, 4.5], [0.5, 1.5, 2.5, 4.5])
    assert found.owner.tolist() == [0, AMBIGUOUS, AMBIGUOUS, 2]
    assert found.ambiguous.tolist() == [1, 2]
    assert found.candidate_offsets.tolist() == [0, 2, 5]
    assert found.candidates.tolist() == [1, 0, 2, 1, 0]


def test_more_overlaps_than_bits_in_a_word_are_all_reported() -> None:
    nested = [box(-1 - row, -1 - row, 1 + row, 1 + row) for row in range(150)]
    found = AreaLocator.build(nested, [f"{row:03}" for row in range(150)]).locate([0.0, 1.0, 149.5], [0.0, 0.0, 0.0])
    assert found.owner.tolist() == [AMBIGUOUS, AMBIGUOUS, 149]
    assert found.candidates.tolist() == [*range(150), *range(1, 150)]


def test_more_areas_at_one_point_than_bits_in_a_word_have_one_owner() -> None:
    spokes = np.linspace(0, 2 * np.pi, 201)
    rim = np.column_stack([np.cos(spokes), np.sin(spokes)])
    rim[-1] = rim[0]
    slices = [Polygon([(0, 0), rim[k], rim[k + 1]]) for k in range(200)]
    assert owners(slices, [(0, 0)]) == [0]  # the ray to the right, a little upwards, runs in slice 0
    middles = (rim[:-1] + rim[1:]) / 3
    assert owners(slices, [(float(x), float(y)) for x, y in middles]) == list(range(200))


def test_hole_is_outside_and_an_island_in_it_is_itself() -> None:
    ring = Polygon(box(0, 0, 6, 6).exterior.coords, [box(1, 1, 5, 5).exterior.coords])
    island = box(2, 2, 4, 4)
    assert owners([ring, island], [(0.5, 3), (1.5, 3), (3, 3), (1, 3), (5, 3), (2, 3)]) == [0, OUTSIDE, 1, 0, 0, 1]


def test_hole_filled_by_another_area_has_one_owner_all_around() -> None:
    ring = Polygon(box(0, 0, 4, 4).exterior.coords, [box(1, 1, 3, 3).exterior.coords])
    assert owners([ring, box(1, 1, 3, 3)], [(1, 2), (3, 2), (2, 1), (2, 3), (1, 1), (3, 3)]) == [1, 0, 1, 0, 1, 0]


def test_all_parts_of_a_multipart_area_count() -> None:
    assert owners([MultiPolygon([box(0, 0, 1, 1), box(5, 5, 6, 6)])], [(0.5, 0.5), (5.5, 5.5), (3, 3)]) == [0, 0, -1]


def test_missing_and_infinite_coordinates_are_no_point() -> None:
    points = [(np.nan, 0.5), (0.5, np.nan), (np.inf, 0.5), (0.5, -np.inf), (0.5, 0.5)]
    assert owners([box(0, 0, 1, 1)], points) == [NO_POINT] * 4 + [0]


def test_missing_and_empty_geometries_own_nothing() -> None:
    assert owners([None, Polygon(), box(0, 0, 1, 1)], [(0.5, 0.5), (0, 0)]) == [2, 2]
    assert owners([None, Polygon()], [(0.5, 0.5), (0, 0), (np.nan, 0)]) == [OUTSIDE, OUTSIDE, NO_POINT]
    assert AreaLocator.build([], []).locate([0.0], [0.0]).owner.tolist() == [OUTSIDE]


def test_no_points_give_no_owners() -> None:
    found = AreaLocator.build([box(0, 0, 1, 1)], ["a"]).locate([], [])
    assert (len(found.owner), len(found.candidates), found.candidate_offsets.tolist()) == (0, 0, [0])


def test_a_bare_spike_bounds_nothing() -> None:
    spiked = Polygon([(0, 0), (2, 0), (2, 1), (4, 1), (2, 1), (2, 2), (0, 2)])
    assert owners([spiked], [(3, 1), (2, 1), (1, 1)]) == [OUTSIDE, 0, 0]


def test_repeated_vertices_change_nothing() -> None:
    assert owners([Polygon([(0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (0, 1)])], [(0.5, 0.5), (0, 0), (0.5, 0)]) == [
        0,
        0,
        0,
    ]


def test_neighbouring_floats_around_an_edge_are_told_apart() -> None:
    left, right = box(121.5, 29.9, 121.6, 30.0), box(121.6, 29.9, 121.7, 30.0)
    edge = 121.6
    points = [(np.nextafter(edge, 0), 29.95), (edge, 29.95), (np.nextafter(edge, 200), 29.95)]
    assert owners([left, right], points) == [0, 1, 1]


def test_detail_in_one_corner_is_found_in_finer_grids() -> None:
    x = np.linspace(0, 1e-3, 400)
    comb = Polygon([*zip(x, np.where(np.arange(400) % 2, 1e-3, 2e-3), strict=True), (1e-3, 0), (0, 0)])
    areas = [comb, box(900, 900, 1000, 1000)]
    rng = np.random.default_rng(7)
    px, py = rng.uniform(0, 1e-3, 2000), rng.uniform(0, 2e-3, 2000)
    expected = np.where(shapely.contains_xy(comb, px, py), 0, OUTSIDE)
    assert AreaLocator.build(areas, ["a", "b"]).locate(px, py).owner.tolist() == expected.tolist()


@pytest.mark.parametrize("bad", [shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])])
def test_areas_that_are_no_polygons_are_refused(bad: shapely.Geometry) -> None:
    with pytest.raises(TypeError, match="position 1"):
        AreaLocator.build([box(0, 0, 1, 1), bad], ["a", "b"])


def test_repeated_keys_and_wrong_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="'a' stands for more than one area"):
        AreaLocator.build([box(0, 0, 1, 1), box(1, 0, 2, 1)], ["a", "a"])
    with pytest.raises(ValueError, match="2 geometries with 1 keys"):
        AreaLocator.build([box(0, 0, 1, 1), box(1, 0, 2, 1)], ["a"])
    with pytest.raises(ValueError, match="one-dimensional and of one length"):
        AreaLocator.build([box(0, 0, 1, 1)], ["a"]).locate([0.0, 1.0], [0.0])


def test_areas_with_infinite_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        AreaLocator.build([Polygon([(0, 0), (np.inf, 0), (1, 1)])], ["a"])


def test_addresses_keep_their_index_and_get_area_ids_and_a_status() -> None:
    areas = areas_frame([box(0, 0, 2, 2), box(1, 0, 3, 2), box(3, 0, 4, 2)], ["c", "b", "a"], [70, 80, 90])
    addresses = addresses_frame([(3.5, 1), (1.5, 1), (9, 9), (np.nan, np.nan), (3, 1)], [5, 4, 3, 2, 1])
    located = locate_areas(areas, addresses)
    assert located.index.equals(addresses.index)
    assert located["area_id"].dtype == "Int64"
    assert located["area_id"].tolist() == [90, pd.NA, pd.NA, pd.NA, 90]
    assert located["status"].tolist() == ["owned", "overlap", "outside", "no_point", "owned"]
    assert located["on_boundary"].tolist() == [False, False, False, False, True]
    assert located["candidates"].tolist() == [(), (80, 70), (), (), ()]
    again = locate_areas(areas, addresses.iloc[[1]], locator=AreaLocator.build(areas.geometry, list(areas["code"])))
    pd.testing.assert_frame_equal(again, located.iloc[[1]])


def test_areas_in_metres_cannot_locate_lon_lat_addresses() -> None:
    areas = areas_frame([box(0, 0, 2, 2)], ["a"], [1], crs="EPSG:4549")
    with pytest.raises(NotLonLatError):
        locate_areas(areas, addresses_frame([(1, 1)], [1]))


def test_only_points_between_old_and_new_boundary_are_affected() -> None:
    before, after = [box(0, 0, 2, 2), box(2, 0, 4, 2)], [box(0, 0, 3, 2), box(3, 0, 4, 2)]
    x, y = np.array([1.0, 2.5, 3.5, 9.0, np.nan]), np.array([1.0, 1.0, 1.0, 1.0, np.nan])
    assert affected_points(before, after, x, y).tolist() == [1]


def test_a_new_and_a_retired_area_affect_the_points_in_them() -> None:
    x, y = np.array([0.5, 5.5, 9.5]), np.array([0.5, 5.5, 9.5])
    assert affected_points([None, box(5, 5, 6, 6)], [box(0, 0, 1, 1), None], x, y).tolist() == [0, 1]


def test_points_on_boundaries_of_changed_areas_are_affected() -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])
    assert affected_points([box(0, 0, 2, 2)], [box(0, 0, 2, 3)], x, y).tolist() == [0, 2]


def test_nearest_area_is_named_with_its_distance_in_metres() -> None:
    areas = areas_frame([box(121.70, 25.10, 121.71, 25.11), box(121.72, 25.10, 121.73, 25.11)], ["b", "a"], [7, 8])
    addresses = addresses_frame([(121.7101, 25.105), (np.nan, np.nan), (121.725, 25.105)], [11, 12, 13])
    nearest = nearest_areas(areas, addresses, KEELUNG_METRIC)
    assert nearest["nearest_area_id"].tolist() == [7, pd.NA, 8]
    assert nearest["distance_m"].iloc[0] == pytest.approx(10.09, abs=0.01)  # 0.0001 degree of longitude at 25.1 N
    assert nearest["distance_m"].iloc[1] is pd.NA
    assert nearest["distance_m"].iloc[2] == 0.0


def test_of_equally_near_areas_the_smallest_code_is_named() -> None:
    twin = box(121.70, 25.10, 121.71, 25.11)
    areas = areas_frame([twin, twin], ["b", "a"], [7, 8])
    assert nearest_areas(areas, addresses_frame([(121.72, 25.105)], [1]), KEELUNG_METRIC)[
        "nearest_area_id"
    ].tolist() == [8]


def test_nearest_area_is_not_measured_in_degrees() -> None:
    with pytest.raises(NotMetricError):
        nearest_areas(areas_frame([box(0, 0, 1, 1)], ["a"], [1]), addresses_frame([(2, 2)], [1]), "EPSG:4326")


@pytest.mark.real_data
def test_keelung_has_17_addresses_outside_and_846_in_another_village_than_stated(real_data: Path) -> None:
    compounds = gpd.read_file(real_data / "keelung" / "areas.gpkg", layer="compound")
    addresses = pd.read_csv(real_data / "keelung" / "addresses.csv.gz")
    located = locate_areas(compounds, addresses)
    assert len(located) == 192_230
    assert located["status"].value_counts().to_dict() == {"owned": 192_213, "outside": 17, "no_point": 0, "overlap": 0}
    owned = located["area_id"].dropna().astype("int64")
    village = compounds["parent_code"].loc[owned].to_numpy()
    assert int((village != addresses["stated_village"].loc[owned.index].to_numpy()).sum()) == 846
    outside = addresses[located["status"] == "outside"]
    nearest = nearest_areas(compounds, outside, KEELUNG_METRIC)
    compounds_metric = compounds.to_crs(KEELUNG_METRIC)
    points_metric = gpd.points_from_xy(outside["lon"], outside["lat"], crs="EPSG:4326").to_crs(KEELUNG_METRIC)
    every_distance_m = shapely.distance(
        np.asarray(points_metric)[:, None], compounds_metric.geometry.to_numpy()[None, :]
    )
    assert nearest["distance_m"].tolist() == every_distance_m.min(axis=1).tolist()
