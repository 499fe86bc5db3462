"""The same place in different words: village, road and every number equal."""

from __future__ import annotations

import pandas as pd
import pytest

from gis_service.addresses.text.duplicates import duplicates
from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.parse import parse

AREAS = pd.DataFrame(
    [(1, "d", "镇海区", "district", pd.NA), (2, "t", "庄市街道", "township", 1), (3, "v", "石塘村", "village", 2)],
    columns=["area_id", "code", "name", "level", "parent_id"],
).set_index("area_id")
GAZETTEER = Gazetteer.from_areas(AREAS, roads=["中官路"])


def groups(*texts: str, villages: pd.Series | None = None) -> list[int | None]:
    found = duplicates(parse(pd.Series(texts), GAZETTEER), villages)
    return [None if pd.isna(group) else int(group) for group in found]


def test_different_words_for_one_place_are_duplicates() -> None:
    assert groups(
        "石塘村中官路１８弄３栋３０１室",
        "庄市街道石塘村中官路18弄3幢301",
        "石塘村中官路9号",
        "石塘村中官路十八弄3号楼301房",
    ) == [0, 0, None, 0]


@pytest.mark.parametrize(
    "other",
    [
        "石塘村中官路18弄3幢302室", "石塘村中官路18弄4幢301室", "石塘村中官路19弄3幢301室", "石塘村中官路18弄3幢",
        "石塘村中官路18弄3幢1单元301室", "石塘村中官路18号3幢301室", "中官路18弄3幢301室", "石塘村18弄3幢301室",
        "石塘村中官路18弄3幢3楼301室",
    ],
)  # fmt: skip
def test_one_number_more_less_or_other_is_another_place(other: str) -> None:
    assert groups("石塘村中官路18弄3幢301室", other) == [None, None]


def test_what_was_not_wholly_understood_is_not_compared() -> None:
    assert groups("石塘村中官路18号后门", "石塘村中官路18号后门") == [None, None]


def test_without_a_number_nothing_is_compared() -> None:
    assert groups("石塘村中官路", "石塘村中官路") == [None, None]


def test_groups_of_neighbours_count_only_without_a_road() -> None:
    assert groups("石塘村3组中官路18号", "石塘村4组中官路18号") == [0, 0]
    assert groups("石塘村3组18号", "石塘村4组18号", "石塘村第三组18号") == [0, None, 0]


def test_a_village_known_otherwise_comes_first() -> None:
    texts = ("中官路18号", "石塘村中官路18号", "中官路18号")
    assert groups(*texts, villages=pd.Series(["v", None, "w"])) == [0, 0, None]
