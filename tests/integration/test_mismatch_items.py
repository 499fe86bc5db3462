"""Mismatches as items on the small district, on both databases: found once, worked by three sides, opened again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, select

from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.rotation import rotate_keys
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.areas.tables import AreaLevel
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError, TooLargeError
from gis_service.registers.figures import mismatches_of_areas
from gis_service.registers.mismatches.actions import attach, comment, hand_over, set_state
from gis_service.registers.mismatches.figures import monthly, rates_of_areas, worst_compounds
from gis_service.registers.mismatches.queries import Wanted, attachment, count_states, mismatch, mismatches
from gis_service.registers.mismatches.recording import Recorded, record_findings
from gis_service.registers.mismatches.tables import MismatchAttachment
from gis_service.registers.tables import Mismatch, MismatchState
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from layers.frames import REGISTERS
from tests.integration.board import TODAY, Board
from tests.integration.route_call import PNG

WHOLE = Scope(TODAY, None)
LATER = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=400)


def people(board: Board, *, phone: str = "13800138000") -> pd.DataFrame:
    """Zhang, whom the grid workers have and the police have not; Li, whose name the village writes otherwise."""
    home = board.addresses["A-N11-1"]
    rows: list[dict[str, Any]] = [
        {"register": "grid", "source_key": "G1", "name": "张三", "phone": phone, "address_id": home},
        {"register": "police", "source_key": "P2", "name": "李丽", "id_number": "11010519491231002X"},
        {"register": "village", "source_key": "V2", "name": "李麗", "id_number": "11010519491231002X"},
    ]
    frame = pd.DataFrame(rows, index=pd.Index([11, 22, 33], name="record_id"))
    return frame.assign(
        address_text="N11路2号", from_on=pd.Timestamp("2026-01-01"), left_on=pd.Series(pd.NaT, index=frame.index)
    )


def found(board: Board) -> pd.DataFrame:
    """What a matching makes of `people`."""
    frame = pd.DataFrame(
        {
            "mismatch_class": ["should_be_registered", "attribute_conflict"],
            "at_register": ["police", "village"],
            "field": ["", "name"],
            "person_id": [11, 22],
            "registers": ["police+grid", "police+village"],
            "fact": ["should_be_registered|police||np:张三", "attribute_conflict|village|name|id:11010519491231002X"],
        }
    )
    ids: dict[str, list[int | None]] = {
        "police_record_id": [None, 22],
        "village_record_id": [None, 33],
        "grid_record_id": [11, None],
        "other_record_id": [None, None],
        "address_id": [board.addresses["A-N11-1"], None],
        "village_id": [board.areas["N1"]] * 2,
    }
    frame["also_facts"] = [(), ()]
    return frame.assign(**{name: pd.Series(values, dtype="Int64") for name, values in ids.items()})


def recorded(
    engine: Engine,
    settings: Settings,
    vault: Vault,
    board: Board,
    facts: pd.DataFrame,
    *,
    at: datetime = LATER,
    phone: str = "13800138000",
) -> Recorded:
    with transaction(engine) as session:
        return record_findings(
            session,
            settings,
            SHELL,
            vault,
            people(board, phone=phone),
            facts.reset_index(drop=True),
            villages=[board.areas["N1"]],
            day=TODAY,
            evidence_at={(board.areas["N1"], name): at for name in REGISTERS},
        )


def items(engine: Engine, viewer: Viewer = SHELL, scope: Scope = WHOLE) -> pd.DataFrame:
    """The items that were found, without those of the board."""
    with reading(engine) as session:
        frame, _ = mismatches(session, scope, viewer, Wanted(), limit=1000)
    return frame[frame["source_key"].str.startswith("F")]


def ids_of(engine: Engine) -> list[int]:
    return [int(number) for number in sorted(items(engine).index)]


def test_a_fact_is_one_item_however_often_it_is_found(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(new=2)
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(open_still=2)
    rotate_keys(engine, vault, SHELL)
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(open_still=2)
    frame = items(engine)
    assert len(frame) == 2
    assert set(frame["due_on"]) == {TODAY + timedelta(days=settings.mismatch_due_days)}
    with reading(engine) as session:
        stored = session.scalars(select(Mismatch.sides_sealed).where(Mismatch.sides_sealed.is_not(None))).all()
    assert not any("张三".encode() in bytes(each or b"") for each in stored)


def test_two_people_of_one_name_keep_their_items_whoever_comes_first(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    fact = "should_be_registered|police||id:11010519491231002X"  # a number that two quite different people have
    two = found(board).assign(fact=fact, mismatch_class="should_be_registered", at_register="police", field="")
    assert recorded(engine, settings, vault, board, two) == Recorded(new=2)
    first, second = ids_of(engine)
    set_state(engine, SHELL, [second], MismatchState.CONFIRMED, today=TODAY)
    with reading(engine) as session:
        before = {key: sorted(mismatch(session, WHOLE, SHELL, vault, key)["sides"]) for key in (first, second)}
    assert recorded(engine, settings, vault, board, two.iloc[::-1]) == Recorded(open_still=2)
    alone = two[two["grid_record_id"].notna().to_numpy() == (before[first] == ["police", "village"])]
    assert recorded(engine, settings, vault, board, alone) == Recorded(open_still=1, gone=1)
    assert recorded(engine, settings, vault, board, two) == Recorded(open_still=1, opened_again=1)
    with reading(engine) as session:
        after = {key: sorted(mismatch(session, WHOLE, SHELL, vault, key)["sides"]) for key in (first, second)}
    assert before == after
    assert items(engine)["state"].to_dict()[second] == "confirmed"


def test_a_fact_stays_the_same_when_more_is_known_of_the_person(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(new=2)
    number = "should_be_registered|police||id:110105199001010012"
    known_better = found(board)
    known_better["also_facts"] = [(known_better["fact"][0],), ()]
    known_better.loc[0, "fact"] = number
    assert recorded(engine, settings, vault, board, known_better) == Recorded(open_still=2)
    assert len(items(engine)) == 2


def test_evidence_stands_side_by_side_and_is_masked(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    with reading(engine) as session:
        shown = [mismatch(session, WHOLE, SHELL, vault, number) for number in ids_of(engine)]
        session.expunge_all()
    lone, conflict = shown
    assert list(lone["sides"]) == ["grid"]
    assert lone["sides"]["grid"]["phone"] == "138****8000"
    assert (lone["address"], lone["area_name"]) == ("澜港区N11路2号", "area N11")
    assert lone["lon"] is not None
    assert {side: record["name"] for side, record in conflict["sides"].items()} == {"police": "李*", "village": "李*"}
    assert conflict["differing"] == ["name"]
    assert [event.kind for event in conflict["events"]] == ["found"]
    assert "张三" not in json.dumps(lone["sides"], ensure_ascii=False)


def test_what_comes_back_is_opened_again_by_newer_evidence_only(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    lone, conflict = ids_of(engine)
    set_state(engine, SHELL, [lone], MismatchState.CORRECTED_POLICE, today=TODAY)
    set_state(engine, SHELL, [conflict], MismatchState.REJECTED, today=TODAY, reason="两种写法都对")
    old = LATER - timedelta(days=800)
    assert recorded(engine, settings, vault, board, found(board), at=old) == Recorded(settled_still=2)
    # newer registers: the correction did not hold; the rejection holds, as nothing else is said
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(opened_again=1, settled_still=1)
    frame = items(engine)
    assert frame["state"].to_dict() == {lone: "open", conflict: "rejected"}
    assert frame["times_opened"].to_dict() == {lone: 2, conflict: 1}


def test_other_evidence_opens_what_was_rejected(engine: Engine, settings: Settings, vault: Vault, board: Board) -> None:
    recorded(engine, settings, vault, board, found(board))
    lone, conflict = ids_of(engine)
    set_state(engine, SHELL, [lone, conflict], MismatchState.REJECTED, today=TODAY, reason="查无此事")
    again = recorded(engine, settings, vault, board, found(board), phone="13900139000")
    assert again == Recorded(opened_again=1, settled_still=1)
    assert items(engine)["state"].to_dict() == {lone: "open", conflict: "rejected"}


def test_what_newer_registers_no_longer_show_is_corrected(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    assert recorded(engine, settings, vault, board, found(board).iloc[:1]) == Recorded(open_still=1, gone=1)
    lone, conflict = ids_of(engine)
    assert items(engine)["state"].to_dict() == {lone: "open", conflict: "corrected_village"}
    with reading(engine) as session:
        assert [event.kind for event in mismatch(session, WHOLE, SHELL, vault, conflict)["events"]] == ["found", "gone"]


def test_each_side_sees_and_settles_its_own_part(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    lone, conflict = ids_of(engine)
    n1 = frozenset({board.areas["N1"]})
    village, grid = Viewer("cun", Role.STEWARD, n1), Viewer("wang", Role.GRID_WORKER, n1)
    station, other = (
        Viewer("jing", Role.SQUAD_LEADER, n1),
        Viewer("x", Role.SQUAD_LEADER, frozenset({board.areas["N2"]})),
    )
    own = Scope(TODAY, n1)
    seen = {viewer.name: set(items(engine, viewer, own).index) for viewer in (village, grid, station)}
    assert seen == {"cun": {conflict}, "wang": {lone}, "jing": {lone, conflict}}
    assert items(engine, other, Scope(TODAY, frozenset({board.areas["N2"]}))).empty
    for viewer, number in ((village, lone), (grid, conflict), (other, lone)):
        with pytest.raises(NotFoundError):
            set_state(engine, viewer, [number], MismatchState.CONFIRMED, today=TODAY)
    with pytest.raises(NotPermittedError):
        set_state(engine, station, [conflict], MismatchState.CORRECTED_VILLAGE, today=TODAY)
    assert set_state(engine, village, [conflict], MismatchState.CORRECTED_VILLAGE, today=TODAY) == 1
    with reading(engine) as session:
        event = mismatch(session, WHOLE, SHELL, vault, conflict)["events"][-1]
        assert count_states(session, own, station)["corrected_village"] == 1
        session.expunge_all()
    assert (event.actor, event.side, event.state_before, event.state_after) == (
        "cun",
        "village",
        "open",
        "corrected_village",
    )


def test_many_are_settled_together_or_none_is(engine: Engine, settings: Settings, vault: Vault, board: Board) -> None:
    recorded(engine, settings, vault, board, found(board))
    both = ids_of(engine)
    with pytest.raises(InvalidInputError):
        set_state(engine, SHELL, both, MismatchState.REJECTED, today=TODAY)
    set_state(engine, SHELL, both[:1], MismatchState.CORRECTED_POLICE, today=TODAY)
    with pytest.raises(ConflictError):
        set_state(engine, SHELL, both, MismatchState.CONFIRMED, today=TODAY)
    with pytest.raises(NotFoundError):
        set_state(engine, SHELL, [both[1], 10**9], MismatchState.CONFIRMED, today=TODAY)
    assert items(engine)["state"].to_dict() == dict(zip(both, ["corrected_police", "open"], strict=True))
    assert set_state(engine, SHELL, both[:1], MismatchState.OPEN, today=TODAY, reason="又查到一次") == 1
    assert set_state(engine, SHELL, both, MismatchState.CONFIRMED, today=TODAY) == 2


def test_items_are_given_to_people_and_are_overdue_after_their_day(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    both = ids_of(engine)
    assert hand_over(engine, SHELL, both, today=TODAY, owner="officer", due_on=TODAY) == 2
    with pytest.raises(NotFoundError):
        hand_over(engine, SHELL, both, today=TODAY, owner="nobody")
    with pytest.raises(InvalidInputError):
        hand_over(engine, SHELL, both, today=TODAY, due_on=TODAY - timedelta(days=1))
    comment(engine, SHELL, both[0], "电话已停机", today=TODAY)
    with reading(engine) as session:
        tomorrow = Scope(TODAY + timedelta(days=1), None)
        late, total = mismatches(session, tomorrow, SHELL, Wanted(overdue=True, owner="officer"))
        assert (total, sorted(late.index)) == (2, both)
        assert mismatches(session, WHOLE, SHELL, Wanted(overdue=True))[1] == 0
        kinds = [event.kind for event in mismatch(session, WHOLE, SHELL, vault, both[0])["events"]]
    assert kinds == ["found", "assigned", "comment"]


def test_files_are_kept_sealed_and_come_back_as_they_were(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    number = ids_of(engine)[0]
    made = attach(engine, settings, SHELL, number, "../现场.exe", PNG, today=TODAY)
    rotate_keys(engine, vault, SHELL)
    with reading(engine) as session:
        row, content = attachment(session, WHOLE, SHELL, vault, number, made)
        assert (row.name, row.media_type, content) == ("现场.png", "image/png", PNG)
        sealed = session.scalars(select(MismatchAttachment.content_sealed)).one()
        assert b"PNG" not in bytes(sealed)
        with pytest.raises(NotFoundError):
            attachment(session, WHOLE, SHELL, vault, ids_of(engine)[1], made)
    with pytest.raises(InvalidInputError):
        attach(engine, settings, SHELL, number, "a.png", b"<script>", today=TODAY)
    small = settings.model_copy(update={"attachment_max_bytes": 10})
    with pytest.raises(TooLargeError):
        attach(engine, small, SHELL, number, "a.png", PNG, today=TODAY)


def test_figures_count_items_without_an_address_in_their_village(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    with reading(engine) as session:
        counts = mismatches_of_areas(session, WHOLE).set_index("code")["mismatches"]
    assert {code: int(counts[code]) for code in ("N11", "N12", "N1", "D")} == {"N11": 2, "N12": 1, "N1": 4, "D": 10}


def test_the_worst_compounds_say_why_and_months_add_up(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    recorded(engine, settings, vault, board, found(board))
    set_state(engine, SHELL, [ids_of(engine)[0]], MismatchState.CORRECTED_POLICE, today=TODAY)
    with reading(engine) as session:
        top = worst_compounds(session, WHOLE, settings, 3)
        months = monthly(session, WHOLE, date(2026, 10, 1), datetime.now(UTC).date())
        rates = rates_of_areas(session, WHOLE, settings, AreaLevel.VILLAGE)
    assert len(top) == 3
    assert set(top["reason_class"]) == {"duplicate"}  # the board has one in every compound; N1 itself is no compound
    assert months["found"].sum() == 2
    assert months.loc[months["settled"].gt(0), "mismatch_class"].tolist() == ["should_be_registered"]
    overall = rates[rates["mismatch_class"].eq("all")].set_index("code")
    assert overall["mismatches"].to_dict() == {"N1": 3, "N2": 2, "S1": 2, "S2": 2}


def test_an_imported_item_takes_up_the_fact_that_it_is_about(
    engine: Engine, settings: Settings, vault: Vault, board: Board
) -> None:
    with transaction(engine) as session:
        laid = Mismatch(
            source_key="M-old",
            mismatch_class="should_be_registered",
            address_id=board.addresses["A-N11-1"],
            found_on=date(2026, 9, 1),
            state="confirmed",
            registers="police+grid",
        )
        session.add(laid)
        session.flush()
        number = laid.id
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(new=1, open_still=1)
    with reading(engine) as session:
        shown = mismatch(session, WHOLE, SHELL, vault, number)
        assert (shown["state"], shown["at_register"], list(shown["sides"])) == ("confirmed", "police", ["grid"])
    assert recorded(engine, settings, vault, board, found(board)) == Recorded(open_still=2)
