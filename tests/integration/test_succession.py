"""Units whose area ends: where they go with their officers and beats, on both databases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.areas.queries import area_by_code
from gis_service.changes.actions import draft_change, impact_of, revert_change
from gis_service.errors import InvalidInputError
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.queries import units
from gis_service.teams.tables import Beat, Posting, Unit
from tests.integration.board import START, TODAY, Board
from tests.integration.land import DAY, EVE, carry, everything

Row = tuple[Any, ...]


def split_village(board: Board, **more: Any) -> dict[str, Any]:
    parts = [("NX", ["N11"]), ("NY", ["N12"])]
    return {
        "kind": "split",
        "area_id": board.areas["N1"],
        "parts": [{"code": code, "name": code, "children": [board.areas[c] for c in held]} for code, held in parts],
        **more,
    }


def teams(engine: Engine) -> list[list[Row]]:
    """Every unit, posting and beat."""
    with reading(engine) as session:
        rows = [
            select(Unit.id, Unit.code, Unit.area_id, Unit.valid_from, Unit.valid_to),
            select(
                Posting.officer_id, Posting.unit_id, Posting.role, Posting.share, Posting.valid_from, Posting.valid_to
            ),
            select(Beat.id, Beat.unit_id),
        ]
        return [sorted((tuple(row) for row in session.execute(query)), key=str) for query in rows]


def seats(engine: Engine, board: Board, day: date) -> set[tuple[str, float]]:
    """Area and officers of the units below N on a day."""
    with reading(engine) as session:
        found = units(session, Scope(day, frozenset({board.areas["N"]})))
    manned = found[found["officers_fte"] > 0]
    return set(zip(manned["area_name"], manned["officers_fte"], strict=True))


def test_the_impact_tells_where_a_unit_without_land_goes(engine: Engine, settings: Settings, board: Board) -> None:
    change = draft_change(engine, SHELL, split_village(board), Mode.CHANGE, DAY)
    impact = impact_of(engine, settings, SHELL, change.id)
    (row,) = impact.units.reset_index().to_dict("records")
    assert (row["unit_id"], row["postings"], row["beats"]) == (board.units["N1"], 1, 1)
    assert (row["goes"], row["to_code"], row["share"]) == ("moves", "NX", 0.5)


def test_officers_and_beats_go_with_the_unit_and_the_past_stays(
    engine: Engine, settings: Settings, board: Board
) -> None:
    before = teams(engine)
    change_id, done = carry(engine, settings, split_village(board))
    assert [unit.goes for unit in done.succession.units] == ["moves"]
    assert seats(engine, board, EVE) == {("area N1", 1.0), ("area N2", 1.0)}
    assert seats(engine, board, DAY) == {("NX", 1.0), ("area N2", 1.0)}
    with reading(engine) as session:
        nx = area_by_code(session, Scope(DAY, None), "NX")
        beat = session.get_one(Beat, board.beats["N1"])
        unit = session.get_one(Unit, beat.unit_id)
        assert (unit.area_id, unit.code, unit.valid_from) == (nx, "U-N1-2", DAY)
        assert session.get_one(Unit, board.units["N1"]).valid_to == DAY
        columns = (Posting.role, Posting.valid_from, Posting.valid_to)
        held = session.execute(select(*columns).where(Posting.officer_id == board.officers["N1"])).all()
    assert sorted(tuple(row) for row in held) == [("leader", START, DAY), ("leader", DAY, None)]
    revert_change(engine, settings, SHELL, change_id, "it was a mistake")
    assert teams(engine) == before


def test_a_person_says_where_the_unit_goes(engine: Engine, settings: Settings, board: Board) -> None:
    said = [{"unit_id": board.units["N1"], "area_code": "NY"}]
    carry(engine, settings, split_village(board, units=said))
    assert seats(engine, board, DAY) == {("NY", 1.0), ("area N2", 1.0)}


def test_a_unit_joins_the_one_that_is_there_and_its_leader_becomes_a_member(
    engine: Engine, settings: Settings, board: Board
) -> None:
    before = teams(engine)
    into = {"area_id": board.areas["N1"], "code": "N1", "name": "area N1"}
    payload = {"kind": "merge", "area_ids": [board.areas["N1"], board.areas["N2"]], "into": into}
    change_id, done = carry(engine, settings, payload)
    assert [(unit.goes, unit.to_code, unit.share) for unit in done.succession.units] == [("joins", "N1", 1.0)]
    with reading(engine) as session:
        roles = session.execute(
            select(Posting.officer_id, Posting.role).where(Posting.unit_id == board.units["N1"], Posting.valid_on(DAY))
        ).all()
        assert session.get_one(Beat, board.beats["N2"]).unit_id == board.units["N1"]
    assert {tuple(row) for row in roles} == {(board.officers["N1"], "leader"), (board.officers["N2"], "member")}
    revert_change(engine, settings, SHELL, change_id, "it was a mistake")
    assert teams(engine) == before


def empty_village(engine: Engine, settings: Settings, board: Board) -> None:
    for code in ("N11", "N12"):
        payload = {"kind": "move", "area_id": board.areas[code], "parent_id": board.areas["N2"]}
        carry(engine, settings, payload, accepted_reason="a test")


def test_people_are_not_left_without_land_unless_somebody_says_so(
    engine: Engine, settings: Settings, board: Board
) -> None:
    empty_village(engine, settings, board)
    retire = {"kind": "retire", "area_id": board.areas["N1"]}
    before = [teams(engine), everything(engine)]
    with pytest.raises(InvalidInputError) as refusal:
        carry(engine, settings, retire, day=TODAY, accepted_reason="a test")
    assert [fault.value for fault in refusal.value.faults] == ["U-N1"]
    assert [teams(engine), everything(engine)] == before
    said = [{"unit_id": board.units["N1"], "area_code": "N2"}]
    _, done = carry(engine, settings, {**retire, "units": said}, day=TODAY, accepted_reason="a test")
    assert [unit.goes for unit in done.succession.units] == ["joins"]


def test_a_unit_that_ends_takes_its_postings_with_it(engine: Engine, settings: Settings, board: Board) -> None:
    empty_village(engine, settings, board)
    said = [{"unit_id": board.units["N1"]}]
    retire = {"kind": "retire", "area_id": board.areas["N1"], "units": said}
    _, done = carry(engine, settings, retire, day=TODAY, accepted_reason="a test")
    assert [unit.goes for unit in done.succession.units] == ["ends"]
    with reading(engine) as session:
        assert session.scalars(select(Posting.valid_to).where(Posting.unit_id == board.units["N1"])).all() == [TODAY]


def test_an_empty_unit_ends_with_its_area(engine: Engine, settings: Settings, board: Board) -> None:
    payload = {"kind": "retire", "area_id": board.areas["N11"]}
    _, done = carry(engine, settings, payload, accepted_reason="a test")
    assert [unit.goes for unit in done.succession.units] == ["ends"]


def test_a_unit_is_not_sent_to_an_area_that_is_not_there(engine: Engine, settings: Settings, board: Board) -> None:
    said = [{"unit_id": board.units["N1"], "area_code": "nowhere"}]
    change = draft_change(engine, SHELL, split_village(board, units=said), Mode.CHANGE, DAY)
    with pytest.raises(InvalidInputError):
        impact_of(engine, settings, SHELL, change.id)
