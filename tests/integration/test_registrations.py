"""Registering, renewing, moving and deregistering people on the small district, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from sqlalchemy import Engine, func, select

from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.registers.registrations.actions import Person, deregister, move, register, renew
from gis_service.registers.registrations.history import due_for_renewal, history_of_address, history_of_person
from gis_service.registers.registrations.tables import EventKind, RegistrationEvent
from gis_service.registers.registrations.turnover import turnover_of_areas
from gis_service.registers.tables import LeavingReason, Registration
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.import_steps import Desk, messages
from tests.integration.board import START, TODAY, Board

ZHANG = Person("张三", "11010519491231002x", "138 0013 8000")
DAY = date(2026, 10, 5)
WHOLE = Scope(TODAY, None)


def cells(frame: pd.DataFrame, label: object, *columns: str) -> list[object]:
    return list(frame.loc[[label], list(columns)].iloc[0])


def stay(engine: Engine, vault: Vault, person: Person = ZHANG) -> pd.DataFrame:
    with reading(engine) as session:
        return history_of_person(session, WHOLE, vault, id_number=person.id_number)


def test_a_registration_is_found_by_identity_number_and_by_phone_and_is_masked(
    engine: Engine, board: Board, vault: Vault
) -> None:
    made = register(engine, SHELL, ZHANG, board.addresses["A-N11-1"], DAY, today=TODAY)
    with reading(engine) as session:
        by_phone = history_of_person(session, WHOLE, vault, phone="13800138000")
    row = stay(engine, vault).iloc[0]
    assert by_phone["registration_id"].tolist() == [made] == [row["registration_id"]]
    assert (row["name"], row["id_number"], row["phone"]) == ("张*", "110***********002X", "138****8000")
    assert (row["registered_on"], row["deregistered_on"]) == (DAY, None)


def test_the_same_registration_again_is_the_same_and_another_under_its_key_is_refused(
    engine: Engine, board: Board
) -> None:
    address_id = board.addresses["A-N11-1"]
    once = register(engine, SHELL, ZHANG, address_id, DAY, today=TODAY, source_key="K1")
    assert register(engine, SHELL, ZHANG, address_id, DAY, today=TODAY, source_key="K1") == once
    with pytest.raises(ConflictError, match="K1"):
        register(engine, SHELL, Person("李四"), address_id, DAY, today=TODAY, source_key="K1")


def test_nobody_is_registered_twice_at_a_time(engine: Engine, board: Board) -> None:
    made = register(engine, SHELL, ZHANG, board.addresses["A-N11-1"], DAY, today=TODAY)
    with pytest.raises(ConflictError):
        register(engine, SHELL, ZHANG, board.addresses["A-S11-1"], DAY, today=TODAY)
    deregister(engine, SHELL, made, LeavingReason.LEFT_DISTRICT, DAY + timedelta(days=9), today=TODAY)
    register(engine, SHELL, ZHANG, board.addresses["A-S11-1"], DAY + timedelta(days=9), today=TODAY)


@pytest.mark.parametrize(
    ("person", "day", "field"),
    [
        (Person("张三", "110105194912310021"), DAY, "id_number"),
        (Person("张三", phone="12"), DAY, "phone"),
        (Person(" "), DAY, "name"),
        (Person("张三"), TODAY + timedelta(days=1), "registered_on"),
    ],
)
def test_what_is_typed_keeps_the_rules_of_the_imports(
    engine: Engine, board: Board, person: Person, day: date, field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        register(engine, SHELL, person, board.addresses["A-N11-1"], day, today=TODAY)
    assert [fault.field for fault in refused.value.faults] == [field]


def test_a_move_ends_one_registration_and_begins_another_that_say_so(
    engine: Engine, board: Board, vault: Vault
) -> None:
    old = register(engine, SHELL, ZHANG, board.addresses["A-N11-1"], DAY, today=TODAY)
    new = move(engine, SHELL, old, board.addresses["A-N21-1"], DAY + timedelta(days=3), today=TODAY)
    stays = stay(engine, vault).set_index("registration_id")
    assert stays.index.tolist() == [new, old]
    assert cells(stays, old, "deregistered_on", "deregistration_reason", "moved_to_id") == [
        DAY + timedelta(days=3),
        "moved_within",
        new,
    ]
    assert cells(stays, new, "address_code", "name", "id_number") == ["A-N21-1", "张*", "110***********002X"]
    with pytest.raises(ConflictError, match="2026-10-08"):
        move(engine, SHELL, old, board.addresses["A-N12-1"], TODAY, today=TODAY)
    with pytest.raises(ConflictError):
        move(engine, SHELL, new, board.addresses["A-N21-1"], TODAY, today=TODAY)


def test_a_renewal_puts_off_the_day_on_which_a_registration_is_due(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    valid = settings.registration_valid_days
    with reading(engine) as session:
        before, count = due_for_renewal(session, WHOLE, vault, valid_days=valid, until=TODAY)
    assert count == len(before) == 96  # everybody on the board came in January 2024
    assert set(before["covered_until"]) == {START + timedelta(days=valid)}
    one = int(before["registration_id"].iloc[0])
    assert renew(engine, settings, SHELL, one, TODAY, today=TODAY) == TODAY + timedelta(days=valid)
    with reading(engine) as session:
        after, count = due_for_renewal(session, WHOLE, vault, valid_days=valid, until=TODAY, limit=5)
        assert (count, len(after)) == (95, 5)
        assert one not in set(after["registration_id"])


def test_another_reason_needs_a_note_and_no_registration_ends_before_it_began(engine: Engine, board: Board) -> None:
    made = register(engine, SHELL, ZHANG, board.addresses["A-N11-1"], DAY, today=TODAY)
    with pytest.raises(InvalidInputError):
        deregister(engine, SHELL, made, LeavingReason.OTHER, TODAY, today=TODAY)
    with pytest.raises(InvalidInputError):
        deregister(engine, SHELL, made, LeavingReason.DECEASED, DAY - timedelta(days=1), today=TODAY)
    deregister(engine, SHELL, made, LeavingReason.OTHER, TODAY, today=TODAY, note="参军")
    with reading(engine) as session:
        query = select(RegistrationEvent.note).where(RegistrationEvent.kind == EventKind.DEREGISTERED.value)
        assert session.scalars(query).all() == ["参军"]
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.object_kind == "registration")).all()
    assert set(acts) == {"register", "deregister"}


def test_everybody_keeps_the_registrations_of_the_own_part_only(
    engine: Engine, settings: Settings, board: Board, vault: Vault
) -> None:
    leader = Viewer("leader", Role.SQUAD_LEADER, frozenset({board.areas["N1"]}))
    officer = Viewer("officer", Role.OFFICER, officer_id=board.officers["N1"])
    steward = Viewer("steward", Role.STEWARD, frozenset({board.areas["N1"]}))
    with pytest.raises(NotPermittedError):
        register(engine, steward, ZHANG, board.addresses["A-N11-1"], DAY, today=TODAY)
    for viewer in (leader, officer):
        with pytest.raises(NotFoundError):
            register(engine, viewer, ZHANG, board.addresses["A-S11-1"], DAY, today=TODAY)
        made = register(engine, viewer, ZHANG, board.addresses["A-N11-1"], DAY, today=TODAY)
        with pytest.raises(NotFoundError):
            move(engine, viewer, made, board.addresses["A-S11-1"], TODAY, today=TODAY)
        deregister(engine, viewer, made, LeavingReason.LEFT_DISTRICT, TODAY, today=TODAY)
    elsewhere = register(engine, SHELL, ZHANG, board.addresses["A-S11-1"], DAY, today=TODAY)
    with pytest.raises(NotFoundError):
        renew(engine, settings, leader, elsewhere, TODAY, today=TODAY)
    with reading(engine) as session:
        own = Scope(TODAY, frozenset({board.areas["N1"]}))
        assert "A-S11-1" not in set(history_of_person(session, own, vault, phone=ZHANG.phone)["address_code"])
        with pytest.raises(NotFoundError):
            history_of_address(session, own, vault, board.addresses["A-S11-1"])


def test_stock_and_flow_count_who_came_and_who_left_and_add_up(engine: Engine, board: Board, vault: Vault) -> None:
    made = [
        register(engine, SHELL, Person(f"某{n}"), board.addresses["A-N11-1"], date(2026, 9, 1 + n), today=TODAY)
        for n in range(5)
    ]
    deregister(engine, SHELL, made[0], LeavingReason.LEFT_DISTRICT, date(2026, 9, 30), today=TODAY)
    deregister(engine, SHELL, made[1], LeavingReason.LEFT_DISTRICT, date(2026, 10, 1), today=TODAY)
    move(engine, SHELL, made[2], board.addresses["A-S11-1"], date(2026, 10, 2), today=TODAY)
    with reading(engine) as session:
        frame = turnover_of_areas(session, WHOLE, date(2026, 8, 15), date(2026, 10, 15)).set_index(["code", "month"])
    columns = ["stock_start", "arrivals", "departures", "moved_within", "stock_end"]

    def of(code: str, month: int) -> list[object]:
        return cells(frame, (code, date(2026, month, 1)), *columns)

    assert of("N11", 8) == [12, 0, 0, 0, 12]
    assert of("N11", 9) == [12, 5, 1, 0, 16]
    assert of("N11", 10) == [16, 0, 2, 1, 14]
    assert of("S11", 10) == [12, 1, 0, 0, 13]
    assert of("D", 10) == [100, 1, 2, 1, 99]
    assert cells(frame, ("N11", date(2026, 9, 1)), "turnover") == [pytest.approx(6 / 16)]
    figures = frame[columns].astype("int64")
    assert (figures["stock_start"] + figures["arrivals"] - figures["departures"] == figures["stock_end"]).all()
    with reading(engine) as session, pytest.raises(InvalidInputError):
        turnover_of_areas(session, WHOLE, date(2026, 10, 1), date(2026, 9, 1))


def test_deregistrations_are_imported_by_key_and_only_of_what_is_registered(
    engine: Engine, settings: Settings, board: Board, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = Desk(engine, settings, tmp_path_factory.mktemp("files"))
    heading = "登记编号,注销日期,注销原因"
    path = desk.csv("left.csv", [heading, "A-N11-0-0,2026-10-01,返乡", "A-N11-0-1,2026-10-02,落户"])
    assert desk.apply("deregistrations", path).counts["changed"] == 2
    assert desk.apply("deregistrations", path).counts["unchanged"] == 2
    with reading(engine) as session:
        ended = select(Registration.source_key, Registration.deregistration_reason).where(
            Registration.deregistered_on.is_not(None)
        )
        assert dict(session.execute(ended).all()) == {"A-N11-0-0": "left_district", "A-N11-0-1": "became_resident"}
        names = select(func.count()).where(Registration.name_sealed.is_not(None))
        assert session.scalar(names) == 96
    bad = desk.csv("bad.csv", [heading, "X,2026-10-01,返乡", "A-N11-0-2,2020-01-01,返乡", "A-N11-1-0,2026-10-01,升天"])
    assert messages(desk.faults("deregistrations", bad)) == [
        (2, "source_key", "There is no registration with this key."),
        (3, "deregistered_on", "The person left before arriving."),
        (4, "deregistration_reason", "This value is not in the list."),
    ]
