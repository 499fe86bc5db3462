"""Search as you type on both databases: any part of a text, pinyin initials, codes, within scope, in step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import shapely
from sqlalchemy import Engine, delete, func, select, text, update

from gis_service.access.audit import record
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.queries import addresses
from gis_service.addresses.search import search_addresses
from gis_service.addresses.search_index import index_addresses
from gis_service.addresses.search_store import SearchedPart, search_store
from gis_service.addresses.tables import Address, AddressSearch, Placement
from gis_service.areas.tables import Area, AreaVersion
from gis_service.settings import Settings
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.storage.kept import Kept
from gis_service.storage.schema import upgrade_schema
from tests.private_postgres import create_database

DAY = date(2026, 11, 22)
EVERYTHING = Scope(DAY, None)
BOTH_PARTS = Scope(DAY, frozenset([1, 2]))
WEST, EAST = 1, 2
TEXTS = {
    1: "镇海区庄市街道中官路１８弄３栋２单元３０１室",
    2: "镇海区庄市街道中官路18号",
    3: "镇海区庄市街道中官路2号",
    4: "镇海区庄市街道中官路118号",
    5: "镇海区庄市街道中官路180号",
    6: "镇海区招宝山街道重庆路18号之1",
    7: "镇海区招宝山街道重庆路十八号二樓",
    8: "镇海区招宝山街道信一路9号(100%_'\\\"&|!*:)",
}


@pytest.fixture
def district(engine: Engine) -> Engine:
    """Eight addresses: the first five in the west, the others in the east."""
    square = shapely.multipolygons([shapely.box(121.5, 29.9, 121.6, 30.0)])
    with transaction(engine) as session:
        insert_frame(session, Area, pd.DataFrame({"id": [WEST, EAST], "level": "village"}))
        versions = pd.DataFrame({"id": [WEST, EAST], "area_id": [WEST, EAST], "code": ["w", "e"], "name": ["西", "东"]})
        versions = versions.assign(
            geom=[square, square], source="test", recorded_at=pd.Timestamp(DAY), valid_from=pd.Timestamp("2020-01-01")
        )
        insert_frame(session, AreaVersion, versions)
        rows = pd.DataFrame({"id": list(TEXTS), "text": list(TEXTS.values()), "point_source": "none"})
        insert_frame(session, Address, rows.assign(code=[f"ZH{number:04}" for number in TEXTS]))
        homes = [WEST] * 5 + [EAST] * 3
        placements = pd.DataFrame({"id": list(TEXTS), "address_id": list(TEXTS), "home_area_id": homes})
        insert_frame(session, Placement, placements.assign(valid_from=pd.Timestamp("2020-01-01")))
        assert index_addresses(session, None) == len(TEXTS)
    return engine


def found(
    engine: Engine, query: str, scope: Scope = EVERYTHING, limit: int = 20, kept: Kept[SearchedPart] | None = None
) -> list[int]:
    with reading(engine) as session:
        return search_addresses(session, scope, query, limit, kept=kept or search_store()).index.tolist()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("中", {1, 2, 3, 4, 5}),
        ("官路", {1, 2, 3, 4, 5}),
        ("重庆路", {6, 7}),
        ("路18", {1, 2, 5, 6, 7}),
        ("3幢", {1}),
        ("３栋", {1}),
        ("十八弄", {1}),
        ("中官路十八", {1, 2, 5}),
        ("18号之1", {6}),
        ("18-1号", {6}),
        ("庄市 301", {1}),
        ("301 重庆", set()),
        ("zgl", {1, 2, 3, 4, 5}),
        ("ZGL18", {1, 2, 5}),
        ("cql", {6, 7}),
        ("zql", set()),
        ("zh0003", {3}),
        ("ZH000", set(TEXTS)),
        ("100", {8}),
        ("市庄", set()),
        ("路中", set()),
    ],
)
def test_an_address_is_found_by_any_part(district: Engine, query: str, ids: set[int]) -> None:
    assert set(found(district, query)) == ids
    assert found(district, query) == found(district, query, BOTH_PARTS)  # through the index and in memory


@pytest.mark.parametrize("query", ["", " ", "%", "_", "'", '"', "\\", "&|!", "* OR (", "不存在", "·", ":*"])
def test_signs_find_nothing_and_break_nothing(district: Engine, query: str) -> None:
    assert found(district, query) == found(district, query, BOTH_PARTS) == []


def test_whole_numbers_come_before_the_beginnings_and_the_ends_of_others(district: Engine) -> None:
    assert found(district, "中官路18") == [2, 1, 5]
    assert found(district, "18号") == [2, 7, 4]
    assert found(district, "18") == [2, 1, 6, 7, 5, 4]


def test_what_is_exact_is_found_however_few_are_shown(district: Engine) -> None:
    assert found(district, "18号", limit=1) == found(district, "18号", BOTH_PARTS, limit=1) == [2]
    assert found(district, "路18", BOTH_PARTS, limit=1) == found(district, "路18", limit=1)


def test_2_comes_before_18(district: Engine) -> None:
    assert found(district, "中官路")[:2] == [3, 2]


def test_only_what_is_in_scope_is_found(district: Engine) -> None:
    assert set(found(district, "18", Scope(DAY, frozenset([EAST])))) == {6, 7}
    assert found(district, "重庆路", Scope(DAY, frozenset([WEST]))) == []
    assert found(district, "ZH0006", Scope(DAY, frozenset([WEST]))) == []
    assert found(district, "18", Scope(DAY, None, frozenset())) == []
    assert found(district, "18", Scope(date(2019, 12, 31), None)) == []


def test_a_wide_scope_is_searched_through_the_index(district: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis_service.addresses.search_store.MOST_OF_A_PART", 0)
    assert found(district, "18", Scope(DAY, frozenset([EAST]))) == [6, 7]
    assert found(district, "重庆路", Scope(DAY, frozenset([WEST]))) == []


def test_the_list_of_addresses_searches_alike(district: Engine) -> None:
    with reading(district) as session:
        page, total = addresses(session, EVERYTHING, search="zgl18", limit=2)
        assert (page.index.tolist(), total) == ([1, 2], 3)
        assert addresses(session, EVERYTHING, search="ZH0003")[1] == 1
        assert addresses(session, EVERYTHING, search="%")[1] == 0


def test_a_list_is_counted_only_so_far_and_shows_the_same(district: Engine) -> None:
    with reading(district) as session:
        page, total = addresses(session, EVERYTHING, search="中官路", offset=1, limit=2, count_to=3)
        assert (page.index.tolist(), total) == ([2, 3], 4), "four stands for more than three"
        assert addresses(session, EVERYTHING, search="中官路", count_to=5)[1] == 5
        assert addresses(session, EVERYTHING, count_to=5)[1] == 6


def test_what_waits_is_searched_row_by_row_and_found_alike(district: Engine) -> None:
    with transaction(district) as session:
        session.execute(update(Placement).values(unresolved="outside"))
    with reading(district) as session:
        for typed in ("zgl18", "ZH0003", "十八弄", "庄市 301", "%", "zql"):
            expected = addresses(session, EVERYTHING, search=typed)[0].index.tolist()
            assert addresses(session, EVERYTHING, search=typed, only_unresolved=True)[0].index.tolist() == expected


def test_a_changed_text_is_found_by_what_it_says_now(district: Engine) -> None:
    with transaction(district) as session:
        session.execute(update(Address).where(Address.id == 3).values(text="镇海区庄市街道逸夫路7号", code="ZH0009"))
        assert index_addresses(session, [3]) == 1
    assert 3 not in found(district, "中官路")
    assert found(district, "yfl7") == [3]
    assert found(district, "ZH0009") == [3]


def test_a_part_in_memory_is_read_anew_when_the_data_changes(district: Engine) -> None:
    west, kept = Scope(DAY, frozenset([WEST])), search_store()
    assert found(district, "中官路2号", west, kept=kept) == [3]
    with transaction(district) as session:
        session.execute(update(Address).where(Address.id == 3).values(text="镇海区庄市街道逸夫路7号"))
        index_addresses(session, [3])
        record(session, SHELL, "import", "addresses", "a.csv")
    assert found(district, "中官路2号", west, kept=kept) == []
    assert found(district, "yfl7", west, kept=kept) == [3]


def test_indexing_again_changes_nothing(district: Engine) -> None:
    with transaction(district) as session:
        index_addresses(session, list(TEXTS))
        index_addresses(session, None)
        assert session.scalar(select(func.count()).select_from(AddressSearch)) == len(TEXTS)
    assert found(district, "重庆路") == [6, 7]


def test_a_deleted_address_is_forgotten(district: Engine) -> None:
    with transaction(district) as session:
        session.execute(delete(Placement).where(Placement.address_id == 6))
        session.execute(delete(Address).where(Address.id == 6))
    assert found(district, "重庆路") == [7]
    with reading(district) as session:
        assert session.scalar(select(func.count()).select_from(AddressSearch)) == len(TEXTS) - 1
        if district.dialect.name == "sqlite":
            asked = text("SELECT rowid FROM address_search_tokens WHERE address_search_tokens MATCH '\"重庆\"'")
            assert session.scalars(asked).all() == [7]


def test_what_is_rolled_back_was_not_indexed(district: Engine) -> None:
    with reading(district) as session:
        session.execute(update(Address).where(Address.id == 3).values(text="镇海区逸夫路7号"))
        index_addresses(session, [3])
    assert found(district, "yfl7") == []
    assert 3 in found(district, "中官路")


@pytest.fixture(params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database from before addresses could be searched for by parts, with one address."""
    if request.param == "spatialite":
        settings = Settings(data_dir=tmp_path)
    else:
        settings = Settings(
            data_dir=tmp_path, database_url=create_database(request.getfixturevalue("cluster"), "before_search")
        )
    opened = open_engine(settings)
    upgrade_schema(opened, "0002")
    with opened.begin() as connection:
        for statement in (
            "INSERT INTO address (id, code, text, point_source) VALUES (7, 'A', '中官路7号', 'none')",
            "INSERT INTO placement (id, address_id, valid_from) VALUES (1, 7, '2020-01-01')",
        ):
            connection.execute(text(statement))
    yield opened
    opened.dispose()


def test_addresses_of_an_older_database_are_found_after_its_upgrade(older: Engine) -> None:
    upgrade_schema(older)
    assert found(older, "zgl7") == [7]
