"""Changes of the land on the small district: what is asked for, carried out, and what stands on record then."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import shapely
from shapely import box
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, func, select

from gis_service.access.viewer import SHELL
from gis_service.addresses.tables import Placement
from gis_service.areas.land_record import timelines_of
from gis_service.areas.tables import AreaVersion
from gis_service.changes.actions import apply_change, approve_change, draft_change
from gis_service.changes.carrying_out import CarriedOut
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.tables import BeatPart
from tests.integration.board import ADDRESSES_PER_COMPOUND, STEP, Board, cells

DAY = date(2026, 9, 1)
EVE = DAY - timedelta(days=1)
Rows = list[tuple[Any, ...]]


def border(shape: BaseGeometry) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))


def halves(code: str, share: float = 0.5) -> tuple[BaseGeometry, BaseGeometry]:
    """West and east part of a compound; addresses stand at 1/6, 2/6, 3/6 and 4/6 of its width."""
    west, south, east, north = cells()[code].bounds
    middle = west + share * STEP
    return box(west, south, middle, north), box(middle, south, east, north)


def carry(
    engine: Engine, settings: Settings, payload: dict[str, Any], mode: Mode = Mode.CHANGE, day: date = DAY, **said: Any
) -> tuple[int, CarriedOut]:
    change = draft_change(engine, SHELL, payload, mode, day)
    approve_change(engine, SHELL, change.id, **said)
    return change.id, apply_change(engine, settings, SHELL, change.id)


def versions(engine: Engine, area_id: int) -> Rows:
    with reading(engine) as session:
        return [(v.code, v.name, v.parent_id, v.since, v.until) for v in timelines_of(session, [area_id])[area_id]]


def everything(engine: Engine) -> list[Rows]:
    """Every version, part and placement, without ids and what says when it was written."""
    placement = [getattr(Placement, name) for name in ("address_id", "area_id", "beat_id", "home_area_id")]
    with reading(engine) as session:
        queries: list[Any] = [
            select(AreaVersion.area_id, AreaVersion.code, AreaVersion.name, AreaVersion.parent_id).add_columns(
                AreaVersion.valid_from, AreaVersion.valid_to, func.ST_AsText(AreaVersion.geom)
            ),
            select(BeatPart.beat_id, BeatPart.area_id, BeatPart.valid_from, BeatPart.valid_to),
            select(*placement, Placement.unresolved, Placement.valid_from, Placement.valid_to),
        ]
        return [sorted((tuple(row) for row in session.execute(query)), key=str) for query in queries]


def homes(engine: Engine, board: Board, compound: str, day: date) -> Rows:
    """(area, beat) of each address of a compound on a day, in their order."""
    ids = [board.addresses[f"A-{compound}-{number}"] for number in range(ADDRESSES_PER_COMPOUND)]
    query = select(Placement.area_id, Placement.beat_id).where(Placement.valid_on(day))
    with reading(engine) as session:
        return [tuple(session.execute(query.where(Placement.address_id == one)).one()) for one in ids]


def redraw(board: Board) -> dict[str, Any]:
    """N12 gives its eastern half with the addresses 2 and 3 to N21, across the villages."""
    west, east = halves("N12", 0.45)
    return {
        "kind": "redraw",
        "borders": [
            {"area_id": board.areas["N12"], "border": border(west)},
            {"area_id": board.areas["N21"], "border": border(shapely.union(east, cells()["N21"]))},
        ],
    }


def split(board: Board) -> dict[str, Any]:
    west, east = halves("N11", 0.45)
    parts = [("N1a", west), ("N1b", east)]
    return {
        "kind": "split",
        "area_id": board.areas["N11"],
        "parts": [{"code": code, "name": f"area {code}", "border": border(shape)} for code, shape in parts],
    }


def split_village(board: Board) -> dict[str, Any]:
    parts = [("NX", ["N11"]), ("NY", ["N12"])]
    return {
        "kind": "split",
        "area_id": board.areas["N1"],
        "parts": [
            {"code": code, "name": f"village {code}", "children": [board.areas[child] for child in children]}
            for code, children in parts
        ],
    }
