"""From a scope to what the database itself lets through (`gis_service.storage.fence`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaVersion
from gis_service.storage.fence import has_fence, raise_fence


def fence_session(session: Session, scope: Scope) -> None:
    """Let the session see the scope only, until its transaction ends; the whole district needs no fence.

    The names of the areas above are part of what may be seen.
    """
    if scope.is_whole_district or not has_fence(session):
        return
    own = set(session.scalars(subtree(scope.root_ids or (), scope.day)))
    land = own | _above(session, scope.root_ids or (), scope.day)
    if scope.beat_ids is not None:
        raise_fence(session, land, (), scope.beat_ids)
    else:
        raise_fence(session, land, own, ())


def _above(session: Session, area_ids: Collection[int], day: date) -> set[int]:
    """The areas above, up to the district."""
    found: set[int] = set()
    step = set(area_ids)
    while step:
        parents = select(AreaVersion.parent_id).where(
            AreaVersion.area_id.in_(sorted(step)), AreaVersion.valid_on(day), AreaVersion.parent_id.is_not(None)
        )
        step = {parent for parent in session.scalars(parents) if parent is not None} - found
        found |= step
    return found
