"""Addresses that came as a text only get their parts from it, on both databases."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, select

from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL
from gis_service.addresses.parts import PartsFilled, fill_parts
from gis_service.addresses.search_index import matches
from gis_service.addresses.tables import Address
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from tests.import_steps import Desk
from tests.integration.board import TODAY

TEXTS = {
    "T-1": "中官路１８弄３栋２单元３０１室",
    "T-2": "中官路18号",
    "T-3": "中官路二十号",
    "T-4": "不知何处",
    "T-5": "中官路7号" + "1" * 40 + "室",
}


def told(engine: Engine, code: str) -> tuple[str | None, ...]:
    """The parts of an address."""
    columns = (Address.road, Address.lane, Address.number, Address.building, Address.unit, Address.room)
    with reading(engine) as session:
        return tuple(session.execute(select(*columns).where(Address.code == code)).one())


def test_texts_are_taken_apart_once_and_what_came_with_parts_stays(engine: Engine) -> None:
    with transaction(engine) as session:
        rows = [Address(code=code, text=text, point_source="none") for code, text in TEXTS.items()]
        session.add_all([*rows, Address(code="T-6", text="中官路9号", building="甲", point_source="none")])
    assert fill_parts(engine, SHELL, TODAY) == PartsFilled(addresses=5, filled=4, understood=4)
    with reading(engine) as session:
        acts = session.scalars(select(AuditEntry.action)).all()
    assert told(engine, "T-1") == ("中官路", "18弄", None, "3幢", "2单元", "301室")
    assert told(engine, "T-2")[:3] == ("中官路", None, "18号")
    assert told(engine, "T-3")[:3] == ("中官路", None, "20号")
    assert told(engine, "T-4") == (None,) * 6
    assert told(engine, "T-5") == ("中官路", None, "7号", None, None, None)  # no table holds such a room
    assert told(engine, "T-6") == (None, None, None, "甲", None, None)
    assert "fill_address_parts" in acts
    assert fill_parts(engine, SHELL, TODAY).filled == 0


def test_what_is_imported_as_a_text_has_its_parts_at_once(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    desk = Desk(engine, settings, tmp_path)
    rows = [f"{code},{text}" for code, text in TEXTS.items()]
    assert desk.lay("addresses", ["code,text", *rows]).counts["new"] == 5
    assert desk.lay("addresses", ["code,text", *rows]).counts["unchanged"] == 5
    assert told(engine, "T-1") == ("中官路", "18弄", None, "3幢", "2单元", "301室")
    desk.lay("addresses", ["code,text,building", "T-1,中官路18弄3幢,甲", "T-6,中官路9号,"])
    assert told(engine, "T-6") == (None,) * 6  # the file says which parts there are
    moved = ["code,text", "T-1,中官路18弄4幢", "T-2,中官路19号", "T-6,中官路11号"]
    assert desk.lay("addresses", moved).counts["changed"] == 3
    assert told(engine, "T-1")[3] == "甲", "what somebody gave stays"
    assert told(engine, "T-2")[:3] == ("中官路", None, "19号")
    assert told(engine, "T-6")[:3] == ("中官路", None, "11号")
    with reading(engine) as session:
        assert session.scalars(select(Address.code).where(matches(session, "中官路11号"))).all() == ["T-6"]
