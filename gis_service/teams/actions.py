"""What changes the teams."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.errors import ConflictError, NotFoundError
from gis_service.storage.engine import transaction
from gis_service.teams.queries import beats, officers
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import Beat, BeatDuty
from gis_service.texts import T


def hand_over_beat(engine: Engine, viewer: Viewer, beat_id: int, badge_no: str, from_day: date) -> dict[str, Any]:
    """Let another officer answer for a beat from `from_day` on; one row ends, one begins, no address is written.

    Returns
    -------
    The beat as `teams.queries.beats` shows it on `from_day`.

    Raises
    ------
    NotPermittedError
        The role may not hand over beats.
    NotFoundError
        The beat is not in scope, or no such officer is posted in scope on that day.
    ConflictError
        The officer holds the beat already, or a later hand-over is on record.
    """
    viewer.require(Permission.HAND_OVER_BEAT)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, from_day)
        held = beats(session, scope)
        if beat_id not in held.index:
            raise NotFoundError(T("There is no such beat in your part of the district on that day."))
        officer_id = _officer_on_duty(session, scope, badge_no)
        if held["officer_id"].fillna(-1).loc[beat_id] == officer_id:
            raise ConflictError(T("The officer {badge_no} holds this beat already.", badge_no=badge_no))
        _replace_duty(session, beat_id, officer_id, from_day)
        record(
            session,
            viewer,
            action="hand_over_beat",
            object_kind="beat",
            object_id=str(beat_id),
            result="done",
            before={"badge_no": held["badge_no"].loc[beat_id]},
            after={"badge_no": badge_no, "from_day": from_day.isoformat()},
        )
        session.flush()
        row = beats(session, scope).loc[[beat_id]].reset_index().astype(object)
        return {str(name): value for name, value in row.where(row.notna(), None).to_dict("records")[0].items()}


def _officer_on_duty(session: Session, scope: Scope, badge_no: str) -> int:
    posted = officers(session, scope)
    found = posted.index[posted["badge_no"].eq(badge_no)]
    if found.empty:
        raise NotFoundError(
            T(
                "No officer {badge_no} is posted in your part of the district on {day}.",
                badge_no=badge_no,
                day=scope.day,
            )
        )
    return int(found[0])


def _replace_duty(session: Session, beat_id: int, officer_id: int, from_day: date) -> None:
    session.execute(select(Beat.id).where(Beat.id == beat_id).with_for_update())  # one hand-over of a beat at a time
    later = session.scalars(select(BeatDuty).where(BeatDuty.beat_id == beat_id, BeatDuty.valid_from > from_day)).first()
    if later is not None:
        raise ConflictError(T("A later hand-over from {day} is on record; undo that first.", day=later.valid_from))
    current = session.scalars(select(BeatDuty).where(BeatDuty.beat_id == beat_id, BeatDuty.valid_on(from_day))).first()
    if current is not None and current.valid_from == from_day:
        current.officer_id = officer_id
        return
    if current is not None:
        current.valid_to = from_day
        session.flush()
    session.add(BeatDuty(beat_id=beat_id, officer_id=officer_id, valid_from=from_day))
