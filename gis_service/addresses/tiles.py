"""Address points as vector tiles, within the viewer's scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.looking import Sight
from gis_service.access.scope import Scope
from gis_service.addresses.drawn_points import drawn_counts, drawn_points
from gis_service.addresses.point_store import read_pyramid
from gis_service.addresses.queries import points_in_box
from gis_service.storage.engine import only_reading
from gis_service.storage.kept import Kept
from gis_service.storage.tile_sql import draws_tiles
from layers.point_pyramid import PointPyramid
from layers.tiles import encode_points, tile_bounds

POINTS_FROM_ZOOM: Final = 15
"""From this zoom on every address is a point; below, cells with counts."""
LAYER: Final = "addresses"


def address_tile(
    sight: Sight, store: Kept[PointPyramid], key: str, z: int, x: int, y: int, *, only_unresolved: bool = False
) -> bytes:
    """One tile (XYZ scheme, y down) of the layer `addresses`, of all or of those that wait for a decision.

    Features have `address_id` and `state` at high zoom, `count` at low. `key` names the scope, the version of its data
    and which addresses are asked for. Until the points are in memory (`read_ahead`), PostGIS draws the tile; on
    SpatiaLite a tile of low zoom, which counts them all, has them read, and one of high zoom reads its own. Those that
    wait are few, and read at once.
    """
    pyramid, are_counted = store.find(key), z < POINTS_FROM_ZOOM
    if pyramid is None:
        session, scope = sight.session, sight.scope
        draws = draws_tiles(session.get_bind().engine)
        if not only_unresolved and draws:
            draw = drawn_counts if are_counted else drawn_points
            return draw(session, scope, z, x, y, layer=LAYER)
        if not only_unresolved and not are_counted:
            return _points_of_tile(session, scope, z, x, y)
        pyramid = store.get(key, partial(read_pyramid, session, scope, only_unresolved=only_unresolved))
    if are_counted:
        return pyramid.counts(z, x, y, layer=LAYER)
    return pyramid.points(z, x, y, layer=LAYER, id_key="address_id")


def _points_of_tile(session: Session, scope: Scope, z: int, x: int, y: int) -> bytes:
    points = points_in_box(session, scope, tile_bounds(z, x, y))
    state = np.where(points["unresolved"] == "", "assigned", "unresolved")
    properties = {"address_id": points["id"], "state": state}
    return encode_points(z, x, y, points["lon"], points["lat"], points["id"], properties, layer=LAYER)


def read_ahead(
    engine: Engine, fence: Callable[[Session, Scope], None], scope: Scope, store: Kept[PointPyramid], key: str
) -> None:
    """Read the points of a scope for the tiles to come, unless that was done or is being done."""

    def read() -> PointPyramid:
        with only_reading(engine) as session:
            fence(session, scope)
            return read_pyramid(session, scope)

    store.begin(key, read)
