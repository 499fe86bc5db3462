from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers._overlay import MOST_LOST_DEG2, divided
from layers.boundaries import COLUMNS, Tolerances, check_topology
from layers.frames import LEVELS, LONLAT, NotLonLatError, NotMetricError, check_addresses, check_areas

METRIC = "EPSG:4549"
EAST, NORTH = 550_000.0, 3_316_000.0


def square(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle in metres from a corner in Zhenhai, a vertex every ten metres so that neighbours share them."""
    return shapely.segmentize(shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north), 10.0)


def two_villages(first: shapely.Geometry, second: shapely.Geometry, parent: shapely.Geometry) -> gpd.GeoDataFrame:
    """A township (2) in a district (1) with two villages (3, 4), lon-lat."""
    return check_areas(
        gpd.GeoDataFrame(
            {
                "code": ["d", "t", "v1", "v2"],
                "name": ["区", "镇", "村一", "村二"],
                "level": ["district", "township", "village", "village"],
                "kind": None,
                "parent_id": [None, 1, 2, 2],
            },
            geometry=[parent, parent, first, second],
            crs=METRIC,
            index=pd.Index([1, 2, 3, 4], name="area_id"),
        ).to_crs(LONLAT)
    )


WEST_HALF, EAST_HALF, WHOLE = square(0, 0, 100, 100), square(100, 0, 200, 100), square(0, 0, 200, 100)


def test_a_perfect_tiling_has_no_findings() -> None:
    report = check_topology(two_villages(WEST_HALF, EAST_HALF, WHOLE), METRIC)
    assert report.empty
    assert tuple(report.columns) == COLUMNS
    assert report.crs == LONLAT


def test_an_overlap_is_measured_and_shown_where_it_is() -> None:
    report = check_topology(two_villages(square(0, 0, 110, 100), EAST_HALF, WHOLE), METRIC)
    assert report[["finding", "severity", "level", "pieces"]].to_numpy().tolist() == [
        ["overlap", "alarm", "village", 1]
    ]
    found = report.iloc[0]
    assert (found["finding"], found["severity"], found["level"], found["pieces"]) == ("overlap", "alarm", "village", 1)
    assert (found["area_id"], found["other_id"], found["message_key"]) == (3, 4, "topology.overlap")
    assert found["area_m2"] == pytest.approx(1000.0, rel=1e-6)
    place = report.to_crs(METRIC).geometry[0].bounds
    assert place == pytest.approx(square(100, 0, 110, 100).bounds, abs=1e-4)


def test_a_gap_at_the_parents_edge_and_between_siblings_is_the_parents() -> None:
    report = check_topology(two_villages(WEST_HALF, square(110, 0, 200, 100), WHOLE), METRIC)
    assert report["finding"].tolist() == ["gap"]
    assert report.loc[0, ["severity", "area_id", "level"]].tolist() == ["alarm", 2, "village"]
    assert report["other_id"].isna().all()
    assert report["area_m2"][0] == pytest.approx(1000.0, rel=1e-6)


def test_a_gap_that_siblings_surround_is_found_with_and_without_the_parent() -> None:
    hollow = WEST_HALF - square(40, 40, 60, 60)
    areas = two_villages(hollow, EAST_HALF, WHOLE)
    for known in (areas, areas.drop(index=[1, 2])):
        report = check_topology(known, METRIC)
        assert report[["finding", "severity", "area_id"]].to_numpy().tolist() == [["gap", "alarm", 2]]
        assert report["area_m2"][0] == pytest.approx(400.0, rel=1e-6)


def test_a_hole_that_the_parent_shares_is_a_notice() -> None:
    lake = square(40, 40, 60, 60)
    report = check_topology(two_villages(WEST_HALF - lake, EAST_HALF, WHOLE - lake), METRIC)
    assert set(report["finding"]) == {"hole"}
    assert set(report["severity"]) == {"notice"}
    assert report[["area_id", "level"]].to_numpy().tolist() == [[1, "township"], [2, "village"]]


def test_a_hole_that_another_parents_child_fills_is_an_enclave() -> None:
    lake = square(40, 40, 60, 60)
    areas = two_villages(WEST_HALF - lake, EAST_HALF, WHOLE - lake)
    other = two_villages(lake, square(300, 0, 310, 10), lake).iloc[[1, 2]].set_axis(pd.Index([5, 6], name="area_id"))
    other["parent_id"] = pd.array([1, 5], dtype="Int64")
    report = check_topology(check_areas(pd.concat([areas.drop(index=1), other])), METRIC)
    assert report[["finding", "severity", "area_id"]].to_numpy().tolist() == [["enclave", "notice", 2]]


def test_a_child_outside_its_parent_is_an_alarm() -> None:
    report = check_topology(two_villages(WEST_HALF, square(100, 0, 210, 100), WHOLE), METRIC)
    assert report[["finding", "severity", "area_id", "other_id"]].to_numpy().tolist() == [
        ["outside_parent", "alarm", 4, 2]
    ]
    assert report["area_m2"][0] == pytest.approx(1000.0, rel=1e-6)


@pytest.mark.parametrize(
    ("second", "finding"),
    [
        (square(99.995, 0, 200, 100), "sliver_overlap"),
        (square(100.005, 0, 200, 100), "sliver_gap"),
        (square(100, 0, 200.005, 100), "sliver_outside_parent"),
    ],
)
def test_half_a_square_metre_is_a_sliver_and_no_alarm(second: shapely.Polygon, finding: str) -> None:
    areas = two_villages(WEST_HALF, second, WHOLE)
    report = check_topology(areas, METRIC)
    assert report[["finding", "severity"]].to_numpy().tolist() == [[finding, "notice"]]
    assert report["area_m2"][0] == pytest.approx(0.5, rel=1e-3)
    strict = Tolerances(sliver_area_m2=0.1, overlap_alarm_m2=0.2, gap_alarm_m2=0.2, outside_alarm_m2=0.2)
    report = check_topology(areas, METRIC, strict)
    assert report[["finding", "severity"]].to_numpy().tolist() == [[finding.removeprefix("sliver_"), "alarm"]]


def test_between_sliver_and_alarm_lies_a_notice() -> None:
    areas = two_villages(square(0, 0, 100.02, 100), EAST_HALF, WHOLE)
    report = check_topology(areas, METRIC)
    assert report[["finding", "severity"]].to_numpy().tolist() == [["overlap", "notice"]]


def test_edges_that_one_side_divides_make_no_false_slivers() -> None:
    """A straight edge of 20 km in lon-lat against the same edge divided: no ground lies between."""
    west, south, north, east = 121.5, 29.9, 30.0, 121.7
    lower = shapely.Polygon([(west, south), (east, south), (east, 29.95), (west, 29.95)])
    upper = shapely.Polygon([(west, 29.95), (121.6, 29.95), (east, 29.95), (east, north), (west, north)])
    whole = shapely.box(west, south, east, north)
    areas = two_villages(lower, upper, whole).set_geometry([whole, whole, lower, upper], crs=LONLAT)
    assert check_topology(areas, METRIC).empty


BOWTIE = shapely.Polygon([(EAST + x, NORTH + y) for x, y in [(100, 0), (200, 0), (100, 100), (200, 100)]])


def test_an_invalid_ring_is_reported_at_its_crossing_and_measured_by_a_valid_copy() -> None:
    areas = two_villages(WEST_HALF, BOWTIE, WHOLE)
    before = areas.copy()
    report = check_topology(areas, METRIC)
    invalid = report[report["finding"].eq("invalid_ring")]
    assert invalid[["severity", "area_id", "message_key", "detail"]].to_numpy().tolist() == [
        ["alarm", 4, "topology.invalid_ring", "Self-intersection"]
    ]
    crossing = invalid.to_crs(METRIC).geometry.iloc[0]
    assert (crossing.x - EAST, crossing.y - NORTH) == pytest.approx((150, 50), abs=1e-3)
    assert report.loc[report["finding"].eq("gap"), "area_m2"].sum() == pytest.approx(5000, rel=1e-3)
    assert areas.equals(before)


def test_an_invalid_ring_that_costs_too_much_is_left_out_and_said_so() -> None:
    areas = two_villages(WEST_HALF, BOWTIE, WHOLE)
    for limit in (Tolerances(max_repair_vertices=4), Tolerances(max_repair_crossings=0)):
        report = check_topology(areas, METRIC, limit)
        assert report["message_key"].tolist() == ["topology.invalid_ring_left_out"]
        assert report["severity"].tolist() == ["alarm"]


def test_a_hostile_star_is_left_out_instead_of_rebuilt() -> None:
    turns = np.arange(1001) * 2 * np.pi * 500 / 1001
    star = shapely.Polygon(np.column_stack([EAST + 50 * np.cos(turns), NORTH + 50 * np.sin(turns)]))
    report = check_topology(two_villages(WEST_HALF, star, WHOLE), METRIC)
    assert "topology.invalid_ring_left_out" in set(report["message_key"])


def test_parts_tiny_parts_and_repeated_vertices_are_notices() -> None:
    scattered = shapely.MultiPolygon([WEST_HALF, square(300, 0, 310, 5)])
    areas = two_villages(scattered, EAST_HALF, shapely.union(WHOLE, square(300, 0, 310, 5)))
    areas.loc[4, "geometry"] = shapely.Polygon(np.repeat(areas.geometry[4].exterior.coords[:-1], 2, axis=0)[:-1])
    report = check_topology(areas, METRIC)
    villages = report[report["level"].eq("village")]
    assert villages[["finding", "severity", "area_id", "pieces"]].to_numpy().tolist() == [
        ["multipart", "notice", 3, 1],
        ["tiny_part", "notice", 3, 1],
        ["duplicate_vertex", "notice", 4, 39],
    ]
    assert villages["area_m2"].iloc[0] == pytest.approx(50, rel=1e-6)


def test_addresses_on_the_place_are_counted_and_without_addresses_unknown() -> None:
    areas = two_villages(square(0, 0, 110, 100), EAST_HALF, WHOLE)
    points = gpd.GeoSeries.from_xy([EAST + 105, EAST + 50, EAST + 109], [NORTH + 50] * 3, crs=METRIC).to_crs(LONLAT)
    addresses = check_addresses(
        pd.DataFrame(
            {"lon": [*points.x, np.nan], "lat": [*points.y, np.nan], "stated_village_id": None},
            index=pd.Index([1, 2, 3, 4], name="address_id"),
        )
    )
    assert check_topology(areas, METRIC, addresses=addresses)["addresses"].tolist() == [2]
    assert check_topology(areas, METRIC)["addresses"].isna().all()


def test_only_lonlat_areas_are_checked_and_only_true_metres_measured() -> None:
    areas = two_villages(WEST_HALF, EAST_HALF, WHOLE)
    with pytest.raises(NotLonLatError):
        check_topology(areas.to_crs(METRIC), METRIC)
    with pytest.raises(NotMetricError):
        check_topology(areas, "EPSG:3857")


def test_tolerances_are_not_negative() -> None:
    with pytest.raises(ValueError, match="sliver_area_m2"):
        Tolerances(sliver_area_m2=-1.0)


def keelung(folder: Path) -> gpd.GeoDataFrame:
    layers = {level: gpd.read_file(folder / "keelung" / "areas.gpkg", layer=level) for level in LEVELS}
    areas = pd.concat(layers.values(), ignore_index=True).rename_axis("area_id")
    ids: Mapping[tuple[str, str], int] = {(row.level, row.code): row.Index for row in areas.itertuples()}
    above = dict(zip(LEVELS[1:], LEVELS, strict=False))
    areas["parent_id"] = [ids.get((above.get(row.level, ""), row.parent_code)) for row in areas.itertuples()]
    return check_areas(areas.assign(kind=None))


@pytest.mark.real_data
def test_keelungs_slivers_are_slivers_and_its_one_misplaced_village_is_the_alarm(real_data: Path) -> None:
    report = check_topology(keelung(real_data), "EPSG:3826")
    of = report.groupby("finding")
    assert of.get_group("sliver_overlap")["area_m2"].sum() < 3.0
    assert "overlap" not in of.groups
    surrounded = report["finding"].isin(["sliver_gap", "enclave"]) & report["level"].isin(["township", "compound"])
    assert surrounded.sum() == 1018
    assert report.loc[report["finding"].eq("sliver_gap") & report["level"].eq("township"), "area_m2"].max() < 0.11
    # one village was dissolved from compounds on both sides of a township boundary: a gap here, an overhang there
    alarms = report[report["severity"].eq("alarm")]
    assert sorted(alarms["finding"]) == ["gap", "outside_parent"]
    assert alarms["area_m2"].to_numpy() == pytest.approx(1_133_025, abs=1.0)


@pytest.mark.real_data
def test_keelungs_children_are_divided_by_their_parents_without_loss(real_data: Path) -> None:
    areas = keelung(real_data)
    children = areas[areas["parent_id"].notna()]
    whole = children.geometry.to_numpy()
    parents = areas.geometry.loc[children["parent_id"].astype("int64")].to_numpy()
    common, left = divided(whole, parents)
    lost_deg2 = np.abs(shapely.area(whole) - shapely.area(common) - shapely.area(left))
    assert lost_deg2.max() <= MOST_LOST_DEG2
    in_floating_point = shapely.intersection(whole, parents), shapely.difference(whole, parents)
    assert np.abs(shapely.area(whole) - sum(map(shapely.area, in_floating_point))).max() > MOST_LOST_DEG2
