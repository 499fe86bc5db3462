"""One spelling of an address text: what is rewritten, and what is a name and stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gis_service.addresses.text.normalise import normalise, normalise_text


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("中官路１８弄３栋２单元３０１室", "中官路18弄3幢2单元301室"),
        ("中官路 18弄，3栋、2单元 301室。", "中官路18弄3幢2单元301室"),
        ("中官路十八弄三号楼二單元二〇三房", "中官路18弄3幢2单元203室"),
        ("三合街2之1號", "三合街2-1号"),
        ("三合街2號之1", "三合街2-1号"),
        ("三合街２－１號", "三合街2-1号"),
        ("復興路235號八樓之6", "復興路235号8-6楼"),
        ("安一路348之21號乙棟三樓", "安一路348-21号乙幢3楼"),
        ("安樂路二段195號地下一層之9", "安樂路2段195号地下1-9楼"),
        ("18号B1F", "18号地下1楼"),
        ("18号3F", "18号3楼"),
        ("18号底层", "18号底楼"),
        ("18号A座1203房间", "18号A幢1203室"),
        ("第三村民小组12号", "3组12号"),
        ("018弄 03幢 301", "18弄3幢301"),
        ("18号 301 302", "18号301 302"),
        ("廿三弄一百零五号", "23弄105号"),
    ],
)
def test_texts_are_spelt_one_way(text: str, spelt: str) -> None:
    assert normalise_text(text) == spelt


@pytest.mark.parametrize("name", ["信一路", "義七路", "三合街", "百二街", "国栋路", "八堵", "六合", "两头门", "十里亭"])
def test_numerals_and_words_inside_names_stay(name: str) -> None:
    assert normalise_text(name) == name


def test_many_texts_are_spelt_as_each_alone_and_keep_their_index() -> None:
    texts = pd.Series(["中官路１８号", None, "", "二\n号", "三合街2之1號\r\n"], index=[9, 7, 5, 3, 1])
    spelt = normalise(texts)
    assert spelt.tolist() == ["中官路18号", "", "", "2号", "三合街2-1号"]
    assert spelt.index.tolist() == [9, 7, 5, 3, 1]


def test_a_text_whose_characters_all_stand_apart_is_one_text() -> None:
    assert normalise_text("云 康 家 园 1 2 幢 2 单 元 3 0 1 室") == "云康家园12幢2单元301室"
    assert normalise_text("云康家园 12幢 2 301") == "云康家园12幢2 301"


def test_no_texts_are_no_texts() -> None:
    assert normalise(pd.Series([], dtype="str")).tolist() == []


def test_missing_texts_of_any_kind_are_empty() -> None:
    assert normalise(pd.Series([None, np.nan, pd.NA], dtype="object")).tolist() == ["", "", ""]
