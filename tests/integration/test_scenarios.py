"""Scenarios on both databases: a copy of a day, steps by hand, beats drawn by a worker."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine, select

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.errors import ConflictError, NotFoundError
from gis_service.jobs.running import said_in_words
from gis_service.planning.balance import balance_of
from gis_service.planning.edits import (
    Edit,
    Give,
    Headcount,
    Leave,
    Mark,
    NewBeat,
    TownshipPosts,
)
from gis_service.planning.graphs import Workload, address_km, workload_of
from gis_service.planning.inputs import packed, unpacked
from gis_service.planning.measures import measured
from gis_service.planning.publishing import publish
from gis_service.planning.scenarios import (
    add_step,
    approve,
    create_scenario,
    freeze,
    inputs_of,
    seen,
    undo_step,
)
from gis_service.registers.figures import coverage_of_areas
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.actions import hand_over_beat
from gis_service.teams.tables import Posting
from tests.integration.board import TODAY, Board
from tests.integration.planning_steps import (
    NEXT_MONTH,
    OTHER,
    PLANNER,
    draw,
    hire,
    north,
    plan,
    unit_of,
)


@pytest.fixture
def scenario(engine: Engine, settings: Settings, board: Board) -> int:
    """A scenario of the northern township."""
    return north(engine, settings, board)


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


def test_a_recruit_for_no_township_goes_where_load_times_difficulty_is_worst(
    engine: Engine, settings: Settings, board: Board
) -> None:
    made = create_scenario(engine, settings, PLANNER, "all", board.areas["D"], TODAY)
    hard = {place.code: place.multiplier for place in plan(engine, made).inputs.places}
    assert hard["N"] > hard["S"]  # a red rental; loads are equal
    add_step(engine, PLANNER, made, hire(1))
    draw(engine, settings, made, band=0.6)
    force = {area["name"]: area["officers"] for area in measured(plan(engine, made), settings).areas}
    assert (force["area N"], force["area S"]) == (3.0, 2.0)


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
