import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely.geometry import Polygon, box

from maps.areas import AreaLayer, provenance
from maps.beats import draw_beats, neighbour_colours
from maps.canvas import GridMap, MapUrls
from maps.coverage import coverage_features, draw_coverage
from maps.findings import FindingsLayer, add_findings
from maps.hotspots import draw_hotspots, heat_rows
from maps.land import draw_land
from maps.mismatches import draw_mismatches
from maps.outlines import bounds_latlon, label_places, simplified, thinned
from maps.points import add_address_points
from maps.progress import draw_progress
from maps.texts import chinese, english
from tests.unit.maps_district import AS_OF, SIDE, SOUTH, WEST, areas, coverage_frame


def payload_of(drawn: GridMap, kind: type[AreaLayer | FindingsLayer] = AreaLayer) -> dict[str, Any]:
    [payload] = [child.payload for child in drawn._children.values() if isinstance(child, kind)]
    assert isinstance(payload, dict)
    return payload


def properties(drawn: GridMap) -> dict[str, dict[str, Any]]:
    return {each["properties"]["name"]: each["properties"] for each in payload_of(drawn)["features"]["features"]}


def test_coverage_shows_the_check_figures_of_the_domain() -> None:
    drawn = draw_coverage(coverage_frame(), standard=800)

    town = properties(drawn)["石塘镇"]
    assert payload_of(drawn)["captions"] == ["负荷", "在岗 / 应配专管员", "覆盖率", "登记流动人口", "缺额"]
    assert town["figures"] == ["1,265 人/员", "26 / 42 人", "63.2%", "32,900 人", "16 人"]
    assert (town["class"], town["value"], town["parent"]) == ("load_3", "1,265", 1)
    assert payload_of(drawn)["root"]["figures"][0] == "1,037 人/员"
    assert payload_of(drawn)["note"] == "数据截至 2026-11-22；来源：居住登记库"


def test_uncovered_empty_and_no_data_are_neither_each_other_nor_zero() -> None:
    shown = properties(draw_coverage(coverage_frame(), standard=800))

    special = {name: (shown[name]["class"], shown[name]["value"]) for name in ("小区2", "小区3", "小区5", "第1村")}
    assert special == {
        "小区2": ("uncovered", "未覆盖"),
        "小区3": ("empty", "无流动人口"),
        "小区5": ("no_data", "无数据"),
        "第1村": ("load_1", "800"),
    }


def test_an_average_without_anybody_today_is_no_shortage_on_the_map() -> None:
    frame = coverage_frame()
    frame.loc[10, ["status", "load"]] = ["short", pd.NA]

    assert properties(draw_coverage(frame, standard=800))["小区3"]["class"] == "empty"


def test_compounds_travel_only_when_nobody_serves_them() -> None:
    served = draw_coverage(coverage_frame(), standard=800, urls=MapUrls(areas="/a/{area_id}/{level}"))
    embedded = draw_coverage(coverage_frame(), standard=800)

    levels = {each["level"] for each in properties(served).values()}
    assert levels == {"township", "village"}
    assert payload_of(served)["fetched"] == "compound"
    assert [level["key"] for level in payload_of(served)["levels"]] == ["township", "village", "compound"]
    assert len(properties(embedded)) == 14


def test_served_compounds_are_the_same_features_as_embedded_ones() -> None:
    frame = coverage_frame()
    compounds = frame[frame["level"] == "compound"]

    fetched = coverage_features(compounds, standard=800)["features"]

    whole = payload_of(draw_coverage(frame, standard=800))["features"]["features"]
    assert fetched == [each for each in whole if each["properties"]["level"] == "compound"]


def test_a_class_that_the_legend_does_not_explain_is_refused() -> None:
    frame = coverage_frame()
    frame.loc[2, "status"] = "nonsense"

    with pytest.raises(ValueError, match="not in the legend"):
        draw_coverage(frame, standard=800)


def test_dates_that_differ_are_shown_per_area() -> None:
    frame = coverage_frame()
    frame["as_of"] = frame["as_of"].astype(object)
    frame.loc[2, "as_of"] = dt.date(2026, 10, 1)

    line, columns = provenance(frame, chinese)

    assert line == "来源：居住登记库"
    assert columns["数据截至"].loc[[2, 3]].tolist() == ["2026-10-01", str(AS_OF)]
    assert provenance(frame.drop(columns=["as_of"]), english)[0] == "Source: 居住登记库"


def test_hotspots_name_their_class_and_leave_no_data_apart() -> None:
    frame = areas()[lambda land: land["level"] == "compound"].assign(
        rate=[0.5, *[0.1] * 6, float("nan")],
        rate_adjusted=[0.4, *[0.1] * 6, float("nan")],
        gi_z=[3.25, *[0.0] * 6, float("nan")],
        q_value=[0.004, *[0.9] * 6, float("nan")],
        hotspot=["hot_99", *["not_significant"] * 6, "no_data"],
    )

    towns = areas()[lambda land: land["level"] == "township"]
    drawn = draw_hotspots(frame, frames=towns)

    shown = properties(drawn)
    assert [name for name, each in shown.items() if "unnamed" not in each] == ["小区1"]
    assert [each["properties"]["name"] for each in payload_of(drawn)["frames"]["features"]] == towns["name"].tolist()
    assert shown["小区1"]["figures"] == ["热点 99%", "50.0%", "40.0%", "3.25", "0.004"]
    assert shown["小区8"]["figures"] == ["无数据", "—", "—", "—", "—"]


def test_plain_land_has_names_and_counts_nothing() -> None:
    drawn = draw_land(areas())

    assert {each["class"] for each in properties(drawn).values()} == {"land"}
    assert all("unnamed" not in each and each["value"] == "" for each in properties(drawn).values())
    assert payload_of(drawn)["captions"] == []


def test_heat_adds_up_points_of_one_place_and_refuses_what_is_no_place() -> None:
    points = pd.DataFrame({"lon": [121.5, 121.50001, 121.6], "lat": [30.0, 30.00001, 30.0], "weight": [1, 2, 3]})

    assert heat_rows(points) == [[30.0, 121.5, 8.0], [30.0, 121.6, 8.0]]
    for bad in (points.assign(lon=float("nan")), points.assign(weight=-1)):
        with pytest.raises(ValueError, match="heat points"):
            heat_rows(bad)


def test_mismatches_tell_zero_no_rate_and_no_data_apart() -> None:
    frame = areas()[lambda land: land["level"] == "village"].assign(
        count=pd.array([12, 0, 3, None], dtype="Int64"),
        rate_per_1000=pd.array([15.0, 0.0, None, None], dtype="Float64"),
        duplicate=pd.array([4, 0, 1, None], dtype="Int64"),
    )

    drawn = draw_mismatches(frame, edges=[10.0])

    shown = properties(drawn)
    assert payload_of(drawn)["captions"] == ["不一致率", "不一致条数", "重登"]
    assert {name: each["class"] for name, each in shown.items()} == {
        "第1村": "rate_1",
        "第2村": "none",
        "第3村": "no_base",
        "第4村": "no_data",
    }
    assert shown["第1村"]["figures"] == ["15.0 ‰", "12 条", "4"]


def test_the_progress_of_a_quarter_tells_late_and_unopened_villages_apart() -> None:
    villages = (
        areas()
        .iloc[3:7]
        .assign(
            state=["matched", "closed", None, "worked"],
            is_overdue=[False, False, False, True],
            found=[10, 4, 0, 3],
            settled=[5, 4, 0, 3],
            share_settled=pd.array([0.5, 1.0, None, 1.0], dtype="Float64"),
        )
    )

    drawn = draw_progress(villages, quarter="2026-Q4")

    shown = properties(drawn)
    assert [shown[f"第{n}村"]["class"] for n in (1, 2, 3, 4)] == ["matched", "closed", "unopened", "overdue"]
    assert shown["第1村"]["figures"] == ["已比对", "10 条", "5 条", "50.0%"]
    assert drawn.figure.legends[0].title == "季度对账 2026-Q4"


def test_a_beat_that_nobody_holds_is_hatched_and_said_so() -> None:
    beats = (
        areas().iloc[3:7].rename_axis("beat_id").assign(officer=["王*", "李*", None, "张*"], addresses=[1, 2, 3, 1200])
    )

    drawn = draw_beats(beats)

    shown = properties(drawn)
    assert shown["第3村"]["class"] == "vacant"
    assert shown["第3村"]["figures"] == ["无人负责", "3"]
    assert shown["第4村"]["figures"] == ["张*", "1,200"]
    assert payload_of(drawn)["classes"]["vacant"]["fill"] == "url(#gm-hatch-vacant)"
    assert [each.label for each in drawn.figure.legends[0].classes] == ["有专管员", "无专管员"]


def test_neighbours_never_share_a_colour() -> None:
    tiles = gpd.GeoSeries([box(x, y, x + 1, y + 1) for x in range(12) for y in range(12)])

    colours = neighbour_colours(tiles)

    one, other = shapely.STRtree(tiles).query(tiles, predicate="intersects")
    assert (colours.to_numpy()[one] != colours.to_numpy()[other])[one != other].all()
    assert colours.max() < 8


def test_findings_name_both_areas_and_skip_what_has_no_place() -> None:
    drawn = draw_coverage(coverage_frame(), standard=800)
    bow_tie = Polygon([(121.5, 30), (121.51, 30.01), (121.51, 30), (121.5, 30.01)])
    findings = gpd.GeoDataFrame(
        {
            "finding": ["overlap", "invalid_ring", "sliver_gap"],
            "severity": ["alarm", "alarm", "notice"],
            "area_id": [4, 5, 2],
            "other_id": pd.array([5, None, None], dtype="Int64"),
            "area_m2": [1234.0, float("nan"), 0.1],
            "addresses": pd.array([7, None, 0], dtype="Int64"),
        },
        geometry=[box(121.5, 30, 121.501, 30.001), bow_tie, None],
        crs="EPSG:4326",
    )

    add_findings(drawn, findings, names=areas()["name"])

    invalid, overlap = (each["properties"] for each in payload_of(drawn, FindingsLayer)["features"]["features"])
    assert overlap["figures"] == ["第1村 / 第2村", "1,234 平方米", "7"]
    assert (overlap["name"], overlap["radius"], overlap["at"]) == ("同级重叠", 8.0, [30.0005, 121.5005])
    assert invalid["figures"] == ["第2村", "—", "—"]
    with pytest.raises(ValueError, match="unknown kinds"):
        add_findings(drawn, findings.assign(finding="bump"))


def test_address_points_need_tiles() -> None:
    with pytest.raises(ValueError, match="address_tiles"):
        add_address_points(draw_coverage(coverage_frame(), standard=800), MapUrls())


def test_neighbours_still_share_their_border_after_simplification() -> None:
    wavy = [(121.5 + 0.0004 * (n % 2), 30 + n * 0.0002) for n in range(50)]
    left = Polygon([(121.4, 30), *wavy, (121.4, wavy[-1][1])])
    right = Polygon([(121.6, 30), *wavy, (121.6, wavy[-1][1])])
    land = gpd.GeoDataFrame(geometry=[left, right], crs="EPSG:4326")

    thin = simplified(land, 40)

    assert shapely.get_num_coordinates(thin).sum() < shapely.get_num_coordinates(land.geometry).sum() / 2
    assert thin.iloc[0].intersection(thin.iloc[1]).area == 0
    assert thin.union_all().interiors[:] == []
    assert (shapely.get_coordinates(thin).round(6) == shapely.get_coordinates(thin)).all()


def test_outlines_that_are_no_coverage_are_drawn_all_the_same() -> None:
    crumbled = box(0, 0, 1, 1).difference(
        shapely.union_all([box(n / 9, 0.5, n / 9 + 1e-7, 0.5 + 1e-7) for n in range(1, 9)])
    )
    overlapping = gpd.GeoDataFrame(geometry=[crumbled, box(0.5, 0.5, 2, 2), box(0.4, -1, 0.6, 3)], crs="EPSG:4326")

    drawn = simplified(overlapping, 20)

    assert len(drawn) == 3
    assert drawn.iloc[0].interiors[:] == []
    assert shapely.area(drawn.to_numpy()) == pytest.approx(shapely.area(overlapping.geometry.to_numpy()), rel=1e-3)


@pytest.mark.real_data
def test_real_townships_with_slivers_between_them_are_drawn_thin_and_whole(real_data: Path) -> None:
    land = gpd.read_file(real_data / "keelung" / "areas.gpkg", layer="township").to_crs("EPSG:3826")
    polygons = land.geometry.to_numpy()
    with pytest.raises(shapely.errors.GEOSException):
        shapely.coverage_simplify(polygons, 16)

    together = simplified(land, 16).to_crs("EPSG:3826").to_numpy()
    one_by_one = thinned(polygons, 16)

    assert shapely.area(together) == pytest.approx(shapely.area(polygons), rel=2e-3)
    assert shapely.area(one_by_one) == pytest.approx(shapely.area(polygons), rel=2e-3)
    assert shapely.get_num_coordinates(together).sum() < shapely.get_num_coordinates(polygons).sum() / 4


def test_a_label_lies_in_the_widest_part() -> None:
    key = shapely.union_all([box(0, 0, 0.1, 0.1), box(0.1, 0.04, 0.5, 0.06)])

    [[lat, lon]] = label_places(gpd.GeoDataFrame(geometry=[key], crs="EPSG:4326"))

    assert 0.04 < lat < 0.06
    assert 0.04 < lon < 0.06


def test_the_map_opens_on_the_district() -> None:
    assert bounds_latlon(areas()) == [[SOUTH, WEST], [SOUTH + 4 * SIDE, pytest.approx(WEST + 8 * SIDE)]]
    with pytest.raises(ValueError, match="nothing to draw"):
        bounds_latlon(areas().iloc[:0])


def test_land_without_a_crs_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="CRS"):
        simplified(areas().set_crs(None, allow_override=True), 1)
