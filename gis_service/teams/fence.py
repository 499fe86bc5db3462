"""From a scope to what the database itself lets through (`gis_service.storage.fence`)."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import Date, Select, bindparam, select
from sqlalchemy.orm import Session, aliased

from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.scope import subtree_under
from gis_service.areas.tables import AreaVersion
from gis_service.storage.fence import fencing, has_fence, raise_fence
from gis_service.teams.scope import scope_of

_ROOTS: Final[Any] = bindparam("roots", expanding=True)
_DAY: Final[Any] = bindparam("day", type_=Date)


def fenced_scope(session: Session, viewer: Viewer, day: date) -> Scope:
    """The scope of `viewer`, which is from now on all that the session sees."""
    scope = scope_of(session, viewer, day)
    fence_session(session, scope)
    return scope


def fence_session(session: Session, scope: Scope) -> None:
    """Let the session see the scope only, until its transaction ends; the whole district needs no fence.

    The names of the areas above are part of what may be seen.
    """
    if scope.is_whole_district or not has_fence(session):
        return
    roots = sorted(scope.root_ids or ())
    if scope.beat_ids is not None:
        raise_fence(session, _by_beat(), scope.beat_ids, roots=roots, day=scope.day)
    else:
        raise_fence(session, _by_area(), (), roots=roots, day=scope.day)


@cache
def _by_area() -> Select[Any]:
    own = _own()
    return fencing(own, _with_above(own), by_beat=False)


@cache
def _by_beat() -> Select[Any]:
    own = _own()
    return fencing(own, _with_above(own), by_beat=True)


def _own() -> Select[int]:
    return subtree_under(AreaVersion.area_id.in_(_ROOTS), _DAY)


def _with_above(own: Select[int]) -> Select[Any]:
    """The areas that `own` finds and those above its roots, up to the district."""
    start = select(AreaVersion.parent_id.label("area_id")).where(
        AreaVersion.area_id.in_(_ROOTS), AreaVersion.valid_on(_DAY), AreaVersion.parent_id.is_not(None)
    )
    above = start.cte(recursive=True)
    higher = aliased(AreaVersion)
    above = above.union(
        select(higher.parent_id)
        .join(above, higher.area_id == above.c.area_id)
        .where(higher.valid_on(_DAY), higher.parent_id.is_not(None))
    )
    found = own.union(select(above.c.area_id)).subquery()
    return select(found.c.area_id)
