"""What the pages of scenarios show: the list, and one scenario with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaLevel, ChangeState
from gis_service.changes.actions import land_changes
from gis_service.jobs.actions import jobs_of
from gis_service.jobs.running import said_in_words
from gis_service.planning.explaining import signed
from gis_service.planning.measures import Measures
from gis_service.planning.plans import Plan
from gis_service.planning.published_plans import marked, published_measures, published_reasons
from gis_service.planning.relaxing import ways_of
from gis_service.planning.scenarios import Seen, comments_of, plan_of, scenarios_of, seen, steps_of
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.tables import EmploymentForm, Side
from gis_service.texts import T, Text
from gis_service.web.brief import histogram_bars
from gis_service.web.job_pages import shown
from gis_service.web.rendering import page
from gis_service.web.wording import code_name

REASONS_SHOWN = 60

STEP_NAMES: dict[str, Text] = {
    "recruits": T("Recruits"),
    "leave": T("Somebody leaves"),
    "give": T("Given by hand"),
    "new_beat": T("New beat"),
    "assign": T("Officer assigned"),
    "boundary": T("Counts on a change of the land"),
    "redrawn": T("Counts on a change of the land"),
    "headcount": T("Posts of townships"),
    "mark": T("Rule for the drawing"),
    "drawn": T("Beats drawn"),
}

WEIGHTS: dict[str, Text] = {
    "migrants": T("A migrant"),
    "rentals": T("A rental"),
    "risky_rentals": T("A red or orange rental"),
    "churn": T("A move in or out"),
    "addresses": T("An address"),
    "travel": T("An address-kilometre of travel"),
}

MARKED: dict[tuple[str, bool], Text] = {
    ("lock", True): T("Locked: {names}"),
    ("lock", False): T("No longer locked: {names}"),
    ("bridge", True): T("Bridge: {names}"),
    ("bridge", False): T("No bridge any more: {names}"),
    ("barrier", True): T("Barrier: {names}"),
    ("barrier", False): T("No barrier any more: {names}"),
}


def show_list(request: Request, session: Session, scope: Scope, viewer: Viewer, fault: str | None) -> HTMLResponse:
    """The scenarios that the viewer may see, and the form for another one."""
    places = area_names(session, scope, levels=[AreaLevel.DISTRICT, AreaLevel.TOWNSHIP, AreaLevel.VILLAGE])
    order = [level.value for level in AreaLevel]
    places = places.assign(rank=places["level"].map(order.index)).sort_values(["rank", "code"])
    return page(
        request,
        "scenarios.html",
        viewer,
        status=422 if fault else 200,
        day=scope.day,
        rows=scenarios_of(session, viewer),
        places=[
            (int(area_id), f"{code_name(level)} · {name}")
            for area_id, level, name in zip(
                places.index.tolist(), places["level"].tolist(), places["name"].tolist(), strict=True
            )
        ],
        may_plan=viewer.may(Permission.PLAN),
        fault=fault,
    )


def show_scenario(
    request: Request, engine: Engine, settings: Settings, viewer: Viewer, scenario_id: int, fault: str | None
) -> HTMLResponse:
    """One scenario: figures beside today's, steps, map, reasons, comments, and what the viewer may do to it."""
    with reading(engine) as session:
        found = seen(session, viewer, scenario_id)
        plan = plan_of(session, found.scenario)
        before = published_measures(found, plan.today, settings)
        after = published_measures(found, plan, settings)
        jobs = jobs_of(session, viewer, about=f"scenario {scenario_id}", limit=3)
        return page(
            request,
            "scenario.html",
            viewer,
            status=422 if fault else 200,
            scenario=found.scenario,
            area_name=plan.inputs.area_name,
            standard=plan.inputs.standard,
            may=_may(viewer, found),
            before=marked(before.total),
            after=marked(after.total),
            beats=[marked(beat) for beat in sorted(after.beats, key=lambda beat: -(beat["migrants"] or 0))],
            histogram=histogram_bars(before, after),
            steps=[] if found.only is not None else _steps(session, found, plan),
            marked=[] if found.only is not None else _marked(plan),
            weights=[(name, label, 1 if name == "migrants" else 0) for name, label in WEIGHTS.items()],
            drawn=_drawn(plan, found),
            reasons=published_reasons(found, plan, settings)[:REASONS_SHOWN],
            comments=comments_of(session, found.scenario),
            jobs=[shown(job, request.app.state.job_kinds) for job in jobs],
            forms=[(each.value, code_name(each.value)) for each in EmploymentForm],
            townships=_townships(plan, after),
            villages=[(each.area_id, each.name) for each in plan.inputs.places if each.level == AreaLevel.VILLAGE],
            land_changes=_land_changes(session, viewer, plan, found),
            sides=[(each.value, code_name(each.value)) for each in Side],
            fault=fault,
        )


def _townships(plan: Plan, after: Measures) -> list[tuple[int, str, int]]:
    """Townships between which officers can move, with their posts: nothing when there is one only."""
    force = {row["area_id"]: row for row in after.areas if row["is_township"]}
    if len(force) < 2:
        return []
    fixed = plan.headcount
    return [(key, row["name"], fixed.get(key, round(row["officers"] or 1))) for key, row in force.items()]


def _land_changes(session: Session, viewer: Viewer, plan: Plan, found: Seen) -> list[tuple[int, str]]:
    """Changes of the land that the copy has not, on which a draft of the scenario may count."""
    if not _may(viewer, found)["edit"]:
        return []
    coming = [
        change
        for state in (ChangeState.DRAFT, ChangeState.APPROVED, ChangeState.APPLIED)
        for change in land_changes(session, viewer, state)
        if change.id not in plan.boundaries and (state != ChangeState.APPLIED or change.day > plan.inputs.day)
    ]
    number = {each.id: T("number {number}", number=each.id) for each in coming}
    return [(each.id, f"{number[each.id]} · {code_name(each.kind)} · {each.day}") for each in coming]


def _may(viewer: Viewer, found: Seen) -> dict[str, bool]:
    whole, state = found.only is None, found.scenario.state
    own = viewer.account_id == found.scenario.author_id
    return {
        "edit": whole and viewer.may(Permission.PLAN) and state == "draft",
        "reopen": whole and viewer.may(Permission.PLAN) and state in ("frozen", "approved"),
        "approve": whole and viewer.may(Permission.APPROVE_PLAN) and state == "frozen" and not own,
        "publish": whole and viewer.may(Permission.PUBLISH_PLAN) and state == "approved",
        "revert": whole and viewer.may(Permission.PUBLISH_PLAN) and state == "published",
        "comment": viewer.may(Permission.COMMENT_PLAN),
    }


def _drawn(plan: Plan, found: Seen) -> list[dict[str, Any]]:
    """What is known of the beats that were drawn last, township by township, with what would have to give."""
    if found.only is not None:
        return []
    told = []
    for township in (plan.drawn or {}).get("townships", ()):
        relax = township["relax"] or {"sets": [], "band": None}
        told.append(
            {
                **township,
                "relaxing": ways_of(plan.inputs, relax),
                "obstacles": [] if found.across else [said_in_words(text) for text in township.get("obstacles", ())],
                "outside": []
                if found.across  # they tell loads exactly
                else [f"{each['beat']} {signed(each['deviation'])}" for each in township.get("outside", ())],
                "borders_km": township.get("borders_km") or [],
            }
        )
    return told


def _marked(plan: Plan) -> list[str]:
    """The locks, bridges and barriers in force, a line each."""
    marks = plan.marks
    pairs = [("bridge", pair) for pair in sorted(marks.bridges)]
    pairs += [("barrier", pair) for pair in sorted(marks.barriers)]
    locked = [_said_mark(plan, "lock", sorted(marks.locks))] if marks.locks else []
    return locked + [_said_mark(plan, kind, pair) for kind, pair in pairs]


def _said_mark(plan: Plan, kind: str, units: Iterable[int], *, on: bool = True) -> str:
    names = [plan.inputs.units[unit].name for unit in units]
    return str(Text(MARKED[kind, on].msgid, {"names": ("、" if kind == "lock" else " - ").join(names)}))


def _steps(session: Session, found: Seen, plan: Plan) -> list[dict[str, str]]:
    return [_said_step(plan, step.kind, step.said, step.author) for step in steps_of(session, found.scenario)]


def _said_step(plan: Plan, kind: str, said: dict[str, Any], author: str) -> dict[str, str]:
    detail = ""
    match kind:
        case "recruits":
            detail = str(T("{count} from {day} on", count=said["count"], day=said["from_day"]))
        case "leave":
            detail = said["badge_no"]
        case "give" | "new_beat":
            detail = str(T("{count} compounds or parts", count=len(said["units"])))
        case "headcount":
            detail = str(T("{count} posts", count=sum(each["posts"] for each in said["townships"])))
        case "boundary":
            detail = str(T("number {number}", number=said["land_change_id"]))
        case "redrawn":
            anew = {"number": said["land_change_id"], "count": len(said["outlines"])}
            detail = str(
                T("number {number}, {count} compounds drawn anew", **anew)
                if anew["count"]
                else T("number {number}", number=anew["number"])
            )
        case "mark":
            detail = _said_mark(plan, said["mark"], said["units"], on=said["on"])
        case "drawn":
            detail = str(T("{count} beats", count=len(said["beats"])))
    return {"name": str(STEP_NAMES[kind]), "detail": detail, "author": author}
