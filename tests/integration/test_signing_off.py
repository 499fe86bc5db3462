"""A quarter is finalised only where the list of undecided addresses is empty or signed off."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select, update

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.resolving import accept_suggestions
from gis_service.addresses.signing_off import (
    clearance,
    sign_off_unresolved,
    sign_offs,
    signed_addresses,
)
from gis_service.addresses.tables import Address
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from tests.integration.board import TODAY, Board
from tests.integration.conftest import SignIn

QUARTER = "2026-Q4"
NOTE = "asked the village committee; nobody knows"
WHOLE = Scope(TODAY, None)


def cleared(engine: Engine, area_id: int, quarter: str = QUARTER) -> bool:
    with reading(engine) as session:
        return clearance(session, WHOLE, area_id, quarter).is_cleared


def go_astray(engine: Engine, settings: Settings, board: Board, address: str) -> None:
    """An address of the board loses its point."""
    with transaction(engine) as session:
        session.execute(update(Address).where(Address.id == board.addresses[address]).values(geom=None))
    assign_addresses(engine, settings, SHELL, TODAY)


def test_an_area_where_nothing_waits_is_cleared(engine: Engine, board: Board) -> None:
    assert cleared(engine, board.areas["N1"])
    with pytest.raises(ConflictError):
        sign_off_unresolved(engine, SHELL, board.areas["N1"], QUARTER, NOTE, TODAY)


def test_what_waits_is_cleared_by_whoever_answers_for_it(engine: Engine, board: Board) -> None:
    s1, s = board.areas["S1"], board.areas["S"]
    with reading(engine) as session:
        found = clearance(session, WHOLE, s1, QUARTER)
    assert (found.waiting["outside"], found.waiting["no_point"]) == (1, 1)
    assert found.open == found.waiting
    assert not cleared(engine, s1)
    assert not cleared(engine, s)
    signed = sign_off_unresolved(engine, SHELL, s1, QUARTER, NOTE, TODAY)
    assert (signed.counts["outside"], signed.counts["no_point"]) == (1, 1)
    assert cleared(engine, s1)
    assert cleared(engine, s)  # nothing else of the township waits
    assert not cleared(engine, s1, "2027-Q1")


def test_a_township_that_signs_answers_for_its_villages(engine: Engine, board: Board) -> None:
    sign_off_unresolved(engine, SHELL, board.areas["S"], QUARTER, NOTE, TODAY)
    assert cleared(engine, board.areas["S1"])


def test_what_comes_to_wait_after_the_signature_makes_it_stale(
    engine: Engine, settings: Settings, board: Board
) -> None:
    s1 = board.areas["S1"]
    sign_off_unresolved(engine, SHELL, s1, QUARTER, NOTE, TODAY)
    go_astray(engine, settings, board, "A-S11-2")
    assert not cleared(engine, s1)
    with reading(engine) as session:
        assert sign_offs(session, WHOLE)["open"].tolist() == [1]
    again = sign_off_unresolved(engine, SHELL, s1, QUARTER, NOTE, TODAY)
    assert sum(again.counts.values()) == 1
    assert cleared(engine, s1)
    with reading(engine) as session:
        assert sign_offs(session, WHOLE, quarter=QUARTER, area_id=board.areas["D"])["open"].tolist() == [0, 0]
        assert sign_offs(session, WHOLE, quarter="2026-Q3").empty


def test_an_address_that_waits_for_another_reason_is_not_signed(
    engine: Engine, settings: Settings, board: Board
) -> None:
    sign_off_unresolved(engine, SHELL, board.areas["S1"], QUARTER, NOTE, TODAY)
    with transaction(engine) as session:  # it was beyond the sea, now nobody knows where
        moved = update(Address).where(Address.code == "A-sea").values(geom=None, stated_village_code="S1")
        session.execute(moved)
    assign_addresses(engine, settings, SHELL, TODAY)
    assert not cleared(engine, board.areas["S1"])


def test_what_was_signed_is_listed_even_when_it_is_decided_later(
    engine: Engine, settings: Settings, board: Board
) -> None:
    signed = sign_off_unresolved(engine, SHELL, board.areas["S"], QUARTER, NOTE, TODAY)
    accept_suggestions(engine, settings, SHELL, TODAY, "seen on site")
    with reading(engine) as session:
        listed = signed_addresses(session, WHOLE, signed.id)
    assert dict(zip(listed["code"], listed["signed_as"], strict=True)) == {"A-sea": "outside", "A-nowhere": "no_point"}
    assert listed["unresolved"].isna().sum() == 1


def test_nobody_signs_for_others(engine: Engine, board: Board) -> None:
    leader = Viewer("leader", Role.SQUAD_LEADER, frozenset({board.areas["N1"]}), account_id=5)
    with pytest.raises(NotFoundError):
        sign_off_unresolved(engine, leader, board.areas["S1"], QUARTER, NOTE, TODAY)
    officer = Viewer("officer", Role.OFFICER, frozenset(), officer_id=board.officers["S1"])
    with pytest.raises(NotPermittedError):
        sign_off_unresolved(engine, officer, board.areas["S1"], QUARTER, NOTE, TODAY)
    signed = sign_off_unresolved(engine, SHELL, board.areas["S1"], QUARTER, NOTE, TODAY)
    own = Scope(TODAY, frozenset({board.areas["N1"]}))
    with reading(engine) as session:
        assert sign_offs(session, own).empty
        with pytest.raises(NotFoundError):
            signed_addresses(session, own, signed.id)


def test_a_note_is_asked_for_and_the_signature_is_in_the_audit_trail(engine: Engine, board: Board) -> None:
    with pytest.raises(InvalidInputError):
        sign_off_unresolved(engine, SHELL, board.areas["S1"], QUARTER, " ", TODAY)
    sign_off_unresolved(engine, SHELL, board.areas["S1"], QUARTER, NOTE, TODAY)
    with reading(engine) as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_off_unresolved")).one()


def test_lists_are_signed_over_http(signed_in: SignIn, board: Board) -> None:
    planner = signed_in("planner")
    asked: dict[str, str | int] = {"area_id": board.areas["S1"], "quarter": QUARTER, "as_of": TODAY.isoformat()}
    assert planner.get("/api/v1/unresolved/clearance", params=asked).json()["cleared"] is False
    order = {"area_id": board.areas["S1"], "quarter": QUARTER, "note": NOTE}
    made = planner.post("/api/v1/unresolved/sign-offs", json=order, params={"as_of": TODAY.isoformat()})
    assert made.status_code == 200, made.text
    assert planner.get("/api/v1/unresolved/clearance", params=asked).json()["cleared"] is True
    (listed,) = planner.get("/api/v1/unresolved/sign-offs", params={"as_of": TODAY.isoformat()}).json()["items"]
    assert (listed["code"], listed["addresses"], listed["open"]) == ("S1", 2, 0)
    rows = planner.get(f"/api/v1/unresolved/sign-offs/{listed['sign_off_id']}/addresses").json()
    assert rows["total"] == 2
