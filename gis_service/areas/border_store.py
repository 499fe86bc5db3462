"""The borders of one level and scope in memory, ready for tiles; read once for each version of the data."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import areas
from gis_service.areas.tables import AreaLevel
from gis_service.storage.kept import Kept
from layers.border_pyramid import BorderPyramid

MOST_CORNERS: Final = 5_000_000
"""Corners kept in all scopes and zoom levels together, 16 bytes each."""


def border_store() -> Kept[BorderPyramid]:
    """Pyramids by key: version of the data, scope and level."""
    return Kept(MOST_CORNERS, lambda pyramid: pyramid.corners)


def read_borders(session: Session, scope: Scope, level: AreaLevel) -> BorderPyramid:
    """The borders of one level in scope, with `area_id`, `code` and `name`."""
    land = areas(session, scope, levels=[level])
    return BorderPyramid(land.assign(area_id=land.index), ["area_id", "code", "name"])
