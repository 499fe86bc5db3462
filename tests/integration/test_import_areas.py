"""The import of areas: versions, parents, codes, corrections and changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import func, select

from gis_service.access.permissions import Role
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import Viewer
from gis_service.areas.tables import Area, AreaVersion
from gis_service.errors import InvalidInputError, NotPermittedError
from gis_service.intake.tables import ImportRun
from gis_service.storage.engine import reading
from tests.import_steps import AREAS, Desk, messages, write_areas

DAY = date(2026, 1, 1)


def versions(desk: Desk, code: str) -> list[tuple[str, date, date | None]]:
    with reading(desk.engine) as session:
        query = select(AreaVersion.name, AreaVersion.valid_from, AreaVersion.valid_to)
        rows = session.execute(query.where(AreaVersion.code == code).order_by(AreaVersion.valid_from))
        return [(name, start, end) for name, start, end in rows]


def renamed(code: str, name: str) -> list[tuple[object, ...]]:
    return [(row[0], name, *row[2:]) if row[0] == code else row for row in AREAS]


def test_areas_and_their_parents_come_from_one_file_in_any_order(desk: Desk) -> None:
    outcome = desk.apply("areas", desk.areas(rows=AREAS[::-1]), valid_from=DAY)
    assert outcome.counts == {"new": 8, "changed": 0, "unchanged": 0, "refused": 0}
    with reading(desk.engine) as session:
        parents = dict(session.execute(select(AreaVersion.code, AreaVersion.parent_id)).all())
        ids = dict(session.execute(select(AreaVersion.code, AreaVersion.area_id)).all())
    assert parents == {row[0]: None if row[3] is None else ids[row[3]] for row in AREAS}


def test_importing_the_same_file_twice_changes_nothing_and_leaves_no_trace(land: Desk) -> None:
    outcome = land.apply("areas", land.areas())
    assert outcome.counts == {"new": 0, "changed": 0, "unchanged": 8, "refused": 0}
    assert outcome.run_id is None
    assert (land.count(AreaVersion), land.count(ImportRun), land.count(AuditEntry)) == (8, 1, 1)


def test_a_ring_that_begins_elsewhere_is_the_same_shape(land: Desk) -> None:
    turned = [(*row[:4], shapely.box(*row[4], ccw=False)) for row in AREAS]
    assert land.preview("areas", land.areas(rows=turned)).counts["unchanged"] == 8


def test_a_changed_area_is_refused_until_the_caller_says_why(land: Desk) -> None:
    faults = land.faults("areas", land.areas(rows=renamed("330211001001", "新东村")))
    assert messages(faults) == [(3, "code", "The area is known and looks different now.")]


def test_a_correction_overwrites_the_version(desk: Desk) -> None:
    desk.lay_areas(valid_from=DAY)
    path = desk.areas(rows=renamed("330211001001", "新东村"))
    outcome = desk.apply("areas", path, valid_from=DAY, mode="correction")
    assert outcome.counts["changed"] == 1
    assert versions(desk, "330211001001") == [("新东村", DAY, None)]


def test_a_change_begins_a_version_on_its_day(desk: Desk) -> None:
    desk.lay_areas(valid_from=DAY)
    path, day = desk.areas(rows=renamed("330211001001", "新东村")), date(2026, 7, 1)
    desk.apply("areas", path, valid_from=day, mode="change")
    assert versions(desk, "330211001001") == [("东村", DAY, day), ("新东村", day, None)]
    assert versions(desk, "330211001002") == [("西村", DAY, None)]
    assert desk.count(Area) == 8


def test_a_change_on_the_first_day_of_a_version_is_refused(desk: Desk) -> None:
    desk.lay_areas(valid_from=DAY)
    faults = desk.faults("areas", desk.areas(rows=renamed("330211001001", "新")), valid_from=DAY, mode="change")
    assert messages(faults) == [(3, "code", "The area already has a version from this day on.")]


def test_an_area_that_is_known_only_later_is_refused(desk: Desk) -> None:
    desk.lay_areas(valid_from=DAY)
    faults = desk.faults("areas", desk.areas(), valid_from=date(2025, 1, 1))
    assert len(faults) == 8
    assert faults[0].message.render("en") == "The area is known from a later day on."


def test_areas_that_the_file_lacks_are_reported_and_stay(land: Desk) -> None:
    outcome = land.apply("areas", land.areas(rows=AREAS[:-1]))
    assert outcome.missing == ("330211001002002",)
    assert land.count(AreaVersion) == 8


@pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        (
            ("330299001001", "外村", "village", "330211001000"),
            "code",
            "The code does not begin with the digits of its parent's code.",
        ),
        (("330211001000", "外村", "village", "330211001000"), "code", "The code appears twice in the file."),
        (("330211002001", "外村", "village", "330211009000"), "parent_code", "The parent is not known."),
        (("330211001009", "外村", "village", "330211000000"), "parent_code", "The parent is not one level above."),
        (("330211001000001", "外村", "compound", "330211001000"), "parent_code", "The parent is not one level above."),
        (("330211009000", "外村", "village", "330211001000"), "code", "The zeros of the code say another level."),
        (("X-1", "外村", "hamlet", "330211001000"), "level", "This value is not in the list."),
        (("X-1", None, "village", "330211001000"), "name", "The cell is empty."),
    ],
)
def test_a_row_that_contradicts_the_tree_is_refused(desk: Desk, row: tuple[str, ...], field: str, message: str) -> None:
    path = desk.areas(rows=[*AREAS, (*row, (121.4, 29.8, 121.5, 30.0))])
    assert (9, field, message) in messages(desk.faults("areas", path))
    assert desk.count(Area) == 0


def test_foreign_codes_are_opaque(desk: Desk) -> None:
    rows = [(f"X{row[0][-9:]}", *row[1:3], row[3] and f"X{row[3][-9:]}", row[4]) for row in AREAS[:4]]
    assert desk.apply("areas", desk.areas(rows=rows)).counts["new"] == 4


def test_crossing_rings_are_taken_with_a_warning(desk: Desk) -> None:
    bow_tie = shapely.Polygon([(121.4, 29.8), (121.5, 30.0), (121.5, 29.8), (121.4, 30.0)])
    path = desk.areas(rows=[*AREAS[:4], (*AREAS[4][:4], bow_tie)])
    preview = desk.preview("areas", path)
    assert preview.counts["new"] == 5
    assert any("shapes are invalid" in warning.render("en") for warning in preview.warnings)
    desk.apply("areas", path)
    with reading(desk.engine) as session:
        wkb = session.scalar(select(func.ST_AsBinary(AreaVersion.geom)).where(AreaVersion.code == AREAS[4][0]))
    assert shapely.equals_exact(shapely.from_wkb(wkb), shapely.MultiPolygon([bow_tie]))


def test_a_point_and_a_missing_shape_are_no_areas(desk: Desk) -> None:
    rows = [*AREAS[:2], (*AREAS[2][:4], shapely.Point(121.5, 29.9)), (*AREAS[3][:4], None)]
    found = messages(desk.faults("areas", desk.areas(rows=rows)))
    assert (3, "geometry", "The geometry is not a polygon.") in found
    assert (4, "geometry", "The row has no geometry.") in found


def test_layers_tell_the_level_and_are_read_together(desk: Desk) -> None:
    path = desk.folder / "levels.gpkg"
    for level in ("compound", "village", "township", "district"):
        rows = [row for row in AREAS if row[2] == level]
        columns = {
            "code": [row[0] for row in rows],
            "name": [row[1] for row in rows],
            "parent_code": [row[3] for row in rows],
        }
        shapes = [shapely.box(*row[4]) for row in rows]
        gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4490").to_file(path, layer=level, engine="pyogrio")
    preview = desk.preview("areas", path)
    assert preview.counts["new"] == 8
    assert preview.rows["file"].unique().tolist() == [
        f"levels.gpkg: {level}" for level in ("compound", "village", "township", "district")
    ]
    assert desk.preview("areas", path, layers=["district"]).counts["new"] == 1


@pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
@pytest.mark.parametrize("ending", ["geojson", "gpkg", "parquet", "kml", "zip"])
def test_every_format_brings_the_same_areas(desk: Desk, ending: str) -> None:
    path = desk.folder / f"areas.{ending}"
    source = gpd.read_file(desk.areas("source.gpkg"))
    if ending == "parquet":
        source.to_parquet(path)
    elif ending == "zip":
        source.rename(columns={"parent_code": "上级编码"}).to_file(
            path.with_suffix(".shz"), driver="ESRI Shapefile", encoding="GBK"
        )
        path.with_suffix(".shz").rename(path)
    elif ending == "kml":
        source.to_file(path, driver="LIBKML", engine="pyogrio")
    else:
        source.to_file(path, engine="pyogrio")
    outcome = desk.apply("areas", path, crs="EPSG:4326")
    assert outcome.counts["new"] == 8
    again = desk.preview("areas", desk.areas("source.gpkg"))
    assert again.counts["unchanged"] == 8


def test_a_table_without_shapes_may_correct_names(land: Desk) -> None:
    path = land.csv("names.csv", ["编码,名称,级别", "330211001001,新东村,村"])
    assert land.apply("areas", path, mode="correction").counts["changed"] == 1
    assert [name for name, *_ in versions(land, "330211001001")] == ["新东村"]
    path = land.csv("names.csv", ["编码,名称,级别,上级编码", "330211001009,无图村,村,330211001000"])
    assert messages(land.faults("areas", path)) == [(2, "geometry", "A new area needs a shape.")]


def test_only_who_may_import_land_does(land: Desk) -> None:
    officer = replace(land, viewer=Viewer("officer", Role.OFFICER))
    with pytest.raises(NotPermittedError):
        officer.preview("areas", land.areas())


def test_a_planner_writes_only_inside_the_own_part(land: Desk) -> None:
    with reading(land.engine) as session:
        east = session.scalar(select(AreaVersion.area_id).where(AreaVersion.code == "330211001001"))
    planner = replace(land, viewer=Viewer("planner", Role.PLANNER, frozenset([east or 0])))
    theirs = land.areas(rows=[(AREAS[6][0], "改名", *AREAS[6][2:])])
    assert "The area lies outside your part of the district." in [
        m for *_, m in messages(planner.faults("areas", theirs, mode="correction"))
    ]
    ours = land.areas(rows=[(AREAS[4][0], "改名", *AREAS[4][2:])])
    assert planner.apply("areas", ours, mode="correction").counts["changed"] == 1


def test_an_import_is_recorded_with_its_fingerprint(land: Desk) -> None:
    with reading(land.engine) as session:
        run = session.scalars(select(ImportRun)).one()
        entry = session.scalars(select(AuditEntry)).one()
        assert (run.subject, run.file_name, run.imported_by) == ("areas", "board", "shell")
        assert run.outcome["new"] == 8
        assert (entry.action, entry.object_kind, entry.object_id) == ("apply_import", "areas", str(run.id))


def test_an_unknown_layer_is_named_with_those_that_exist(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="areas"):
        desk.preview("areas", desk.areas(), layers=["nothing"])


@pytest.mark.real_data
def test_keelung_is_imported_whole(desk: Desk, real_data: Path) -> None:
    outcome = desk.apply("areas", real_data / "keelung" / "areas.gpkg")
    assert outcome.counts["new"] == 1 + 7 + 157 + 1750
    assert desk.preview("areas", real_data / "keelung" / "areas.gpkg").counts["unchanged"] == 1915


@pytest.mark.real_data
@pytest.mark.parametrize(("crs", "inside"), [("EPSG:4326", 25), ("GCJ-02", 28)])
def test_zhenhai_schools_tell_how_the_outline_must_be_read(desk: Desk, real_data: Path, crs: str, inside: int) -> None:
    desk.apply("areas", real_data / "zhenhai" / "district_gcj02.geojson", crs=crs)
    said = {"columns": {"name": "code"}, "constants": {"name": "学校", "level": "compound"}}
    preview = desk.preview("areas", real_data / "zhenhai" / "schools_wgs84.geojson", **said)
    assert preview.diagnosis is not None
    assert preview.diagnosis.loc[["as is"], ["features", "inside"]].to_numpy().tolist() == [[28, inside]]


def test_write_areas_makes_the_file_that_it_says(tmp_path: Path) -> None:
    assert len(gpd.read_file(write_areas(tmp_path / "a.gpkg", AREAS))) == 8
