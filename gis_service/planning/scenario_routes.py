"""Scenarios over HTTP: make, change, undo, draw, compare, share, talk, freeze, approve, publish, revert."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import Instant, PlainText, RowKey
from gis_service.jobs.routes import JobItem, QueueDep, job_item
from gis_service.jobs.running import said_in_words
from gis_service.planning import scenarios
from gis_service.planning.balance import Balance, balance_of
from gis_service.planning.by_hand import take_by_hand
from gis_service.planning.computing import ask_for_beats
from gis_service.planning.edits import ByHand
from gis_service.planning.graphs import Rules
from gis_service.planning.letters import letters_of
from gis_service.planning.measures import Measures
from gis_service.planning.notices import mark_read, notices_for, read_by
from gis_service.planning.published_plans import published_measures, published_reasons
from gis_service.planning.publishing import publish, revert
from gis_service.planning.scenarios import comments_of, plan_of, require_drafting, scenarios_of, seen, steps_of
from gis_service.planning.showing import compared
from gis_service.planning.tables import ScenarioState

router = APIRouter(
    prefix="/api/v1/planning", tags=["planning"], dependencies=[Depends(requires(Permission.SEE_PLANNING))]
)
notice_router = APIRouter(prefix="/api/v1", tags=["planning"])

PLAN = Depends(requires(Permission.PLAN))


class ScenarioOrder(BaseModel):
    """A scenario to be made: a copy of a day, of an area and all below it."""

    name: Annotated[PlainText, Field(min_length=1, max_length=100)]
    area_id: RowKey
    day: date
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1


class ScenarioItem(BaseModel):
    """A scenario and where it stands."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    area_id: int
    day: date
    seed: int
    inputs_sha256: str
    state: ScenarioState
    shared: bool
    author: str
    made_at: Instant
    approved_by: str | None
    decided_at: Instant | None
    publish_on: date | None


class MeasuresItem(BaseModel):
    """What a plan means in figures."""

    beats: list[dict[str, Any]]
    areas: list[dict[str, Any]]
    total: dict[str, Any]
    histogram: list[dict[str, Any]]


class ScenarioDetails(ScenarioItem):
    """A scenario with its steps, what was said of it, and its figures."""

    steps: list[dict[str, Any]]
    comments: list[dict[str, Any]]
    figures: MeasuresItem


class StepOrder(BaseModel):
    """A step by hand; `after_step` refuses it when somebody else has taken one meanwhile."""

    step: ByHand
    after_step: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Made(BaseModel):
    """The number of the new scenario."""

    id: int


class StepDone(BaseModel):
    """How many steps the scenario has now."""

    steps: int


class Try(BaseModel):
    """Units that might go to a beat."""

    units: Annotated[list[Annotated[int, Field(ge=0, le=1_000_000)]], Field(min_length=1, max_length=1000)]
    beat: Annotated[str, Field(max_length=20)]


class BalanceItem(BaseModel):
    """What giving units to a beat would mean."""

    loads: dict[str, int]
    deviations: dict[str, float]
    broken: list[str]
    addresses: int
    migrants: int


class CommentOrder(BaseModel):
    """Something said of a scenario."""

    text: Annotated[PlainText, Field(min_length=1, max_length=2000)]


class ShareOrder(BaseModel):
    """Whether the others see it."""

    shared: bool


class PublishOrder(BaseModel):
    """The day from which the plan holds."""

    day: date


class RevertOrder(BaseModel):
    """Why a publication is taken back."""

    reason: Annotated[PlainText, Field(max_length=500)]


class PublishedItem(BaseModel):
    """What a publication wrote."""

    day: date
    beats: int
    parts: int
    duties: int
    officers: int
    addresses: int
    notices: int


class RevertedItem(BaseModel):
    """How many placements were put back."""

    addresses: int


class Comparison(BaseModel):
    """Two plans side by side; `of` is today where there is no second one."""

    one: MeasuresItem
    other: MeasuresItem


class ReasonItem(BaseModel):
    """Why a compound, or a part of one, goes to another beat."""

    unit: int
    texts: list[str]


class LetterItem(BaseModel):
    """A letter to an officer whose beat changes."""

    officer: str
    badge_no: str | None
    beat: str | None
    gained: list[str]
    lost: list[str]


class NoticeItem(BaseModel):
    """Word that one's work changes."""

    id: int
    text: str
    day: date
    made_at: Instant
    read: bool


@router.get("/scenarios")
def list_scenarios(session: ReadDep, viewer: ViewerDep) -> list[ScenarioItem]:
    """List the scenarios that you see, the newest first."""
    return [ScenarioItem.model_validate(each) for each in scenarios_of(session, viewer)]


@router.post("/scenarios", dependencies=[PLAN])
def create(engine: EngineDep, settings: SettingsDep, acting: ActingDep, order: ScenarioOrder) -> Made:
    """Copy a day into a new scenario."""
    made = scenarios.create_scenario(engine, settings, acting, order.name, order.area_id, order.day, seed=order.seed)
    return Made(id=made)


@router.get("/scenarios/{scenario_id}")
def read_scenario(session: ReadDep, settings: SettingsDep, viewer: ViewerDep, scenario_id: RowKey) -> ScenarioDetails:
    """Read a scenario with its steps, comments and figures."""
    found = seen(session, viewer, scenario_id)
    plan = plan_of(session, found.scenario)
    steps = [] if found.only is not None else steps_of(session, found.scenario)
    return ScenarioDetails(
        **ScenarioItem.model_validate(found.scenario).model_dump(),
        steps=[{"step": each.step, "kind": each.kind, "author": each.author} for each in steps],
        comments=[{"author": each.author, "text": each.text} for each in comments_of(session, found.scenario)],
        figures=_item(published_measures(found, plan, settings)),
    )


@router.post("/scenarios/{scenario_id}/steps", dependencies=[PLAN])
def take_step(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, scenario_id: RowKey, order: StepOrder
) -> StepDone:
    """Change a scenario by one step."""
    steps = take_by_hand(engine, settings, acting, scenario_id, order.step, after_step=order.after_step)
    return StepDone(steps=steps)


@router.post("/scenarios/{scenario_id}/undo", dependencies=[PLAN])
def undo(engine: EngineDep, acting: ActingDep, scenario_id: RowKey) -> StepDone:
    """Take the last step back."""
    return StepDone(steps=scenarios.undo_step(engine, acting, scenario_id))


@router.post("/scenarios/{scenario_id}/balance")
def balance(session: ReadDep, viewer: ViewerDep, scenario_id: RowKey, order: Try) -> BalanceItem:
    """Tell what giving units to a beat would mean; writes nothing."""
    found = seen(session, viewer, scenario_id)
    require_drafting(viewer, found)
    told: Balance = balance_of(plan_of(session, found.scenario), order.units, order.beat, only=found.only)
    return BalanceItem(**asdict(told))


@router.post("/scenarios/{scenario_id}/beats", dependencies=[PLAN])
def draw(engine: EngineDep, queue: QueueDep, acting: ActingDep, scenario_id: RowKey, rules: Rules) -> JobItem:
    """Have the beats drawn by a worker; the result is the scenario's next step."""
    return job_item(ask_for_beats(engine, queue, acting, scenario_id, rules))


@router.get("/scenarios/{scenario_id}/comparison")
def compare(
    session: ReadDep, settings: SettingsDep, viewer: ViewerDep, scenario_id: RowKey, other: RowKey | None = None
) -> Comparison:
    """Compare a scenario with another one, or with today."""
    one, second = compared(session, viewer, scenario_id, other)
    return Comparison(
        one=_item(published_measures(one[0], one[1], settings)),
        other=_item(published_measures(second[0], second[1], settings)),
    )


@router.get("/scenarios/{scenario_id}/reasons")
def reasons(session: ReadDep, settings: SettingsDep, viewer: ViewerDep, scenario_id: RowKey) -> list[ReasonItem]:
    """Tell why each compound goes to another beat, in the plan that the optimiser drew last."""
    found = seen(session, viewer, scenario_id)
    told = published_reasons(found, plan_of(session, found.scenario), settings)
    return [ReasonItem(unit=unit, texts=texts) for unit, texts in told]


@router.get("/scenarios/{scenario_id}/letters")
def letters(session: ReadDep, viewer: ViewerDep, scenario_id: RowKey) -> list[LetterItem]:
    """Letters to the officers whose beats change."""
    found = seen(session, viewer, scenario_id)
    return [LetterItem(**asdict(each)) for each in letters_of(plan_of(session, found.scenario), only=found.only)]


@router.post(
    "/scenarios/{scenario_id}/comments", dependencies=[Depends(requires(Permission.COMMENT_PLAN))], status_code=204
)
def add_comment(engine: EngineDep, acting: ActingDep, scenario_id: RowKey, order: CommentOrder) -> None:
    """Say something of a scenario."""
    scenarios.comment(engine, acting, scenario_id, order.text)


@router.post("/scenarios/{scenario_id}/share", dependencies=[PLAN], status_code=204)
def share(engine: EngineDep, acting: ActingDep, scenario_id: RowKey, order: ShareOrder) -> None:
    """Let others see the scenario, or no longer."""
    scenarios.share(engine, acting, scenario_id, shared=order.shared)


@router.post("/scenarios/{scenario_id}/freeze", dependencies=[PLAN], status_code=204)
def freeze(engine: EngineDep, acting: ActingDep, scenario_id: RowKey) -> None:
    """Ask for approval: nobody changes it from now on."""
    scenarios.freeze(engine, acting, scenario_id)


@router.post("/scenarios/{scenario_id}/reopen", dependencies=[PLAN], status_code=204)
def reopen(engine: EngineDep, acting: ActingDep, scenario_id: RowKey) -> None:
    """Make it a draft again."""
    scenarios.reopen(engine, acting, scenario_id)


@router.post(
    "/scenarios/{scenario_id}/approve", dependencies=[Depends(requires(Permission.APPROVE_PLAN))], status_code=204
)
def approve(engine: EngineDep, acting: ActingDep, scenario_id: RowKey) -> None:
    """Agree to somebody else's scenario."""
    scenarios.approve(engine, acting, scenario_id)


@router.post("/scenarios/{scenario_id}/discard", dependencies=[PLAN], status_code=204)
def discard(engine: EngineDep, acting: ActingDep, scenario_id: RowKey) -> None:
    """Drop a scenario that is not published."""
    scenarios.discard(engine, acting, scenario_id)


@router.post("/scenarios/{scenario_id}/publish", dependencies=[Depends(requires(Permission.PUBLISH_PLAN))])
def publish_plan(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, scenario_id: RowKey, order: PublishOrder
) -> PublishedItem:
    """Let an approved scenario hold from a day on: all of it or nothing."""
    return PublishedItem(**asdict(publish(engine, settings, acting, scenario_id, order.day)))


@router.post("/scenarios/{scenario_id}/revert", dependencies=[Depends(requires(Permission.PUBLISH_PLAN))])
def revert_plan(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, scenario_id: RowKey, order: RevertOrder
) -> RevertedItem:
    """Take a publication back, as if it had never been."""
    return RevertedItem(addresses=revert(engine, settings, acting, scenario_id, order.reason))


@notice_router.get("/notices", dependencies=[Depends(requires(Permission.SEE_TEAMS))])
def list_notices(session: ReadDep, viewer: ViewerDep, day: AsOf) -> list[NoticeItem]:
    """List what changes in your work or in your part of the district."""
    found = notices_for(session, viewer, day)
    read = read_by(session, viewer, found)
    return [
        NoticeItem(
            id=each.id, text=said_in_words(each.message), day=each.day, made_at=each.made_at, read=each.id in read
        )
        for each in found
    ]


@notice_router.post(
    "/notices/{notice_id}/read", status_code=204, dependencies=[Depends(requires(Permission.SEE_TEAMS))]
)
def read_notice(engine: EngineDep, acting: ActingDep, day: AsOf, notice_id: RowKey) -> None:
    """Mark a notice as read; one that is not for you is passed over."""
    mark_read(engine, acting, day, [notice_id])


def _item(found: Measures) -> MeasuresItem:
    return MeasuresItem(beats=found.beats, areas=found.areas, total=found.total, histogram=found.histogram)
