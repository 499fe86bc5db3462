"""Figures of the small district, counted on fingers, on both databases."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from sqlalchemy import Engine, update

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import addresses, count_unresolved
from gis_service.registers.figures import beat_loads, coverage_of_areas, mismatches_of_areas, rentals_of_areas
from gis_service.registers.tables import Registration
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.actions import hand_over_beat
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import Beat, BeatDuty, Officer, Posting
from tests.integration.board import START, TODAY, Board

WHOLE = Scope(TODAY, None)
PER_COMPOUND = 12


def cells(figures: pd.DataFrame, code: str, *columns: str) -> list[object]:
    """The cells of one area."""
    return list(figures.loc[[code], list(columns)].iloc[0])


def coverage(engine: Engine, settings: Settings, scope: Scope = WHOLE) -> pd.DataFrame:
    with reading(engine) as session:
        return coverage_of_areas(session, scope, settings).set_index("code")


def test_migrants_and_officers_add_up_at_every_level(engine: Engine, settings: Settings, board: Board) -> None:
    figures = coverage(engine, settings)
    assert cells(figures, "N11", "migrants", "officers_fte", "load") == [12, 0.5, 24]
    assert cells(figures, "N1", "migrants", "officers_fte", "load") == [24, 1, 24]
    assert cells(figures, "N", "migrants", "officers_fte") == [48, 2]
    assert cells(figures, "D", "migrants", "officers_fte", "required") == [96, 4, 1]


def test_an_officer_who_leaves_leaves_the_beat_uncovered(engine: Engine, settings: Settings, board: Board) -> None:
    with transaction(engine) as session:
        session.execute(
            update(Posting).where(Posting.officer_id == board.officers["S2"]).values(valid_to=date(2026, 6, 1))
        )
    figures = coverage(engine, settings)
    assert figures.loc["S2", "status"] == "uncovered"
    assert figures["load"].isna()["S2"]
    assert figures.loc["S", "officers_fte"] == 1


def test_an_officer_whose_beat_has_no_address_counts_at_the_unit_of_the_beat(
    engine: Engine, settings: Settings, board: Board
) -> None:
    with transaction(engine) as session:
        officer = Officer(badge_no="B-empty", name="officer of nothing", form="transitioned", side="police")
        beat = Beat(code="R-empty", name="empty", unit_id=board.units["S2"], valid_from=START)
        session.add_all([officer, beat])
        session.flush()
        held = {"officer_id": officer.id, "valid_from": START}
        session.add(Posting(unit_id=board.units["S2"], role="member", share=1.0, **held))
        session.add(BeatDuty(beat_id=beat.id, **held))
    figures = coverage(engine, settings)
    assert cells(figures, "S2", "officers_fte") == [2]
    assert cells(figures, "D", "officers_fte") == [5]


def test_before_anything_was_registered_there_is_no_data_and_no_zero(
    engine: Engine, settings: Settings, board: Board
) -> None:
    with transaction(engine) as session:
        session.execute(update(Registration).values(registered_on=date(2026, 1, 1)))
    assert coverage(engine, settings, Scope(date(2025, 6, 1), None)).loc["D", "migrants"] == 0
    with transaction(engine) as session:
        session.query(Registration).delete()
    figures = coverage(engine, settings)
    assert figures.loc["D", "status"] == "no_data"
    assert figures["migrants"].isna()["N11"]


def test_deregistered_people_stop_counting_on_their_day(engine: Engine, settings: Settings, board: Board) -> None:
    with transaction(engine) as session:
        session.execute(
            update(Registration)
            .where(Registration.address_id == board.addresses["A-N11-0"])
            .values(deregistered_on=date(2026, 10, 1))
        )
    assert coverage(engine, settings).loc["N11", "migrants"] == PER_COMPOUND - 3
    assert coverage(engine, settings, Scope(date(2026, 9, 30), None)).loc["N11", "migrants"] == PER_COMPOUND


def test_rentals_and_mismatches_add_up(engine: Engine, settings: Settings, board: Board) -> None:
    with reading(engine) as session:
        rentals = rentals_of_areas(session, WHOLE, settings).set_index("code")
        mismatches = mismatches_of_areas(session, WHOLE).set_index("code")
    assert cells(rentals, "D", "rentals", "residents", "group_rentals", "red_or_orange") == [8, 24, 0, 1]
    assert cells(mismatches, "N", "mismatches", "duplicate", "wrong_address") == [4, 4, 0]


def test_every_address_is_decided_or_says_why_not(engine: Engine, board: Board) -> None:
    with reading(engine) as session:
        counts = count_unresolved(session, WHOLE)
    assert counts == {
        "outside": 1,
        "no_point": 1,
        "stated_differs": 0,
        "overlap": 0,
        "no_beat": 0,
        "no_officer": 0,
        "assigned": 32,
        "total": 34,
    }


def test_handing_over_a_beat_moves_its_load_and_keeps_the_past(
    engine: Engine, settings: Settings, board: Board
) -> None:
    planner = Viewer("planner", Role.PLANNER, frozenset({board.areas["D"]}))
    hand_over_beat(engine, planner, board.beats["S1"], "BN1", date(2026, 10, 1))
    with reading(engine) as session:
        now = beat_loads(session, WHOLE)
        before = beat_loads(session, Scope(date(2026, 9, 30), None))
    assert now.loc[board.beats["S1"], "badge_no"] == "BN1"
    assert before.loc[board.beats["S1"], "badge_no"] == "BS1"
    figures = coverage(engine, settings)
    # N1's officer serves two beats; S1's own officer has none left and counts at the unit of the posting
    assert figures.loc[["N1", "S1", "D"], "officers_fte"].tolist() == [0.5, 1.5, 4]


@pytest.mark.parametrize(
    ("role", "areas", "officer", "expected"),
    [
        (Role.PLANNER, ["D"], None, 34),
        (Role.COMMANDER, ["N"], None, 16),
        (Role.STEWARD, ["S1"], None, 10),  # 8 of its own, one that states it, one that is nearest to it
        (Role.OFFICER, [], "N2", 8),
        (Role.COMMANDER, [], None, 0),
    ],
)
def test_a_viewer_sees_the_addresses_of_the_own_part_and_no_other(
    engine: Engine, board: Board, role: Role, areas: list[str], officer: str | None, expected: int
) -> None:
    viewer = Viewer(
        "x",
        role,
        frozenset(board.areas[code] for code in areas),
        officer_id=board.officers[officer] if officer else None,
    )
    with reading(engine) as session:
        scope = scope_of(session, viewer, TODAY)
        frame, total = addresses(session, scope)
    assert (len(frame), total) == (expected, expected)


def test_an_officer_sees_the_beat_only_while_holding_it(engine: Engine, board: Board) -> None:
    planner = Viewer("planner", Role.PLANNER, frozenset({board.areas["D"]}))
    hand_over_beat(engine, planner, board.beats["N2"], "BS1", date(2026, 10, 1))
    officer = Viewer("x", Role.OFFICER, officer_id=board.officers["N2"])
    with reading(engine) as session:
        assert addresses(session, scope_of(session, officer, date(2026, 9, 30)))[1] == 8
        assert addresses(session, scope_of(session, officer, date(2026, 10, 1)))[1] == 0
