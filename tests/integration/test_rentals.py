"""Rentals of the small district: kept, graded with reasons, inspected, put right, on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select

from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.registers.figures import suspected_group_rental
from gis_service.registers.rentals.actions import Dwelling, Remedy, inspect, keep_rental, put_right
from gis_service.registers.rentals.grading import grade_rentals
from gis_service.registers.rentals.hotspots import HotspotMeasure, hotspots_of_compounds
from gis_service.registers.rentals.queries import overdue_rectifications, rental, rentals
from gis_service.registers.rentals.rule_sets import DEFAULT_RULES, RulesSaid, publish_rule_set, rules_on
from gis_service.registers.tables import Rental, RentalGrade
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.integration.board import START, TODAY, Board

WHOLE = Scope(TODAY, None)


def dwelling(board: Board, code: str = "L-new", at: str = "A-N11-1", **said: Any) -> Dwelling:
    plain: dict[str, Any] = {"rooms": 3, "beds": 9, "residents": 9, "usable_area_m2": 30.0, "let_from": START}
    return Dwelling(code=code, address_id=board.addresses[at], **(plain | said))


def details(engine: Engine, settings: Settings, vault: Vault, rental_id: int) -> dict[str, Any]:
    with reading(engine) as session:
        found = rental(session, WHOLE, settings, vault, rental_id)
        session.expunge_all()
        return found


def test_a_rental_is_written_down_once_and_then_kept_up(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    made = keep_rental(engine, SHELL, dwelling(board, landlord_name="王五", landlord_phone="13800138000"), today=TODAY)
    assert keep_rental(engine, SHELL, dwelling(board, landlord_name="王五", residents=4), today=TODAY) == made
    row = details(engine, settings, vault, made)
    assert (row["residents"], row["landlord_name"], row["landlord_phone"], row["grade"]) == (4, "王*", None, "green")
    with pytest.raises(InvalidInputError):
        keep_rental(engine, SHELL, dwelling(board, landlord_phone="12"), today=TODAY)
    with pytest.raises(InvalidInputError):
        keep_rental(engine, SHELL, dwelling(board, let_to=START), today=TODAY)


def test_suspicion_tells_the_numbers_and_agrees_with_what_is_counted(
    engine: Engine, settings: Settings, board: Board
) -> None:
    keep_rental(engine, SHELL, dwelling(board), today=TODAY)
    with reading(engine) as session:
        found, total = rentals(session, WHOLE, settings, suspected=True)
        everything, _ = rentals(session, WHOLE, settings)
        counted = session.scalars(select(Rental.id).where(suspected_group_rental(settings))).all()
    row = found.iloc[0]
    assert total == 1
    assert (row["area_per_person_m2"], row["persons_per_room"]) == (pytest.approx(30 / 9), 3.0)
    assert (row["low_area"], row["crowded_rooms"], row["many_rooms"], row["many_beds"]) == (True, True, False, False)
    assert everything.index[everything["suspected"]].tolist() == list(counted)


def test_a_grade_keeps_its_reasons_and_grading_again_changes_nothing(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    made = keep_rental(engine, SHELL, dwelling(board), today=TODAY)
    first = grade_rentals(engine, SHELL, today=TODAY)
    assert first == {"green": 8, "yellow": 0, "orange": 0, "red": 1, "changed": 9}
    assert grade_rentals(engine, SHELL, today=TODAY)["changed"] == 0
    row = details(engine, settings, vault, made)
    assert row["grade"] == "red"
    (grading,) = row["gradings"]
    assert (grading.grade_before, grading.score, grading.rule_set) == ("green", 75, 0)
    assert [(each["value"], each["points"]) for each in grading.contributions] == [(3.33, 40), (3.33, 10), (3.0, 25)]


def test_a_published_version_of_the_rules_grades_from_its_day_on(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    made = keep_rental(engine, SHELL, dwelling(board), today=TODAY)
    grade_rentals(engine, SHELL, today=TODAY)
    rule = {"label": "房间", "factor": "rooms", "test": "at_least", "threshold": 3, "points": 20}
    milder = RulesSaid.model_validate({"rules": [rule], "yellow": 20, "orange": 50, "red": 90})
    assert publish_rule_set(engine, SHELL, milder, TODAY + timedelta(days=1)) == 1
    with reading(engine) as session:
        assert rules_on(session, TODAY) == (0, DEFAULT_RULES)
        assert rules_on(session, TODAY + timedelta(days=1)) == (1, milder)
    grade_rentals(engine, SHELL, today=TODAY + timedelta(days=1))
    gradings = details(engine, settings, vault, made)["gradings"]
    assert [(each.rule_set, each.grade_before, each.grade) for each in gradings] == [
        (1, "red", "yellow"),
        (0, "green", "red"),
    ]
    with pytest.raises(ValidationError, match="do not rise"):
        RulesSaid.model_validate({"rules": [rule], "yellow": 50, "orange": 50, "red": 90})


def test_an_inspection_is_due_by_the_grade_and_what_it_found_by_its_day(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    made = keep_rental(engine, SHELL, dwelling(board, usable_area_m2=90.0, residents=6), today=TODAY)
    visit = TODAY - timedelta(days=21)
    inspect(engine, settings, SHELL, made, visit, today=TODAY, findings="私拉电线", remedies=[Remedy("拆除电线")])
    row = details(engine, settings, vault, made)
    assert (row["inspected_on"], row["due_on"], row["overdue_days"]) == (visit, TODAY, 0)
    later = Scope(TODAY + timedelta(days=3), None)
    with reading(engine) as session:
        overdue, total = rentals(session, later, settings, overdue=True)
        assert (total, overdue["overdue_days"].to_dict()[made]) == (9, 3)
        waiting, count = overdue_rectifications(session, WHOLE)
    assert (count, waiting["what"].tolist(), waiting["due_on"].tolist()) == (
        1,
        ["拆除电线"],
        [visit + timedelta(days=settings.rectification_due_days)],
    )
    assert grade_rentals(engine, SHELL, today=TODAY)["orange"] == 1  # open and overdue: 15 + 30 points
    put_right(engine, SHELL, int(waiting.index[0]), TODAY, today=TODAY, note="已复查")
    with pytest.raises(ConflictError):
        put_right(engine, SHELL, int(waiting.index[0]), TODAY, today=TODAY)
    assert grade_rentals(engine, SHELL, today=TODAY)["orange"] == 0
    with reading(engine) as session:
        assert overdue_rectifications(session, WHOLE)[1] == 0


@pytest.mark.parametrize("day", [START - timedelta(days=1), TODAY + timedelta(days=1)])
def test_nobody_visits_in_the_future_or_before_the_letting(
    engine: Engine, settings: Settings, board: Board, day: date
) -> None:
    made = keep_rental(engine, SHELL, dwelling(board), today=TODAY)
    with pytest.raises(InvalidInputError):
        inspect(engine, settings, SHELL, made, day, today=TODAY)


def test_everybody_keeps_the_rentals_of_the_own_part_only(engine: Engine, settings: Settings, board: Board) -> None:
    officer = Viewer("officer", Role.OFFICER, officer_id=board.officers["N1"])
    steward = Viewer("steward", Role.STEWARD, frozenset({board.areas["N1"]}))
    elsewhere = keep_rental(engine, SHELL, dwelling(board, "L-S", "A-S11-1"), today=TODAY)
    with pytest.raises(NotPermittedError):
        grade_rentals(engine, steward, today=TODAY)
    with pytest.raises(NotPermittedError):
        publish_rule_set(engine, officer, DEFAULT_RULES, TODAY)
    with pytest.raises(NotFoundError):
        inspect(engine, settings, officer, elsewhere, TODAY, today=TODAY)
    with pytest.raises(NotFoundError):  # taking it into the own part
        keep_rental(engine, officer, dwelling(board, "L-S"), today=TODAY)
    grade_rentals(engine, officer, today=TODAY)
    with reading(engine) as session:
        assert set(session.scalars(select(Rental.grade).where(Rental.code == "L-S"))) == {"green"}
        own = Scope(TODAY, frozenset({board.areas["N1"]}))
        page, total = rentals(session, own, settings, grades=[RentalGrade.GREEN], limit=1)
    assert (len(page), total) == (1, 2)


@pytest.mark.parametrize(("measure", "rates"), [("group_rentals", {0.0, 0.5}), ("rentals", {0.25, 0.5})])
def test_hotspots_are_shares_of_rentals_or_of_dwellings(
    engine: Engine, settings: Settings, board: Board, measure: str, rates: set[float]
) -> None:
    keep_rental(engine, SHELL, dwelling(board, "L-S", "A-S11-1"), today=TODAY)
    quick = settings.model_copy(update={"hotspot_permutations": 99})
    with reading(engine) as session:
        found = hotspots_of_compounds(session, WHOLE, quick, HotspotMeasure(measure))
    assert set(found["rate"].astype(float)) == rates
    assert len(found) == 8
