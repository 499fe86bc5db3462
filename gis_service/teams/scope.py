"""From a viewer to the part of the district that the viewer sees on a day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.tables import Area, AreaLevel
from gis_service.teams.tables import BeatDuty, BeatPart


def scope_of(session: Session, viewer: Viewer, day: date) -> Scope:
    """Resolve the scope of `viewer`: granted subtrees, or for an officer the beats held on `day`."""
    if viewer.everything:
        return Scope(day, None)
    if viewer.role is not Role.OFFICER:
        roots = viewer.area_ids
        if (
            roots
            and session.scalars(
                select(Area.id).where(Area.id.in_(sorted(roots)), Area.level == AreaLevel.DISTRICT)
            ).first()
        ):
            roots = None  # the whole district, with what lies in no area at all
        return Scope(day, roots)
    beats = frozenset(
        session.scalars(
            select(BeatDuty.beat_id).where(BeatDuty.officer_id == viewer.officer_id, BeatDuty.valid_on(day))
        )
    )
    compounds = frozenset(
        session.scalars(select(BeatPart.area_id).where(BeatPart.beat_id.in_(sorted(beats)), BeatPart.valid_on(day)))
    )
    return Scope(day, compounds, beats)
