"""Assigning addresses on both databases: what is written, what stays, and what was true before."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine, func, select, update

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import Assignment, assign_addresses
from gis_service.addresses.queries import count_unresolved
from gis_service.addresses.tables import Address, Placement
from gis_service.errors import InvalidInputError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.actions import hand_over_beat
from gis_service.teams.tables import BeatPart, Officer, Posting
from tests.integration.board import START, TODAY, Board, cells, geometry

LATER = date(2027, 3, 1)


def assign(engine: Engine, settings: Settings, day: date = TODAY) -> Assignment:
    return assign_addresses(engine, settings, SHELL, day)


def rows(engine: Engine, address_id: int | None = None) -> list[tuple[int | date | None, ...]]:
    query = select(Placement.area_id, Placement.beat_id, Placement.valid_from, Placement.valid_to)
    if address_id is not None:
        query = query.where(Placement.address_id == address_id)
    with reading(engine) as session:
        return [tuple(row) for row in session.execute(query.order_by(Placement.address_id, Placement.valid_from))]


def give_to(engine: Engine, board: Board, compound: str, village: str, day: date) -> None:
    """A compound changes to the beat of another village."""
    with transaction(engine) as session:
        session.execute(
            update(BeatPart)
            .where(BeatPart.area_id == board.areas[compound], BeatPart.valid_to.is_(None))
            .values(valid_to=day)
        )
        session.add(BeatPart(beat_id=board.beats[village], area_id=board.areas[compound], valid_from=day))


def test_the_first_placement_holds_since_the_land_is_known(engine: Engine, settings: Settings, board: Board) -> None:
    home = board.areas["N11"], board.beats["N1"]
    assert rows(engine, board.addresses["A-N11-0"]) == [(*home, START, None)]


def test_assigning_again_writes_nothing(engine: Engine, settings: Settings, board: Board) -> None:
    before = rows(engine)
    again = assign(engine, settings)
    assert (again.addresses, again.written, again.unchanged) == (34, 0, 34)
    assert rows(engine) == before


def test_the_counts_are_those_of_the_worklist(engine: Engine, settings: Settings, board: Board) -> None:
    counts = assign(engine, settings).counts
    with reading(engine) as session:
        assert counts == count_unresolved(session, Scope(TODAY, None))
    assert (counts["outside"], counts["no_point"], counts["assigned"], counts["total"]) == (1, 1, 32, 34)


def test_only_addresses_of_a_changed_beat_are_written(engine: Engine, settings: Settings, board: Board) -> None:
    give_to(engine, board, "N12", "N2", TODAY)
    outcome = assign(engine, settings)
    assert outcome.written == 4
    area = board.areas["N12"]
    assert rows(engine, board.addresses["A-N12-0"]) == [
        (area, board.beats["N1"], START, TODAY),
        (area, board.beats["N2"], TODAY, None),
    ]
    assert len(rows(engine)) == 34 + 4


def test_what_held_on_a_day_is_still_told(engine: Engine, settings: Settings, board: Board) -> None:
    give_to(engine, board, "N12", "N2", TODAY)
    assign(engine, settings)
    with reading(engine) as session:
        held = select(func.count()).where(Placement.beat_id == board.beats["N2"])
        assert session.scalar(held.where(Placement.valid_on(date(2026, 10, 31)))) == 8
        assert session.scalar(held.where(Placement.valid_on(TODAY))) == 12


def test_a_placement_that_began_on_the_day_is_corrected(engine: Engine, settings: Settings, board: Board) -> None:
    give_to(engine, board, "N12", "N2", TODAY)
    assign(engine, settings)
    give_to(engine, board, "N12", "S1", TODAY)
    assign(engine, settings)
    assert [row[1:] for row in rows(engine, board.addresses["A-N12-0"])] == [
        (board.beats["N1"], START, TODAY),
        (board.beats["S1"], TODAY, None),
    ]


def test_a_placement_taken_back_on_its_day_leaves_no_needless_row(
    engine: Engine, settings: Settings, board: Board
) -> None:
    before = rows(engine)
    give_to(engine, board, "N12", "N2", TODAY)
    assign(engine, settings)
    give_to(engine, board, "N12", "N1", TODAY)
    assign(engine, settings)
    assert rows(engine) == before


def test_a_placement_that_begins_later_stays(engine: Engine, settings: Settings, board: Board) -> None:
    give_to(engine, board, "N12", "N2", LATER)
    assert assign(engine, settings, LATER).written == 4
    give_to(engine, board, "N11", "S1", TODAY)
    assert assign(engine, settings).written == 4
    assert [row[1:] for row in rows(engine, board.addresses["A-N12-0"])] == [
        (board.beats["N1"], START, LATER),
        (board.beats["N2"], LATER, None),
    ]


def test_an_override_stays(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N12-0"]
    with transaction(engine) as session:
        session.execute(
            update(Placement)
            .where(Placement.address_id == address)
            .values(area_id=board.areas["S11"], beat_id=board.beats["S1"], override_reason="the gate is in S11")
        )
    give_to(engine, board, "N12", "N2", TODAY)
    outcome = assign(engine, settings)
    assert (outcome.written, outcome.kept_overrides, outcome.unchanged) == (3, 1, 30)
    assert [row[0] for row in rows(engine, address)] == [board.areas["S11"]]


def test_a_new_address_is_placed_and_no_other_is_touched(engine: Engine, settings: Settings, board: Board) -> None:
    with transaction(engine) as session:
        point = geometry(cells()["S21"].centroid)
        session.add(Address(code="A-new", text="新1号", point_source="surveyed", geom=point))
    assert assign(engine, settings).written == 1
    assert len(rows(engine)) == 35


def test_handing_over_a_beat_writes_no_placement(engine: Engine, settings: Settings, board: Board) -> None:
    with transaction(engine) as session:
        officer = Officer(badge_no="NEW", name="new officer", form="transitioned", side="police")
        session.add(officer)
        session.flush()
        posting = {"unit_id": board.units["N1"], "role": "member", "share": 1.0}
        session.add(Posting(officer_id=officer.id, valid_from=START, **posting))
    before = rows(engine)
    hand_over_beat(engine, SHELL, board.beats["N1"], "NEW", TODAY)
    assert rows(engine) == before
    assert assign(engine, settings).written == 0


def test_who_may_not_assign_is_refused(engine: Engine, settings: Settings, board: Board) -> None:
    with pytest.raises(NotPermittedError):
        assign_addresses(engine, settings, Viewer("c", Role.COMMANDER, None), TODAY)


def test_without_compounds_there_is_nothing_to_assign_to(engine: Engine, settings: Settings) -> None:
    with pytest.raises(InvalidInputError, match="2026"):
        assign(engine, settings)
