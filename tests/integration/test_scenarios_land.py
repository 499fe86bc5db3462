"""Scenarios that count on a change of the land, on both databases: its units are those after the draft."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import shapely
from shapely import box
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, update

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.tables import Address
from gis_service.areas.queries import area_by_code
from gis_service.changes.actions import apply_change, approve_change, discard_change, draft_change, revert_change
from gis_service.errors import ConflictError
from gis_service.intake.subject import Mode
from gis_service.planning.balance import balance_of
from gis_service.planning.by_hand import take_by_hand
from gis_service.planning.edits import Boundary, Edit, Give, Mark
from gis_service.planning.inputs import FIRST_PROVISIONAL
from gis_service.planning.letters import letters_of
from gis_service.planning.measures import measured
from gis_service.planning.plans import Plan
from gis_service.planning.publishing import publish, revert
from gis_service.planning.scenarios import add_step, approve, create_scenario, freeze, seen, share, undo_step
from gis_service.registers.figures import beat_loads
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.tables import BeatPart
from gis_service.web.plan_maps import change_sheet, editing_data, land_of, load_sheet
from tests.integration.board import STEP, TODAY, Board, cells
from tests.integration.planning_steps import NEXT_MONTH, OTHER, PLANNER, draw, everything, hire, north, plan, ready

Count = Callable[[dict[str, Any]], int]


@pytest.fixture
def scenario(engine: Engine, settings: Settings, board: Board) -> int:
    """A scenario of the northern township."""
    return north(engine, settings, board)


@pytest.fixture
def count_on(engine: Engine, settings: Settings, scenario: int) -> Count:
    """Draft a change of the land for next month and have the scenario count on it; gives the number of the change."""

    def counted(payload: dict[str, Any]) -> int:
        number = draft_change(engine, SHELL, payload, Mode.CHANGE, NEXT_MONTH).id
        take_by_hand(engine, settings, PLANNER, scenario, Boundary(kind="boundary", land_change_id=number))
        return number

    return counted


def border(shape: BaseGeometry) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))


def split_of(board: Board, code: str, share_west: float = 0.45) -> dict[str, Any]:
    """A compound in two, `<code>a` in the west; of its addresses, at 1/6, 2/6, 3/6 and 4/6, two lie in either."""
    west, south, east, high = cells()[code].bounds
    middle = west + share_west * STEP
    parts = ((f"{code}a", box(west, south, middle, high)), (f"{code}b", box(middle, south, east, high)))
    return {
        "kind": "split",
        "area_id": board.areas[code],
        "parts": [{"code": part, "name": f"area {part}", "border": border(shape)} for part, shape in parts],
    }


def redraw_of(board: Board) -> dict[str, Any]:
    """N12 gives its eastern half, with two addresses, to N21: across the villages, and from beat N1 to beat N2."""
    west, south, east, high = cells()["N12"].bounds
    middle = west + 0.45 * STEP
    taken = shapely.union(box(middle, south, east, high), cells()["N21"])
    shapes = {"N12": box(west, south, middle, high), "N21": taken}
    return {
        "kind": "redraw",
        "borders": [{"area_id": board.areas[code], "border": border(shape)} for code, shape in shapes.items()],
    }


def apply(engine: Engine, settings: Settings, number: int) -> None:
    approve_change(engine, SHELL, number)
    apply_change(engine, settings, SHELL, number)


def named(found: Plan) -> dict[str, tuple[int, int]]:
    """Migrants and addresses of each unit, by its name without `area`."""
    return {unit.name.removeprefix("area "): (unit.migrants, unit.addresses) for unit in found.inputs.units}


def number_of(found: Plan, name: str) -> int:
    return next(n for n, unit in enumerate(found.inputs.units) if unit.name == f"area {name}")


def test_a_split_compound_is_two_units_with_their_addresses_and_borders(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    before = everything(engine)
    count_on(split_of(board, "N12"))
    assert everything(engine) == before  # it was carried out to look at it, and taken back
    found = plan(engine, scenario)
    assert named(found) == {"N11": (12, 4), "N21": (12, 4), "N22": (12, 4), "N12a": (6, 2), "N12b": (6, 2)}
    pairs = {
        tuple(sorted((found.inputs.units[a].name[5:], found.inputs.units[b].name[5:])))
        for a, b, _ in found.inputs.edges
    }
    assert pairs == {("N11", "N12a"), ("N12a", "N12b"), ("N12b", "N21"), ("N21", "N22")}
    assert len({found.beat_of[number_of(found, name)] for name in ("N11", "N12a", "N12b")}) == 1
    figures = measured(found, settings)
    assert (figures.total["migrants"], figures.total["changed_addresses"]) == (48, 0)
    assert [unit.name for unit in found.today.inputs.units] == [f"area {code}" for code in ("N11", "N12", "N21", "N22")]
    undo_step(engine, PLANNER, scenario)
    assert len(plan(engine, scenario).inputs.units) == 4


def test_steps_before_the_draft_go_over_to_what_became_of_their_compound(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    first = plan(engine, scenario)
    n2 = f"b{board.beats['N2']}"
    steps: list[Edit] = [
        Give(kind="give", units=[number_of(first, "N12")], beat=n2),
        Mark(kind="mark", mark="lock", units=[number_of(first, "N12")]),
        Mark(kind="mark", mark="barrier", units=[number_of(first, "N11"), number_of(first, "N12")]),
        Mark(kind="mark", mark="bridge", units=[number_of(first, "N11"), number_of(first, "N21")]),
    ]
    for step in steps:
        add_step(engine, PLANNER, scenario, step)
    count_on(split_of(board, "N12"))
    found = plan(engine, scenario)
    n11, n21, west, east = (number_of(found, name) for name in ("N11", "N21", "N12a", "N12b"))
    assert (found.beat_of[west], found.beat_of[east]) == (n2, n2)
    assert found.marks.locks == {west, east}
    assert found.marks.barriers == {(n11, west), (n11, east)}
    assert found.marks.bridges == {(n11, n21)}
    assert balance_of(found, [east], f"b{board.beats['N1']}").addresses == 2


def test_addresses_that_the_draft_itself_moves_change_their_officer(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    with transaction(engine) as session:  # nothing stands against their lying in another village
        session.execute(update(Address).values(stated_village_code=None))
    count_on(redraw_of(board))
    found = plan(engine, scenario)
    assert named(found) == {"N11": (12, 4), "N22": (12, 4), "N12": (6, 2), "N21": (18, 6)}
    figures = measured(found, settings)
    assert (figures.total["changed_addresses"], figures.total["changed_migrants"]) == (2, 6)
    assert {beat["name"]: beat["migrants"] for beat in figures.beats} == {"beat N1": 18, "beat N2": 30}
    assert {letter.officer: (letter.gained, letter.lost) for letter in letters_of(found)} == {
        "officer N1": ([], ["area N21 的一部分"]), "officer N2": (["area N21 的一部分"], []),
    }  # fmt: skip
    # and when they are handed back with the whole compound, only the others change
    add_step(
        engine, PLANNER, scenario, Give(kind="give", units=[number_of(found, "N21")], beat=f"b{board.beats['N1']}")
    )
    assert measured(plan(engine, scenario), settings).total["changed_addresses"] == 4


def test_beats_of_the_drafted_compounds_are_drawn_shown_and_published_after_the_land(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    number = count_on(split_of(board, "N12"))
    add_step(engine, PLANNER, scenario, hire(1))
    draw(engine, settings, scenario, band=0.3)  # three beats of 48 people: only the split makes 12 + 18 + 18 possible
    found = plan(engine, scenario)
    figures = measured(found, settings)
    assert sorted(beat["migrants"] for beat in figures.beats) == [12, 18, 18]
    [township] = (found.drawn or {})["townships"]
    assert township["within_band"]
    assert {found.inputs.units[each["unit"]].name for each in township["reasons"]} <= {
        unit.name for unit in found.inputs.units
    }
    with reading(engine) as session:
        land = land_of(session, settings, found, None)
        data = editing_data(land, found, None)
    assert sorted(each["properties"]["name"] for each in data["features"]["features"]) == sorted(
        unit.name for unit in found.inputs.units
    )
    for sheet in (load_sheet(land, found, title="plan"), load_sheet(land, found.today, title="today")):
        assert "<svg" in sheet
    assert "<svg" in change_sheet(land, found, title="changes")
    freeze(engine, PLANNER, scenario)
    approve(engine, OTHER, scenario)
    with pytest.raises(ConflictError, match=f"第 {number} 号"):
        publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    apply(engine, settings, number)
    before = everything(engine)
    with pytest.raises(ConflictError, match=f"第 {number} 号"):
        publish(engine, settings, PLANNER, scenario, date(2026, 11, 30))
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    with reading(engine) as session:
        loads = beat_loads(session, Scope(NEXT_MONTH, frozenset({board.areas["N"]})))
        assert sorted(loads["migrants"]) == [12, 18, 18]
        assert area_by_code(session, Scope(NEXT_MONTH, None), "N12a") < FIRST_PROVISIONAL
    with pytest.raises(ConflictError):  # the plan stands on it
        revert_change(engine, settings, SHELL, number, "drawn on the wrong map")
    # what is stored is what assigning anew would find
    assert assign_addresses(engine, settings, SHELL, NEXT_MONTH).written == 0
    revert(engine, settings, PLANNER, scenario, "it was a mistake")
    assert everything(engine) == before
    revert_change(engine, settings, SHELL, number, "drawn on the wrong map")


def test_merged_compounds_of_two_beats_are_two_parts_until_one_beat_has_both(
    engine: Engine, settings: Settings, board: Board
) -> None:
    with transaction(engine) as session:
        part = update(BeatPart).where(BeatPart.area_id == board.areas["N12"])
        session.execute(part.values(beat_id=board.beats["N2"]))
    assign_addresses(engine, settings, SHELL, TODAY)
    made = north(engine, settings, board)
    merged = {
        "kind": "merge",
        "area_ids": [board.areas["N11"], board.areas["N12"]],
        "into": {"code": "N1x", "name": "area N1x"},
    }
    number = draft_change(engine, SHELL, merged, Mode.CHANGE, NEXT_MONTH).id
    take_by_hand(engine, settings, PLANNER, made, Boundary(kind="boundary", land_change_id=number))
    found = plan(engine, made)
    n1, n2 = (f"b{board.beats[village]}" for village in ("N1", "N2"))
    whole = [n for n, unit in enumerate(found.inputs.units) if unit.name == "area N1x"]
    assert [(found.beat_of[n], found.inputs.units[n].migrants) for n in whole] == [(n1, 12), (n2, 12)]
    assert len({found.inputs.units[n].part_id for n in whole}) == 2
    # one piece of it goes over, the other keeps its ground
    add_step(engine, PLANNER, made, Give(kind="give", units=[number_of(found, "N22"), whole[0]], beat=n2))
    add_step(engine, PLANNER, made, Give(kind="give", units=[whole[1]], beat=n1))
    freeze(engine, PLANNER, made)
    approve(engine, OTHER, made)
    apply(engine, settings, number)
    publish(engine, settings, PLANNER, made, NEXT_MONTH)
    with reading(engine) as session:
        loads = beat_loads(session, Scope(NEXT_MONTH, frozenset({board.areas["N"]})))["migrants"]
    assert loads[board.beats["N1"]] == 12
    assert loads[board.beats["N2"]] == 36
    assert assign_addresses(engine, settings, SHELL, NEXT_MONTH).written == 0


def test_two_drafts_follow_each_other_and_one_is_counted_on_once(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    first = count_on(split_of(board, "N12"))
    second = count_on(split_of(board, "N21"))
    found = plan(engine, scenario)
    assert named(found) == {
        "N11": (12, 4), "N22": (12, 4), "N12a": (6, 2), "N12b": (6, 2), "N21a": (6, 2), "N21b": (6, 2),
    }  # fmt: skip
    founded = [unit.area_id for unit in found.inputs.units if unit.area_id >= FIRST_PROVISIONAL]
    assert len(set(founded)) == 4
    with pytest.raises(ConflictError):
        take_by_hand(engine, settings, PLANNER, scenario, Boundary(kind="boundary", land_change_id=first))
    add_step(
        engine, PLANNER, scenario, Give(kind="give", units=[number_of(found, "N12b")], beat=f"b{board.beats['N2']}")
    )
    freeze(engine, PLANNER, scenario)
    approve(engine, OTHER, scenario)
    apply(engine, settings, second)
    apply(engine, settings, first)
    publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    with reading(engine) as session:
        loads = beat_loads(session, Scope(NEXT_MONTH, frozenset({board.areas["N"]})))
    assert sorted(loads["migrants"]) == [18, 30]


def test_a_village_that_the_draft_splits_has_figures_of_its_own(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    parts = [("NX", "N11"), ("NY", "N12")]
    count_on(
        {
            "kind": "split",
            "area_id": board.areas["N1"],
            "parts": [
                {"code": code, "name": f"area {code}", "border": border(cells()[of]), "children": [board.areas[of]]}
                for code, of in parts
            ],
        }
    )
    found = plan(engine, scenario)
    rows = {area["name"]: area["migrants"] for area in measured(found, settings).areas}
    assert rows == {"area N": 48, "area N2": 24, "area NX": 12, "area NY": 12}
    before = {area["name"]: area["migrants"] for area in measured(found.today, settings).areas}
    assert before == {"area N": 48, "area N1": 24, "area N2": 24}


def test_whoever_sees_a_part_of_the_land_sees_what_its_draft_founds(
    engine: Engine, settings: Settings, board: Board
) -> None:
    made = create_scenario(engine, settings, PLANNER, "all", board.areas["D"], TODAY)
    for code in ("N12", "S12"):
        number = draft_change(engine, SHELL, split_of(board, code), Mode.CHANGE, NEXT_MONTH).id
        take_by_hand(engine, settings, PLANNER, made, Boundary(kind="boundary", land_change_id=number))
    share(engine, PLANNER, made, shared=True)
    commander = Viewer("commander", Role.COMMANDER, frozenset({board.areas["N"]}), account_id=103)
    found = plan(engine, made)
    with reading(engine) as session:
        only = seen(session, commander, made).only
    visible = {unit.name for unit in found.inputs.units if unit.area_id in (only or ())}
    assert visible == {f"area {code}" for code in ("N11", "N12a", "N12b", "N21", "N22")}


def test_land_that_was_reverted_or_given_other_beats_is_not_what_the_plan_counts_on(
    engine: Engine, settings: Settings, board: Board, scenario: int, count_on: Count
) -> None:
    number = count_on(split_of(board, "N12"))
    freeze(engine, PLANNER, scenario)
    approve(engine, OTHER, scenario)
    apply(engine, settings, number)
    revert_change(engine, settings, SHELL, number, "drawn on the wrong map")
    with pytest.raises(ConflictError, match=f"第 {number} 号"):
        publish(engine, settings, PLANNER, scenario, NEXT_MONTH)


def test_a_plan_that_counts_on_a_change_of_the_land_waits_for_it(
    engine: Engine, settings: Settings, board: Board, scenario: int
) -> None:
    renamed = {"kind": "rename", "area_id": board.areas["N1"], "name": "north, anew"}
    dropped, wanted = (draft_change(engine, SHELL, renamed, Mode.CHANGE, NEXT_MONTH).id for _ in range(2))
    discard_change(engine, SHELL, dropped)
    with pytest.raises(ConflictError):
        take_by_hand(engine, settings, PLANNER, scenario, Boundary(kind="boundary", land_change_id=dropped))
    take_by_hand(engine, settings, PLANNER, scenario, Boundary(kind="boundary", land_change_id=wanted))
    ready(engine, settings, scenario)
    with pytest.raises(ConflictError, match=f"第 {wanted} 号"):
        publish(engine, settings, PLANNER, scenario, NEXT_MONTH)
    approve_change(engine, SHELL, wanted)
    apply_change(engine, settings, SHELL, wanted)
    assert publish(engine, settings, PLANNER, scenario, NEXT_MONTH).officers == 2
