"""The points of one scope in memory, in the order of tiles; read once for each version of the data."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.storage.columns import read_columns
from gis_service.storage.kept import Kept
from layers.point_pyramid import PointPyramid

MOST_POINTS: Final = 2_000_000
"""Points kept in all scopes together, about 40 bytes each."""


def point_store() -> Kept[PointPyramid]:
    """Pyramids by key: version of the data and scope."""
    return Kept(MOST_POINTS, len)


def read_pyramid(session: Session, scope: Scope, *, only_unresolved: bool = False) -> PointPyramid:
    """Every address point in scope, or those that wait for a decision, with its state: `assigned` or `unresolved`."""
    query = (
        select(Address.id.label("id"), Placement.unresolved)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .where(Address.geom.is_not(None), placement_in_scope(scope))
    )
    if only_unresolved:
        query = query.where(Placement.unresolved.is_not(None))
    table = read_columns(session, query, {"id": pa.int64(), "unresolved": pa.string()}, point=Address.geom)
    decided = table["unresolved"].is_null().to_numpy()
    lon, lat, ids = (table[name].to_numpy() for name in ("lon", "lat", "id"))
    return PointPyramid(lon, lat, ids, np.where(decided, "assigned", "unresolved"))
