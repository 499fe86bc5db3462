"""Borders drawn on the map become drafts: neighbours follow, foreign ground stays, and the server checks it again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.areas.queries import areas
from gis_service.areas.tables import AreaLevel
from gis_service.changes.actions import apply_change, approve_change, draft_change, impact_of
from gis_service.changes.editing import (
    Proposal,
    Surveying,
    propose_merge,
    propose_new,
    propose_reshape,
    propose_split,
)
from gis_service.errors import InvalidInputError, NotFoundError, NotPermittedError
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.integration.board import STEP, TODAY, Board, cells
from tests.integration.conftest import SignIn


def mapping(shape: shapely.Geometry) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))


def wider(code: str, by: float) -> shapely.Polygon:
    """A compound pushed eastwards by a share of a step."""
    west, south, east, north = cells()[code].bounds
    return shapely.box(west, south, east + by * STEP, north)


def middle_line(code: str) -> list[tuple[float, float]]:
    west, south, east, north = cells()[code].bounds
    return [((west + east) / 2, south - STEP), ((west + east) / 2, north + STEP)]


def steward(board: Board) -> Viewer:
    return Viewer("steward", Role.STEWARD, frozenset({board.areas["N1"]}), account_id=9)


def applied(engine: Engine, settings: Settings, proposal: Proposal, day: date = TODAY) -> None:
    change = draft_change(engine, SHELL, proposal.asked, Mode.CHANGE, day)
    assert len(impact_of(engine, settings, SHELL, change.id).faults) == 0
    approve_change(engine, SHELL, change.id)
    apply_change(engine, settings, SHELL, change.id)


def test_a_border_pushed_across_villages_is_a_redraw_of_both_compounds_and_both_villages(
    engine: Engine, settings: Settings, board: Board
) -> None:
    with reading(engine) as session:
        at = Surveying(session, settings, SHELL, TODAY)
        found = propose_reshape(at, board.areas["N12"], mapping(wider("N12", 0.4)))
    changed = {each["area_id"] for each in found.asked["borders"]}
    assert changed == {board.areas[code] for code in ("N12", "N21", "N1", "N2")}
    assert (found.moved["from_name"].tolist(), found.moved["to_name"].tolist()) == (["area N21"], ["area N12"])
    grown = found.borders.set_index("name")
    assert grown.at["area N12", "m2_after"] == pytest.approx(1.4 * grown.at["area N12", "m2_before"], rel=1e-3)

    applied(engine, settings, found)
    with reading(engine) as session:
        land = areas(session, Scope(TODAY, None))
    assert land.geometry[board.areas["N12"]].equals(wider("N12", 0.4))
    assert land.geometry[board.areas["N12"]].intersection(land.geometry[board.areas["N21"]]).area == 0.0
    assert land.geometry[board.areas["N"]].equals(
        shapely.union_all([cells()[code] for code in cells() if code[0] == "N"])
    )


def test_a_steward_edits_the_own_village_and_not_the_neighbours(
    engine: Engine, settings: Settings, board: Board
) -> None:
    with reading(engine) as session:
        at = Surveying(session, settings, steward(board), TODAY)
        own = propose_reshape(at, board.areas["N11"], mapping(wider("N11", 0.2)))
        assert len(own.asked["borders"]) == 2
        with pytest.raises(NotPermittedError, match="m²"):
            propose_reshape(at, board.areas["N12"], mapping(wider("N12", 0.2)))
        with pytest.raises(NotFoundError):
            propose_split(at, board.areas["N21"], middle_line("N21"))
        with pytest.raises(InvalidInputError) as refusal:
            propose_reshape(at, board.areas["N12"], mapping(wider("N12", 1.0)))
    assert "N21" not in str(refusal.value)


def test_a_line_splits_a_compound_and_its_larger_part_goes_on(engine: Engine, settings: Settings, board: Board) -> None:
    west, south, _east, north = cells()["N11"].bounds
    line = [(west + 0.4 * STEP, south - STEP), (west + 0.4 * STEP, north + STEP)]
    with reading(engine) as session:
        found = propose_split(Surveying(session, settings, SHELL, TODAY), board.areas["N11"], line)
    west_part, east_part = found.asked["parts"]
    assert (west_part["area_id"], east_part["area_id"]) == (None, board.areas["N11"])
    west_part |= {"code": "N1x", "name": "new"}
    applied(engine, settings, found)


def test_a_village_is_split_along_its_compounds(engine: Engine, settings: Settings, board: Board) -> None:
    west, south, _east, north = cells()["N12"].bounds
    line = [(west + 0.1 * STEP, south - STEP), (west + 0.1 * STEP, north + STEP)]
    with reading(engine) as session:
        found = propose_split(Surveying(session, settings, SHELL, TODAY), board.areas["N1"], line)
        aside = [(x - 1.05 * STEP, y) for x, y in line]
        with pytest.raises(InvalidInputError, match="至少"):
            propose_split(Surveying(session, settings, SHELL, TODAY), board.areas["N1"], aside)
    assert [part["children"] for part in found.asked["parts"]] == [[board.areas["N11"]], [board.areas["N12"]]]
    for part in found.asked["parts"]:
        part.update({} if part["area_id"] else {"code": "NX", "name": "new village"})
    applied(engine, settings, found)


def test_neighbours_of_one_village_merge(engine: Engine, settings: Settings, board: Board) -> None:
    with reading(engine) as session:
        at = Surveying(session, settings, SHELL, TODAY)
        found = propose_merge(at, [board.areas["N11"], board.areas["N12"]])
        with pytest.raises(InvalidInputError, match="上级"):
            propose_merge(at, [board.areas["N12"], board.areas["N21"]])
    applied(engine, settings, found)


def test_a_new_area_drawn_inside_another_is_split_off(engine: Engine, settings: Settings, board: Board) -> None:
    west, south, east, north = cells()["N11"].bounds
    inside = shapely.box(west, south, west + STEP / 4, south + STEP / 4)
    with reading(engine) as session:
        at = Surveying(session, settings, SHELL, TODAY)
        found = propose_new(at, AreaLevel.COMPOUND, mapping(inside))
        with pytest.raises(InvalidInputError, match="多个区域"):
            propose_new(at, AreaLevel.COMPOUND, mapping(shapely.box(west, south, east + STEP / 2, north)))
    rest, new = found.asked["parts"]
    assert (rest["area_id"], new["area_id"]) == (board.areas["N11"], None)
    assert shapely.geometry.shape(new["border"]).equals(inside)
    new |= {"code": "N1x", "name": "new"}
    applied(engine, settings, found)


def test_a_redraw_that_overlaps_is_refused_with_both_names_and_square_metres(
    engine: Engine, settings: Settings, board: Board
) -> None:
    asked = {"kind": "redraw", "borders": [{"area_id": board.areas["N11"], "border": mapping(wider("N11", 0.1))}]}
    change = draft_change(engine, SHELL, asked, Mode.CHANGE, TODAY)
    approve_change(engine, SHELL, change.id)
    with pytest.raises(InvalidInputError) as refusal:
        apply_change(engine, settings, SHELL, change.id)
    [overlap] = [str(fault.message) for fault in refusal.value.faults]
    for part in ("area N11", "area N12", "m²"):
        assert part in overlap


def test_the_wire_carries_every_vertex_to_the_last_bit(signed_in: SignIn, board: Board) -> None:
    client = signed_in("planner")
    answer = client.get(f"/api/v1/land-edits/areas/{board.areas['N11']}").json()
    shapes = {feature["id"]: shapely.geometry.shape(feature["geometry"]) for feature in answer["features"]}
    assert set(shapes) == {board.areas[code] for code in ("N11", "N12", "S11", "S12")}
    assert shapely.get_coordinates(shapes[board.areas["N11"]].normalize()).tolist() == (
        shapely.get_coordinates(cells()["N11"].normalize()).tolist()
    )
    edit = {"kind": "reshape", "area_id": board.areas["N11"], "border": mapping(wider("N11", 0.1))}
    found = client.post("/api/v1/land-edits", json=edit).json()
    order = {"mode": "change", "day": TODAY.isoformat(), "asked": found["asked"]}
    assert client.post("/api/v1/land-changes", json=order).status_code == 200


def test_a_steward_is_told_which_corners_are_shared_with_others(signed_in: SignIn, board: Board) -> None:
    answer = signed_in("steward").get(f"/api/v1/land-edits/areas/{board.areas['N12']}").json()
    assert {feature["properties"]["code"] for feature in answer["features"]} == {"N11", "N12"}
    assert len(answer["fixed"]) == 4
