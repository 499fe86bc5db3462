"""Placing addresses on a 2 × 2 km board of four compounds in two villages."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

from gis_service.addresses.placing import place

METRIC = "EPSG:4549"
STEP = 0.01


def compounds() -> gpd.GeoDataFrame:
    """West village 1: compounds 11, 12 (south, north); east village 2: compounds 21, 22."""
    west, south = 120.0, 30.0
    cells = {11: (0, 0), 12: (0, 1), 21: (1, 0), 22: (1, 1)}
    return gpd.GeoDataFrame(
        {
            "code": [f"c{area}" for area in cells],
            "name": [f"compound {area}" for area in cells],
            "level": "compound",
            "kind": None,
            "parent_id": pd.array([1, 1, 2, 2], dtype="Int64"),
        },
        geometry=[
            box(west + x * STEP, south + y * STEP, west + (x + 1) * STEP, south + (y + 1) * STEP)
            for x, y in cells.values()
        ],
        index=pd.Index(cells, name="area_id"),
        crs="EPSG:4326",
    )


VILLAGES = pd.Series({"west": 1, "east": 2})


def points(*rows: tuple[float, float, str | None, str | None]) -> pd.DataFrame:
    """Addresses 100, 101, … at (x, y) cells, with stated village and building."""
    return pd.DataFrame(
        {
            "lon": [120.0 + x * STEP for x, *_ in rows],
            "lat": [30.0 + y * STEP for _, y, *_ in rows],
            "stated_village_code": [village for _, _, village, _ in rows],
            "building": [building for *_, building in rows],
        },
        index=pd.Index(range(100, 100 + len(rows)), name="address_id"),
    )


def parts(*rows: tuple[int, int, list[str] | None, object]) -> gpd.GeoDataFrame:
    """Beat parts: beat, compound, buildings, sub-polygon."""
    beat, area, buildings, shapes = zip(*rows, strict=True) if rows else ((), (), (), ())
    return gpd.GeoDataFrame(
        {"beat_id": list(beat), "area_id": list(area), "buildings": pd.Series(list(buildings), dtype="object")},
        geometry=list(shapes),
        crs="EPSG:4326",
    )


WHOLE = parts((7, 11, None, None), (7, 12, None, None), (8, 21, None, None))


def test_an_address_goes_to_the_compound_it_lies_in_and_to_the_beat_of_that() -> None:
    placed = place(points((0.5, 0.5, "west", None)), compounds(), VILLAGES, WHOLE, METRIC).loc[100]
    assert (placed["area_id"], placed["beat_id"], placed["home_area_id"]) == (11, 7, 11)
    assert placed["unresolved"] is None


def test_a_stated_village_that_differs_is_not_decided_but_suggested() -> None:
    placed = place(points((0.5, 0.5, "east", None)), compounds(), VILLAGES, WHOLE, METRIC).loc[100]
    assert placed["unresolved"] == "stated_differs"
    assert pd.isna(placed["area_id"])
    assert pd.isna(placed["beat_id"])
    assert (placed["suggested_area_id"], placed["suggested_distance_m"]) == (11, 0.0)


def test_a_stated_village_that_nobody_knows_differs_too() -> None:
    placed = place(points((0.5, 0.5, "nowhere", None)), compounds(), VILLAGES, WHOLE, METRIC).loc[100]
    assert placed["unresolved"] == "stated_differs"


def test_outside_every_area_the_nearest_is_named_with_its_metres() -> None:
    placed = place(points((-0.1, 0.5, None, None)), compounds(), VILLAGES, WHOLE, METRIC).loc[100]
    assert placed["unresolved"] == "outside"
    assert placed["suggested_area_id"] == 11
    assert placed["suggested_distance_m"] == pytest.approx(96.5, abs=0.5)  # 0.001° of longitude at 30° N


def test_without_a_point_the_stated_village_sees_the_address() -> None:
    placed = place(points((float("nan"), float("nan"), "east", None)), compounds(), VILLAGES, WHOLE, METRIC).loc[100]
    assert placed["unresolved"] == "no_point"
    assert placed["home_area_id"] == 2
    assert pd.isna(placed["suggested_area_id"])


def test_where_areas_overlap_all_candidates_are_listed_and_none_is_chosen() -> None:
    land = compounds()
    land.loc[12, "geometry"] = box(120.0, 30.0 + STEP / 2, 120.0 + STEP, 30.0 + 2 * STEP)
    placed = place(points((0.5, 0.75, "west", None)), land, VILLAGES, WHOLE, METRIC).loc[100]
    assert placed["unresolved"] == "overlap"
    assert pd.isna(placed["area_id"])
    assert placed["candidate_area_ids"] == [11, 12]


def test_a_compound_without_a_beat_leaves_its_addresses_unresolved_but_placed() -> None:
    placed = place(points((1.5, 1.5, "east", None)), compounds(), VILLAGES, WHOLE, METRIC).loc[100]
    assert (placed["area_id"], placed["unresolved"]) == (22, "no_beat")


def test_a_compound_split_by_buildings_gives_the_rest_to_the_whole() -> None:
    split = parts((7, 11, None, None), (9, 11, ["2幢", "3幢"], None))
    at = points((0.5, 0.5, None, "2幢"), (0.5, 0.5, None, "1幢"), (0.5, 0.5, None, None))
    placed = place(at, compounds(), VILLAGES, split, METRIC)
    assert placed["beat_id"].tolist() == [9, 7, 7]


def test_without_a_whole_part_an_unknown_building_is_in_no_beat() -> None:
    split = parts((7, 11, ["1幢"], None), (9, 11, ["2幢"], None))
    placed = place(points((0.5, 0.5, None, "5幢")), compounds(), VILLAGES, split, METRIC).loc[100]
    assert placed["unresolved"] == "no_beat"


def test_a_sub_polygon_takes_the_addresses_inside_it() -> None:
    south_half = box(120.0, 30.0, 120.0 + STEP, 30.0 + STEP / 2)
    split = parts((7, 11, None, None), (9, 11, None, south_half))
    placed = place(points((0.5, 0.25, None, None), (0.5, 0.75, None, None)), compounds(), VILLAGES, split, METRIC)
    assert placed["beat_id"].tolist() == [9, 7]


def test_the_order_of_addresses_and_areas_does_not_matter() -> None:
    at = points((0.5, 0.5, "west", None), (1.0, 1.0, None, None), (1.5, 0.5, "east", None), (9, 9, None, None))
    one = place(at, compounds(), VILLAGES, WHOLE, METRIC)
    other = place(at.iloc[::-1], compounds().iloc[::-1], VILLAGES, WHOLE.iloc[::-1], METRIC)
    pd.testing.assert_frame_equal(one, other.loc[one.index])


def test_no_addresses_give_no_placements() -> None:
    assert place(points(), compounds(), VILLAGES, WHOLE, METRIC).empty
