"""Steps by hand: a change of the land is carried out first, to see what it does to the units, and taken back."""

from __future__ import annotations

from sqlalchemy import Engine

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.areas.tables import ChangeState
from gis_service.changes.actions import land_change
from gis_service.errors import ConflictError
from gis_service.planning.drafted_land import redrawn_by
from gis_service.planning.edits import Boundary, Edit, Redrawn
from gis_service.planning.scenarios import add_step, editable, plan_of
from gis_service.settings import Settings
from gis_service.storage.engine import rehearsal
from gis_service.texts import T


def take_by_hand(
    engine: Engine, settings: Settings, viewer: Viewer, scenario_id: int, edit: Edit, *, after_step: int | None = None
) -> int:
    """Append a step; returns its number. Compounds that a change of the land draws anew become units of the plan.

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        As `scenarios.add_step`; nobody will apply the change of the land, the plan counts on it already, or the land
        does not allow it.
    """
    if not isinstance(edit, Boundary):
        return add_step(engine, viewer, scenario_id, edit, after_step=after_step)
    viewer.require(Permission.PLAN)
    with rehearsal(engine) as session:
        plan = plan_of(session, editable(session, viewer, scenario_id))
        change = land_change(session, viewer, edit.land_change_id)
        if change.state in (ChangeState.DISCARDED, ChangeState.REVERTED):
            raise ConflictError(T("This change of the land is {state}.", state=change.state))
        if change.id in plan.boundaries:
            raise ConflictError(T("The plan counts on this change of the land already."))
        in_copy = change.state == ChangeState.APPLIED and change.day <= plan.inputs.day
        if in_copy:
            redrawn = Redrawn(kind="redrawn", land_change_id=change.id)
        else:
            redrawn = redrawn_by(session, settings, plan, change)
    return add_step(engine, viewer, scenario_id, redrawn, after_step=plan.steps if after_step is None else after_step)
