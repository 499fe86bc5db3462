import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.frames import (
    LONLAT,
    FrameError,
    NotLonLatError,
    NotMetricError,
    check_addresses,
    check_areas,
    check_population,
    require_lonlat,
    require_metric,
)

RING_TO_INFINITY = shapely.from_wkb(
    shapely.Polygon([(0, 0), (0, 8), (1, 1)]).wkb.replace(np.float64(8).tobytes(), np.float64("inf").tobytes())
)


def areas_of_three() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "code": ["330211", "330211001", "330211001001"],
            "name": ["镇海区", "招宝山街道", "车站路社区"],
            "level": ["district", "township", "village"],
            "kind": [None, "subdistrict", "community"],
            "parent_id": [None, 1, 2],
        },
        geometry=[shapely.box(0, 0, 1, 1)] * 3,
        crs=LONLAT,
        index=pd.Index([1, 2, 3], name="area_id", dtype="int32"),
    )


def test_areas_come_back_as_a_copy_with_the_contracts_dtypes() -> None:
    frame = areas_of_three()
    areas = check_areas(frame)
    assert areas.index.dtype == "int64"
    assert str(areas["parent_id"].dtype) == "Int64"
    assert areas["parent_id"].isna().tolist() == [True, False, False]
    assert areas["kind"].isna().tolist() == [True, False, False]
    assert frame.index.dtype == "int32"
    assert areas.crs == LONLAT


def test_checking_twice_changes_nothing() -> None:
    once = check_areas(areas_of_three())
    pd.testing.assert_frame_equal(check_areas(once), once)


def test_columns_that_the_contract_does_not_name_are_kept_behind() -> None:
    frame = areas_of_three()
    frame.insert(0, "township_colour", ["red", "green", "blue"])
    assert list(check_areas(frame).columns)[-1] == "township_colour"


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("code", None, "missing"),
        ("name", None, "missing"),
        ("level", "hamlet", "none of"),
        ("kind", "residential", "not a kind of village"),
        ("parent_id", None, "missing"),
        ("parent_id", 1, "not one level above"),
        ("parent_id", 3, "not one level above"),
        ("geometry", None, "missing or empty"),
        ("geometry", shapely.Polygon(), "missing or empty"),
        ("geometry", shapely.Point(0, 0), "neither Polygon nor MultiPolygon"),
        ("geometry", RING_TO_INFINITY, "not finite"),
    ],
)
def test_a_broken_area_is_named_by_column_and_row(column: str, value: object, problem: str) -> None:
    frame = areas_of_three()
    if column == "geometry":
        frame = frame.set_geometry([*frame.geometry[:2], value], crs=LONLAT)
    else:
        frame[column] = frame[column].astype(object).where(frame.index != 3, value)
    with pytest.raises(FrameError, match=problem) as refused:
        check_areas(frame)
    assert refused.value.column == column
    assert refused.value.rows == (3,)


def test_a_district_has_no_parent() -> None:
    frame = areas_of_three()
    frame["parent_id"] = [7, 1, 2]
    with pytest.raises(FrameError, match="parent_id: is given for a district"):
        check_areas(frame)


def test_a_parent_outside_the_frame_is_accepted() -> None:
    assert len(check_areas(areas_of_three().loc[[3]])) == 1


def test_area_ids_are_unique_named_whole_numbers() -> None:
    frame = areas_of_three()
    with pytest.raises(FrameError, match="not unique") as refused:
        check_areas(frame.set_axis(pd.Index([1, 2, 2], name="area_id")))
    assert refused.value.rows == (2,)
    with pytest.raises(FrameError, match="is named None"):
        check_areas(frame.rename_axis(None))
    with pytest.raises(FrameError, match="whole numbers"):
        check_areas(frame.set_axis(pd.Index(["a", "b", "c"], name="area_id")))


def test_missing_columns_and_crs_are_refused() -> None:
    with pytest.raises(FrameError, match="code, kind: column is missing"):
        check_areas(areas_of_three().drop(columns=["code", "kind"]))
    with pytest.raises(FrameError, match="crs: is not declared"):
        check_areas(areas_of_three().set_crs(None, allow_override=True))


def addresses_of_three() -> pd.DataFrame:
    return pd.DataFrame(
        {"lon": [121.5, np.nan, 121.7], "lat": [29.9, np.nan, 30.0], "stated_village_id": [3, None, 4]},
        index=pd.Index([10, 11, 12], name="address_id"),
    )


def test_addresses_without_a_point_or_a_stated_village_are_accepted() -> None:
    addresses = check_addresses(addresses_of_three())
    assert addresses["stated_village_id"].isna().tolist() == [False, True, False]
    assert addresses["lon"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("column", "values", "rows"),
    [
        ("lon", [121.5, np.nan, 180.1], (12,)),
        ("lat", [np.inf, np.nan, 30.0], (10,)),
        ("lat", [29.9, 29.9, 30.0], (11,)),
        ("lat", [29.9, np.nan, np.nan], (12,)),
        ("stated_village_id", [3.5, 4, 4], ()),
    ],
)
def test_a_broken_address_is_refused(column: str, values: list[float], rows: tuple[int, ...]) -> None:
    with pytest.raises(FrameError) as refused:
        check_addresses(addresses_of_three().assign(**{column: values}))
    assert refused.value.rows == rows


def test_coordinates_that_are_text_are_refused() -> None:
    with pytest.raises(FrameError, match="lat: must be numbers, not str"):
        check_addresses(addresses_of_three().assign(lat=["29.9", "30", "30"]))


def test_population_keeps_no_data_apart_from_zero() -> None:
    frame = pd.DataFrame({"migrants": [0, None], "officers_fte": [None, 0.5]}, index=pd.Index([1, 2], name="area_id"))
    population = check_population(frame)
    assert population.dtypes.astype(str).to_dict() == {"migrants": "Int64", "officers_fte": "Float64"}
    assert population.isna().to_numpy().tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("broken", [{"migrants": [-1, 2]}, {"officers_fte": [1.0, np.inf]}, {"migrants": [1.5, 2]}])
def test_population_that_cannot_be_is_refused(broken: dict[str, list[float]]) -> None:
    frame = pd.DataFrame({"migrants": [1, 2], "officers_fte": [1.0, 1.0]}, index=pd.Index([1, 2], name="area_id"))
    with pytest.raises(FrameError, match=next(iter(broken))):
        check_population(frame.assign(**broken))


def test_an_error_names_ten_rows_and_carries_all() -> None:
    frame = pd.DataFrame({"migrants": [-1] * 12, "officers_fte": [1.0] * 12}, index=pd.Index(range(12), name="area_id"))
    with pytest.raises(FrameError, match="rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more") as refused:
        check_population(frame)
    assert len(refused.value.rows) == 12


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4550", "EPSG:3826"])
def test_gauss_kruger_zones_are_metric(crs: str) -> None:
    assert require_metric(crs).to_string() == crs
    assert require_metric(areas_of_three().to_crs(crs)) == crs


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:3857", "EPSG:3395", "EPSG:2263", None])
def test_degrees_world_mercator_and_feet_are_not_metric(crs: str | None) -> None:
    with pytest.raises(NotMetricError):
        require_metric(crs)


def test_lonlat_is_wgs84_or_cgcs2000() -> None:
    assert require_lonlat(areas_of_three()) == LONLAT
    assert require_lonlat("EPSG:4490").is_geographic
    for other in ("EPSG:3826", "EPSG:4610", None):
        with pytest.raises(NotLonLatError):
            require_lonlat(other)
