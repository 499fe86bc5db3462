"""The points of one scope in memory, in the order of tiles; read once for each version of the data."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

import numpy as np
import pyarrow as pa
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.storage.columns import read_columns
from layers.point_pyramid import PointPyramid

MOST_POINTS: Final = 2_000_000
"""Points kept in all scopes together, about 40 bytes each."""


class PointStore:
    """Pyramids by key (version and scope), the longest unused given up first; one reader builds, others wait."""

    def __init__(self, most_points: int = MOST_POINTS) -> None:
        self._most_points = most_points
        self._pyramids: OrderedDict[str, PointPyramid] = OrderedDict()
        self._lock = Lock()
        self._building = Lock()

    def find(self, key: str) -> PointPyramid | None:
        """The pyramid kept under a key."""
        with self._lock:
            found = self._pyramids.get(key)
            if found is not None:
                self._pyramids.move_to_end(key)
            return found

    def get(self, key: str, session: Session, scope: Scope) -> PointPyramid:
        """The pyramid kept under a key, else read anew."""
        with self._building:
            found = self.find(key)
            if found is None:
                found = read_pyramid(session, scope)
                self._keep(key, found)
            return found

    def _keep(self, key: str, pyramid: PointPyramid) -> None:
        with self._lock:
            self._pyramids[key] = pyramid
            while len(self._pyramids) > 1 and sum(map(len, self._pyramids.values())) > self._most_points:
                self._pyramids.popitem(last=False)


def read_pyramid(session: Session, scope: Scope) -> PointPyramid:
    """Every address point in scope with its state: `assigned` or `unresolved`."""
    query = (
        select(Address.id.label("id"), Placement.unresolved)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .where(Address.geom.is_not(None), placement_in_scope(scope))
    )
    table = read_columns(session, query, {"id": pa.int64(), "unresolved": pa.string()}, point=Address.geom)
    decided = table["unresolved"].is_null().to_numpy()
    lon, lat, ids = (table[name].to_numpy() for name in ("lon", "lat", "id"))
    return PointPyramid(lon, lat, ids, np.where(decided, "assigned", "unresolved"))
