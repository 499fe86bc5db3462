"""People kept by place in memory are what the database counts, act after act, and are counted where an act was."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from fastapi import FastAPI
from pandas.testing import assert_frame_equal
from sqlalchemy import Engine, delete, event

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.resolving import accept_suggestions, override_area, place_by_hand, withdraw_override
from gis_service.addresses.tables import Placement, Unresolved
from gis_service.changes.actions import revert_change
from gis_service.registers.people import people_everywhere
from gis_service.registers.people_store import keep_people, people_by_place
from gis_service.registers.registrations.actions import Person, deregister, move, register, renew
from gis_service.registers.tables import LeavingReason, Registration
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.actions import hand_over_beat
from tests.import_steps import Desk
from tests.integration.board import TODAY, Board, cells
from tests.integration.conftest import SignIn
from tests.integration.land import carry, redraw, split

WHOLE = Scope(TODAY, None)
REASON = "the gate is on that side"


class Watched:
    """Reads of the people by place, each compared with what the database counts."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.everywhere = 0
        event.listen(engine, "before_cursor_execute", self._see)

    def _see(self, _connection: object, _cursor: object, statement: str, *_others: object) -> None:
        self.everywhere += "GROUP BY registration.address_id" in statement

    def anew(self, day: date = TODAY) -> bool:
        """Read, compare, and say whether the whole district was counted for it."""
        before = self.everywhere
        with reading(self.engine) as session:
            kept = people_by_place(session, Scope(day, None))
        anew = self.everywhere > before
        with reading(self.engine) as session:
            assert_frame_equal(_in_order(kept), _in_order(people_everywhere(session, day)))
        return anew


def _in_order(people: pd.DataFrame) -> pd.DataFrame:
    return people.sort_values(["area_id", "beat_id"], ignore_index=True)


@pytest.fixture
def watched(engine: Engine, board: Board) -> Watched:
    keep_people(engine)
    watched = Watched(engine)
    assert watched.anew()
    return watched


def test_registering_counts_only_the_areas_concerned(
    engine: Engine, settings: Settings, board: Board, watched: Watched
) -> None:
    day = TODAY - timedelta(days=20)
    made = register(engine, SHELL, Person("张三"), board.addresses["A-N11-1"], day, today=TODAY)
    assert not watched.anew()
    renew(engine, settings, SHELL, made, day, today=TODAY)
    moved = move(engine, SHELL, made, board.addresses["A-S22-1"], day + timedelta(days=5), today=TODAY)
    assert not watched.anew()
    assert watched.anew(day), "another day is counted for itself"
    deregister(engine, SHELL, moved, LeavingReason.LEFT_DISTRICT, TODAY, today=TODAY)
    assert not watched.anew()
    assert not watched.anew(day)


def test_a_change_of_the_land_counts_only_the_areas_concerned(
    engine: Engine, settings: Settings, board: Board, watched: Watched
) -> None:
    change, _ = carry(engine, settings, redraw(board), accepted_reason="a test")
    assert not watched.anew()
    revert_change(engine, settings, SHELL, change, REASON)
    carry(engine, settings, split(board))
    assert not watched.anew()


def test_deciding_addresses_counts_only_the_areas_concerned(
    engine: Engine, settings: Settings, board: Board, watched: Watched
) -> None:
    accept_suggestions(engine, settings, SHELL, TODAY, REASON, unresolved=Unresolved.OUTSIDE)
    one, area = board.addresses["A-N11-0"], board.areas["S22"]
    override_area(engine, settings, SHELL, one, area, REASON, TODAY)
    assert not watched.anew()
    withdraw_override(engine, settings, SHELL, one, TODAY)
    middle = cells()["S11"].centroid
    place_by_hand(engine, settings, SHELL, one, middle.x, middle.y, REASON, TODAY)
    assign_addresses(engine, settings, SHELL, TODAY)
    hand_over_beat(engine, SHELL, board.beats["N1"], "BN2", TODAY)
    assert not watched.anew()


def test_after_an_act_that_does_not_say_what_it_touched_everything_is_counted(
    engine: Engine, settings: Settings, tmp_path: Path, watched: Watched
) -> None:
    more = ["登记编号,姓名,地址编码,登记日期", "R-more,李四,A-N12-1,2026-10-01"]
    Desk(engine, settings, tmp_path).lay("registrations", more)
    assert watched.anew()
    assert not watched.anew()


def test_nothing_is_kept_of_what_is_not_committed(engine: Engine, watched: Watched) -> None:
    with transaction(engine) as session:
        session.execute(delete(Registration))
        assert people_by_place(session, WHOLE)["migrants"].sum() == 0
        session.rollback()
    assert not watched.anew()
    with transaction(engine) as session:
        session.execute(delete(Placement))
        assert people_by_place(session, WHOLE).empty
        session.rollback()


def test_while_somebody_draws_the_people_of_the_day_are_counted(service: FastAPI, signed_in: SignIn) -> None:
    day = TODAY + timedelta(days=61)
    planner, watched = signed_in("planner"), Watched(service.state.engine)
    answer = planner.get("/land-editor/areas", params={"level": "compound", "as_of": day.isoformat()})
    assert answer.status_code == 200, answer.text
    assert watched.everywhere == 1
    assert not watched.anew(day)
