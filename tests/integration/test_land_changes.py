"""Land that changes, on both databases: versions, ancestry, beats and people, before and after and back again."""

from __future__ import annotations

import os
import signal
from datetime import date
from typing import Any

import pytest
import shapely
from shapely import box
from sqlalchemy import Engine, event, func, select

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.areas.land_record import heirs_of, timelines_of
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaAncestry, ChangeState, LandChange
from gis_service.changes.actions import (
    apply_change,
    approve_change,
    discard_change,
    draft_change,
    impact_of,
    land_changes,
    revert_change,
)
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.tables import BeatPart
from tests.integration.board import ADDRESSES_PER_COMPOUND, START, TODAY, Board, cells
from tests.integration.land import (
    DAY,
    EVE,
    border,
    carry,
    everything,
    halves,
    homes,
    redraw,
    split,
    split_village,
    versions,
)


def test_a_change_of_name_begins_a_version_and_writes_no_placement(
    engine: Engine, settings: Settings, board: Board
) -> None:
    n1 = board.areas["N1"]
    _, done = carry(engine, settings, {"kind": "rename", "area_id": n1, "name": "石塘下村"})
    assert [row[1:] for row in versions(engine, n1)] == [
        ("area N1", board.areas["N"], START, DAY),
        ("石塘下村", board.areas["N"], DAY, None),
    ]
    assert done.rewriting.written == 0


def test_a_corrected_name_was_never_another(engine: Engine, settings: Settings, board: Board) -> None:
    n1 = board.areas["N1"]
    carry(engine, settings, {"kind": "rename", "area_id": n1, "name": "石塘下村"}, Mode.CORRECTION)
    assert [row[1:] for row in versions(engine, n1)] == [("石塘下村", board.areas["N"], START, None)]


def test_a_corrected_name_is_corrected_in_every_version_that_had_it(
    engine: Engine, settings: Settings, board: Board
) -> None:
    carry(engine, settings, redraw(board), accepted_reason="villages are redrawn later")
    n12 = board.areas["N12"]
    carry(engine, settings, {"kind": "rename", "area_id": n12, "name": "right"}, Mode.CORRECTION, TODAY)
    assert [(row[1], *row[3:]) for row in versions(engine, n12)] == [("right", START, DAY), ("right", DAY, None)]


def test_a_new_code_holds_from_its_day_and_the_old_one_still_says_where_people_live(
    engine: Engine, settings: Settings, board: Board
) -> None:
    _, done = carry(engine, settings, {"kind": "recode", "area_id": board.areas["N1"], "code": "N9"})
    with reading(engine) as session:
        codes = [area_names(session, Scope(day, None)).loc[board.areas["N1"], "code"] for day in (EVE, DAY)]
    assert codes == ["N1", "N9"]
    assert done.rewriting.written == 0
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0


def test_a_code_that_another_area_has_is_refused(engine: Engine, settings: Settings, board: Board) -> None:
    with pytest.raises(InvalidInputError, match="S1"):
        carry(engine, settings, {"kind": "recode", "area_id": board.areas["N1"], "code": "S1"})


def test_a_redrawn_border_moves_the_addresses_between_and_writes_no_other(
    engine: Engine, settings: Settings, board: Board
) -> None:
    before = len(everything(engine)[2])
    _, done = carry(engine, settings, redraw(board), accepted_reason="villages are redrawn later")
    assert done.rewriting.written == 2
    assert len(everything(engine)[2]) == before + 2
    n12, n1 = board.areas["N12"], board.beats["N1"]
    assert homes(engine, board, "N12", EVE) == [(n12, n1)] * 4
    # whoever states N1 and lies in N2 now waits for a decision
    assert homes(engine, board, "N12", DAY) == [(n12, n1)] * 2 + [(None, None)] * 2
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0


def test_a_correction_rewrites_the_past(engine: Engine, settings: Settings, board: Board) -> None:
    carry(engine, settings, redraw(board), Mode.CORRECTION, accepted_reason="villages are redrawn later")
    assert homes(engine, board, "N12", START)[2:] == [(None, None)] * 2
    assert len(versions(engine, board.areas["N12"])) == 1


def test_a_change_of_the_future_leaves_today_as_it_is(engine: Engine, settings: Settings, board: Board) -> None:
    later = date(2027, 1, 1)
    carry(engine, settings, split(board), day=later)
    assert homes(engine, board, "N11", TODAY) == [(board.areas["N11"], board.beats["N1"])] * 4
    parts = {area for area, _ in homes(engine, board, "N11", later)}
    assert len(parts) == 2
    assert board.areas["N11"] not in parts
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0
    assert assign_addresses(engine, settings, SHELL, later).written == 0


def test_the_parts_of_a_compound_keep_its_officer(engine: Engine, settings: Settings, board: Board) -> None:
    _, done = carry(engine, settings, split(board))
    assert done.rewriting.written == ADDRESSES_PER_COMPOUND
    assert {beat for _, beat in homes(engine, board, "N11", TODAY)} == {board.beats["N1"]}
    assert versions(engine, board.areas["N11"])[-1][-1] == DAY


def test_what_became_of_a_village_is_told(engine: Engine, settings: Settings, board: Board) -> None:
    carry(engine, settings, split_village(board))
    with reading(engine) as session:
        heirs = heirs_of(session, board.areas["N1"])
    assert [(heir["code"], heir["kind"], heir["day"]) for heir in heirs] == [("NX", "split", DAY), ("NY", "split", DAY)]


def test_a_split_village_takes_its_border_from_its_compounds_and_nobody_is_unresolved(
    engine: Engine, settings: Settings, board: Board
) -> None:
    _, done = carry(engine, settings, split_village(board))
    assert done.rewriting.written == 0  # placements name compounds; the addresses' stated N1 lives on in NX and NY
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0
    with reading(engine) as session:
        names = area_names(session, Scope(TODAY, None))
        nx = int(names.index[names["code"].eq("NX")][0])
        shape = timelines_of(session, [nx])[nx][0].border
    assert shape is not None
    assert shape.equals(cells()["N11"])
    assert names.loc[board.areas["N11"], "parent_id"] == nx


def test_a_split_without_borders_leaves_addresses_with_the_old_area_until_they_are_drawn(
    engine: Engine, settings: Settings, board: Board
) -> None:
    payload = split(board)
    drawn = [part.pop("border") for part in payload["parts"]]
    before = homes(engine, board, "N11", TODAY)
    carry(engine, settings, payload)
    assert homes(engine, board, "N11", TODAY) == before
    with reading(engine) as session:
        heirs = [heir["to_area_id"] for heir in heirs_of(session, board.areas["N11"])]
        assert set(heirs) <= set(area_names(session, Scope(DAY, None)).index)
    borders = [{"area_id": heir, "border": shape} for heir, shape in zip(heirs, drawn, strict=True)]
    carry(engine, settings, {"kind": "redraw", "borders": borders})
    assert [area for area, _ in homes(engine, board, "N11", DAY)] == [heirs[0]] * 2 + [heirs[1]] * 2
    assert {beat for _, beat in homes(engine, board, "N11", DAY)} == {board.beats["N1"]}
    assert versions(engine, board.areas["N11"])[-1][-1] == DAY


def test_compounds_that_merge_keep_one_officer_when_they_had_one(
    engine: Engine, settings: Settings, board: Board
) -> None:
    into = {"code": "N1m", "name": "merged"}
    payload = {"kind": "merge", "area_ids": [board.areas["N11"], board.areas["N12"]], "into": into}
    _, done = carry(engine, settings, payload)
    assert done.rewriting.written == 2 * ADDRESSES_PER_COMPOUND
    found = {*homes(engine, board, "N11", TODAY), *homes(engine, board, "N12", TODAY)}
    assert len(found) == 1
    assert {beat for _, beat in found} == {board.beats["N1"]}


def test_compounds_of_two_beats_that_merge_leave_each_officer_the_ground(
    engine: Engine, settings: Settings, board: Board
) -> None:
    carry(
        engine,
        settings,
        {"kind": "move", "area_id": board.areas["N21"], "parent_id": board.areas["N1"]},
        accepted_reason="a test",
    )
    into = {"code": "N1m", "name": "merged"}
    payload = {"kind": "merge", "area_ids": [board.areas["N12"], board.areas["N21"]], "into": into}
    carry(engine, settings, payload, day=TODAY, accepted_reason="a test")
    assert {beat for _, beat in homes(engine, board, "N12", TODAY)} == {board.beats["N1"]}
    with reading(engine) as session:
        parts = session.execute(select(BeatPart.beat_id).where(BeatPart.valid_from == TODAY)).scalars().all()
    assert sorted(parts) == sorted([board.beats["N1"], board.beats["N2"]])


def test_an_area_with_children_does_not_end_before_them(engine: Engine, settings: Settings, board: Board) -> None:
    with pytest.raises(InvalidInputError, match="N1"):
        carry(engine, settings, {"kind": "retire", "area_id": board.areas["N1"]})


def test_addresses_of_an_area_that_ends_wait_for_a_decision(engine: Engine, settings: Settings, board: Board) -> None:
    _, done = carry(
        engine, settings, {"kind": "retire", "area_id": board.areas["N11"]}, accepted_reason="flooded by the reservoir"
    )
    assert done.rewriting.written == ADDRESSES_PER_COMPOUND
    assert homes(engine, board, "N11", DAY) == [(None, None)] * 4


def test_a_new_compound_where_there_was_none_takes_its_addresses(
    engine: Engine, settings: Settings, board: Board
) -> None:
    shape = border(box(121.495, 29.895, 121.505, 29.905))
    payload = {"kind": "create", "level": "compound", "code": "N13", "name": "on the sea", "border": shape}
    _, done = carry(engine, settings, {**payload, "parent_id": board.areas["N1"]}, accepted_reason="reclaimed land")
    assert done.rewriting.written == 1


def test_a_gap_is_refused_unless_somebody_accepts_it(engine: Engine, settings: Settings, board: Board) -> None:
    west, _ = halves("N11")
    payload = {"kind": "redraw", "borders": [{"area_id": board.areas["N11"], "border": border(west)}]}
    before = everything(engine)
    with pytest.raises(InvalidInputError) as refusal:
        carry(engine, settings, payload)
    assert refusal.value.faults
    assert everything(engine) == before
    carry(engine, settings, payload, accepted_reason="the lake")


def test_the_impact_tells_who_moves_and_writes_nothing(engine: Engine, settings: Settings, board: Board) -> None:
    change = draft_change(engine, SHELL, split(board), Mode.CHANGE, DAY)
    before = everything(engine)
    impact = impact_of(engine, settings, SHELL, change.id)
    assert everything(engine) == before
    assert (impact.since, impact.until, impact.written) == (DAY, None, 4)
    assert impact.flows["addresses"].tolist() == [2, 2]
    assert (impact.flows["migrants"].sum(), impact.flows["rentals"].sum()) == (12, 1)
    assert impact.officers.empty
    assert sorted(impact.borders["when"]) == ["after", "after", "before"]
    assert impact.faults.empty


def test_the_impact_tells_what_becomes_of_coverage(engine: Engine, settings: Settings, board: Board) -> None:
    payload = {"kind": "move", "area_id": board.areas["N21"], "parent_id": board.areas["N1"]}
    change = draft_change(engine, SHELL, payload, Mode.CHANGE, DAY)
    coverage = impact_of(engine, settings, SHELL, change.id).coverage
    n1 = coverage.loc[board.areas["N1"]]
    assert (n1["migrants_before"], n1["migrants_after"]) == (24, 36)


def test_the_impact_is_what_applying_does(engine: Engine, settings: Settings, board: Board) -> None:
    change = draft_change(engine, SHELL, redraw(board), Mode.CHANGE, DAY)
    impact = impact_of(engine, settings, SHELL, change.id)
    assert not impact.faults.empty
    approve_change(engine, SHELL, change.id, accepted_reason="villages are redrawn later")
    done = apply_change(engine, settings, SHELL, change.id)
    assert impact.written == done.rewriting.written == len(impact.moved)
    lost = impact.officers.loc[board.beats["N1"]]
    assert (lost["addresses_lost"], lost["migrants_lost"]) == (2, 6)


PAYLOADS = {"redraw": redraw, "split": split, "split_village": split_village}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_reverting_leaves_everything_as_it_was(
    engine: Engine, settings: Settings, board: Board, name: str, mode: Mode
) -> None:
    before = everything(engine)
    change_id, _ = carry(engine, settings, PAYLOADS[name](board), mode, accepted_reason="a test")
    assert everything(engine) != before
    revert_change(engine, settings, SHELL, change_id, "it was a mistake")
    assert everything(engine) == before
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(AreaAncestry)) == 0


def test_a_change_under_a_later_one_is_not_reverted(engine: Engine, settings: Settings, board: Board) -> None:
    change_id, _ = carry(engine, settings, {"kind": "rename", "area_id": board.areas["N1"], "name": "first"})
    carry(engine, settings, {"kind": "rename", "area_id": board.areas["N1"], "name": "second"}, day=TODAY)
    with pytest.raises(ConflictError):
        revert_change(engine, settings, SHELL, change_id, "it was a mistake")


@pytest.mark.parametrize("written", ["area_version", "area_ancestry", "beat_part", "placement", "land_change"])
def test_a_process_killed_half_way_leaves_the_old_state(
    engine: Engine, settings: Settings, board: Board, written: str
) -> None:
    change = draft_change(engine, SHELL, split(board), Mode.CHANGE, DAY)
    approve_change(engine, SHELL, change.id)
    before = everything(engine)
    engine.dispose()
    child = os.fork()
    if child == 0:

        @event.listens_for(engine, "before_cursor_execute")
        def _die(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith(("UPDATE", "DELETE", "INSERT")) and written in statement:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            apply_change(engine, settings, SHELL, change.id)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert everything(engine) == before
    with reading(engine) as session:
        assert session.get_one(LandChange, change.id).state == ChangeState.APPROVED
    apply_change(engine, settings, SHELL, change.id)


PLANNER = Viewer("planner", Role.PLANNER, None, account_id=1)
OTHER = Viewer("other", Role.PLANNER, None, account_id=2)


def test_nobody_approves_the_own_draft(engine: Engine, settings: Settings, board: Board) -> None:
    change = draft_change(engine, PLANNER, split(board), Mode.CHANGE, DAY)
    with pytest.raises(NotPermittedError):
        approve_change(engine, PLANNER, change.id)
    assert approve_change(engine, OTHER, change.id).approved_by == "other"


def test_a_draft_is_not_applied_and_a_discarded_one_neither(engine: Engine, settings: Settings, board: Board) -> None:
    change = draft_change(engine, PLANNER, split(board), Mode.CHANGE, DAY)
    with pytest.raises(ConflictError):
        apply_change(engine, settings, PLANNER, change.id)
    discard_change(engine, PLANNER, change.id)
    with pytest.raises(ConflictError):
        approve_change(engine, OTHER, change.id)


def test_a_change_elsewhere_is_neither_drafted_nor_seen(engine: Engine, settings: Settings, board: Board) -> None:
    steward = Viewer("steward", Role.STEWARD, frozenset({board.areas["N1"]}), account_id=3)
    with pytest.raises(NotPermittedError):
        draft_change(engine, steward, {"kind": "rename", "area_id": board.areas["S1"], "name": "x"}, Mode.CHANGE, DAY)
    change = draft_change(
        engine, PLANNER, {"kind": "rename", "area_id": board.areas["S1"], "name": "x"}, Mode.CHANGE, DAY
    )
    with pytest.raises(NotFoundError):
        impact_of(engine, settings, steward, change.id)
    with reading(engine) as session:
        assert land_changes(session, steward) == []
        assert len(land_changes(session, PLANNER)) == 1


def test_every_step_is_in_the_audit_trail(engine: Engine, settings: Settings, board: Board) -> None:
    change_id, _ = carry(engine, settings, split(board))
    revert_change(engine, settings, SHELL, change_id, "it was a mistake")
    with reading(engine) as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.object_kind == "land_change").order_by(AuditEntry.seq)
        ).all()
    assert actions == ["draft_land_change", "approve_land_change", "apply_land_change", "revert_land_change"]


@pytest.mark.parametrize(
    "payload",
    [
        {"kind": "explode"},
        {"kind": "rename", "area_id": 1},
        {"kind": "split", "area_id": 1, "parts": []},
    ],
)
def test_what_cannot_be_understood_is_refused(engine: Engine, board: Board, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        draft_change(engine, SHELL, payload, Mode.CHANGE, DAY)


def test_a_border_that_crosses_itself_is_refused(engine: Engine, settings: Settings, board: Board) -> None:
    bow = shapely.Polygon([(121.6, 29.9), (121.61, 29.91), (121.61, 29.9), (121.6, 29.91)])
    payload = {"kind": "redraw", "borders": [{"area_id": board.areas["S11"], "border": border(bow)}]}
    with pytest.raises(InvalidInputError):
        carry(engine, settings, payload)
