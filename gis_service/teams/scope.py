"""From a viewer to the part of the district that the viewer sees on a day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.scope import subtree
from gis_service.areas.tables import Area, AreaLevel
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Unit


def scope_of(session: Session, viewer: Viewer, day: date) -> Scope:
    """Resolve the scope of `viewer`: granted subtrees, or for an officer the beats held on `day`.

    Somebody with an officer's eyes sees no beat that reaches beyond the own areas, whatever the officer holds or held.
    """
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
    held = select(BeatDuty.beat_id).where(BeatDuty.officer_id == viewer.officer_id, BeatDuty.valid_on(day))
    if viewer.within is not None:
        own = subtree(viewer.within, day)
        inside = select(Beat.id).join(Unit, Unit.id == Beat.unit_id).where(Unit.area_id.in_(own))
        beyond = select(BeatPart.beat_id).where(BeatPart.valid_on(day), BeatPart.area_id.not_in(own))
        held = held.where(BeatDuty.beat_id.in_(inside), BeatDuty.beat_id.not_in(beyond))
    beats = frozenset(session.scalars(held))
    compounds = frozenset(
        session.scalars(select(BeatPart.area_id).where(BeatPart.beat_id.in_(sorted(beats)), BeatPart.valid_on(day)))
    )
    return Scope(day, compounds, beats)
