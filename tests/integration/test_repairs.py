"""Defects that came with the borders, on both databases: proposed, accepted as a correction, gone afterwards."""

from __future__ import annotations

import json

import pytest
import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, delete, select, update
from typer.testing import CliRunner

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.tables import Placement
from gis_service.addresses.topology import topology_findings
from gis_service.areas.tables import AreaVersion
from gis_service.changes.actions import apply_change, approve_change, revert_change
from gis_service.changes.repairing import accept_repairs, propose_repairs
from gis_service.cli import app
from gis_service.errors import NotFoundError, NotPermittedError, TooLargeError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from tests.integration.board import STEP, TODAY, Board, cells, geometry
from tests.integration.conftest import SignIn
from tests.integration.land import everything


def spoil(engine: Engine, board: Board) -> None:
    """N11 reaches into N12 (an address is there), N21 lacks a corner, S22 is partly sea, S11 crosses itself."""
    shapes: dict[str, BaseGeometry] = dict(cells())
    west, south, _, _ = shapes["N12"].bounds
    bite = shapely.box(west, south + 0.3 * STEP, west + STEP / 5, south + 0.7 * STEP)
    shapes["N11"] = shapely.union(shapes["N11"], bite)
    west, south, east, north = shapes["N21"].bounds
    shapes["N21"] = shapely.difference(shapes["N21"], shapely.box(east - STEP / 5, north - STEP / 5, east, north))
    _, south, east, _ = shapes["S22"].bounds
    shapes["S22"] = shapely.union(shapes["S22"], shapely.box(east, south, east + STEP / 5, south + STEP))
    ring = list(shapes["S11"].exterior.coords)
    ring[1], ring[2] = ring[2], ring[1]
    shapes["S11"] = shapely.Polygon(ring)
    with transaction(engine) as session:
        for code in ("N11", "N21", "S22", "S11"):
            spoilt = update(AreaVersion).where(AreaVersion.area_id == board.areas[code])
            session.execute(spoilt.values(geom=geometry(MultiPolygon([shapes[code]]))))


def alarms(engine: Engine, settings: Settings) -> int:
    with reading(engine) as session:
        return int(topology_findings(session, Scope(TODAY, None), settings)["severity"].eq("alarm").sum())


def carry(engine: Engine, settings: Settings, keys: list[str]) -> int:
    change = accept_repairs(engine, settings, SHELL, TODAY, keys)
    approve_change(engine, SHELL, change.id)
    apply_change(engine, settings, SHELL, change.id)
    return change.id


def test_proposals_tell_what_moves_and_write_nothing(engine: Engine, settings: Settings, board: Board) -> None:
    spoil(engine, board)
    before = everything(engine)
    found = propose_repairs(engine, settings, SHELL, TODAY)
    kinds = found.table["kind"].value_counts().to_dict()
    assert (kinds["invalid_ring"], kinds["overlap"], kinds["outside_parent"]) == (1, 1, 1)
    overlap = found.table[found.table["kind"].eq("overlap")].iloc[0]
    assert overlap["area_ids"] == sorted([board.areas["N11"], board.areas["N12"]])
    assert overlap["addresses"] == 1
    assert overlap["moved_m2"] == pytest.approx(0.08 * 1_071_000, rel=0.01)
    own = found.after[found.after["key"].eq(overlap.name)]
    assert own["code"].tolist() == ["N11"]
    assert own.geometry.iloc[0].equals(cells()["N11"])
    assert everything(engine) == before


def test_all_repairs_accepted_leave_clean_land_and_nothing_to_propose(
    engine: Engine, settings: Settings, board: Board
) -> None:
    spoil(engine, board)
    with transaction(engine) as session:
        session.execute(delete(Placement))  # the land was never otherwise
    assign_addresses(engine, settings, SHELL, TODAY)
    assert alarms(engine, settings) >= 4
    before = everything(engine)
    found = propose_repairs(engine, settings, SHELL, TODAY)
    change_id = carry(engine, settings, found.table.index.tolist())
    assert alarms(engine, settings) == 0
    assert propose_repairs(engine, settings, SHELL, TODAY).table.empty
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0
    with reading(engine) as session:
        notes = session.scalars(select(AreaVersion.note).where(AreaVersion.area_id == board.areas["N11"])).all()
    assert len(notes) == 1  # a correction: no second version
    assert (notes[0] or "").startswith("repair: ")
    assert "1 overlap (85" in (notes[0] or "")
    revert_change(engine, settings, SHELL, change_id, "not like this")
    assert everything(engine) == before


def test_only_what_is_accepted_is_repaired(engine: Engine, settings: Settings, board: Board) -> None:
    spoil(engine, board)
    found = propose_repairs(engine, settings, SHELL, TODAY).table
    chosen = found.index[found["kind"].eq("overlap")].tolist()
    carry(engine, settings, chosen)
    rest = propose_repairs(engine, settings, SHELL, TODAY).table
    assert set(rest.index) == set(found.index) - set(chosen)
    with pytest.raises(NotFoundError):
        accept_repairs(engine, settings, SHELL, TODAY, chosen)


def test_repairs_are_proposed_in_the_own_part_only(engine: Engine, settings: Settings, board: Board) -> None:
    spoil(engine, board)
    steward = Viewer("steward", Role.STEWARD, frozenset({board.areas["N1"]}), account_id=9)
    found = propose_repairs(engine, settings, steward, TODAY).table
    assert found["kind"].tolist() == ["overlap"]
    inside = propose_repairs(engine, settings, SHELL, TODAY, within=board.areas["S2"]).table
    assert inside["kind"].tolist() == ["outside_parent"]
    with pytest.raises(NotPermittedError):
        propose_repairs(engine, settings, Viewer("o", Role.OFFICER, frozenset()), TODAY)


def test_repairs_do_not_take_longer_than_they_may(engine: Engine, settings: Settings, board: Board) -> None:
    with pytest.raises(TooLargeError):
        propose_repairs(engine, settings.model_copy(update={"upload_memory_bytes": 2**26}), SHELL, TODAY)


def test_repairs_are_accepted_over_http(engine: Engine, signed_in: SignIn, board: Board) -> None:
    spoil(engine, board)
    planner = signed_in("planner")
    day = {"as_of": TODAY.isoformat()}
    proposals = planner.get("/api/v1/land-repairs", params=day).json()
    (overlap,) = [each for each in proposals if each["kind"] == "overlap"]
    assert overlap["before"]["features"][0]["properties"]["code"] == "N11"
    assert overlap["place"]["type"] in ("Polygon", "MultiPolygon")
    answer = planner.post("/api/v1/land-repairs/acceptance", json={"keys": [overlap["key"]], "day": TODAY.isoformat()})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["kind"], answer.json()["mode"], answer.json()["state"]) == ("redraw", "correction", "draft")
    assert answer.json()["note"].startswith("repair: 1 overlap")


def test_repairs_are_proposed_and_accepted_on_the_command_line(
    engine: Engine, settings: Settings, board: Board
) -> None:
    spoil(engine, board)
    place = ["--data-dir", str(settings.data_dir), "--locale", "en"]
    place += ["--database-url", settings.database_url] if settings.database_url else []
    told = CliRunner().invoke(
        app, [*place, "repair", "propose", "--day", "2026-11-01", "--json"], env={"COLUMNS": "250"}
    )
    assert told.exit_code == 0, told.output
    assert len(json.loads(told.output)) == len(propose_repairs(engine, settings, SHELL, TODAY).table)
    done = CliRunner().invoke(app, [*place, "repair", "accept", "--all", "--day", "2026-11-01"], catch_exceptions=False)
    assert "draft" in done.output
