"""Registers handed in and kept: checked, mapped, one for one content, unchangeable, each side its own; and matched."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.rotation import rotate_keys
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import open_quarter
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.gathering import people_of
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.quarters.person_links import links_of_rows, person
from gis_service.registers.quarters.tables import PersonLink
from gis_service.registers.registrations.actions import Person, register
from gis_service.registers.snapshots.actions import HandedIn, Handing, hand_in
from gis_service.registers.snapshots.handed import HandedTable, table_of_file, table_of_records
from gis_service.registers.snapshots.own_registry import keep_registrations
from gis_service.registers.snapshots.queries import masked_rows, snapshots, standing
from gis_service.registers.snapshots.retention import remove_old_snapshots
from gis_service.registers.snapshots.tables import RemovedSnapshot, Snapshot, SnapshotRow
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from layers.frames import check_people
from tests.integration.board import TODAY, Board
from tests.integration.conftest import SignIn

Q4 = Quarter(2026, 4)
WHOLE = Scope(TODAY, None)
ZHANG = {
    "编号": "V1",
    "姓名": "张三",
    "身份证号": "11010519491231002x",
    "电话": "138 0013 8000",
    "住址": "N11路2号",
    "地址编码": "A-N11-1",
}
LI = {"编号": "V2", "姓名": "李四", "身份证号": "1101051949123100", "电话": "12", "地址编码": "nowhere", "性别": "1"}


def table(*rows: dict[str, str]) -> HandedTable:
    headings: dict[str, str | None] = {heading: None for row in rows for heading in row}
    return table_of_records([{**headings, **row} for row in rows])


def handed(
    engine: Engine,
    board: Board,
    *rows: dict[str, str],
    side: Side = Side.VILLAGE,
    area: str = "N1",
    viewer: Viewer = SHELL,
) -> HandedIn:
    return hand_in(engine, viewer, table(*rows), Handing(side, board.areas[area]), today=TODAY)


def test_what_is_doubtful_is_kept_and_named_and_what_is_useless_refuses_the_whole(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    kept = handed(engine, board, ZHANG, LI)
    assert (kept.is_new, kept.row_count, kept.doubt_count) == (True, 2, 3)
    told = [(fault.row, fault.field, fault.value) for fault in kept.doubts]
    assert told == [(2, "id_number", "110*********3100"), (2, "phone", "**"), (2, "address_code", "nowhere")]
    assert all(fault.file == "API" and fault.remedy for fault in kept.doubts)
    with pytest.raises(InvalidInputError):
        hand_in(engine, SHELL, table(ZHANG, LI), Handing(Side.GRID, board.areas["N1"], strict=True), today=TODAY)
    bad = tmp_path / "bad.csv"
    bad.write_text(
        "编号,姓名,性别,来此日期,离开日期\nV1,,男,,\nV1,张三,?,,2026-13-01\n,王五,女,2026-05-02,2026-05-01\n",
        encoding="utf-8",
    )
    with pytest.raises(InvalidInputError) as refused:
        hand_in(engine, SHELL, table_of_file(settings, bad), Handing(Side.VILLAGE, board.areas["N1"]), today=TODAY)
    assert [(fault.file, fault.row, fault.field) for fault in refused.value.faults] == [
        ("bad.csv", 2, "name"),
        ("bad.csv", 3, "sex"),
        ("bad.csv", 3, "left_on"),
        ("bad.csv", 3, "source_key"),
        ("bad.csv", 4, "source_key"),
        ("bad.csv", 4, "left_on"),
    ]
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(Snapshot)) == 1


def test_the_same_content_is_one_snapshot_until_another_comes_in_between(engine: Engine, board: Board) -> None:
    first, wang = handed(engine, board, ZHANG, LI), {**LI, "姓名": "王五"}
    again = handed(engine, board, LI, ZHANG)
    assert (again.snapshot_id, again.is_new) == (first.snapshot_id, False)
    other = handed(engine, board, ZHANG, wang)
    back = handed(engine, board, ZHANG, LI)
    assert len({first.snapshot_id, other.snapshot_id, back.snapshot_id}) == 3
    said = Handing(Side.VILLAGE, board.areas["N1"], TODAY - timedelta(days=90))
    assert hand_in(engine, SHELL, table(ZHANG, LI), said, today=TODAY).is_new  # of another quarter
    for wrong in (Handing(Side.VILLAGE, board.areas["N1"], TODAY + timedelta(days=1)),
                  Handing(Side.VILLAGE, board.areas["N11"])):  # fmt: skip
        with pytest.raises(InvalidInputError):
            hand_in(engine, SHELL, table(ZHANG), wrong, today=TODAY)


def test_what_is_kept_is_sealed_and_the_database_itself_keeps_it(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    kept = handed(engine, board, ZHANG)
    for statement in (
        "UPDATE snapshot SET taken_on = '2020-01-01'",
        "DELETE FROM snapshot",
        "UPDATE snapshot_row SET address_text = 'x'",
        "DELETE FROM snapshot_row",
        (
            "INSERT INTO snapshot_row (snapshot_id, row_key, row_number, source_key, name_sealed) "
            "SELECT snapshot_id, 'x', 9, 'x', name_sealed FROM snapshot_row"
        ),
    ):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="snapshot does not change"):
            connection.execute(text(statement))
    with reading(engine) as session:
        row = session.scalars(select(SnapshotRow)).one()
        before = bytes(row.name_sealed)
        assert b"\xe5\xbc\xa0" not in before
        assert bytes(row.phone_index or b"") == vault.blind_index("phone", "13800138000")
        frame, total = masked_rows(session, vault, kept.snapshot_id)
    assert (total, frame[["name", "id_number", "phone"]].iloc[0].tolist()) == (
        1,
        ["张*", "110***********002X", "138****8000"],
    )
    rotate_keys(engine, vault, SHELL)  # new keys are no change of what is said
    with reading(engine) as session:
        assert bytes(session.scalars(select(SnapshotRow.name_sealed)).one()) != before
        assert masked_rows(session, vault, kept.snapshot_id)[0]["name"].tolist() == ["张*"]


def test_columns_said_once_for_a_source_are_known_the_next_time(engine: Engine, board: Board) -> None:
    odd = table_of_records([{"NO": "7", "XM": "张三", "备注": "?"}])
    place = board.areas["N1"]
    with pytest.raises(InvalidInputError):
        hand_in(engine, SHELL, odd, Handing(Side.GRID, place, source="网格通"), today=TODAY)
    mapping = {"NO": "source_key", "XM": "name"}
    assert hand_in(engine, SHELL, odd, Handing(Side.GRID, place, source="网格通", columns=mapping), today=TODAY).is_new
    more = table_of_records([{"NO": "8", "XM": "李四", "备注": "?"}])
    assert hand_in(engine, SHELL, more, Handing(Side.GRID, place, source="网格通"), today=TODAY).is_new


def test_each_side_hands_in_and_sees_its_own_register_in_its_own_part(
    engine: Engine, board: Board, signed_in: SignIn
) -> None:
    cadre, gridman, leader = (signed_in(login) for login in ("steward", "grid_worker", "squad_leader"))
    pushed = {"side": "village", "area_id": board.areas["N1"], "rows": [ZHANG]}
    made = cadre.post("/api/v1/snapshots/rows", json=pushed)
    assert made.status_code == 201, made.text
    assert cadre.post("/api/v1/snapshots/rows", json=pushed).status_code == 200
    number = made.json()["snapshot_id"]
    assert gridman.post("/api/v1/snapshots/rows", json=pushed).status_code == 403
    assert cadre.post("/api/v1/snapshots/rows", json={**pushed, "area_id": board.areas["S1"]}).status_code == 404
    file = {"file": ("grid.csv", "编号,姓名\nG1,张三".encode())}
    form = {"side": "grid", "area_id": str(board.areas["N1"]), "source": "网格通"}
    assert gridman.post("/api/v1/snapshots", data=form, files=file).json()["row_count"] == 1
    for who, sides in (
        (cadre, ["village"]),
        (gridman, ["grid"]),
        (leader, []),
        (signed_in("commander"), ["grid", "village"]),
    ):
        listed = who.get("/api/v1/snapshots").json()
        assert sorted(item["side"] for item in listed["items"]) == sides
        assert listed["total"] == len(sides)
    shown = cadre.get(f"/api/v1/snapshots/{number}/rows").json()["items"]
    assert [(row["name"], row["phone"]) for row in shown] == [("张*", "138****8000")]
    assert gridman.get(f"/api/v1/snapshots/{number}/rows").status_code == 404
    for nobody in (Viewer("officer", Role.OFFICER, None), Viewer("auditor", Role.AUDITOR, None)):
        with pytest.raises(NotPermittedError):
            handed(engine, board, ZHANG, viewer=nobody)
    with reading(engine) as session:
        assert snapshots(session, Scope(TODAY, frozenset({board.areas["S"]})), SHELL)[1] == 0


def test_people_come_from_the_newest_lists_and_the_own_registry_is_kept_too(
    engine: Engine, board: Board, vault: Vault
) -> None:
    who = Person("张三", "11010519491231002X", "13800138000")
    register(engine, SHELL, who, board.addresses["A-N11-1"], date(2026, 1, 5), today=TODAY)
    n2 = {**ZHANG, "编号": "V9", "姓名": "李九", "身份证号": "", "地址编码": "A-N21-1"}
    handed(engine, board, {**ZHANG, "姓名": "旧"}, n2, area="N")  # the whole township's, then the village's own
    own = handed(engine, board, ZHANG)
    handed(engine, board, ZHANG, side=Side.GRID)
    villages = [board.areas["N1"], board.areas["N2"]]
    with transaction(engine) as session:
        first = keep_registrations(session, SHELL, vault, Q4, villages, TODAY)
        assert [each.id for each in keep_registrations(session, SHELL, vault, Q4, villages, TODAY)] == [
            each.id for each in first
        ]
        assert [each.row_count for each in first] == [25, 24]  # with the 24 of the board in each
        chosen = standing(session, Q4, villages, TODAY)
        people = check_people(people_of(session, vault, chosen, TODAY))
    assert (
        chosen[chosen["register"].eq("village")].set_index("village_id")["snapshot_id"].loc[villages[0]]
        == own.snapshot_id
    )
    assert sorted(people[people["register"].eq("village")]["name"]) == ["张三", "李九"]
    zhang = people[people["id_number"].eq("11010519491231002X").fillna(value=False)]
    assert sorted(zhang["register"]) == ["grid", "police", "village"]
    assert set(zhang["phone"]) == {"13800138000"}
    assert set(zhang["address_id"]) == {board.addresses["A-N11-1"]}
    assert set(zhang["birth_year"]) == {1949}


def test_a_matching_keeps_who_is_who_with_level_score_and_evidence(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    place = board.areas["N1"]
    with pytest.raises(ConflictError):
        match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=place)
    open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N"])
    with pytest.raises(InvalidInputError) as refused:
        match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=place)
    assert [fault.field for fault in refused.value.faults] == ["village, grid"]
    twice = {**ZHANG, "编号": "V3", "电话": ""}
    village = handed(engine, board, ZHANG, twice)
    handed(engine, board, ZHANG, side=Side.GRID)
    done = match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N"])
    assert [(each.name, list(each.registers)) for each in done.waiting] == [("area N2", [Side.VILLAGE, Side.GRID])]
    assert done.villages == 1
    again = match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=place)
    assert (again.recorded.new, again.recorded.open_still) == (0, done.recorded.new)
    with reading(engine) as session:
        rows = session.scalars(
            select(SnapshotRow.id)
            .where(SnapshotRow.snapshot_id == village.snapshot_id)
            .order_by(SnapshotRow.row_number)
        ).all()
        links = links_of_rows(session, rows)
        # twice in one register is said so, and one of the two is linked with the grid workers' record
        assert sorted(links["kind"]) == ["duplicate", "link"]
        (linked,) = links[links["kind"].eq("link")].to_dict("records")
        assert {linked["left_side"], linked["right_side"]} == {"village", "grid"}
        assert [linked[field] for field in ("level", "name", "id_number", "phone", "address")] == [
            "id_number", "same", "same", "same", "same_door",
        ]  # fmt: skip
        assert linked["score"] > 0
        everything = person(session, WHOLE, SHELL, vault, rows[0])
        assert sorted(everything["rows"]["side"]) == ["grid", "village", "village"]
        cadre = Viewer("cadre", Role.STEWARD, frozenset({place}))
        own = person(session, Scope(TODAY, cadre.area_ids), cadre, vault, rows[0])
        assert own["rows"]["side"].tolist() == ["village", "village"]  # and nothing of the other sides
        assert len(own["links"]) == 2
        gridman = Viewer("grid", Role.GRID_WORKER, frozenset({place}))
        with pytest.raises(NotFoundError):
            person(session, Scope(TODAY, gridman.area_ids), gridman, vault, rows[0])


def test_the_links_of_a_closed_quarter_do_not_change(engine: Engine, settings: Settings, board: Board) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])
    handed(engine, board, ZHANG)
    handed(engine, board, ZHANG, side=Side.GRID)
    match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(PersonLink)) == 1
        session.execute(text("UPDATE reconciliation SET state = 'closed'"))
    for statement in ("DELETE FROM person_link", "UPDATE person_link SET score = 0"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="closed quarter does not change"):
            connection.execute(text(statement))
    with pytest.raises(ConflictError):
        match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])


def test_old_registers_go_and_their_fingerprints_stay_but_not_what_a_quarter_stands_on(
    engine: Engine, settings: Settings, board: Board
) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])
    unused = handed(engine, board, LI, area="S1")
    superseded = handed(engine, board, LI)
    used = {handed(engine, board, ZHANG).snapshot_id, handed(engine, board, ZHANG, side=Side.GRID).snapshot_id}
    match_quarter(engine, settings, SHELL, Q4, today=TODAY, area_id=board.areas["N1"])
    later = max(TODAY, datetime.now(UTC).date()) + timedelta(days=settings.snapshot_retention_days)
    assert remove_old_snapshots(engine, settings, SHELL, today=later) == []  # not a day too early
    later += timedelta(days=2)
    with pytest.raises(InvalidInputError):
        remove_old_snapshots(engine, settings, SHELL, today=later, keep_days=30)
    with pytest.raises(NotPermittedError):
        remove_old_snapshots(engine, settings, Viewer("planner", Role.PLANNER, None), today=later)

    def going(*, rehearse: bool) -> set[int]:
        old = remove_old_snapshots(engine, settings, SHELL, today=later, rehearse=rehearse)
        return {each.snapshot_id for each in old}

    told = going(rehearse=True)
    with reading(engine) as session:
        before = set(session.scalars(select(Snapshot.id)))
    assert {unused.snapshot_id, superseded.snapshot_id} <= told
    assert going(rehearse=False) == told
    with transaction(engine) as session:
        assert set(session.scalars(select(Snapshot.id))) == before - told >= used
        assert set(session.scalars(select(SnapshotRow.snapshot_id))) <= before - told
        kept = session.get_one(RemovedSnapshot, unused.snapshot_id)
        assert (kept.row_count, len(kept.sha256), kept.removed_by) == (1, 64, SHELL.name)
        removals = session.scalars(select(AuditEntry.object_id).where(AuditEntry.action == "remove_snapshot"))
        assert set(removals) == {str(each) for each in told}
        session.execute(text("UPDATE reconciliation SET state = 'closed'"))
    on_record = (
        "INSERT INTO removed_snapshot SELECT id, side, area_id, taken_on, origin, sha256, row_count, received_at, "
        "'x', received_at FROM snapshot WHERE id = "
    )
    for number in used:  # even whoever writes to the database by hand
        with engine.connect() as connection, pytest.raises(DBAPIError, match="a closed quarter stands on"):
            connection.execute(text(f"{on_record}{number}"))
    for statement in ("DELETE FROM removed_snapshot", "UPDATE removed_snapshot SET row_count = 0"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="stays on record"):
            connection.execute(text(statement))
