"""Splits that were dated before their geometry existed: parts that wait for borders, and the borders when they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from gis_service.access.viewer import Viewer
from gis_service.areas.tables import AreaAncestry, AreaVersion
from gis_service.changes.comparing import compare_layer
from gis_service.errors import InvalidInputError
from gis_service.intake.subject import ImportOptions
from gis_service.settings import Settings
from gis_service.texts import T


@dataclass(frozen=True)
class Undrawn:
    """A split whose map is still to come.

    Attributes
    ----------
    area_id : the area that is split; it stays in force, with its border and its addresses, until the parts are drawn.
    parts : (area, code, name) of those without a border.
    """

    area_id: int
    parts: tuple[tuple[int, str, str], ...]


def undrawn_split(session: Session, area_id: int, day: date) -> Undrawn | None:
    """The split that an area is the source or a part of, where its map is still to come on `day`."""
    part = (
        select(AreaAncestry.from_area_id, AreaVersion.area_id, AreaVersion.code, AreaVersion.name)
        .join(AreaVersion, AreaVersion.area_id == AreaAncestry.to_area_id)
        .where(AreaAncestry.kind == "split", AreaVersion.valid_on(day), AreaVersion.geom.is_(None))
        .order_by(AreaVersion.code)
    )
    source = select(AreaAncestry.from_area_id).where(
        AreaAncestry.kind == "split", or_(AreaAncestry.from_area_id == area_id, AreaAncestry.to_area_id == area_id)
    )
    in_force = select(AreaVersion.area_id).where(AreaVersion.valid_on(day))
    rows = session.execute(
        part.where(AreaAncestry.from_area_id.in_(source), AreaAncestry.from_area_id.in_(in_force))
    ).all()
    ours = [row for row in rows if row[0] == area_id] or [
        row for row in rows if row[0] in {other[0] for other in rows if other[1] == area_id}
    ]
    if not ours:
        return None
    first = ours[0][0]
    return Undrawn(first, tuple((part_id, code, name) for whole, part_id, code, name in ours if whole == first))


def drawn_by(undrawn: Undrawn, borders: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """The payload that gives parts their borders (GeoJSON, lon-lat).

    Raises
    ------
    InvalidInputError
        A part has none: drawn one by one they would lie on the ground of the area that is still in force.
    """
    told = [{"area_id": part, "border": borders[part]} for part, _code, _name in undrawn.parts if part in borders]
    if len(told) != len(undrawn.parts):
        raise InvalidInputError(T("Draw every part, or choose a file that has their codes."))
    return {"kind": "redraw", "borders": told}


def borders_in_file(
    engine: Engine, settings: Settings, viewer: Viewer, path: Path, options: ImportOptions, undrawn: Undrawn
) -> dict[int, dict[str, Any]]:
    """The borders that a file of areas has for the parts, found by their codes; whatever else is in it is left alone.

    Raises
    ------
    InvalidInputError, TooLargeError
        The file cannot be understood, or rows of it cannot be taken.
    """
    found = compare_layer(engine, settings, viewer, path, options)
    if found.faults:
        raise InvalidInputError(
            T("{file}: {count} rows cannot be taken.", file=found.file_name, count=len(found.faults)), found.faults
        )
    ids, waiting = found.table["area_id"].dropna(), {part for part, _code, _name in undrawn.parts}
    return {
        int(area_id): dict(shapely.geometry.mapping(found.new[number]))
        for number, area_id in ids.items()
        if area_id in waiting and found.new.get(number) is not None
    }
