"""What holds for every address text."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.normalise import normalise, normalise_text
from gis_service.addresses.text.parse import format_parts, parse
from gis_service.addresses.text.scanning import PARTS

ROADS = ["中官路", "信一路", "百二街", "潮平巷", "庄市大道"]
AREAS = pd.DataFrame(
    [
        (1, "d", "镇海区", "district", pd.NA), (2, "t", "庄市街道", "township", 1), (3, "v", "石塘村", "village", 2),
        (4, "w", "三号桥村", "village", 2), (5, "c", "枫和花园", "compound", 3),
    ],
    columns=["area_id", "code", "name", "level", "parent_id"],
).set_index("area_id")  # fmt: skip
GAZETTEER = Gazetteer.from_areas(AREAS, ROADS)

ADDRESS_CHARACTERS = (
    "0123４５ 之-－号號楼樓層层室幢栋座房间BbF#第组村民小地下底甲A一二十百零〇千廿弄巷邻单元段路中官.支临"
)
texts = st.one_of(
    st.text(alphabet=ADDRESS_CHARACTERS, max_size=14),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=10),
)
numbers = st.integers(1, 2999).map(str)
hyphened = st.one_of(numbers, st.tuples(numbers, numbers).map("-".join))


def numbered(word: str, values: st.SearchStrategy[str] = numbers) -> st.SearchStrategy[str | None]:
    return st.none() | values.map(lambda value: value + word)


parts = st.fixed_dictionaries(
    {
        "region": st.none(),
        "district": st.none() | st.just("镇海区"),
        "township": st.none() | st.just("庄市街道"),
        "village": st.none() | st.sampled_from(["石塘村", "3号桥村"]),
        "compound": st.none() | st.just("枫和花园"),
        "group": numbered("组"),
        "road": st.sampled_from(ROADS),
        "section": numbered("段"),
        "lane": numbered("弄"),
        "alley": numbered("支弄"),
        "number": numbered("号", hyphened),
        "building": numbered("幢", hyphened) | st.sampled_from(["A幢", "甲幢"]),
        "unit": numbered("单元"),
        "floor": numbered("楼") | st.sampled_from(["地下楼", "地下1楼"]),
        "room": numbered("室", hyphened),
    }
)


@settings(max_examples=500)
@given(texts)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@given(st.lists(texts, max_size=6))
def test_many_texts_are_spelt_as_each_alone(given_texts: list[str]) -> None:
    assert normalise(pd.Series(given_texts, dtype="object")).tolist() == [normalise_text(text) for text in given_texts]


@given(st.lists(parts, min_size=1, max_size=4))
def test_parts_written_and_taken_apart_again_are_the_same(rows: list[dict[str, str | None]]) -> None:
    written = pd.DataFrame(rows, columns=pd.Index(PARTS)).astype("str")
    found = parse(format_parts(written), GAZETTEER)
    pd.testing.assert_frame_equal(found[list(PARTS)], written)
    assert found["rest"].eq("").all()


@given(st.lists(texts, min_size=1, max_size=4))
def test_no_character_of_a_text_is_lost_or_invented(given_texts: list[str]) -> None:
    series = pd.Series(given_texts, dtype="object")
    found = parse(series, GAZETTEER)
    kept = format_parts(found) + found["rest"]
    for text, spelt in zip(kept, normalise(series), strict=True):
        # a bare number gets its word, and a hyphen between two parts goes
        assert sorted(set(spelt) - set(text)) in ([], [" "], ["-"], [" ", "-"])
        assert set(text) - set(spelt) <= set("室单元幢 ")
