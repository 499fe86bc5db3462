"""Registers as they are handed in: read, found among the standard addresses, matched with what the service has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from gis_service.access.personal import Vault
from gis_service.access.viewer import SHELL
from gis_service.errors import ConflictError, InvalidInputError
from gis_service.registers.mismatches.recording import Recorded
from gis_service.registers.quarters.actions import open_quarter
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.gathering import people_of_villages
from gis_service.registers.quarters.lists import read_list
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.registrations.actions import Person, register
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from layers.frames import check_people
from tests.integration.board import TODAY, Board

Q4 = Quarter(2026, 4)
HEADING = "编号,姓名,身份证号,电话,住址,地址编码,离开日期"
ZHANG = "V1,张三,11010519491231002x,138 0013 8000,N11路2号,A-N11-1,"


def written(folder: Path, name: str, *lines: str) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("\n".join([HEADING, *lines]), encoding="utf-8")
    return path


def test_a_list_is_taken_as_it_is_written_and_only_useless_rows_are_refused(settings: Settings, tmp_path: Path) -> None:
    rows = read_list(settings, written(tmp_path, "village", ZHANG, "V2,李四,1101051949123100,12,无名路1号,,2026-10-01"))
    assert rows["id_number"].tolist() == ["11010519491231002x", "1101051949123100"]
    assert rows["left_on"].tolist() == [pd.NaT, pd.Timestamp("2026-10-01")]
    assert rows["address_code"].isna().tolist() == [False, True]
    bad = written(tmp_path, "bad", "V1,,,,,,", "V1,张三,,,,,2026-13-01", ",王五,,,,,")
    with pytest.raises(InvalidInputError) as refused:
        read_list(settings, bad)
    assert [(fault.row, fault.field) for fault in refused.value.faults] == [
        (2, "name"),
        (3, "left_on"),
        (3, "source_key"),
        (4, "source_key"),
    ]


def test_people_of_a_village_come_with_their_standard_addresses(
    engine: Engine, settings: Settings, board: Board, vault: Vault, tmp_path: Path
) -> None:
    register(engine, SHELL, Person("张三", "11010519491231002X", "13800138000"), board.addresses["A-N11-1"],
             date(2026, 1, 5), today=TODAY)  # fmt: skip
    lists = {
        "village": read_list(settings, written(tmp_path, "village", ZHANG)),
        "grid": read_list(settings, written(tmp_path, "grid", ZHANG)),
    }
    with reading(engine) as session:
        people = check_people(people_of_villages(session, vault, Q4, [board.areas["N1"]], lists, today=TODAY))
    zhang = people[people["id_number"].eq("11010519491231002X").fillna(value=False)]
    assert sorted(zhang["register"]) == ["grid", "police", "village"]
    assert set(zhang["phone"]) == {"13800138000"}
    assert set(zhang["address_id"]) == {board.addresses["A-N11-1"]}
    assert set(zhang["birth_year"]) == {1949}
    assert (people["register"] == "police").sum() == 25  # with the 24 of the board


def test_a_matching_of_lists_asks_for_all_of_them_and_for_an_open_quarter(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    rows = read_list(settings, written(tmp_path, "village", ZHANG))
    village = board.areas["N1"]
    with pytest.raises(InvalidInputError):
        match_quarter(engine, settings, SHELL, Q4, {"village": rows}, today=TODAY, area_id=village)
    with pytest.raises(ConflictError):
        match_quarter(engine, settings, SHELL, Q4, {"village": rows, "grid": rows}, today=TODAY, area_id=village)
    open_quarter(engine, SHELL, Q4, today=TODAY, area_id=village)
    done = match_quarter(engine, settings, SHELL, Q4, {"village": rows, "grid": rows}, today=TODAY, area_id=village)
    # Zhang is with village and grid and not with the police; the police's people are in neither list
    assert done.new > 1
    again = match_quarter(engine, settings, SHELL, Q4, {"village": rows, "grid": rows}, today=TODAY, area_id=village)
    assert again == Recorded(open_still=done.new)
