"""Addresses that came as a text only get their parts from it, on both databases."""

from __future__ import annotations

from sqlalchemy import Engine, select

from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL
from gis_service.addresses.parts import PartsFilled, fill_parts
from gis_service.addresses.tables import Address
from gis_service.storage.engine import reading, transaction
from tests.integration.board import TODAY

TEXTS = {
    "T-1": "中官路１８弄３栋２单元３０１室",
    "T-2": "中官路18号",
    "T-3": "中官路二十号",
    "T-4": "不知何处",
    "T-5": "中官路7号" + "1" * 40 + "室",
}


def test_texts_are_taken_apart_once_and_what_came_with_parts_stays(engine: Engine) -> None:
    with transaction(engine) as session:
        rows = [Address(code=code, text=text, point_source="none") for code, text in TEXTS.items()]
        session.add_all([*rows, Address(code="T-6", text="中官路9号", building="甲", point_source="none")])
    assert fill_parts(engine, SHELL, TODAY) == PartsFilled(addresses=5, filled=4, understood=4)
    with reading(engine) as session:
        columns = (Address.road, Address.lane, Address.number, Address.building, Address.unit, Address.room)
        told = {row[0]: tuple(row[1:]) for row in session.execute(select(Address.code, *columns))}
        acts = session.scalars(select(AuditEntry.action)).all()
    assert told["T-1"] == ("中官路", "18弄", None, "3幢", "2单元", "301室")
    assert told["T-2"][:3] == ("中官路", None, "18号")
    assert told["T-3"][:3] == ("中官路", None, "20号")
    assert told["T-4"] == (None,) * 6
    assert told["T-5"] == ("中官路", None, "7号", None, None, None)  # no table holds such a room
    assert told["T-6"] == (None, None, None, "甲", None, None)
    assert "fill_address_parts" in acts
    assert fill_parts(engine, SHELL, TODAY).filled == 0
