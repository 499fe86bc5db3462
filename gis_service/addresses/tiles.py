"""Address points as vector tiles, within the viewer's scope."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.point_store import read_pyramid
from gis_service.addresses.queries import points_in_box
from gis_service.storage.kept import Kept
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
    and which addresses are asked for: they are read once for it, when the first tile of low zoom is asked for, which
    counts them all; until then a tile of high zoom reads its own, unless only those that wait are asked for.
    """
    whole = z < POINTS_FROM_ZOOM or only_unresolved  # those that wait are few
    read = partial(read_pyramid, session, scope, only_unresolved=only_unresolved)
    pyramid = store.get(key, read) if whole else store.find(key)
    if z < POINTS_FROM_ZOOM and pyramid is not None:
        return pyramid.counts(z, x, y, layer=LAYER)
    if pyramid is not None:
        return pyramid.points(z, x, y, layer=LAYER, id_key="address_id")
    points = points_in_box(session, scope, tile_bounds(z, x, y))
    state = np.where(points["unresolved"] == "", "assigned", "unresolved")
    properties = {"address_id": points["id"], "state": state}
    return encode_points(z, x, y, points["lon"], points["lat"], points["id"], properties, layer=LAYER)
