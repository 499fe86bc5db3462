"""Address texts to parts: a small district with names that are hard on purpose, and Keelung's real door plates."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyogrio
import pytest

from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.normalise import normalise
from gis_service.addresses.text.parse import format_parts, parse, roads_seen, stored_parts

AREAS = pd.DataFrame(
    [
        (1, "330211", "镇海区", "district", pd.NA),
        (2, "330211001", "招宝山街道", "township", 1),
        (3, "330211100", "澥浦镇", "township", 1),
        (4, "330211001001", "城东社区", "village", 2),
        (5, "330211100201", "三号桥村", "village", 3),
        (6, "330211001202", "石塘村", "village", 2),
        (7, "330211100202", "石塘村", "village", 3),
        (8, "330211001001001", "枫和花园", "compound", 4),
        (9, "330211100201001", "后沈岙", "compound", 5),
        (10, "330211001001002", "330211001001002", "compound", 4),
    ],
    columns=["area_id", "code", "name", "level", "parent_id"],
).set_index("area_id")
GAZETTEER = Gazetteer.from_areas(AREAS, roads=["中官路", "城东路", "潮平巷"])


def parts_of(text: str) -> dict[str, str]:
    row = parse(pd.Series([text]), GAZETTEER).iloc[0]
    return {str(name): value for name, value in row.items() if pd.notna(value) and value != ""}


def test_a_full_address_is_taken_apart() -> None:
    assert parts_of("浙江省宁波市镇海区招宝山街道城东社区中官路１８弄枫和花园３栋二单元３０１室") == {
        "region": "浙江省宁波市", "district": "镇海区", "township": "招宝山街道", "village": "城东社区",
        "compound": "枫和花园", "road": "中官路", "lane": "18弄", "building": "3幢", "unit": "2单元", "room": "301室",
        "township_code": "330211001", "village_code": "330211001001", "compound_code": "330211001001001",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("中官路18号301", {"road": "中官路", "number": "18号", "room": "301室"}),
        ("中官路18弄3-2-301", {"road": "中官路", "lane": "18弄", "building": "3幢", "unit": "2单元", "room": "301室"}),
        ("中官路18弄3幢2-301", {"road": "中官路", "lane": "18弄", "building": "3幢", "unit": "2单元", "room": "301室"}),
        ("中官路18弄-3幢-301室", {"road": "中官路", "lane": "18弄", "building": "3幢", "room": "301室"}),
        ("中官路112巷110弄17之2號", {"road": "中官路", "lane": "112巷", "alley": "110弄", "number": "17-2号"}),
        ("中官路二段8号三楼", {"road": "中官路", "section": "2段", "number": "8号", "floor": "3楼"}),
        ("城东路A12号", {"road": "城东路", "number": "A12号"}),
        ("城东路12号甲", {"road": "城东路", "number": "12号", "rest": "甲"}),
        ("城东路12甲号", {"road": "城东路", "number": "12甲号"}),
        ("城东路臨70號地下层", {"road": "城东路", "number": "臨70号", "floor": "地下楼"}),
        ("潮平巷3号", {"road": "潮平巷", "number": "3号"}),
        ("301室3幢中官路18弄", {"road": "中官路", "lane": "18弄", "building": "3幢", "room": "301室"}),
    ],
)
def test_numbers_are_understood_by_their_words_and_places(text: str, parts: dict[str, str]) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("不知路18号", "不知路"),
        ("中官路18", "18"),
        ("中官路18弄3-301", "3-301"),
        ("中官路18号20号", "20号"),
        ("中官路18号(老卫生院3楼)", "(老卫生院 )"),
        ("老槐树旁中官路18号对面", "老槐树旁 对面"),
    ],
)
def test_what_is_not_understood_is_kept(text: str, rest: str) -> None:
    assert parts_of(text)["rest"] == rest


def test_a_name_with_a_numeral_is_a_name() -> None:
    assert parts_of("澥浦镇三号桥村后沈岙12号") == {
        "township": "澥浦镇", "village": "3号桥村", "compound": "后沈岙", "number": "12号",
        "township_code": "330211100", "village_code": "330211100201", "compound_code": "330211100201001",
    }  # fmt: skip


def test_a_village_name_of_two_townships_has_a_code_only_with_its_township() -> None:
    assert "village_code" not in parts_of("石塘村12号")
    assert parts_of("澥浦镇石塘村12号")["village_code"] == "330211100202"


def test_a_village_that_is_not_in_the_stated_township_has_no_code() -> None:
    assert parts_of("澥浦镇城东社区12号").keys() == {"township", "village", "number", "township_code"}


def test_an_area_called_by_its_code_is_no_name() -> None:
    assert "330211001001002" not in GAZETTEER.places


def test_roads_are_learnt_where_they_stand_before_numbers_often_enough() -> None:
    texts = pd.Series(
        ["城东社区枫林路1号", "城东社区枫林路2号", "城东社区孤路1号", "城东社区枫林路", "城东社区石敢当9号"] * 2
    )
    assert roads_seen(texts, GAZETTEER, least=3) == ["枫林路"]
    assert roads_seen(texts, GAZETTEER, least=2) == ["孤路", "枫林路"]
    assert parse(texts, GAZETTEER.with_roads(["枫林路"]))["rest"].ne("").sum() == 4


def test_parts_are_written_in_the_usual_order() -> None:
    parts = parse(pd.Series(["301室3栋中官路18弄城东社区"]), GAZETTEER)
    assert format_parts(parts).tolist() == ["城东社区中官路18弄3幢301室"]


def test_an_address_keeps_its_section_with_the_road_and_its_alley_with_the_lane() -> None:
    kept = stored_parts(parse(pd.Series(["中官路二段112巷110弄7号", "后沈岙12号"]), GAZETTEER))
    assert kept.columns.tolist() == ["road", "lane", "number", "building", "unit", "room"]
    assert kept.iloc[0].dropna().to_dict() == {"road": "中官路2段", "lane": "112巷110弄", "number": "7号"}
    assert kept.iloc[1].dropna().to_dict() == {"number": "12号"}


def test_no_texts_have_no_parts() -> None:
    assert parse(pd.Series([], dtype="str"), GAZETTEER).empty


@pytest.mark.real_data
def test_keelungs_door_plates_are_understood(real_data: Path) -> None:
    layers = [
        pyogrio.read_dataframe(real_data / "keelung" / "areas.gpkg", layer=layer, read_geometry=False)
        for layer in ("district", "township", "village", "compound")
    ]
    areas = pd.concat(layers, ignore_index=True).rename_axis("area_id")
    areas["parent_id"] = areas["parent_code"].map(pd.Series(areas.index, index=areas["code"])).astype("Int64")
    addresses = pd.read_csv(real_data / "keelung" / "addresses.csv.gz")
    gazetteer = Gazetteer.from_areas(areas)
    gazetteer = gazetteer.with_roads(roads_seen(addresses["address"], gazetteer, least=3))
    parts = parse(addresses["address"], gazetteer)
    whole = parts["rest"].eq("")
    assert whole.sum() >= 192_230 - 25  # 99.98 %
    assert format_parts(parts)[whole].eq(normalise(addresses["address"])[whole]).all()
    assert parts["number"].notna().sum() >= 192_220
    # one village of the tree hangs under another township than its addresses say: its code stays open
    said = parts["village_code"].notna()
    assert said.mean() > 0.979
    assert parts["village_code"][said].eq(addresses["stated_village"][said]).mean() > 0.9999
