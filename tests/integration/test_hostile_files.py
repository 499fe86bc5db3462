"""Hostile and broken files: each is a clear error or a correct import, and nothing is written half-way."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import shapely

from gis_service.addresses.tables import Address
from gis_service.areas.tables import Area, AreaVersion
from gis_service.errors import GridError, InvalidInputError, TooLargeError
from gis_service.intake.limits import Limits
from gis_service.intake.reading import read_file
from gis_service.settings import Settings
from tests.import_steps import AREAS, Desk, messages

pytestmark = pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
POINTS = "code,text,lon,lat,point_source"


@pytest.fixture(autouse=True)
def _nothing_is_written_by_a_refusal(desk: Desk) -> Iterator[None]:
    yield
    assert desk.count(Area) == desk.count(AreaVersion)


def refusal(desk: Desk, subject: str, path: Path, **said: Any) -> GridError:
    """The error of an import, which wrote nothing."""
    before = desk.count(Area), desk.count(Address)
    with pytest.raises(GridError) as caught:
        desk.apply(subject, path, **said)
    assert (desk.count(Area), desk.count(Address)) == before
    return caught.value


def tight(settings: Settings, **limits: Any) -> Settings:
    return settings.model_copy(update=limits)


def feature(geometry: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def geojson(path: Path, *features: object, **members: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": features}), encoding="utf-8")
    return path


VRT = '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.kml", "a.gpkg", "a.parquet", "a.zip", "a.xlsx"])
def test_a_vrt_under_another_name_is_refused_unread(desk: Desk, name: str) -> None:
    path = desk.csv(name, VRT.format(source="/vsicurl/http://127.0.0.1:1/x.geojson"))
    assert "does not hold what its ending says" in refusal(desk, "areas", path).text.render("en")


def test_a_vrt_that_looks_like_kml_opens_nothing(desk: Desk) -> None:
    secret = desk.csv("secret.csv", "code,name\nx,stolen")
    path = desk.csv("a.kml", f"<!-- <kml> -->{VRT.format(source=secret)}")
    assert "stolen" not in str(refusal(desk, "areas", path, crs="EPSG:4326"))


@pytest.mark.parametrize("kind", ["gdal_streamed_alg", "Topology", "FeatureCollection"])
def test_json_that_other_drivers_would_run_is_refused(desk: Desk, kind: str) -> None:
    document = {"type": kind, "command_line": "gdal vector pipeline ! read /etc/passwd", "url": "http://127.0.0.1:1"}
    assert isinstance(
        refusal(desk, "areas", desk.csv("a.geojson", json.dumps(document)), crs="EPSG:4326"), InvalidInputError
    )


def test_an_ending_that_is_not_taken_is_refused(desk: Desk) -> None:
    assert "not taken" in refusal(desk, "areas", desk.csv("a.vrt", VRT)).text.render("en")


def test_a_zip_bomb_is_refused(desk: Desk) -> None:
    path = desk.folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for ending in (".shp", ".shx", ".dbf"):
            archive.writestr(f"a{ending}", bytes(20 * 2**20))
    assert isinstance(refusal(desk, "areas", path), TooLargeError)


def test_a_workbook_that_is_a_bomb_is_refused(desk: Desk) -> None:
    path = desk.folder / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(50 * 2**20))
    assert isinstance(refusal(desk, "units", path), TooLargeError)


def test_a_gzip_bomb_is_refused(desk: Desk) -> None:
    path = desk.folder / "bomb.csv.gz"
    path.write_bytes(gzip.compress(bytes(50 * 2**20)))
    assert isinstance(refusal(desk, "addresses", path), TooLargeError)


def test_members_of_a_zip_do_not_choose_where_they_are_written(desk: Desk) -> None:
    path = desk.folder / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for ending in (".shp", ".shx", ".dbf"):
            archive.writestr(f"../../../../../../tmp/slipped{ending}", b"x" * 200)
    refusal(desk, "areas", path)
    assert not Path("/tmp/slipped.shp").exists()  # noqa: S108 - the place that the archive names


def test_json_a_hundred_thousand_deep_is_refused(desk: Desk) -> None:
    path = desk.csv("deep.geojson", '{"type":"FeatureCollection","features":' + "[" * 100_000 + "]" * 100_000 + "}")
    assert "nests deeper" in refusal(desk, "areas", path).text.render("en")


def test_brackets_inside_texts_are_no_depth(desk: Desk) -> None:
    rows = [
        feature(
            shapely.geometry.mapping(shapely.box(*row[4])),
            code=row[0],
            name='[[["\\' * 20,
            level=row[2],
            parent_code=row[3],
        )
        for row in AREAS
    ]
    assert desk.apply("areas", geojson(desk.folder / "a.geojson", *rows), crs="EPSG:4326").counts["new"] == 8


def star(points: int, *, crossing: bool) -> shapely.Polygon:
    angles = np.linspace(0, 2 * np.pi * (points // 2 if crossing else 1), points, endpoint=False)
    radius = 0.05 if crossing else np.where(np.arange(points) % 2, 0.05, 0.03)
    return shapely.Polygon(np.column_stack([121.45 + radius * np.cos(angles), 29.9 + radius * np.sin(angles)]))


def test_a_star_of_a_million_vertices_is_refused(desk: Desk) -> None:
    path = desk.areas(rows=[*AREAS[:4], (*AREAS[4][:4], star(1_000_000, crossing=False))])
    assert "A ring has more than" in refusal(desk, "areas", path).text.render("en")


def test_a_file_with_too_many_vertices_is_refused(desk: Desk) -> None:
    limits = Limits.of(tight(desk.settings, upload_max_vertices=10_000))
    path = desk.areas(rows=[(*AREAS[4][:4], star(20_000, crossing=False))])
    with pytest.raises(TooLargeError, match="10000"):
        read_file(path, limits)


def test_a_self_crossing_star_is_taken_as_it_is_and_said(desk: Desk) -> None:
    path = desk.areas(rows=[*AREAS[:4], (*AREAS[4][:4], star(201, crossing=True))])
    preview = desk.preview("areas", path)
    assert preview.is_acceptable
    assert any("invalid" in warning.render("en") for warning in preview.warnings)


@pytest.mark.parametrize("coordinate", ["NaN", "Infinity", "1e308", "-1e308"])
def test_coordinates_that_are_no_places_are_refused(desk: Desk, coordinate: str) -> None:
    ring = f"[[121.4,29.8],[121.5,29.8],[{coordinate},30.0],[121.4,29.8]]"
    path = desk.csv(
        "a.geojson",
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"D","name":"D","level":"district"},'
        f'"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}',
    )
    assert isinstance(refusal(desk, "areas", path, crs="EPSG:4326"), InvalidInputError)
    path = desk.csv("a.csv", f"{POINTS}\nA,A,{coordinate},29.9,surveyed")
    error = refusal(desk, "addresses", path, crs="EPSG:4326")
    assert isinstance(error, InvalidInputError)
    assert error.faults[0].row == 2


def test_swapped_longitude_and_latitude_are_recognised(desk: Desk) -> None:
    path = desk.csv("a.csv", [POINTS, "A,A,121.5,29.9,surveyed", "B,B,29.9,121.5,surveyed"])
    error = refusal(desk, "addresses", path, crs="EPSG:4326")
    assert isinstance(error, InvalidInputError)
    assert [(fault.row, fault.field, fault.value) for fault in error.faults] == [(3, "geometry", "29.9, 121.5")]
    assert "swapped" in (error.faults[0].remedy.render("en") if error.faults[0].remedy else "")


def test_a_wrong_coordinate_system_is_refused(land: Desk) -> None:
    metres = land.csv("metres.csv", [POINTS, "A,A,500000,3310000,surveyed"])
    assert "impossible" in messages(land.faults("addresses", metres, crs="EPSG:4326"))[0][2]
    elsewhere = land.csv("elsewhere.csv", [POINTS, "A,A,500000,3310000,surveyed"])
    assert "in or near the district" in messages(land.faults("addresses", elsewhere, crs="EPSG:4537"))[0][2]
    undeclared = land.csv("undeclared.csv", [POINTS, "A,A,121.5,29.9,surveyed"])
    assert "never guessed" in messages(land.faults("addresses", undeclared))[0][2]
    unknown = refusal(land, "addresses", undeclared, crs="EPSG:999999")
    assert "not known" in unknown.text.render("en")


@pytest.mark.parametrize(
    ("encoding", "said"), [("gb18030", "GB18030"), ("utf-8-sig", "UTF-8-SIG"), ("utf-16", "UTF-16"), ("utf-8", "UTF-8")]
)
def test_texts_arrive_whole_in_every_encoding(desk: Desk, encoding: str, said: str) -> None:
    path = desk.csv("a.csv", ["地址编码,标准地址", "A,镇海区招宝山街道㙟1号"], encoding)
    outcome = desk.apply("addresses", path)
    assert outcome.counts["new"] == 1
    assert said in outcome.warnings[0].render("en")


def test_a_text_in_no_known_encoding_is_refused(desk: Desk) -> None:
    path = desk.folder / "a.csv"
    path.write_bytes("编码,地址\n".encode() + b"A,\xff\xff\xfe\x80\n")
    assert "neither UTF-8 nor GBK" in refusal(desk, "addresses", path).text.render("en")


def test_a_gbk_shapefile_without_cpg_is_read(desk: Desk) -> None:
    folder = desk.folder / "gbk"
    folder.mkdir()
    frame = gpd.read_file(desk.areas()).rename(columns={"parent_code": "上级编码"})
    frame.to_file(folder / "区划.shp", encoding="GBK", engine="pyogrio")
    (folder / "区划.cpg").unlink()
    path = desk.folder / "gbk.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in folder.iterdir():
            archive.write(part, part.name)
    preview = desk.preview("areas", path)
    assert preview.counts["new"] == 8
    assert "GB18030" in preview.warnings[0].render("en")


def workbook(path: Path, rows: list[list[object]], *, merge: str | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    book.save(path)
    return path


def test_formulas_that_were_never_calculated_are_refused(desk: Desk) -> None:
    path = workbook(desk.folder / "a.xlsx", [["地址编码", "标准地址"], ["A", '=HYPERLINK("http://x","y")']])
    error = refusal(desk, "addresses", path)
    assert isinstance(error, InvalidInputError)
    assert [(fault.row, fault.field) for fault in error.faults] == [(2, "B")]


def test_calculated_values_of_formulas_are_taken(desk: Desk) -> None:
    path = workbook(desk.folder / "a.xlsx", [["code", "text"], ["A", "=1+1"]])
    calculated = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(calculated, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            target.writestr(
                member,
                content.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(
                    b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"
                ),
            )
    path.write_bytes(calculated.getvalue())
    outcome = desk.apply("addresses", path)
    assert outcome.counts["new"] == 1
    assert "calculated values" in outcome.warnings[1].render("en")


@pytest.mark.parametrize("merge", ["A1:B1", "A2:A3"])
def test_merged_cells_are_refused_with_their_place(desk: Desk, merge: str) -> None:
    path = workbook(desk.folder / "a.xlsx", [["code", "text"], ["A", "a"], ["B", "b"]], merge=merge)
    error = refusal(desk, "addresses", path)
    assert isinstance(error, InvalidInputError)
    assert merge in error.faults[0].message.render("en")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_repeated_headings_are_refused(desk: Desk, ending: str) -> None:
    rows: list[list[object]] = [["code", "text", "text"], ["A", "a", "b"]]
    path = desk.folder / f"a.{ending}"
    if ending == "xlsx":
        workbook(path, rows)
    else:
        desk.csv(path.name, [",".join(map(str, row)) for row in rows])
    error = refusal(desk, "addresses", path)
    assert isinstance(error, InvalidInputError)
    assert messages(error.faults) == [(1, "text", "The heading appears 2 times.")]


def test_a_row_of_twenty_megabytes_is_refused_by_its_length(desk: Desk) -> None:
    path = desk.csv("long.csv", ["code,text", "A,a", f"B,{'长' * 7_000_000}"])
    error = refusal(desk, "addresses", path)
    assert isinstance(error, InvalidInputError)
    assert messages(error.faults) == [(3, "text", "The text is longer than 300 characters.")]
    assert len(error.faults[0].value or "") <= 80


def test_rows_with_surplus_cells_and_zero_bytes_are_refused(desk: Desk) -> None:
    error = refusal(desk, "addresses", desk.csv("a.csv", ["code,text", "A,a", "B,b,c,d"]))
    assert isinstance(error, InvalidInputError)
    assert messages(error.faults) == [(3, None, "4 cells, but 2 headings.")]
    refusal(desk, "addresses", desk.csv("b.csv", "code,text\nA,a\0b"))


def test_xml_entities_are_refused(desk: Desk) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa">]><kml xmlns="http://www.opengis.net/kml/2.2"><Document>&a;</Document></kml>'
    assert "XML entities" in refusal(desk, "areas", desk.csv("a.kml", bomb), crs="EPSG:4326").text.render("en")


def test_a_geopackage_whose_layer_is_a_view_is_refused(desk: Desk) -> None:
    path = desk.areas()
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE areas RENAME TO hidden")
        database.execute("CREATE VIEW areas AS SELECT * FROM hidden")
        database.commit()
    assert "not plain tables" in refusal(desk, "areas", path).text.render("en")


def test_damaged_files_are_refused(desk: Desk) -> None:
    whole = desk.areas().read_bytes()
    for name, content in {
        "a.gpkg": whole[: len(whole) // 2],
        "a.parquet": b"PAR1" + bytes(500),
        "a.zip": b"PK\x03\x04" + bytes(500),
        "a.xlsx": b"PK\x03\x04" + bytes(500),
        "a.csv.gz": b"\x1f\x8b" + bytes(500),
        "a.csv": b"",
    }.items():
        path = desk.folder / name
        path.write_bytes(content)
        assert isinstance(refusal(desk, "areas", path), InvalidInputError), name


def test_too_many_bytes_too_much_time_and_too_much_memory_are_refused(desk: Desk) -> None:
    path = desk.csv("a.csv", ["code,text", *(f"A{n},{'字' * 50}" for n in range(200_000))])
    for limits, said in (
        ({"upload_max_bytes": 1000}, "larger than"),
        ({"upload_wall_s": 0.05}, "takes longer"),
        ({"upload_memory_bytes": 350 * 2**20}, "memory"),
    ):
        with pytest.raises(TooLargeError) as caught:
            read_file(path, Limits.of(tight(desk.settings, **limits)))
        assert said in caught.value.text.render("en"), limits
