"""What finds an address: searched forms, tokens, queries and how near a match is."""

from __future__ import annotations

import pandas as pd
import pytest

from gis_service.addresses.text.search_terms import (
    Needle,
    nearness,
    reading_order,
    search_terms,
    searched_forms,
    tokens_of,
)


def test_texts_are_searched_in_one_spelling_and_by_initials() -> None:
    forms = searched_forms(pd.Series(["中官路１８弄３栋", "重庆路2之1號A座", None, "18号 301 302"], index=[5, 6, 7, 8]))
    assert forms["text"].tolist() == ["中官路·18弄·3幢", "重庆路·2之·1号a幢", "", "·18号·301·302"]
    assert forms["initials"].tolist() == ["zgl·18l·3z", "cql·2z·1haz", "", "·18h·301·302"]
    assert forms.index.tolist() == [5, 6, 7, 8]


def test_tokens_are_single_characters_pairs_and_whole_numbers_of_both_forms() -> None:
    forms = pd.DataFrame({"text": ["中路·18", ""], "initials": ["zl·18", ""]})
    first, second = tokens_of(forms)
    assert set(first.split()) == {
        "中", "路", "1", "8", "中路", "·1", "18", "·18·", "z", "l", "zl",
    }  # fmt: skip
    assert second == ""


def test_every_row_has_its_own_tokens_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis_service.addresses.text.search_terms._CHUNK_ROWS", 2)
    texts = pd.Series([f"中官路{number}号" for number in range(1, 6)])
    tokens = tokens_of(searched_forms(texts))
    assert [f"·{number}·" in row.split() for number, row in enumerate(tokens, 1)] == [True] * 5


def test_a_query_has_only_tokens_that_what_it_finds_has() -> None:
    row = tokens_of(searched_forms(pd.Series(["浙江省镇海区中官路18弄3幢2单元301室"]))).iloc[0].split()
    for query in ("中官路18弄3幢", "路18", "8弄3", "1室", "zgl18", "l3z2dy301s", "室", "8", "18弄 301"):
        for term in search_terms(query):
            assert any(set(needle.tokens()) <= set(row) for needle in term), query
    for query in ("路18", "18弄3", "301", "zgl18", "路18弄3幢2"):
        for term in search_terms(query):
            assert any(set(needle.exact.tokens(whole_last=True)) <= set(row) for needle in term), query


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("中官路１８", [(Needle("text", "中官路·18"),)]),
        ("18号", [(Needle("text", "18号"),)]),
        ("中官路 3栋", [(Needle("text", "中官路"),), (Needle("text", "3幢"),)]),
        ("路十八", [(Needle("text", "路十八"), Needle("text", "路·18"))]),
        ("ZGL", [(Needle("text", "zgl"), Needle("initials", "zgl"))]),
        ("zgl2-1", [(Needle("text", "zgl·2之·1"), Needle("initials", "zgl·2z·1"))]),
        (" ( ) ", []),
        ("", []),
    ],
)
def test_queries_are_read(query: str, terms: list[tuple[Needle, ...]]) -> None:
    assert search_terms(query) == terms


@pytest.mark.parametrize(
    ("text", "query", "distance"),
    [
        ("中官路·18号", "路18", 0), ("中官路·180号", "路18", 1), ("中官路·118号", "18", 2), ("中官路·18号", "18号", 0),
        ("中官路·118号", "18号", 2), ("中官路·18号", "中官", 0), ("中官路·118号·3楼", "18号 3楼", 2),
    ],
)  # fmt: skip
def test_whole_numbers_are_nearest(text: str, query: str, distance: int) -> None:
    assert nearness(text, "", search_terms(query)) == distance


def test_numbers_are_put_in_order_as_numbers() -> None:
    assert sorted(["路·10号", "路·2号", "路·2之·1号"], key=reading_order) == ["路·2之·1号", "路·2号", "路·10号"]
