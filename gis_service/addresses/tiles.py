"""Address points as vector tiles, within the viewer's scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.drawn_points import drawn_counts, drawn_points
from gis_service.addresses.point_store import read_pyramid
from gis_service.addresses.queries import points_in_box
from gis_service.storage.engine import reading
from gis_service.storage.kept import Kept
from gis_service.storage.tile_sql import draws_tiles
from layers.point_pyramid import PointPyramid
from layers.tiles import encode_points, tile_bounds

POINTS_FROM_ZOOM: Final = 15
"""From this zoom on every address is a point; below, cells with counts."""
LAYER: Final = "addresses"


def address_tile(
    session: Session,
    scope: Scope,
    store: Kept[PointPyramid],
    key: str,
    z: int,
    x: int,
    y: int,
    *,
    only_unresolved: bool = False,
) -> bytes:
    """One tile (XYZ scheme, y down) of the layer `addresses`, of all or of those that wait for a decision.

    Features have `address_id` and `state` at high zoom, `count` at low. `key` names the scope, the version of its data
    and which addresses are asked for. Until the points are in memory (`read_ahead`), PostGIS draws the tile; on
    SpatiaLite a tile of low zoom, which counts them all, has them read, and one of high zoom reads its own. Those that
    wait are few, and read at once.
    """
    draws = draws_tiles(session)
    pyramid = store.find(key)
    if pyramid is None and (only_unresolved or (z < POINTS_FROM_ZOOM and not draws)):
        pyramid = store.get(key, partial(read_pyramid, session, scope, only_unresolved=only_unresolved))
    if z < POINTS_FROM_ZOOM:
        if pyramid is None:
            return drawn_counts(session, scope, z, x, y, layer=LAYER)
        return pyramid.counts(z, x, y, layer=LAYER)
    if pyramid is not None:
        return pyramid.points(z, x, y, layer=LAYER, id_key="address_id")
    if draws:
        return drawn_points(session, scope, z, x, y, layer=LAYER)
    points = points_in_box(session, scope, tile_bounds(z, x, y))
    state = np.where(points["unresolved"] == "", "assigned", "unresolved")
    properties = {"address_id": points["id"], "state": state}
    return encode_points(z, x, y, points["lon"], points["lat"], points["id"], properties, layer=LAYER)


def read_ahead(
    engine: Engine, fence: Callable[[Session, Scope], None], scope: Scope, store: Kept[PointPyramid], key: str
) -> None:
    """Read the points of a scope for the tiles to come, unless that was done or is being done."""

    def read() -> PointPyramid:
        with reading(engine) as session:
            fence(session, scope)
            return read_pyramid(session, scope)

    store.begin(key, read)
