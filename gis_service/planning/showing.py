"""Plans as people see them: two side by side, and reasons in the reader's language."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from gis_service.access.viewer import Viewer
from gis_service.jobs.running import said_in_words
from gis_service.planning.plans import Plan
from gis_service.planning.scenarios import Seen, plan_of, seen


def compared(
    session: Session, viewer: Viewer, scenario_id: int, other_id: int | None
) -> tuple[tuple[Seen, Plan], tuple[Seen, Plan]]:
    """A scenario and the one to compare it with; the day of the first as it was when there is no other."""
    one = seen(session, viewer, scenario_id)
    plan = plan_of(session, one.scenario)
    if other_id is None:
        return (one, plan), (one, plan.today)
    other = seen(session, viewer, other_id)
    return (one, plan), (other, plan_of(session, other.scenario))


def reasons_in_words(plan: Plan, *, only: Collection[int] | None = None) -> list[tuple[int, list[str]]]:
    """Unit and sentences of every reason of the last drawing.

    Somebody who sees a part only gets the reasons of the townships that lie in it with all their compounds.
    """
    told = []
    for township in (plan.drawn or {}).get("townships", ()):
        own = {unit.area_id for unit in plan.inputs.units if unit.township_id == township["area_id"]}
        if only is not None and not own <= set(only):
            continue
        told += [(each["unit"], [said_in_words(text) for text in each["texts"]]) for each in township["reasons"]]
    return told
