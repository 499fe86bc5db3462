"""A village's quarter on the small district, on both databases: matched, worked, signed by two sides, closed."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.acknowledging import acknowledge_doubts
from gis_service.addresses.signing_off import sign_off_unresolved
from gis_service.addresses.tables import Address, Placement
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.registers.mismatches.actions import set_state
from gis_service.registers.mismatches.queries import Wanted, mismatches
from gis_service.registers.mismatches.recording import Recorded
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import (
    close,
    finish_work,
    open_quarter,
    printed_certificate,
    sign,
    take_back,
)
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.quarters.queries import closed_items, progress
from gis_service.registers.quarters.tables import PersonLink, ReconciledItem, Reconciliation
from gis_service.registers.snapshots.actions import Handing, hand_in
from gis_service.registers.snapshots.handed import table_of_records
from gis_service.registers.snapshots.tables import Snapshot, SnapshotRow
from gis_service.registers.tables import Mismatch, MismatchState
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.texts import Text
from tests.integration.board import TODAY, Board

Q3, Q4 = Quarter(2026, 3), Quarter(2026, 4)
WHOLE = Scope(TODAY, None)
ZHANG = {"name": "张伟", "id_number": "11010519491231002X", "phone": "13800138000"}
LI = {"name": "李娜", "id_number": "110105199001010012", "phone": "13900139000"}


def matched(
    engine: Engine, settings: Settings, board: Board, quarter: Quarter = Q4, *, village_knows_li: bool = False
) -> Recorded:
    """Hand in Zhang in all three registers, Li in those of the police and the grid workers; match them."""
    known = {Side.POLICE: (ZHANG, LI), Side.VILLAGE: (ZHANG,), Side.GRID: (ZHANG, LI)}
    if village_knows_li:
        known[Side.VILLAGE] = (ZHANG, LI)
    for side, rows in known.items():
        records = [
            {**row, "source_key": f"{side.value}{number}", "address_code": "A-N11-0", "address_text": "N11路1号"}
            for number, row in enumerate(rows)
        ]
        said = Handing(side, board.areas["N1"], min(TODAY, quarter.last))
        hand_in(engine, SHELL, table_of_records(records), said, today=TODAY)
    return match_quarter(engine, settings, SHELL, quarter, today=TODAY, area_id=board.areas["N1"]).recorded


class Looker:
    """Somebody who watches a matching, and stops it when it says something."""

    def __init__(self, stop_at: str = "never") -> None:
        self.told: list[float] = []
        self.stop_at, self.said = stop_at, ""

    def report(self, done: float, said: Text | None = None, best: object = None) -> None:
        del best
        self.told.append(done)
        self.said = "" if said is None else str(said)

    def cancelled(self) -> bool:
        return self.stop_at in self.said


def hand_in_everywhere(engine: Engine, board: Board) -> None:
    """Zhang on the lists of both townships' villages; the police know the people of the board."""
    for place, address in (("N1", "A-N11-0"), ("S1", "A-S11-0")):
        for side in (Side.VILLAGE, Side.GRID):
            record = {**ZHANG, "source_key": f"{side.value}{place}", "address_code": address}
            hand_in(engine, SHELL, table_of_records([record]), Handing(side, board.areas[place]), today=TODAY)


def test_a_matching_of_the_district_goes_township_by_township_and_stops_between_them(
    engine: Engine, settings: Settings, board: Board
) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY)
    hand_in_everywhere(engine, board)
    with reading(engine) as session:
        places = progress(session, WHOLE, Q4)
    north, south = board.areas["N1"], board.areas["S1"]
    looker = Looker(stop_at="area S")
    done = match_quarter(engine, settings, SHELL, Q4, today=TODAY, watch=looker)
    assert (done.stopped, done.villages, done.recorded.new > 0) == (True, 1, True)
    assert looker.told == sorted(looker.told)
    assert 0.5 <= looker.told[-1] < 1
    with reading(engine) as session:
        after = progress(session, WHOLE, Q4)
    assert (row_of(after, north, "state"), row_of(after, south, "state")) == (["matched"], ["open"])
    assert row_of(after, south, "found") == row_of(places, south, "found")
    done = match_quarter(engine, settings, SHELL, Q4, today=TODAY)
    assert (done.stopped, done.villages) == (False, 2)
    with reading(engine) as session:
        assert row_of(progress(session, WHOLE, Q4), south, "state") == ["matched"]


def test_a_matching_that_dies_leaves_the_township_as_it_was(
    engine: Engine, settings: Settings, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N"])
    hand_in_everywhere(engine, board)

    def die(*_arguments: object, **_named: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr("gis_service.registers.quarters.matching.note_matched", die)  # the last that is written
        with pytest.raises(SystemExit):
            match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N"])
    with reading(engine) as session:
        assert not session.scalars(select(PersonLink.id)).all()
        assert set(session.scalars(select(Reconciliation.state))) == {"open"}
    assert items(engine).empty
    assert match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N"]).recorded.new > 0


def test_what_comes_in_while_registers_are_compared_is_compared_too(
    engine: Engine, settings: Settings, board: Board
) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])
    hand_in_everywhere(engine, board)

    class Late(Looker):
        """Hands a longer list in while the matching works."""

        def report(self, done: float, said: Text | None = None, best: object = None) -> None:
            super().report(done, said, best)
            if len(self.told) == 3:
                rows = [{**LI, "source_key": "late", "address_code": "A-N11-1"}]
                said_of_it = Handing(Side.VILLAGE, board.areas["N1"])
                hand_in(engine, SHELL, table_of_records(rows), said_of_it, today=TODAY)

    watch = Late()
    match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N1"], watch=watch)
    assert len(watch.told) > 4
    with reading(engine) as session:
        row = session.scalars(select(Reconciliation)).one()
        assert row.figures is not None
        assert row.figures["rows"]["village"] == 1
        held = session.get_one(Snapshot, row.figures["snapshots"]["village"])
        assert session.scalars(select(SnapshotRow.source_key).where(SnapshotRow.snapshot_id == held.id)).all() == [
            "late"
        ]


@pytest.fixture
def n1(engine: Engine, board: Board) -> int:
    """The fourth quarter of village N1, open; what the board has planted there is settled and its addresses decided."""
    with transaction(engine) as session:
        session.execute(update(Mismatch).values(state="rejected", settled_at=datetime(2026, 5, 1)))  # noqa: DTZ001 - as stored
        session.execute(delete(Placement).where(Placement.unresolved.is_not(None)))
    (made,) = open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])
    return made


def items(engine: Engine, state: MismatchState | None = None) -> pd.DataFrame:
    with reading(engine) as session:
        frame = mismatches(session, WHOLE, SHELL, Wanted(state=state), limit=1000)[0]
    return frame[frame["source_key"].str.startswith("F")]


def row_of(frame: pd.DataFrame, village_id: int, *columns: str) -> list[Any]:
    return [frame[column].to_dict()[village_id] for column in columns]


def state_of(engine: Engine, number: int) -> str:
    with reading(engine) as session:
        return session.scalars(select(Reconciliation.state).where(Reconciliation.id == number)).one()


def worked(engine: Engine, settings: Settings, board: Board, number: int) -> list[int]:
    """Match, confirm what was found, finish; the items."""
    matched(engine, settings, board)
    found = [int(key) for key in items(engine).index]
    set_state(engine, SHELL, found, MismatchState.CONFIRMED, today=TODAY)
    finish_work(engine, SHELL, number, today=TODAY)
    return found


STATION = Viewer("station", Role.COMMANDER, None)
VILLAGE = Viewer("village", Role.STEWARD, None)


def signed(engine: Engine, number: int) -> None:
    assert sign(engine, STATION, number, today=TODAY) == "worked"
    assert sign(engine, VILLAGE, number, today=TODAY) == "signed"


def test_a_quarter_opens_once_in_every_village_and_not_before_it_begins(engine: Engine, board: Board) -> None:
    assert len(open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N"])) == 2
    assert len(open_quarter(engine, SHELL, Q4, today=TODAY)) == 2
    assert open_quarter(engine, SHELL, Q4, today=TODAY) == []
    with pytest.raises(InvalidInputError):
        open_quarter(engine, SHELL, Q4.next, today=TODAY)
    with pytest.raises(NotFoundError):
        open_quarter(
            engine,
            Viewer("n", Role.COMMANDER, frozenset({board.areas["N"]})),
            Q4,
            today=TODAY,
            area_id=board.areas["S"],
        )


def test_a_matching_finds_what_differs_and_notes_what_it_compared(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    assert matched(engine, settings, board).new == 1
    (row,) = items(engine).to_dict("records")
    assert (row["mismatch_class"], row["at_register"], row["registers"]) == (
        "missing_registration",
        "village",
        "police+village",
    )
    with reading(engine) as session:
        quarter = session.get_one(Reconciliation, n1)
        assert quarter.figures is not None
        assert quarter.figures["rows"] == {"police": 2, "village": 1, "grid": 2}
        assert quarter.figures["found"] == {"missing_registration": 1}
    assert matched(engine, settings, board).open_still == 1
    with pytest.raises(ConflictError):
        matched(engine, settings, board, Q3)


def test_the_work_is_finished_when_nothing_is_only_open(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    with pytest.raises(ConflictError):
        finish_work(engine, SHELL, n1, today=TODAY)
    matched(engine, settings, board)
    with pytest.raises(ConflictError):
        finish_work(engine, SHELL, n1, today=TODAY)
    set_state(engine, SHELL, [int(items(engine).index[0])], MismatchState.CORRECTED_VILLAGE, today=TODAY)
    finish_work(engine, SHELL, n1, today=TODAY)
    assert state_of(engine, n1) == "worked"


def test_two_people_of_two_sides_sign_the_same_thing(engine: Engine, settings: Settings, board: Board, n1: int) -> None:
    found = worked(engine, settings, board, n1)
    grid, both = Viewer("grid", Role.GRID_WORKER, None), Viewer("station", Role.STEWARD, None)
    for nobody in (grid, Viewer("planner", Role.PLANNER, None)):
        with pytest.raises(NotPermittedError):
            sign(engine, nobody, n1, today=TODAY)
    with pytest.raises(NotPermittedError):
        sign(engine, VILLAGE, n1, today=TODAY, side=Side.POLICE)
    sign(engine, STATION, n1, today=TODAY)
    with pytest.raises(ConflictError):
        sign(engine, STATION, n1, today=TODAY)
    with pytest.raises(NotPermittedError):  # one account that changed its role
        sign(engine, both, n1, today=TODAY)
    set_state(engine, SHELL, found, MismatchState.CORRECTED_VILLAGE, today=TODAY)
    assert sign(engine, VILLAGE, n1, today=TODAY) == "worked"  # the first signature was given to something else
    assert sign(engine, STATION, n1, today=TODAY) == "signed"


def test_what_changes_after_the_signatures_is_worked_and_signed_again(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    found = worked(engine, settings, board, n1)
    signed(engine, n1)
    set_state(engine, SHELL, found, MismatchState.CORRECTED_VILLAGE, today=TODAY)
    with pytest.raises(ConflictError):
        close(engine, settings, SHELL, n1, today=TODAY)
    take_back(engine, SHELL, n1, today=TODAY)
    finish_work(engine, SHELL, n1, today=TODAY)
    signed(engine, n1)
    close(engine, settings, SHELL, n1, today=TODAY)
    assert state_of(engine, n1) == "closed"


def test_a_closed_quarter_prints_the_same_bytes_whatever_happens_later(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    found = worked(engine, settings, board, n1)
    signed(engine, n1)
    printed = close(engine, settings, SHELL, n1, today=TODAY)
    set_state(engine, SHELL, found, MismatchState.CORRECTED_VILLAGE, today=TODAY)
    with reading(engine) as session:
        assert printed_certificate(session, WHOLE, n1) == printed
        assert closed_items(session, n1)["state"].tolist() == ["confirmed"]
        frame = progress(session, WHOLE, Q4)
    assert row_of(frame, board.areas["N1"], "state", "found", "confirmed", "settled") == ["closed", 1, 1, 0]
    page = printed.decode()
    for word in ("area N1", "2026-Q4", "漏登", "station", "village", "结转下季度"):
        assert word in page
    assert "草稿" not in page
    for act in (take_back, finish_work, partial(close, settings=settings)):
        with pytest.raises(ConflictError):
            act(engine, viewer=SHELL, reconciliation_id=n1, today=TODAY)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reconciliation SET state = 'open'",
        "UPDATE reconciliation SET certificate = NULL",
        "DELETE FROM reconciliation",
        "UPDATE reconciled_item SET state = 'rejected'",
        "DELETE FROM reconciled_item",
        (
            "INSERT INTO reconciled_item (reconciliation_id, source_key, mismatch_class, state, found_on) "
            "SELECT id, 'x', 'duplicate', 'open', '2026-01-01' FROM reconciliation"
        ),
    ],
)
def test_the_database_itself_keeps_a_closed_quarter(
    engine: Engine, settings: Settings, board: Board, n1: int, statement: str
) -> None:
    worked(engine, settings, board, n1)
    signed(engine, n1)
    close(engine, settings, SHELL, n1, today=TODAY)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="closed quarter does not change"):
        connection.execute(text(statement))


def test_addresses_that_wait_for_a_decision_keep_a_quarter_open(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    worked(engine, settings, board, n1)
    signed(engine, n1)
    with transaction(engine) as session:
        session.execute(
            update(Placement).where(Placement.address_id == board.addresses["A-N11-1"]).values(unresolved="no_point")
        )
    with pytest.raises(ConflictError):
        close(engine, settings, SHELL, n1, today=TODAY)
    sign_off_unresolved(engine, SHELL, board.areas["N1"], str(Q4), "无坐标，已报测绘", TODAY)
    with transaction(engine) as session:  # one door under two codes
        same = Address.code.in_(("A-N11-2", "A-N11-3"))
        session.execute(update(Address).where(same).values(text="中官路1号", road="中官路"))
    with pytest.raises(ConflictError, match="1"):
        close(engine, settings, SHELL, n1, today=TODAY)
    acknowledge_doubts(engine, settings, SHELL, TODAY, "一户两码，已核", area_id=board.areas["N1"])
    close(engine, settings, SHELL, n1, today=TODAY)
    assert state_of(engine, n1) == "closed"


def test_a_quarter_is_compared_with_the_one_before(engine: Engine, settings: Settings, board: Board, n1: int) -> None:
    (before,) = open_quarter(engine, SHELL, Q3, today=TODAY, area_id=board.areas["N1"])
    with transaction(engine) as session:
        third = session.get_one(Reconciliation, before)
        session.add_all(
            ReconciledItem(
                reconciliation_id=before,
                source_key=f"X{number}",
                mismatch_class="duplicate",
                state="rejected",
                found_on=date(2026, 8, 1),
            )
            for number in range(3)
        )
        session.flush()
        third.state = "closed"
    worked(engine, settings, board, n1)
    with reading(engine) as session:
        frame = progress(session, WHOLE, Q4)
        assert row_of(frame, board.areas["N1"], "found", "previous_found", "share_settled") == [1, 3, 0.0]
        assert frame["state"].isna().sum() == 3  # the other villages have not begun
        assert "上季度：发现 3 条" in printed_certificate(session, WHOLE, n1).decode()
        later = progress(session, Scope(date(2027, 1, 5), None), Q4)
        assert row_of(later, board.areas["N1"], "is_overdue") == [True]
        own = Scope(TODAY, frozenset({board.areas["S"]}))
        assert board.areas["N1"] not in progress(session, own, Q4).index
        with pytest.raises(NotFoundError):
            printed_certificate(session, own, n1)


def test_newer_registers_settle_what_they_no_longer_show(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    matched(engine, settings, board)
    assert matched(engine, settings, board, village_knows_li=True) == Recorded(gone=1)
    assert items(engine)["state"].tolist() == ["corrected_village"]
    finish_work(engine, SHELL, n1, today=TODAY)
    assert state_of(engine, n1) == "worked"


def test_a_draft_is_printed_for_a_day_before_there_was_land(
    engine: Engine, settings: Settings, board: Board, n1: int
) -> None:
    with reading(engine) as session:
        assert "2026-Q4" in printed_certificate(session, Scope(date.min, None), n1).decode()
