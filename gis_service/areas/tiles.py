"""Borders of one level as vector tiles, within the viewer's scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.looking import Sight
from gis_service.access.scope import Scope
from gis_service.areas.border_store import read_borders
from gis_service.areas.drawn_borders import drawn_borders
from gis_service.areas.tables import AreaLevel
from gis_service.errors import NotFoundError
from gis_service.storage.engine import only_reading
from gis_service.storage.kept import Kept
from gis_service.storage.tile_sql import draws_tiles
from gis_service.texts import T
from layers.border_pyramid import BorderPyramid

MVT: Final = "application/vnd.mapbox-vector-tile"
MAX_ZOOM: Final = 22
GZIP_LEVEL: Final = 1
"""The lightest: what is in a tile is packed already, and more work saves less than a hundredth."""
LAYER: Final = "areas"


def require_tile(z: int, x: int, y: int) -> None:
    """Refuse what is no tile of the XYZ scheme.

    Raises
    ------
    NotFoundError
    """
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise NotFoundError(T("There is no tile {z}/{x}/{y}.", z=z, x=x, y=y))


def area_tile(sight: Sight, store: Kept[BorderPyramid], key: str, level: AreaLevel, z: int, x: int, y: int) -> bytes:
    """One tile (XYZ scheme, y down) of the layer `areas`: polygons with their id, `area_id`, `code` and `name`.

    `key` names the scope, the version of its data and the level, whose borders are read once for it.
    """
    return store.get(key, lambda: read_borders(sight.session, sight.scope, level)).tile(z, x, y, layer=LAYER)


def drawn_area_tile(sight: Sight, level: AreaLevel, z: int, x: int, y: int) -> bytes:
    """The same tile drawn by PostGIS itself: what is answered until `prepare` is done."""
    return drawn_borders(sight.session, sight.scope, level, z, x, y, layer=LAYER)


def must_wait(engine: Engine, store: Kept[BorderPyramid], key: str, z: int) -> bool:
    """Say whether the borders of a zoom level would have to be simplified first, while the database can draw them."""
    found = store.find(key)
    return draws_tiles(engine) and not (found is not None and found.is_ready(z))


def prepare(
    engine: Engine,
    fence: Callable[[Session, Scope], None],
    scope: Scope,
    store: Kept[BorderPyramid],
    key: str,
    level: AreaLevel,
    z: int,
) -> None:
    """Read the borders of a scope and simplify a zoom level, unless that was done or is being done."""

    def read() -> BorderPyramid:
        with only_reading(engine) as session:
            fence(session, scope)
            return read_borders(session, scope, level)

    store.begin(key, read)
    found = store.find(key)
    if found is not None:
        found.prepare(z)
