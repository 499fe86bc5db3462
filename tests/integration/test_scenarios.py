"""Scenarios on both databases: a copy of a day, steps, beats drawn by a worker, approval, publication and back."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event, select

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.tables import Account, AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.tables import Placement
from gis_service.changes.actions import apply_change, approve_change, discard_change, draft_change
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.intake.subject import Mode
from gis_service.job_kinds import JOB_KINDS
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.running import said_in_words
from gis_service.jobs.worker import work_off
from gis_service.planning.balance import balance_of
from gis_service.planning.computing import ask_for_beats
from gis_service.planning.edits import (
    Boundary,
    Edit,
    Give,
    Headcount,
    Leave,
    Mark,
    NewBeat,
    Person,
    Recruits,
    TownshipPosts,
)
from gis_service.planning.graphs import Rules, Workload, address_km, workload_of
from gis_service.planning.inputs import packed, unpacked
from gis_service.planning.letters import letters_of
from gis_service.planning.measures import measured
from gis_service.planning.notices import mark_read, notices_for, read_by
from gis_service.planning.plans import Plan
from gis_service.planning.publishing import publish, revert
from gis_service.planning.scenarios import (
    add_step,
    approve,
    comment,
    comments_of,
    create_scenario,
    freeze,
    inputs_of,
    plan_of,
    reopen,
    scenarios_of,
    seen,
    share,
    undo_step,
)
from gis_service.planning.tables import ScenarioState
from gis_service.registers.figures import coverage_of_areas
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.actions import hand_over_beat
from gis_service.teams.queries import beats
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Officer, Posting
from tests.integration.board import TODAY, Board

NEXT_MONTH = date(2026, 12, 1)
PLANNER = Viewer("planner", Role.PLANNER, None, account_id=101)
OTHER = Viewer("other", Role.PLANNER, None, account_id=102)
PEOPLE = [Person(badge_no="新1", name="甲"), Person(badge_no="新2", name="乙")]


def hire(count: int = 2, people: list[Person] | None = None) -> Recruits:
    named = PEOPLE[:count] if people is None else people
    return Recruits(kind="recruits", count=count, from_day=NEXT_MONTH, people=named)


@pytest.fixture
def scenario(engine: Engine, settings: Settings, board: Board) -> int:
    """A scenario of the northern township: two beats of two compounds with twelve people each."""
    return create_scenario(engine, settings, PLANNER, "north", board.areas["N"], TODAY)


def plan(engine: Engine, scenario_id: int) -> Plan:
    with reading(engine) as session:
        return plan_of(session, seen(session, SHELL, scenario_id).scenario)


def draw(engine: Engine, settings: Settings, scenario_id: int, viewer: Viewer = PLANNER, **rules: Any) -> None:
    queue = JobQueue(settings)
    ask_for_beats(engine, queue, SHELL, scenario_id, Rules.model_validate(rules))
    work_off(engine, settings, JOB_KINDS, queue)


def unit_of(plan_: Plan, board: Board, compound: str) -> int:
    return next(n for n, unit in enumerate(plan_.inputs.units) if unit.area_id == board.areas[compound])


def everything(engine: Engine) -> list[list[tuple[Any, ...]]]:
    period = ("valid_from", "valid_to")
    tables: dict[Any, tuple[str, ...]] = {
        Beat: ("id", "code", *period),
        BeatPart: ("beat_id", "area_id", "buildings", *period),
        BeatDuty: ("beat_id", "officer_id", *period),
        Posting: ("officer_id", "unit_id", "role", "share", *period),
        Officer: ("id", "badge_no"),
        Placement: ("address_id", "area_id", "beat_id", *period),
    }
    with reading(engine) as session:
        return [
            sorted((tuple(row) for row in session.execute(select(*(getattr(row, n) for n in names)))), key=str)
            for row, names in tables.items()
        ]


def ready(engine: Engine, settings: Settings, scenario_id: int) -> None:
    """Two recruits, four beats, frozen and approved by somebody else."""
    add_step(engine, PLANNER, scenario_id, hire())
    draw(engine, settings, scenario_id)
    freeze(engine, PLANNER, scenario_id)
    approve(engine, OTHER, scenario_id)


def test_a_scenario_is_a_copy_of_the_day_with_a_hash(engine: Engine, board: Board, scenario: int) -> None:
    with reading(engine) as session:
        found = seen(session, PLANNER, scenario).scenario
        inputs = inputs_of(session, found)
        assert packed(inputs)[1] == found.inputs_sha256
    assert unpacked(packed(inputs)[0]) == inputs
    assert [unit.migrants for unit in inputs.units] == [12] * 4
    assert [(held.name, held.officer) for held in inputs.beats] == [
        ("beat N1", "officer N1"),
        ("beat N2", "officer N2"),
    ]
    # three borders in a row of four squares
    assert sorted((a, b) for a, b, _ in inputs.edges) == [(0, 1), (1, 2), (2, 3)]


def test_what_changes_on_record_afterwards_does_not_change_the_scenario(
    engine: Engine, board: Board, scenario: int
) -> None:
    before = plan(engine, scenario).inputs
    hand_over_beat(engine, SHELL, board.beats["N1"], "BS1", TODAY)
    assert plan(engine, scenario).inputs == before


def test_recruits_and_a_worker_halve_the_load(engine: Engine, settings: Settings, scenario: int) -> None:
    add_step(engine, PLANNER, scenario, hire())
    draw(engine, settings, scenario)
    drawn = plan(engine, scenario)
    figures = measured(drawn, settings)
    assert [beat["migrants"] for beat in figures.beats] == [12] * 4
    assert {beat["officer"] for beat in figures.beats} == {"officer N1", "officer N2", "甲", "乙"}
    assert (figures.total["worst_load"], figures.total["changed_addresses"]) == (12.0, 8)
    assert figures.total["cost_yuan"] == 2 * 86_000 + 2 * 56_000
    parts = [figures.total[f"cost_{name}_yuan"] for name in ("transitioned", "not_transitioned", "allowance")]
    assert sum(parts) == figures.total["cost_yuan"]
    assert parts[1] == 2 * 56_000
    [township] = (drawn.drawn or {})["townships"]
    assert (township["deviation"], township["within_band"], township["changed_units"]) == (0.0, True, 2)
    assert township["least_price"] == 8.0
    assert township["proof"] == "optimal"


def test_every_move_has_a_reason_in_words(engine: Engine, settings: Settings, scenario: int) -> None:
    add_step(engine, PLANNER, scenario, hire())
    draw(engine, settings, scenario, band=0.05)
    [township] = (plan(engine, scenario).drawn or {})["townships"]
    first = [said_in_words(text) for text in township["reasons"][0]["texts"]]
    assert len(township["reasons"]) == 2
    # each of today's beats would have twice the fair load
    assert any("+100.0" in text for text in first)


def test_today_is_kept_where_nothing_is_wrong(engine: Engine, settings: Settings, scenario: int) -> None:
    draw(engine, settings, scenario)
    drawn = plan(engine, scenario)
    assert measured(drawn, settings).total["changed_units"] == 0


def test_the_same_seed_gives_the_same_plan(engine: Engine, settings: Settings, board: Board) -> None:
    found = []
    for _ in range(2):
        made = create_scenario(engine, settings, PLANNER, "again", board.areas["D"], TODAY, seed=7)
        add_step(engine, PLANNER, made, hire(3, []))
        draw(engine, settings, made, method="scratch")
        found.append(plan(engine, made).beat_of)
    assert found[0] == found[1]


def test_who_leaves_hands_the_beat_to_the_others(engine: Engine, settings: Settings, scenario: int) -> None:
    add_step(engine, PLANNER, scenario, Leave(kind="leave", badge_no="BN2"))
    draw(engine, settings, scenario)
    [beat] = measured(plan(engine, scenario), settings).beats
    assert (beat["officer"], beat["migrants"]) == ("officer N1", 48)


def test_officers_move_to_the_township_that_gets_their_posts(engine: Engine, settings: Settings, board: Board) -> None:
    made = create_scenario(engine, settings, PLANNER, "all", board.areas["D"], TODAY)
    counts = [TownshipPosts(area_id=board.areas["N"], posts=3), TownshipPosts(area_id=board.areas["S"], posts=1)]
    add_step(engine, PLANNER, made, Headcount(kind="headcount", townships=counts))
    draw(engine, settings, made, band=0.6)
    drawn = plan(engine, made)
    moves = (drawn.drawn or {})["transfers"]
    assert len(moves["moved"]) == 1
    assert moves["total_m"] == moves["least_m"] > 0
    figures = measured(drawn, settings)
    force = {area["name"]: area["officers"] for area in figures.areas if area["is_township"]}
    assert force == {"area N": 3.0, "area S": 1.0}
    freeze(engine, PLANNER, made)
    approve(engine, OTHER, made)
    publish(engine, settings, PLANNER, made, NEXT_MONTH)
    with reading(engine) as session:
        after = coverage_of_areas(session, Scope(NEXT_MONTH, None), settings)["officers_fte"]
    assert (after[board.areas["N"]], after[board.areas["S"]]) == (3, 1)
    mover = int(moves["moved"][0][1:])
    with reading(engine) as session:
        units = session.scalars(
            select(Posting.unit_id).where(Posting.officer_id == mover, Posting.valid_on(NEXT_MONTH))
        ).all()
    assert {board.units["N1"], board.units["N2"]} >= set(units)
    assert len(units) == 1


def test_what_cannot_be_kept_inside_the_band_says_what_would_have_to_give(
    engine: Engine, settings: Settings, scenario: int
) -> None:
    add_step(engine, PLANNER, scenario, hire(1))
    draw(engine, settings, scenario, band=0.05)  # three beats of four equal compounds: 12, 12 and 24
    [township] = (plan(engine, scenario).drawn or {})["townships"]
    assert not township["within_band"]
    assert township["relax"]["sets"] == [["one_more_post"]]
    assert township["relax"]["band"] == 0.5
    assert township["worst_load_with_one_more"] == 12


def test_a_compound_given_by_hand_shows_load_contiguity_and_cost(engine: Engine, board: Board, scenario: int) -> None:
    today = plan(engine, scenario)
    n1, n2 = (f"b{board.beats[village]}" for village in ("N1", "N2"))
    told = balance_of(today, [unit_of(today, board, "N12")], n2)
    assert (told.loads, told.broken, told.addresses) == ({n1: 12, n2: 36}, [], 4)
    assert told.deviations == {n1: -0.5, n2: 0.5}
    assert balance_of(today, [unit_of(today, board, "N11")], n2).broken == [n2]
    with pytest.raises(NotFoundError):
        balance_of(today, [0], "n99")


def test_steps_by_hand_are_taken_and_taken_back(engine: Engine, board: Board, scenario: int) -> None:
    today = plan(engine, scenario)
    unit = unit_of(today, board, "N12")
    give: Edit = Give(kind="give", units=[unit], beat=f"b{board.beats['N2']}")
    assert add_step(engine, PLANNER, scenario, give, after_step=0) == 1
    with pytest.raises(ConflictError):
        add_step(engine, PLANNER, scenario, give, after_step=0)
    assert plan(engine, scenario).beat_of[unit] == f"b{board.beats['N2']}"
    assert undo_step(engine, PLANNER, scenario) == 0
    assert plan(engine, scenario).beat_of == today.beat_of
    with pytest.raises(ConflictError):
        undo_step(engine, PLANNER, scenario)


def test_what_is_marked_on_the_map_binds_the_drawing_until_it_is_taken_back(
    engine: Engine, settings: Settings, board: Board, scenario: int
) -> None:
    first, second, third, fourth = (
        unit_of(plan(engine, scenario), board, name) for name in ("N11", "N12", "N21", "N22")
    )
    add_step(engine, PLANNER, scenario, Mark(kind="mark", mark="barrier", units=[third, second]))
    with pytest.raises(ConflictError):
        add_step(engine, PLANNER, scenario, Mark(kind="mark", mark="bridge", units=[second, third]))
    add_step(engine, PLANNER, scenario, Mark(kind="mark", mark="bridge", units=[first, fourth]))
    add_step(engine, PLANNER, scenario, Mark(kind="mark", mark="lock", units=[third]))
    marks = plan(engine, scenario).marks
    assert (marks.locks, marks.bridges, marks.barriers) == ({third}, {(first, fourth)}, {(second, third)})
    before = plan(engine, scenario)
    # over the bridge, not over the barrier
    assert balance_of(before, [first], before.beat_of[fourth] or "").broken == []
    assert balance_of(before, [second], before.beat_of[third] or "").broken == [before.beat_of[third]]
    draw(engine, settings, scenario, method="scratch", band=0.05)
    after = plan(engine, scenario)
    assert after.beat_of[third] == before.beat_of[third]
    assert (first, fourth) in {tuple(pair) for pair in after.drawn["townships"][0]["bridges"]}  # type: ignore[index]  # drawn
    assert after.drawn["rules"]["barriers"] == [[second, third]]  # type: ignore[index]  # it was drawn just now
    undo_step(engine, PLANNER, scenario)
    undo_step(engine, PLANNER, scenario)
    assert plan(engine, scenario).marks.locks == set()
    add_step(engine, PLANNER, scenario, Mark(kind="mark", mark="barrier", units=[second, third], on=False))
    assert plan(engine, scenario).marks.barriers == set()


def test_travel_is_the_way_from_the_middle_of_the_village(engine: Engine, board: Board, scenario: int) -> None:
    inputs = plan(engine, scenario).inputs
    way = address_km(inputs)
    one, other = (unit_of(plan(engine, scenario), board, name) for name in ("N11", "N12"))
    apart = np.hypot(inputs.units[one].x_m - inputs.units[other].x_m, inputs.units[one].y_m - inputs.units[other].y_m)
    # four addresses each: the middle lies half-way
    assert way[[one, other]] == pytest.approx([4 * apart / 2000] * 2)
    work = workload_of(inputs, Workload(migrants=1, travel=10))
    assert work[one] == round(12 + 10 * way[one])


def test_a_new_beat_by_hand_takes_the_first_recruit(engine: Engine, settings: Settings, scenario: int) -> None:
    add_step(engine, PLANNER, scenario, hire())
    add_step(engine, PLANNER, scenario, NewBeat(kind="new_beat", units=[0]))
    made = measured(plan(engine, scenario), settings).beats[-1]
    assert (made["officer"], made["migrants"]) == ("甲", 12)
    draw(engine, settings, scenario)  # and the optimiser finishes
    assert [beat["migrants"] for beat in measured(plan(engine, scenario), settings).beats] == [12] * 4


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


def test_a_plan_that_counts_on_a_change_of_the_land_waits_for_it(
    engine: Engine, settings: Settings, board: Board, scenario: int
) -> None:
    renamed = {"kind": "rename", "area_id": board.areas["N1"], "name": "north, anew"}
    dropped, wanted = (draft_change(engine, SHELL, renamed, Mode.CHANGE, NEXT_MONTH).id for _ in range(2))
    discard_change(engine, SHELL, dropped)
    with pytest.raises(ConflictError):
        add_step(engine, PLANNER, scenario, Boundary(kind="boundary", land_change_id=dropped))
    add_step(engine, PLANNER, scenario, Boundary(kind="boundary", land_change_id=wanted))
    ready(engine, settings, scenario)
    with pytest.raises(ConflictError, match=f"第 {wanted} 号"):
        publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    approve_change(engine, SHELL, wanted)
    apply_change(engine, settings, SHELL, wanted)
    assert publish(engine, settings, PLANNER, scenario, NEXT_MONTH).officers == 2


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
