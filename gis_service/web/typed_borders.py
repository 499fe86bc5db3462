"""Borders that somebody types or pastes: corners a line, or GeoJSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from gis_service.errors import InvalidInputError
from gis_service.texts import T

_APART: Final = re.compile(r"[,，;；\s]+")


def border_typed(text: str) -> dict[str, Any]:
    """GeoJSON of a border in degrees: pasted as such (a Feature too), or corners `longitude, latitude`, one a line.

    Raises
    ------
    InvalidInputError
        It is neither; fewer than three corners.
    """
    if text.lstrip().startswith("{"):
        try:
            said: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(T("A border is a GeoJSON Polygon or MultiPolygon.")) from error
        geometry = said.get("geometry") if said.get("type") == "Feature" else said
        return geometry if isinstance(geometry, dict) else {}
    corners = [_corner(line, number) for number, line in enumerate(text.strip().splitlines(), 1) if line.strip()]
    if len(corners) < 3:
        raise InvalidInputError(T("A border has at least three corners, one a line: longitude, latitude."))
    ring = corners if corners[0] == corners[-1] else [*corners, corners[0]]
    return {"type": "Polygon", "coordinates": [ring]}


def _corner(line: str, number: int) -> list[float]:
    parts = _APART.split(line.strip())
    try:
        lon, lat = (float(part) for part in parts if part)
    except ValueError as error:
        raise InvalidInputError(T("Line {number} is no corner: longitude, latitude.", number=number)) from error
    return [lon, lat]
