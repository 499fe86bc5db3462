"""Scenarios: made, changed step by step, shared, talked about, frozen, approved by a second person, or dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.areas.queries import area_details
from gis_service.areas.reach import reach_of
from gis_service.areas.scope import subtree
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.planning.copying import copy_of_day
from gis_service.planning.edits import Edit, edit_of
from gis_service.planning.inputs import FIRST_PROVISIONAL, Inputs, packed, unpacked
from gis_service.planning.plans import Plan
from gis_service.planning.replaying import replayed, take_step
from gis_service.planning.tables import Scenario, ScenarioComment, ScenarioEdit, ScenarioState
from gis_service.registers.withholding import looks_across_townships
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T

_OPEN = (ScenarioState.DRAFT,)


@dataclass(frozen=True)
class Seen:
    """A scenario as a viewer sees it: `only` are the compounds that the viewer may see, None = all of it.

    `across`: the viewer looks across townships, and sees no small counts of it.
    """

    scenario: Scenario
    only: frozenset[int] | None
    across: bool = False


def create_scenario(
    engine: Engine, settings: Settings, viewer: Viewer, name: str, area_id: int, day: date, *, seed: int = 1
) -> int:
    """Copy a day into a new scenario; returns its number.

    Raises
    ------
    NotPermittedError, NotFoundError
        The role may not; the area is not in scope.
    InvalidInputError
        The scenario has no name, or the area no compounds.
    """
    viewer.require(Permission.PLAN)
    said = name.strip()
    if not said:
        raise InvalidInputError(T("A scenario needs a name."))
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        area_details(session, scope, area_id)
        inputs, digest = packed(copy_of_day(session, scope, settings, area_id))
        scenario = Scenario(
            name=said[:100],
            area_id=area_id,
            day=day,
            seed=seed,
            inputs=inputs,
            inputs_sha256=digest,
            state=ScenarioState.DRAFT.value,
            shared=False,
            author=viewer.name[:100],
            author_id=viewer.account_id,
            made_at=datetime.now(UTC),
        )
        session.add(scenario)
        session.flush()
        _record(session, viewer, "create_scenario", scenario, inputs_sha256=digest)
        return scenario.id


def add_step(engine: Engine, viewer: Viewer, scenario_id: int, edit: Edit, *, after_step: int | None = None) -> int:
    """Append a step; returns its number.

    Parameters
    ----------
    after_step
        The number of steps that it was made upon; somebody else's step in between is a conflict.

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        There is no such scenario, or it is not a draft; the step does not fit the plan.
    """
    viewer.require(Permission.PLAN)
    with transaction(engine) as session:
        scenario = _editable(session, viewer, scenario_id)
        plan = plan_of(session, scenario)
        if after_step is not None and plan.steps != after_step:
            raise ConflictError(T("Somebody has changed the scenario meanwhile; look at it and try again."))
        take_step(plan, edit)
        said = edit.model_dump(mode="json")
        session.add(
            ScenarioEdit(
                scenario_id=scenario.id,
                step=plan.steps,
                kind=edit.kind,
                said=said,
                author=viewer.name[:100],
                made_at=datetime.now(UTC),
            )
        )
        _record(session, viewer, "edit_scenario", scenario, step=plan.steps, kind=edit.kind)
        return plan.steps


def undo_step(engine: Engine, viewer: Viewer, scenario_id: int) -> int:
    """Take the last step back; returns how many are left."""
    viewer.require(Permission.PLAN)
    with transaction(engine) as session:
        scenario = _editable(session, viewer, scenario_id)
        last = session.scalars(_steps(scenario).order_by(None).order_by(ScenarioEdit.step.desc())).first()
        if last is None:
            raise ConflictError(T("There is no step to take back."))
        session.delete(last)
        _record(session, viewer, "undo_scenario_step", scenario, step=last.step, kind=last.kind)
        return last.step - 1


def comment(engine: Engine, viewer: Viewer, scenario_id: int, text: str) -> None:
    """Say something about a scenario that one sees."""
    viewer.require(Permission.COMMENT_PLAN)
    said = text.strip()
    if not said:
        raise InvalidInputError(T("The comment is empty."))
    with transaction(engine) as session:
        scenario = seen(session, viewer, scenario_id).scenario
        row = ScenarioComment(
            scenario_id=scenario.id, text=said[:2000], author=viewer.name[:100], made_at=datetime.now(UTC)
        )
        session.add(row)
        _record(session, viewer, "comment_scenario", scenario)


def share(engine: Engine, viewer: Viewer, scenario_id: int, *, shared: bool) -> None:
    """Let the others in whose part of the district it lies see the scenario, or no longer."""
    _decide(engine, viewer, scenario_id, Permission.PLAN, "share_scenario", lambda s: setattr(s, "shared", shared))


def freeze(engine: Engine, viewer: Viewer, scenario_id: int) -> None:
    """Ask for approval: from now on nobody changes the scenario."""

    def frozen(scenario: Scenario) -> None:
        _require(scenario, ScenarioState.DRAFT)
        scenario.state, scenario.shared = ScenarioState.FROZEN.value, True

    _decide(engine, viewer, scenario_id, Permission.PLAN, "freeze_scenario", frozen)


def reopen(engine: Engine, viewer: Viewer, scenario_id: int) -> None:
    """Make a frozen or approved scenario a draft again."""

    def drafted(scenario: Scenario) -> None:
        _require(scenario, ScenarioState.FROZEN, ScenarioState.APPROVED)
        scenario.state, scenario.approved_by, scenario.decided_at = ScenarioState.DRAFT.value, None, None

    _decide(engine, viewer, scenario_id, Permission.PLAN, "reopen_scenario", drafted)


def approve(engine: Engine, viewer: Viewer, scenario_id: int) -> None:
    """Agree to somebody else's frozen scenario.

    The shell of the server may approve by itself: whoever has it has the database anyway, and the trail tells.
    """

    def approved(scenario: Scenario) -> None:
        _require(scenario, ScenarioState.FROZEN)
        own = viewer.account_id == scenario.author_id if scenario.author_id else viewer.name == scenario.author
        if own and not viewer.everything:
            raise NotPermittedError(T("A second person decides: nobody approves the own request."))
        scenario.state, scenario.approved_by = ScenarioState.APPROVED.value, viewer.name[:100]
        scenario.decided_at = datetime.now(UTC)

    _decide(engine, viewer, scenario_id, Permission.APPROVE_PLAN, "approve_scenario", approved)


def discard(engine: Engine, viewer: Viewer, scenario_id: int) -> None:
    """Drop a scenario that is not published."""

    def dropped(scenario: Scenario) -> None:
        _require(scenario, ScenarioState.DRAFT, ScenarioState.FROZEN, ScenarioState.APPROVED)
        scenario.state = ScenarioState.DISCARDED.value

    _decide(engine, viewer, scenario_id, Permission.PLAN, "discard_scenario", dropped)


def scenarios_of(session: Session, viewer: Viewer) -> list[Scenario]:
    """The scenarios that a viewer sees, the newest first."""
    rows = session.scalars(
        select(Scenario).where(Scenario.state != ScenarioState.DISCARDED.value).order_by(Scenario.id.desc())
    )
    return [scenario for scenario in rows if _sight(session, viewer, scenario) is not None]


def seen(session: Session, viewer: Viewer, scenario_id: int, *, lock: bool = False) -> Seen:
    """One scenario with what the viewer may see of it; raises `NotFoundError` when that is nothing."""
    scenario = session.get(Scenario, scenario_id, with_for_update=lock or None)
    sight = None if scenario is None else _sight(session, viewer, scenario)
    if sight is None:
        raise NotFoundError(T("There is no such scenario in your part of the district."))
    return sight


def require_drafting(viewer: Viewer, found: Seen) -> None:
    """Refuse the exact counts of the drawing board to whoever looks across townships and draws nothing."""
    if found.across:
        viewer.require(Permission.PLAN)


def inputs_of(session: Session, scenario: Scenario) -> Inputs:
    """The copy of the day that a scenario is made on."""
    stored = session.scalar(select(Scenario.inputs).where(Scenario.id == scenario.id))
    return unpacked(stored or b"")


def steps_of(session: Session, scenario: Scenario) -> list[ScenarioEdit]:
    """The steps of a scenario in their order."""
    return list(session.scalars(_steps(scenario)))


def comments_of(session: Session, scenario: Scenario) -> list[ScenarioComment]:
    """What was said of a scenario, in order."""
    query = select(ScenarioComment).where(ScenarioComment.scenario_id == scenario.id).order_by(ScenarioComment.id)
    return list(session.scalars(query))


def plan_of(session: Session, scenario: Scenario) -> Plan:
    """What a scenario comes to after all its steps."""
    return replayed(inputs_of(session, scenario), (edit_of(step.said) for step in steps_of(session, scenario)))


def editable(session: Session, viewer: Viewer, scenario_id: int) -> Scenario:
    """A draft that the viewer may change."""
    return _editable(session, viewer, scenario_id)


def _steps(scenario: Scenario) -> Select[ScenarioEdit]:
    return select(ScenarioEdit).where(ScenarioEdit.scenario_id == scenario.id).order_by(ScenarioEdit.step)


def _sight(session: Session, viewer: Viewer, scenario: Scenario) -> Seen | None:
    """What a viewer sees of a scenario: the own drafts, and what is shared; in the own part of the district."""
    own = viewer.everything or (viewer.account_id is not None and viewer.account_id == scenario.author_id)
    if not (own or scenario.shared):
        return None
    reach = reach_of(session, viewer, scenario.day)
    across = looks_across_townships(session, scope_of(session, viewer, scenario.day))
    if reach is None or scenario.area_id in reach:
        return Seen(scenario, None, across)
    inside: set[int] = set(session.scalars(subtree([scenario.area_id], scenario.day)))
    below = reach & inside
    return Seen(scenario, below | _founded_below(session, scenario, below), across) if below else None


def _founded_below(session: Session, scenario: Scenario, seen_areas: frozenset[int]) -> frozenset[int]:
    """What drafts of the land, on which a scenario counts, found in areas that somebody sees."""
    found = set(seen_areas)
    redrawn = _steps(scenario).where(ScenarioEdit.kind == "redrawn")
    for said in (step.said for step in session.scalars(redrawn)):
        above = [(place["area_id"], place["parent_id"]) for place in said["places"] if place["level"] != "compound"]
        above += [(unit["area_id"], unit["village_id"]) for unit in said["units"]]
        for _ in range(2):  # townships and villages, in whatever order, before what lies in them
            found |= {area_id for area_id, parent in above if area_id >= FIRST_PROVISIONAL and parent in found}
    return frozenset(found)


def _editable(session: Session, viewer: Viewer, scenario_id: int) -> Scenario:
    found = seen(session, viewer, scenario_id, lock=True)
    if found.only is not None:
        raise NotPermittedError(T("This scenario reaches beyond your part of the district."))
    _require(found.scenario, *_OPEN)
    return found.scenario


def _decide(
    engine: Engine,
    viewer: Viewer,
    scenario_id: int,
    permission: Permission,
    action: str,
    change: Callable[[Scenario], object],
) -> None:
    viewer.require(permission)
    with transaction(engine) as session:
        found = seen(session, viewer, scenario_id, lock=True)
        if found.only is not None:
            raise NotPermittedError(T("This scenario reaches beyond your part of the district."))
        change(found.scenario)
        _record(session, viewer, action, found.scenario, shared=found.scenario.shared)


def _require(scenario: Scenario, *states: ScenarioState) -> None:
    if scenario.state not in states:
        raise ConflictError(T("This scenario is {state}.", state=scenario.state))


def _record(session: Session, viewer: Viewer, action: str, scenario: Scenario, **more: object) -> None:
    after = {"name": scenario.name, "state": scenario.state, **more}
    record(session, viewer, action, "scenario", scenario.id, after=after)
