"""The import of standard addresses: points, sources, shifted coordinates, the own part of the district."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import islice
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import func, select

from gis_service.access.permissions import Role
from gis_service.access.viewer import Viewer
from gis_service.addresses.tables import Address
from gis_service.areas.tables import AreaVersion
from gis_service.storage.engine import reading
from layers.gcj02 import wgs84_to_bd09, wgs84_to_gcj02
from tests.import_steps import Desk, messages

HEADINGS = "地址编码,标准地址,幢,经度,纬度,坐标来源"
ROWS = [HEADINGS, "A,东一路1号,1幢,121.45,29.9,实测", "B,西一路2号,,121.65,29.9,地理编码", "C,无点路3号,,,,"]


def stored(desk: Desk) -> list[tuple[str, str, str | None, str, float | None]]:
    with reading(desk.engine) as session:
        lon = func.ST_X(Address.geom)
        query = select(Address.code, Address.text, Address.building, Address.point_source, lon).order_by(Address.code)
        return [tuple(row) for row in session.execute(query)]


def test_addresses_come_with_their_points_and_without(land: Desk) -> None:
    outcome = land.apply("addresses", land.csv("a.csv", ROWS), crs="EPSG:4326")
    assert outcome.counts["new"] == 3
    assert stored(land) == [
        ("A", "东一路1号", "1幢", "surveyed", 121.45),
        ("B", "西一路2号", None, "geocoded", 121.65),
        ("C", "无点路3号", None, "none", None),
    ]
    assert land.apply("addresses", land.csv("a.csv", ROWS), crs="EPSG:4326").counts["unchanged"] == 3


def test_a_changed_text_or_point_updates_and_absent_columns_stay(land: Desk) -> None:
    land.apply("addresses", land.csv("a.csv", ROWS), crs="EPSG:4326")
    path = land.csv(
        "b.csv",
        ["code,text,lon,lat,point_source", "A,东一路1号,121.46,29.9,hand_placed", "B,新路2号,121.65,29.9,geocoded"],
    )
    outcome = land.apply("addresses", path, crs="EPSG:4326")
    assert (outcome.counts["changed"], outcome.counts["unchanged"]) == (2, 0)
    assert stored(land)[:2] == [
        ("A", "东一路1号", "1幢", "hand_placed", 121.46),
        ("B", "新路2号", None, "geocoded", 121.65),
    ]


@pytest.mark.parametrize(("crs", "shift"), [("GCJ-02", wgs84_to_gcj02), ("BD-09", wgs84_to_bd09)])
def test_shifted_coordinates_come_home_and_the_second_import_changes_nothing(land: Desk, crs: str, shift) -> None:  # type: ignore[no-untyped-def] # either of two functions
    lon, lat = (float(each[0]) for each in shift([121.45], [29.9]))
    path = land.csv("a.csv", ["code,text,lon,lat,point_source", f"A,东一路1号,{lon!r},{lat!r},geocoded"])
    land.apply("addresses", path, crs=crs)
    assert stored(land)[0][4] == pytest.approx(121.45, abs=1e-7)
    assert land.apply("addresses", path, crs=crs).counts["unchanged"] == 1


def test_a_layer_of_points_brings_addresses_in_a_metric_system(land: Desk) -> None:
    frame = gpd.GeoDataFrame(
        {"code": ["A"], "text": ["东一路1号"]}, geometry=[shapely.Point(121.45, 29.9)], crs="EPSG:4326"
    )
    path = land.folder / "points.gpkg"
    frame.to_crs("EPSG:4549").to_file(path, engine="pyogrio")
    land.apply("addresses", path, constants={"point_source": "surveyed"})
    assert stored(land)[0][4] == pytest.approx(121.45, abs=1e-8)


def test_a_point_must_say_where_it_comes_from(land: Desk) -> None:
    path = land.csv("a.csv", ["code,text,lon,lat,point_source", "A,a,121.45,29.9,", "B,b,121.45,,surveyed"])
    assert messages(land.faults("addresses", path, crs="EPSG:4326")) == [
        (2, "point_source", "The point does not say where it comes from."),
        (3, "lon", "Only one of lon and lat is given."),
    ]
    assert land.count(Address) == 0


def test_one_wrong_row_of_many_keeps_all_out(land: Desk) -> None:
    lines = [HEADINGS, *(f"A{n},路{n}号,,121.45,29.9,实测" for n in range(500)), "A7,重复,,121.45,29.9,实测"]
    faults = land.faults("addresses", land.csv("a.csv", lines), crs="EPSG:4326")
    assert messages(faults) == [(502, "code", "An earlier row of the file has the same key (code).")]
    assert faults[0].value == "A7"
    assert land.count(Address) == 0


def test_a_planner_imports_addresses_only_into_the_own_part(land: Desk) -> None:
    with reading(land.engine) as session:
        east = session.scalar(select(AreaVersion.area_id).where(AreaVersion.code == "330211001001"))
    lines = ["code,text,stated_village_code,lon,lat,point_source", "A,a,,121.45,29.9,surveyed", "C,c,330211001001,,,"]
    planner = replace(land, viewer=Viewer("planner", Role.PLANNER, frozenset([east or 0])))
    assert planner.apply("addresses", land.csv("a.csv", lines), crs="EPSG:4326").counts["new"] == 2
    lines = [*lines, "B,b,330211001001,121.65,29.9,surveyed", "D,d,330211001002,,,"]
    faults = planner.faults("addresses", land.csv("a.csv", lines), crs="EPSG:4326")
    assert [fault.row for fault in faults] == [4, 5]
    land.apply(
        "addresses", land.csv("b.csv", ["code,text,lon,lat,point_source", "E,e,121.65,29.9,surveyed"]), crs="EPSG:4326"
    )
    taken = land.csv("c.csv", ["code,text,lon,lat,point_source", "E,e,121.45,29.9,surveyed"])
    assert messages(planner.faults("addresses", taken, crs="EPSG:4326")) == [
        (2, "code", "The row lies outside your part of the district.")
    ]


@pytest.mark.real_data
@pytest.mark.slow
def test_keelung_addresses_are_diagnosed_whole_and_imported_only_once(
    desk: Desk, real_data: Path, tmp_path: Path
) -> None:
    desk.apply("areas", real_data / "keelung" / "areas.gpkg")
    path = real_data / "keelung" / "addresses.csv.gz"
    said = {"crs": "EPSG:4326", "constants": {"point_source": "geocoded"}}
    preview = desk.preview("addresses", path, **said)
    assert preview.diagnosis is not None
    assert preview.diagnosis.loc[["as is"], ["features", "inside"]].to_numpy().tolist() == [[192_230, 192_230 - 17]]
    some = tmp_path / "some.csv"  # all of them are imported, twice, in the story of the whole job
    with gzip.open(path, "rt", encoding="utf-8") as packed:
        some.write_text("".join(islice(packed, 10_001)), encoding="utf-8")
    assert desk.apply("addresses", some, **said).counts["new"] == 10_000
    assert desk.apply("addresses", some, **said).run_id is None
