"""Address points as vector tiles, within the viewer's scope."""

from __future__ import annotations

import numpy as np
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import points_in_box
from gis_service.errors import NotFoundError
from gis_service.texts import T
from layers.tiles import aggregate_points, encode_points, tile_bounds

MVT = "application/vnd.mapbox-vector-tile"
MAX_ZOOM = 22
POINTS_FROM_ZOOM = 15
"""From this zoom on every address is a point; below, cells with counts."""
LAYER = "addresses"


def address_tile(session: Session, scope: Scope, z: int, x: int, y: int) -> bytes:
    """One tile (XYZ scheme, y down) of the layer `addresses`.

    Features have `address_id` and `state` at high zoom, `count` at low.

    Raises
    ------
    NotFoundError
        There is no such tile.
    """
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise NotFoundError(T("There is no tile {z}/{x}/{y}.", z=z, x=x, y=y))
    points = points_in_box(session, scope, tile_bounds(z, x, y))
    if z < POINTS_FROM_ZOOM:
        return aggregate_points(z, x, y, points["lon"], points["lat"], layer=LAYER)
    state = np.where(points["unresolved"] == "", "assigned", "unresolved")
    properties = {"address_id": points["id"], "state": state}
    return encode_points(z, x, y, points["lon"], points["lat"], points["id"], properties, layer=LAYER)
