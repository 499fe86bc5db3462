"""Addresses that the land does not decide: suggestions, points by hand, overrides and when they go stale."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, func, select, update

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.resolving import (
    accept_suggestions,
    override_area,
    place_by_hand,
    stale_overrides,
    withdraw_override,
)
from gis_service.addresses.tables import Address, Placement, Unresolved
from gis_service.areas.change_kinds import border_of
from gis_service.changes.actions import apply_change, approve_change, draft_change
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.tables import BeatPart
from tests.integration.board import START, TODAY, Board, cells

REASON = "the gate is on that side"


def place_of(engine: Engine, address_id: int, day: date = TODAY) -> dict[str, Any]:
    columns = ("area_id", "beat_id", "unresolved", "override_reason", "valid_from", "suggested_area_id")
    with reading(engine) as session:
        row = session.scalars(
            select(Placement).where(Placement.address_id == address_id, Placement.valid_on(day))
        ).one()
        return {name: getattr(row, name) for name in columns}


def stale(engine: Engine, settings: Settings) -> list[int]:
    with reading(engine) as session:
        return stale_overrides(session, settings, Scope(TODAY, None)).index.tolist()


def steward(board: Board, area: str = "N1") -> Viewer:
    return Viewer("steward", Role.STEWARD, frozenset({board.areas[area]}), account_id=9)


def sea(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalars(select(Address.id).where(Address.code == "A-sea")).one()


def test_a_suggestion_accepted_is_a_place_with_a_reason(engine: Engine, settings: Settings, board: Board) -> None:
    address = sea(engine)
    suggested = place_of(engine, address)["suggested_area_id"]
    assert accept_suggestions(engine, settings, SHELL, TODAY, REASON, unresolved=Unresolved.OUTSIDE) == 1
    now = place_of(engine, address)
    assert (now["area_id"], now["unresolved"], now["override_reason"]) == (suggested, None, REASON)
    assert now["beat_id"] is not None
    assert place_of(engine, address, date(2026, 10, 1))["unresolved"] == "outside"


def test_suggestions_are_accepted_by_distance(engine: Engine, settings: Settings, board: Board) -> None:
    with pytest.raises(NotFoundError):
        accept_suggestions(engine, settings, SHELL, TODAY, REASON, within_m=100.0)
    assert accept_suggestions(engine, settings, SHELL, TODAY, REASON, within_m=20_000.0) == 1


def test_an_override_survives_assigning_again(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N11-0"]
    override_area(engine, settings, SHELL, address, board.areas["N22"], REASON, TODAY)
    now = place_of(engine, address)
    assert (now["area_id"], now["beat_id"]) == (board.areas["N22"], board.beats["N2"])
    assert place_of(engine, address, START)["area_id"] == board.areas["N11"]
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0
    assert place_of(engine, address) == now


def test_an_overridden_address_follows_the_beat_of_its_area(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N11-0"]
    override_area(engine, settings, SHELL, address, board.areas["N22"], REASON, date(2026, 9, 1))
    with transaction(engine) as session:
        of_n22 = update(BeatPart).where(BeatPart.area_id == board.areas["N22"])
        session.execute(of_n22.values(beat_id=board.beats["S1"]))
    assign_addresses(engine, settings, SHELL, TODAY)
    now = place_of(engine, address)
    assert (now["area_id"], now["beat_id"], now["override_reason"]) == (board.areas["N22"], board.beats["S1"], REASON)


def test_a_withdrawn_override_leaves_no_trace_in_the_placements(
    engine: Engine, settings: Settings, board: Board
) -> None:
    address = board.addresses["A-N11-0"]
    before = place_of(engine, address)
    override_area(engine, settings, SHELL, address, board.areas["N22"], REASON, TODAY)
    withdraw_override(engine, settings, SHELL, address, TODAY)
    assert place_of(engine, address) == before
    with pytest.raises(ConflictError):
        withdraw_override(engine, settings, SHELL, address, TODAY)


def test_a_point_placed_by_hand_decides_the_address(engine: Engine, settings: Settings, board: Board) -> None:
    middle = cells()["S11"].centroid
    with reading(engine) as session:
        address = session.scalars(select(Address.id).where(Address.code == "A-nowhere")).one()
    place_by_hand(engine, settings, SHELL, address, middle.x, middle.y, REASON, TODAY)
    now = place_of(engine, address)
    assert (now["area_id"], now["unresolved"], now["override_reason"]) == (board.areas["S11"], None, None)
    with reading(engine) as session:
        row = session.execute(
            select(Address.point_source, func.ST_X(Address.geom), func.ST_Y(Address.geom)).where(Address.id == address)
        ).one()
    assert tuple(row) == ("hand_placed", middle.x, middle.y)


def test_an_override_is_stale_when_the_land_changes_beneath_it(
    engine: Engine, settings: Settings, board: Board
) -> None:
    address = board.addresses["A-N11-0"]
    override_area(engine, settings, SHELL, address, board.areas["N22"], REASON, TODAY)
    assert stale(engine, settings) == []
    west, east = (shapely.box(*box) for box in _halves("N11"))
    borders = [(board.areas["N11"], east), (board.areas["N12"], shapely.union(cells()["N12"], west))]
    payload = {
        "kind": "redraw",
        "borders": [{"area_id": area, "border": dict(shapely.geometry.mapping(shape))} for area, shape in borders],
    }
    change = draft_change(engine, SHELL, payload, Mode.CHANGE, TODAY)
    approve_change(engine, SHELL, change.id, accepted_reason="a test")
    apply_change(engine, settings, SHELL, change.id)
    assert stale(engine, settings) == [address]
    assert place_of(engine, address)["area_id"] == board.areas["N22"]


def test_an_override_is_stale_when_its_area_ends(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N11-0"]
    override_area(engine, settings, SHELL, address, board.areas["N22"], REASON, date(2026, 9, 1))
    change = draft_change(engine, SHELL, {"kind": "retire", "area_id": board.areas["N22"]}, Mode.CHANGE, TODAY)
    approve_change(engine, SHELL, change.id, accepted_reason="a test")
    apply_change(engine, settings, SHELL, change.id)
    assert stale(engine, settings) == [address]


def test_an_override_is_stale_when_the_point_moves(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N11-0"]
    override_area(engine, settings, SHELL, address, board.areas["N22"], REASON, TODAY)
    middle = cells()["N12"].centroid
    place_by_hand(engine, settings, SHELL, address, middle.x, middle.y, REASON, TODAY)
    assert place_of(engine, address)["area_id"] == board.areas["N22"]
    assert stale(engine, settings) == [address]


def test_nothing_is_decided_outside_the_own_part_of_the_district(
    engine: Engine, settings: Settings, board: Board
) -> None:
    own, other = board.addresses["A-N11-0"], board.addresses["A-S11-0"]
    with pytest.raises(NotFoundError):
        override_area(engine, settings, steward(board), other, board.areas["N11"], REASON, TODAY)
    with pytest.raises(NotPermittedError):
        override_area(engine, settings, steward(board), own, board.areas["S11"], REASON, TODAY)
    with pytest.raises(NotFoundError):
        withdraw_override(engine, settings, steward(board), other, TODAY)
    middle = cells()["S11"].centroid
    with pytest.raises(NotPermittedError):
        place_by_hand(engine, settings, steward(board), own, middle.x, middle.y, REASON, TODAY)
    with pytest.raises(NotFoundError):
        accept_suggestions(engine, settings, steward(board), TODAY, REASON)
    assert place_of(engine, own)["area_id"] == board.areas["N11"]
    override_area(engine, settings, steward(board), own, board.areas["N12"], REASON, TODAY)


def test_who_may_not_resolve_is_refused(engine: Engine, settings: Settings, board: Board) -> None:
    officer = Viewer("o", Role.OFFICER, frozenset(), officer_id=board.officers["N1"])
    with pytest.raises(NotPermittedError):
        accept_suggestions(engine, settings, officer, TODAY, REASON)


def test_a_reason_is_asked_for_and_the_target_is_a_compound(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N11-0"]
    with pytest.raises(InvalidInputError):
        override_area(engine, settings, SHELL, address, board.areas["N12"], " ", TODAY)
    with pytest.raises(InvalidInputError):
        override_area(engine, settings, SHELL, address, board.areas["N1"], REASON, TODAY)
    with pytest.raises(InvalidInputError):
        place_by_hand(engine, settings, SHELL, address, 200.0, 0.0, REASON, TODAY)


def test_every_decision_is_in_the_audit_trail(engine: Engine, settings: Settings, board: Board) -> None:
    address = board.addresses["A-N11-0"]
    override_area(engine, settings, SHELL, address, board.areas["N12"], REASON, TODAY)
    withdraw_override(engine, settings, SHELL, address, TODAY)
    accept_suggestions(engine, settings, SHELL, TODAY, REASON)
    place_by_hand(engine, settings, SHELL, address, 121.65, 29.905, REASON, TODAY)
    with reading(engine) as session:
        found = session.scalars(
            select(AuditEntry.action).where(AuditEntry.object_kind == "address").order_by(AuditEntry.seq)
        ).all()
    assert found == ["override_area", "withdraw_override", "accept_suggestions", "place_by_hand"]


def test_a_border_is_a_polygon_in_degrees() -> None:
    shape = border_of(dict(shapely.geometry.mapping(cells()["N11"])), 100)
    assert shape is not None
    assert shape.geom_type == "MultiPolygon"
    beyond = dict(shapely.geometry.mapping(shapely.box(0, 0, 999, 1)))
    for wrong in ({"type": "Point", "coordinates": [0, 0]}, {}, beyond):
        with pytest.raises(InvalidInputError):
            border_of(wrong, 100)
    with pytest.raises(InvalidInputError):
        border_of(dict(shapely.geometry.mapping(cells()["N11"])), 3)


def _halves(code: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A western strip with the address 0, and the rest."""
    west, south, east, north = cells()[code].bounds
    middle = west + (east - west) / 4
    return (west, south, middle, north), (middle, south, east, north)
