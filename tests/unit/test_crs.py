from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.crs import (
    CoordinatesOutOfRangeError,
    CrsNotDeclaredError,
    CrsUnknownError,
    diagnose,
    suspicious_coordinates,
    to_lonlat,
    to_metric,
)
from layers.frames import LONLAT, NotLonLatError, NotMetricError
from layers.gcj02 import (
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
        ((-104.9903, 39.7392), (-104.9903, 39.7392)),
        ((153.0251, -27.4698), (153.0251, -27.4698)),
    ],
    ids=["Shanghai", "Shenzhen", "Beijing", "Denver", "Brisbane"],
)
def test_gcj02_meets_the_vectors_published_with_eviltransform(
    wgs84: tuple[float, float], gcj02: tuple[float, float]
) -> None:
    assert wgs84_to_gcj02(*wgs84) == pytest.approx(gcj02, abs=1e-9)
    assert gcj02_to_wgs84(*gcj02) == pytest.approx(wgs84, abs=1e-9)


@pytest.mark.parametrize(
    ("gcj02", "bd09", "tolerance_deg"),
    [
        ((116.404, 39.915), (116.41036949371029, 39.92133699351021), 1e-12),
        ((116.42703, 39.90245), (116.43351, 39.90851), 1e-5),
    ],
)
def test_bd09_meets_the_vectors_published_with_coordtransform(
    gcj02: tuple[float, float], bd09: tuple[float, float], tolerance_deg: float
) -> None:
    assert gcj02_to_bd09(*gcj02) == pytest.approx(bd09, abs=tolerance_deg)


def test_shifts_are_about_half_a_kilometre_and_then_almost_one_more() -> None:
    zhenhai = gpd.GeoSeries.from_xy([121.6], [29.95], crs=LONLAT).to_crs("EPSG:4549")
    gcj02 = gpd.GeoSeries.from_xy(*wgs84_to_gcj02([121.6], [29.95]), crs=LONLAT).to_crs("EPSG:4549")
    bd09 = gpd.GeoSeries.from_xy(*wgs84_to_bd09([121.6], [29.95]), crs=LONLAT).to_crs("EPSG:4549")
    assert zhenhai.distance(gcj02)[0] == pytest.approx(500, abs=60)
    assert gcj02.distance(bd09)[0] == pytest.approx(900, abs=60)


def test_points_that_are_missing_stay_missing() -> None:
    lon, lat = bd09_to_wgs84([np.nan, 121.6], [np.nan, 29.95])
    assert np.isnan([lon[0], lat[0]]).all()
    assert np.isfinite([lon[1], lat[1]]).all()


HOLED = shapely.box(121.5, 29.9, 121.6, 30.0) - shapely.box(121.53, 29.93, 121.55, 29.95)
TWO_PARTS = shapely.MultiPolygon([HOLED, shapely.box(121.7, 29.9, 121.71, 29.91)])


def file_of(*geometry: shapely.Geometry | None, crs: str | None = LONLAT) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": [f"area {i}" for i in range(len(geometry))]},
        geometry=list(geometry),
        crs=crs,
        index=pd.Index(range(10, 10 + len(geometry)), name="row"),
    )


@pytest.mark.parametrize(("declared", "shift"), [("GCJ-02", wgs84_to_gcj02), ("BD-09", wgs84_to_bd09)])
def test_whole_geometries_are_unshifted_with_holes_and_parts(declared: str, shift: object) -> None:
    shifted = shapely.transform(TWO_PARTS, shift, interleaved=False)
    frame = file_of(shifted, None)
    reading = to_lonlat(frame, declared)
    assert shapely.equals_exact(reading.frame.geometry[10], TWO_PARTS, 1e-9)
    assert reading.frame.geometry[11] is None
    assert reading.frame.crs == LONLAT
    assert reading.read_as == declared
    assert reading.frame.drop(columns="geometry").equals(frame.drop(columns="geometry"))
    assert frame.geometry[10].equals(shifted)


def test_the_files_own_crs_is_believed_when_nothing_is_declared() -> None:
    reading = to_lonlat(file_of(TWO_PARTS).to_crs("EPSG:3826"))
    assert shapely.equals_exact(reading.frame.geometry[10], TWO_PARTS, 1e-9)
    assert (reading.read_as, reading.overrode, reading.accuracy_m) == ("EPSG:3826", None, 1.0)


def test_a_declaration_wins_over_the_file_and_says_so() -> None:
    mislabelled = file_of(TWO_PARTS).to_crs("EPSG:4549").set_crs(LONLAT, allow_override=True)
    reading = to_lonlat(mislabelled, "EPSG:4549")
    assert shapely.equals_exact(reading.frame.geometry[10], TWO_PARTS, 1e-9)
    assert (reading.read_as, reading.overrode) == ("EPSG:4549", "WGS 84")
    assert reading.accuracy_m is None


def test_what_is_lonlat_already_does_not_move() -> None:
    reading = to_lonlat(file_of(TWO_PARTS))
    assert shapely.equals_identical(reading.frame.geometry[10], TWO_PARTS)


def test_nothing_is_guessed_when_nobody_says_the_crs() -> None:
    with pytest.raises(CrsNotDeclaredError):
        to_lonlat(file_of(TWO_PARTS, crs=None))
    with pytest.raises(CrsUnknownError, match="GCJ02"):
        to_lonlat(file_of(TWO_PARTS, crs=None), "GCJ02")


def test_a_third_dimension_is_dropped_and_reported() -> None:
    reading = to_lonlat(file_of(HOLED, shapely.force_3d(HOLED, 7.0)))
    assert reading.z_dropped.tolist() == [11]
    assert not reading.frame.has_z.any()


@pytest.mark.parametrize("declared", [None, "EPSG:4326", "GCJ-02", "BD-09"])
def test_metres_read_as_degrees_are_refused_with_their_rows(declared: str | None) -> None:
    frame = file_of(HOLED, shapely.box(500_000, 3_300_000, 500_100, 3_300_100))
    with pytest.raises(CoordinatesOutOfRangeError) as refused:
        to_lonlat(frame, declared)
    assert refused.value.rows == (11,)


def test_shifts_are_refused_where_none_are_published() -> None:
    with pytest.raises(CoordinatesOutOfRangeError, match="GCJ-02 is shifted"):
        to_lonlat(file_of(shapely.Point(2.35, 48.85)), "GCJ-02")


def test_a_square_kilometre_measures_a_square_kilometre() -> None:
    square = gpd.GeoDataFrame(geometry=[shapely.box(5e5, 3.3e6, 5.01e5, 3.301e6)], crs="EPSG:4549").to_crs(LONLAT)
    assert to_metric(square, "EPSG:4549").area[0] == pytest.approx(1e6, rel=1e-9)


def test_only_lonlat_goes_to_metres_and_only_to_true_ones() -> None:
    with pytest.raises(NotMetricError):
        to_metric(file_of(HOLED), "EPSG:3857")
    with pytest.raises(NotLonLatError):
        to_metric(file_of(HOLED).to_crs("EPSG:3826"), "EPSG:3826")


def test_diagnosis_counts_what_lies_wholly_inside_under_each_reading() -> None:
    district = shapely.box(121.50, 29.90, 121.51, 29.91)
    true = shapely.box(
        [121.5001, 121.5090, 121.5050],
        [29.9001, 29.9090, 29.9050],
        [121.5002, 121.5095, 121.5055],
        [29.9002, 29.9095, 29.9055],
    )
    frame = file_of(*shapely.transform(true, wgs84_to_gcj02, interleaved=False), None)
    table = diagnose(frame, district)
    assert table["features"].tolist() == [3, 3, 3]
    assert table["inside"].to_dict() == {"as is": 1, "GCJ-02": 3, "BD-09": 1}
    assert table["share_inside"].to_dict() == {"as is": 1 / 3, "GCJ-02": 1.0, "BD-09": 1 / 3}


def test_diagnosis_takes_plain_points_and_doubtful_outlines() -> None:
    district = shapely.box(121.50, 29.90, 121.51, 29.91)
    points = np.array([[121.5001, 29.9001], [121.5099, 29.9099]])
    assert diagnose(points, district)["inside"]["as is"] == 2
    shifted = shapely.transform(district, wgs84_to_bd09, interleaved=False)
    assert diagnose(points, shifted, unsure="district")["inside"].to_dict() == {"as is": 0, "GCJ-02": 1, "BD-09": 2}


def test_diagnosis_of_nothing_has_no_share() -> None:
    assert diagnose(np.empty((0, 2)), HOLED)["share_inside"].isna().all()


def test_swapped_and_impossible_points_are_reported() -> None:
    found = suspicious_coordinates(
        [121.5, 29.9, 29.9, np.nan, 500_000.0, 10.0],
        [29.9, 121.5, 29.9, np.nan, 3_300_000.0, 10.0],
        (121.0, 29.0, 122.0, 31.0),
    )
    assert found["off_the_earth"].tolist() == [False, True, False, False, True, False]
    assert found["probably_swapped"].tolist() == [False, True, False, False, False, False]


@pytest.mark.real_data
def test_an_outline_in_gcj02_is_found_out_by_28_schools(real_data: Path) -> None:
    outline = gpd.read_file(real_data / "zhenhai" / "district_gcj02.geojson")
    schools = gpd.read_file(real_data / "zhenhai" / "schools_wgs84.geojson")
    table = diagnose(schools, outline.geometry.union_all(), unsure="district")
    assert table["inside"][["as is", "GCJ-02"]].to_dict() == {"as is": 25, "GCJ-02": 28}
    unshifted = to_lonlat(outline, "GCJ-02").frame.geometry.union_all()
    assert diagnose(schools, unshifted)["inside"]["as is"] == 28
