"""Pages of scenarios: the list, one with everything that can be done to it, two side by side, letters, the brief."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import Engine

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.errors import GridError, InvalidInputError
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.routes import QueueDep
from gis_service.planning import scenarios
from gis_service.planning.by_hand import take_by_hand
from gis_service.planning.computing import ask_for_beats
from gis_service.planning.edits import Boundary, Edit, Headcount, Leave, Person, Recruits, TownshipPosts
from gis_service.planning.graphs import Price, Rules, Within, Workload
from gis_service.planning.letters import letters_of
from gis_service.planning.published_plans import marked, published_measures, published_reasons, withheld_beats
from gis_service.planning.publishing import publish, revert
from gis_service.planning.scenarios import plan_of, require_drafting, scenarios_of, seen
from gis_service.planning.showing import compared
from gis_service.settings import Settings
from gis_service.teams.tables import EmploymentForm, Side
from gis_service.texts import T
from gis_service.web.brief import brief_pdf, effect_rows, histogram_bars
from gis_service.web.plan_maps import change_sheet, editing_data, land_of, load_sheet
from gis_service.web.rendering import page
from gis_service.web.scenario_view import show_list, show_scenario

router = APIRouter(
    prefix="/planning/scenarios",
    include_in_schema=False,
    dependencies=[Depends(requires(Permission.SEE_PLANNING))],
)
PLAN = Depends(requires(Permission.PLAN))
Line = Annotated[str, Form(max_length=2000)]
Deed = Literal[
    "recruits", "leave", "posts", "boundary", "undo", "draw", "share", "unshare", "freeze", "reopen", "discard"
]


@router.get("")
def scenarios_page(request: Request, session: ReadDep, scope: ScopeDep, viewer: ViewerDep) -> HTMLResponse:
    """List scenarios and the form for a new one."""
    return show_list(request, session, scope, viewer, None)


@router.post("", dependencies=[PLAN])
def new_scenario(
    request: Request,
    engine: EngineDep,
    session: ReadDep,
    settings: SettingsDep,
    scope: ScopeDep,
    acting: ActingDep,
    name: Line,
    area_id: Annotated[RowKey, Form()],
) -> Response:
    """Copy the day into a new scenario."""
    try:
        made = scenarios.create_scenario(engine, settings, acting, name, area_id, scope.day)
    except InvalidInputError as refusal:
        return show_list(request, session, scope, acting, str(refusal))
    return RedirectResponse(f"/planning/scenarios/{made}", status_code=303)


@router.get("/{scenario_id}")
def scenario_page(
    request: Request, engine: EngineDep, settings: SettingsDep, viewer: ViewerDep, scenario_id: RowKey
) -> HTMLResponse:
    """Show a scenario: its figures beside today's, its steps, the map to edit by hand, reasons, comments."""
    return show_scenario(request, engine, settings, viewer, scenario_id, None)


@router.get("/{scenario_id}/map")
def map_data(session: ReadDep, settings: SettingsDep, viewer: ViewerDep, scenario_id: RowKey) -> dict[str, Any]:
    """What the map to edit by hand is drawn from."""
    found = seen(session, viewer, scenario_id)
    require_drafting(viewer, found)
    plan = plan_of(session, found.scenario)
    return editing_data(land_of(session, settings, plan, found.only), plan, found.only)


def step_said(
    count: Annotated[int, Form(ge=1, le=500)] = 1,
    from_day: Annotated[date | None, Form()] = None,
    form: Annotated[EmploymentForm, Form()] = EmploymentForm.NOT_TRANSITIONED,
    side: Annotated[Side, Form()] = Side.POLICE,
    people: Line = "",
    badge_no: Annotated[str, Form(max_length=32)] = "",
    area_id: Annotated[RowKey | None, Form()] = None,
    posts: Annotated[int, Form(ge=1, le=10_000)] = 1,
    land_change_id: Annotated[RowKey | None, Form()] = None,
) -> dict[str, Any]:
    """What the form says of people who come or go; `people` is a line each: badge number and name."""
    pairs = [line.split(maxsplit=1) for line in people.splitlines() if line.strip()]
    return {
        "count": count, "from_day": from_day, "form": form, "side": side, "badge_no": badge_no.strip(),
        "area_id": area_id, "posts": posts, "land_change_id": land_change_id,
        "people": [pair if len(pair) == 2 else [pair[0], pair[0]] for pair in pairs],
    }  # fmt: skip


Weight = Annotated[float, Form(ge=0, le=1000)]


def workload_said(
    migrants: Weight = 1.0,
    rentals: Weight = 0.0,
    risky_rentals: Weight = 0.0,
    churn: Weight = 0.0,
    addresses: Weight = 0.0,
    travel: Weight = 0.0,
    difficulty: Annotated[bool, Form()] = False,
) -> Workload:
    """What the form says that work is."""
    return Workload(
        migrants=migrants, rentals=rentals, risky_rentals=risky_rentals, churn=churn, addresses=addresses,
        travel=travel, difficulty=difficulty,
    )  # fmt: skip


def rules_said(
    workload: Annotated[Workload, Depends(workload_said)],
    method: Annotated[Literal["repair", "scratch"], Form()] = "repair",
    band: Annotated[float, Form(ge=0.01, le=0.9)] = 0.1,
    within: Annotated[Within, Form()] = Within.TOWNSHIP,
    across: Annotated[list[RowKey] | None, Form(max_length=1000)] = None,
    price: Annotated[Price, Form()] = "addresses",
) -> Rules:
    """What the form says of how beats are to be drawn."""
    return Rules(method=method, band=band, within=within, across=across or [], price=price, workload=workload)


@router.post("/{scenario_id}/deeds", dependencies=[PLAN])
def do(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    queue: QueueDep,
    acting: ActingDep,
    scenario_id: RowKey,
    deed: Annotated[Deed, Form()],
    said: Annotated[dict[str, Any], Depends(step_said)],
    rules: Annotated[Rules, Depends(rules_said)],
) -> Response:
    """Change a scenario, have it drawn, share it, freeze it, open it again or drop it."""
    try:
        _do(engine, settings, queue, acting, scenario_id, deed, said, rules)
    except GridError as refusal:
        return show_scenario(request, engine, settings, acting, scenario_id, str(refusal))
    return RedirectResponse(
        "/planning/scenarios" if deed == "discard" else f"/planning/scenarios/{scenario_id}", status_code=303
    )


@router.post("/{scenario_id}/comments", dependencies=[Depends(requires(Permission.COMMENT_PLAN))])
def say(engine: EngineDep, acting: ActingDep, scenario_id: RowKey, text: Line) -> Response:
    """Say something of a scenario."""
    scenarios.comment(engine, acting, scenario_id, text)
    return RedirectResponse(f"/planning/scenarios/{scenario_id}#comments", status_code=303)


@router.post("/{scenario_id}/approval", dependencies=[Depends(requires(Permission.APPROVE_PLAN))])
def agree(
    request: Request, engine: EngineDep, settings: SettingsDep, acting: ActingDep, scenario_id: RowKey
) -> Response:
    """Agree to somebody else's scenario."""
    try:
        scenarios.approve(engine, acting, scenario_id)
    except GridError as refusal:
        return show_scenario(request, engine, settings, acting, scenario_id, str(refusal))
    return RedirectResponse(f"/planning/scenarios/{scenario_id}", status_code=303)


@router.post("/{scenario_id}/publication", dependencies=[Depends(requires(Permission.PUBLISH_PLAN))])
def publication(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    scenario_id: RowKey,
    day: Annotated[date | None, Form()] = None,
    reason: Line = "",
) -> Response:
    """Publish from a day on; or, with a reason and no day, take the publication back."""
    try:
        if day is not None:
            publish(engine, settings, acting, scenario_id, day)
        else:
            revert(engine, settings, acting, scenario_id, reason)
    except GridError as refusal:
        return show_scenario(request, engine, settings, acting, scenario_id, str(refusal))
    return RedirectResponse(f"/planning/scenarios/{scenario_id}", status_code=303)


@router.get("/{scenario_id}/comparison")
def comparison_page(
    request: Request,
    session: ReadDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    scenario_id: RowKey,
    other: RowKey | None = None,
) -> HTMLResponse:
    """Two plans side by side: maps, distribution of load, coverage by township, what changes and what it costs."""
    (one, plan), (second, against) = compared(session, viewer, scenario_id, other)
    land = land_of(session, settings, plan, one.only)
    other_land = land if other is None else land_of(session, settings, against, second.only)
    after, before = published_measures(one, plan, settings), published_measures(second, against, settings)
    gone, gone_before = withheld_beats(one, plan, settings), withheld_beats(second, against, settings)
    title = str(T("Today")) if other is None else second.scenario.name
    return page(
        request,
        "comparison.html",
        viewer,
        scenario=one.scenario,
        against=title,
        others=[each for each in scenarios_of(session, viewer) if each.id != scenario_id],
        other=other,
        before=marked(before.total),
        after=marked(after.total),
        rows=effect_rows(before, after),
        histogram=histogram_bars(before, after),
        map_before=Markup(load_sheet(other_land, against, title=title, withheld=gone_before)),  # noqa: S704 - our own SVG, escaped inside
        map_after=Markup(load_sheet(land, plan, title=one.scenario.name, withheld=gone)),  # noqa: S704 - our own SVG, escaped inside
        map_changes=Markup(change_sheet(land, plan, title=one.scenario.name)),  # noqa: S704 - our own SVG, escaped inside
    )


@router.get("/{scenario_id}/letters")
def letters_page(request: Request, session: ReadDep, viewer: ViewerDep, scenario_id: RowKey) -> HTMLResponse:
    """Letters to print, one a page, for the officers whose beats change."""
    found = seen(session, viewer, scenario_id)
    plan = plan_of(session, found.scenario)
    return page(request, "letters.html", viewer, scenario=found.scenario, letters=letters_of(plan, only=found.only))


@router.get("/{scenario_id}/brief.pdf")
def brief(session: ReadDep, settings: SettingsDep, viewer: ViewerDep, scenario_id: RowKey) -> Response:
    """The brief for the leadership as PDF."""
    found = seen(session, viewer, scenario_id)
    plan = plan_of(session, found.scenario)
    pdf = brief_pdf(
        found,
        land_of(session, settings, plan, found.only),
        plan,
        plan.today,
        settings,
        [" ".join(texts) for _unit, texts in published_reasons(found, plan, settings)],
    )
    name = f"scenario-{scenario_id}.pdf"
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


def _do(
    engine: Engine,
    settings: Settings,
    queue: JobQueue,
    acting: Viewer,
    scenario_id: int,
    deed: Deed,
    said: dict[str, Any],
    rules: Rules,
) -> None:
    match deed:
        case "recruits" | "leave" | "posts" | "boundary":
            take_by_hand(engine, settings, acting, scenario_id, _step(deed, said))
        case "undo":
            scenarios.undo_step(engine, acting, scenario_id)
        case "draw":
            ask_for_beats(engine, queue, acting, scenario_id, rules)
        case "share" | "unshare":
            scenarios.share(engine, acting, scenario_id, shared=deed == "share")
        case "freeze":
            scenarios.freeze(engine, acting, scenario_id)
        case "reopen":
            scenarios.reopen(engine, acting, scenario_id)
        case "discard":
            scenarios.discard(engine, acting, scenario_id)


def _step(deed: str, said: dict[str, Any]) -> Edit:
    """The step that the form asks for."""
    if deed == "leave":
        return Leave(kind="leave", badge_no=said["badge_no"])
    if deed == "posts":
        if said["area_id"] is None:
            raise InvalidInputError(T("Which township?"))
        fixed = [TownshipPosts(area_id=said["area_id"], posts=said["posts"])]
        return Headcount(kind="headcount", townships=fixed)
    if deed == "boundary":
        if said["land_change_id"] is None:
            raise InvalidInputError(T("Which change of the land?"))
        return Boundary(kind="boundary", land_change_id=said["land_change_id"])
    if said["from_day"] is None:
        raise InvalidInputError(T("From which day on do they come?"))
    people = [Person(badge_no=badge[:32], name=name[:100]) for badge, name in said["people"]]
    known = {name: said[name] for name in ("count", "from_day", "form", "side")}
    return Recruits(kind="recruits", people=people, **known)
