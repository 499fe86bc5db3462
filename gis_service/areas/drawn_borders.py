"""Tiles of borders drawn by PostGIS itself: a stopgap until the borders of a scope have been simplified in memory.

The same areas with the same properties as `layers.border_pyramid` draws; each border is simplified by itself, and less.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sqlalchemy import select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from gis_service.access.scope import Scope
from gis_service.areas.scope import area_in_scope
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.storage.tile_sql import written_out
from layers.tiles import tile_bounds

_STATEMENTS_KEPT: Final = 256
#: how far polygons reach over the tile's edge, units and share of its side
_BUFFER, _MARGIN = 64, 1 / 64
#: what simplifying may cost, share of the tile's side: a quarter of a pixel
_TOLERANCE: Final = 1 / 1024

_BORDERS: Final = """
SELECT ST_AsMVT(q, '{layer}', 4096, 'geom', 'feature') FROM (
  SELECT area_id AS feature, area_id, code, name,
         ST_AsMVTGeom(ST_Transform(ST_Simplify(geom, %(tolerance_deg)s::float8, true), 3857),
                      ST_TileEnvelope(%(z)s::integer, %(x)s::integer, %(y)s::integer), 4096, {buffer}, true) AS geom
  FROM ({found}) AS found WHERE geom && ST_MakeEnvelope({sides}, 4326)) AS q"""
_SIDES: Final = "%(west)s::float8, %(south)s::float8, %(east)s::float8, %(north)s::float8"


def drawn_borders(session: Session, scope: Scope, level: AreaLevel, z: int, x: int, y: int, *, layer: str) -> bytes:
    """One feature per area of a level in scope, with `area_id`, `code` and `name`."""
    west, south, east, north = tile_bounds(z, x, y)
    wide, high = (east - west) * _MARGIN, (north - south) * _MARGIN
    sides = {"west": west - wide, "south": south - high, "east": east + wide, "north": north + high}
    asked = {"z": z, "x": x, "y": y, **sides, "tolerance_deg": (east - west) * _TOLERANCE}
    drawn = session.connection().exec_driver_sql(_statement(scope, level, layer), asked)
    return bytes(drawn.scalar_one())


@lru_cache(_STATEMENTS_KEPT)
def _statement(scope: Scope, level: AreaLevel, layer: str) -> str:
    """The statement of one scope and level, made once."""
    geom = type_coerce(AreaVersion.geom, NullType()).label("geom")  # as it is: as text for a driver no index finds it
    found = (
        select(AreaVersion.area_id, AreaVersion.code, AreaVersion.name, geom)
        .join(Area, Area.id == AreaVersion.area_id)
        .where(AreaVersion.valid_on(scope.day), area_in_scope(scope, AreaVersion.area_id), Area.level == level.value)
    )
    return _BORDERS.format(layer=layer, sides=_SIDES, buffer=_BUFFER, found=written_out(found))
