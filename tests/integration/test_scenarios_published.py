"""Scenarios on both databases, decided: approval, publication on a day, word to those concerned, and back."""

from __future__ import annotations

import os
from datetime import date

import pytest
from sqlalchemy import Engine, event, select

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.tables import Account, AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.jobs.running import said_in_words
from gis_service.planning.letters import letters_of
from gis_service.planning.measures import measured
from gis_service.planning.notices import mark_read, notices_for, read_by
from gis_service.planning.publishing import publish, revert
from gis_service.planning.scenarios import (
    add_step,
    approve,
    comment,
    comments_of,
    create_scenario,
    freeze,
    plan_of,
    reopen,
    scenarios_of,
    seen,
    share,
)
from gis_service.planning.tables import ScenarioState
from gis_service.registers.figures import coverage_of_areas
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.actions import hand_over_beat
from gis_service.teams.queries import beats
from gis_service.teams.tables import Beat
from tests.integration.board import TODAY, Board
from tests.integration.planning_steps import (
    NEXT_MONTH,
    OTHER,
    PLANNER,
    draw,
    everything,
    hire,
    north,
    plan,
    ready,
)


@pytest.fixture
def scenario(engine: Engine, settings: Settings, board: Board) -> int:
    """A scenario of the northern township."""
    return north(engine, settings, board)


def test_a_second_person_approves_and_nobody_changes_what_is_frozen(engine: Engine, scenario: int) -> None:
    with pytest.raises(NotFoundError):
        approve(engine, OTHER, scenario)  # a draft of somebody else that is not shared
    freeze(engine, PLANNER, scenario)
    with pytest.raises(ConflictError):
        add_step(engine, PLANNER, scenario, hire())
    with pytest.raises(NotPermittedError):
        approve(engine, PLANNER, scenario)
    approve(engine, OTHER, scenario)
    with reading(engine) as session:
        assert seen(session, PLANNER, scenario).scenario.approved_by == "other"
    reopen(engine, PLANNER, scenario)
    add_step(engine, PLANNER, scenario, hire())


def test_a_draft_is_not_published(engine: Engine, settings: Settings, scenario: int) -> None:
    with pytest.raises(ConflictError):
        publish(engine, settings, PLANNER, scenario, NEXT_MONTH)


def test_publication_holds_from_its_day_and_not_before(
    engine: Engine, settings: Settings, board: Board, scenario: int
) -> None:
    ready(engine, settings, scenario)
    with pytest.raises(InvalidInputError):
        publish(engine, settings, PLANNER, scenario, TODAY)
    done = publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    assert (done.beats, done.officers, done.duties, done.addresses) == (2, 2, 2, 8)
    north = board.areas["N"]
    with reading(engine) as session:
        before = coverage_of_areas(session, Scope(TODAY, None), settings).loc[north]
        after = coverage_of_areas(session, Scope(NEXT_MONTH, None), settings).loc[north]
        held = beats(session, Scope(NEXT_MONTH, frozenset({north})))
    assert (before["officers_fte"], after["officers_fte"]) == (2, 4)
    assert (before["load"], after["load"]) == (24, 12)
    assert sorted(held["officer"]) == sorted(["officer N1", "officer N2", "甲", "乙"])
    # what is stored is what assigning anew would find
    assert assign_addresses(engine, settings, SHELL, NEXT_MONTH).written == 0
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0


def test_those_concerned_are_told(engine: Engine, settings: Settings, board: Board, scenario: int) -> None:
    ready(engine, settings, scenario)
    letters = letters_of(plan(engine, scenario))
    assert {letter.officer: (len(letter.gained), len(letter.lost)) for letter in letters} == {
        "officer N1": (0, 1), "officer N2": (0, 1), "甲": (1, 0), "乙": (1, 0),
    }  # fmt: skip
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    officer = Viewer("o", Role.OFFICER, frozenset(), officer_id=board.officers["N1"])
    north, south = (Viewer("c", Role.COMMANDER, frozenset({board.areas[code]})) for code in "NS")
    with reading(engine) as session:
        assert [len(notices_for(session, each, TODAY)) for each in (officer, north, south)] == [1, 1, 0]
        assert "4" in said_in_words(notices_for(session, officer, TODAY)[0].message)
        told = notices_for(session, north, TODAY)[0].id
        accounts = list(session.scalars(select(Account.id).order_by(Account.id).limit(2)))
    readers = {
        code: Viewer("c", Role.COMMANDER, frozenset({board.areas[code]}), account_id=account)
        for code, account in zip("NS", accounts, strict=True)
    }
    # whoever it is not for cannot mark it, and marking it twice is marking it once
    assert [mark_read(engine, readers[code], TODAY, [told]) for code in "SNN"] == [0, 1, 0]
    with reading(engine) as session:
        for code, read in (("N", {told}), ("S", set())):
            assert read_by(session, readers[code], notices_for(session, north, TODAY)) == read


def test_a_reverted_publication_never_was(engine: Engine, settings: Settings, scenario: int) -> None:
    ready(engine, settings, scenario)
    before = everything(engine)
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    assert everything(engine) != before
    assert revert(engine, settings, PLANNER, scenario, "it was a mistake") == 8
    assert everything(engine) == before
    with reading(engine) as session:
        assert seen(session, PLANNER, scenario).scenario.state == ScenarioState.REVERTED


def test_a_publication_under_a_later_hand_over_is_not_reverted(
    engine: Engine, settings: Settings, scenario: int
) -> None:
    ready(engine, settings, scenario)
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    with reading(engine) as session:
        made = session.scalars(select(Beat.id).where(Beat.valid_from == NEXT_MONTH)).first()
    hand_over_beat(engine, SHELL, made or 0, "BN1", date(2027, 1, 1))
    with pytest.raises(ConflictError):
        revert(engine, settings, PLANNER, scenario, "it was a mistake")


def test_a_scenario_of_other_beats_than_today_is_not_published(
    engine: Engine, settings: Settings, board: Board, scenario: int
) -> None:
    ready(engine, settings, scenario)
    hand_over_beat(engine, SHELL, board.beats["N1"], "BS1", TODAY)
    with pytest.raises(ConflictError):
        publish(engine, settings, PLANNER, scenario, NEXT_MONTH)


def test_recruits_without_names_leave_their_beats_open(engine: Engine, settings: Settings, scenario: int) -> None:
    add_step(engine, PLANNER, scenario, hire(2, []))
    draw(engine, settings, scenario)
    freeze(engine, PLANNER, scenario)
    approve(engine, OTHER, scenario)
    done = publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    assert (done.officers, done.duties) == (0, 0)
    with reading(engine) as session:
        assert beats(session, Scope(NEXT_MONTH, None))["officer_id"].isna().sum() == 2


@pytest.mark.parametrize("written", ["officer", "beat_duty", "posting", "beat_part", "placement", "notice", "scenario"])
def test_a_process_killed_while_publishing_leaves_the_old_state(
    engine: Engine, settings: Settings, scenario: int, written: str
) -> None:
    ready(engine, settings, scenario)
    before = everything(engine)
    engine.dispose()
    child = os.fork()
    if child == 0:

        @event.listens_for(engine, "before_cursor_execute")
        def _die(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith(("UPDATE", "DELETE", "INSERT")) and f" {written} " in statement.replace('"', " "):
                os._exit(42)

        try:
            publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 42
    assert everything(engine) == before
    with reading(engine) as session:
        assert seen(session, PLANNER, scenario).scenario.state == ScenarioState.APPROVED
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)


def test_a_commander_sees_the_own_part_of_a_shared_scenario_and_comments(
    engine: Engine, settings: Settings, board: Board
) -> None:
    made = create_scenario(engine, settings, PLANNER, "all", board.areas["D"], TODAY)
    commander = Viewer("commander", Role.COMMANDER, frozenset({board.areas["N"]}), account_id=103)
    with reading(engine) as session, pytest.raises(NotFoundError):
        seen(session, commander, made)
    share(engine, PLANNER, made, shared=True)
    comment(engine, commander, made, "N2 is too large")
    with reading(engine) as session:
        found = seen(session, commander, made)
        figures = measured(plan_of(session, found.scenario), settings, only=found.only)
        assert [each.text for each in comments_of(session, found.scenario)] == ["N2 is too large"]
        assert [each.id for each in scenarios_of(session, commander)] == [made]
    assert {beat["name"] for beat in figures.beats} == {"beat N1", "beat N2"}
    assert {area["name"] for area in figures.areas} == {"area N", "area N1", "area N2"}
    with pytest.raises(NotPermittedError):
        add_step(engine, commander, made, hire())
    part = Viewer("part", Role.PLANNER, frozenset({board.areas["N"]}), account_id=104)
    with pytest.raises(NotPermittedError):
        add_step(engine, part, made, hire())


def test_every_step_is_in_the_audit_trail(engine: Engine, settings: Settings, scenario: int) -> None:
    ready(engine, settings, scenario)
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    revert(engine, settings, PLANNER, scenario, "it was a mistake")
    with reading(engine) as session:
        kinds = session.scalars(
            select(AuditEntry.action).where(AuditEntry.object_kind == "scenario").order_by(AuditEntry.seq)
        ).all()
    assert kinds == [
        "create_scenario", "edit_scenario", "edit_scenario", "freeze_scenario", "approve_scenario",
        "publish_scenario", "revert_scenario",
    ]  # fmt: skip
