"""Tiles of address points drawn by PostGIS itself: what is answered before the points of a scope are in memory.

The same features at the same places as `layers.point_pyramid` and `layers.tiles` draw, in one row. Nobody is asked for
a projection: the Mercator of a sphere is a line of arithmetic.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import func, literal_column, select, true
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import FENCED_POINT, Address, Placement
from gis_service.storage.fence import is_fenced
from gis_service.storage.rows import LONLAT_SRID, holds_on
from gis_service.storage.tile_sql import written_out
from layers.tiles import tile_bounds

_STATEMENTS_KEPT: Final = 256
#: what is asked for anew with each tile, written as the driver takes it
_NUMBER: Final = re.compile(r"(?<!:):([a-z]+)")
_TYPES: Final = {"z": "integer", "x": "integer", "y": "integer"}

#: how far east and south a place lies: shares of the world's side in Web Mercator
_ACROSS: Final = "(lon + 180) / 360"
_BELOW: Final = "(1 - asinh(tan(radians(lat))) / pi()) / 2"

#: a unit is a 4096th of the tile; west and north edges are the tile's own
_POINTS: Final = """
SELECT ST_AsMVT(q, '{layer}', 4096, 'geom', 'feature') FROM (
  SELECT id AS feature, id AS address_id, state, ST_MakePoint(east, down) AS geom
  FROM (SELECT id, CASE WHEN unresolved IS NULL THEN 'assigned' ELSE 'unresolved' END AS state,
               floor((({across}) * :tiles - :x) * 4096) AS east, floor((({below}) * :tiles - :y) * 4096) AS down
        FROM ({found}) AS found OFFSET 0) AS placed
  WHERE east >= 0 AND east < 4096 AND down >= 0 AND down < 4096) AS q"""

#: places are whole numbers of 32 bits along each axis; a cell is a 16th of the tile's side (4 bits), a unit a 4096th
_COUNTS: Final = """
SELECT ST_AsMVT(q, '{layer}', 4096, 'geom') FROM (
  SELECT count, ST_MakePoint((((cell_x << (28 - :z)) + right_sum / count) >> (20 - :z)) & 4095,
                             (((cell_y << (28 - :z)) + lower_sum / count) >> (20 - :z)) & 4095) AS geom
  FROM (SELECT x >> (28 - :z) AS cell_x, y >> (28 - :z) AS cell_y, count(*)::int AS count,
               sum((x & ((1 << (28 - :z)) - 1))::int) AS right_sum, sum((y & ((1 << (28 - :z)) - 1))::int) AS lower_sum
        FROM (SELECT floor(({across}) * 4294967296)::bigint AS x, floor(({below}) * 4294967296)::bigint AS y
              FROM ({found}) AS found OFFSET 0) AS placed
        WHERE x >> (32 - :z) = :x AND y >> (32 - :z) = :y
        GROUP BY 1, 2) AS cells) AS q"""


def drawn_points(session: Session, scope: Scope, z: int, x: int, y: int, *, layer: str) -> bytes:
    """One feature per address in scope, with `address_id` and `state`."""
    return _drawn(session, _statement(_POINTS, scope, layer, is_fenced(session)), z, x, y)


def drawn_counts(session: Session, scope: Scope, z: int, x: int, y: int, *, layer: str) -> bytes:
    """One feature per cell of 16 pixels that has addresses in scope, at their mean place, with their `count`."""
    return _drawn(session, _statement(_COUNTS, scope, layer, is_fenced(session)), z, x, y)


def _drawn(session: Session, statement: str, z: int, x: int, y: int) -> bytes:
    west, south, east, north = tile_bounds(z, x, y)
    asked = {"z": z, "x": x, "y": y, "tiles": 2.0**z, "west": west, "south": south, "east": east, "north": north}
    return bytes(session.connection().exec_driver_sql(statement, asked).scalar_one())


@lru_cache(_STATEMENTS_KEPT)
def _statement(form: str, scope: Scope, layer: str, fenced: bool) -> str:  # noqa: FBT001 - a key, not a choice
    """The statement of one scope, made once: making it anew would take longer than most tiles do."""
    point: Any = FENCED_POINT.c if fenced else Address
    placed: Any = FENCED_POINT.c if fenced else Placement
    sides: list[Any] = [literal_column(f":{side}") for side in ("west", "south", "east", "north")]
    found = select(
        point.id,
        placed.unresolved,
        func.ST_X(point.geom).label("lon"),
        func.ST_Y(point.geom).label("lat"),
    ).where(
        point.geom.op("&&")(func.ST_MakeEnvelope(*sides, LONLAT_SRID)),
        true() if fenced else Placement.address_id == Address.id,
        holds_on(placed.valid_from, placed.valid_to, scope.day),
        placement_in_scope(scope, of=placed),
    )
    whole = form.format(layer=layer, found=written_out(found), across=_ACROSS, below=_BELOW)
    return _NUMBER.sub(lambda number: f"%({number[1]})s::{_TYPES.get(number[1], 'float8')}", whole)
