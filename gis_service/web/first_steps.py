"""First use: what a new service needs, step by step, with files to try each step on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission, Role
from gis_service.access.scope import Scope
from gis_service.access.tables import Account
from gis_service.access.viewer import Viewer
from gis_service.addresses.assigning import ABOUT, ask_for_assignment
from gis_service.addresses.queries import count_unresolved
from gis_service.addresses.tables import Address
from gis_service.addresses.topology import topology_findings
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep, SettingsDep
from gis_service.areas.queries import count_areas
from gis_service.jobs.actions import jobs_of
from gis_service.jobs.routes import QueueDep
from gis_service.jobs.tables import JobState
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.queries import beats, officers, units
from gis_service.texts import T, Text
from gis_service.web.job_pages import shown
from gis_service.web.rendering import page
from gis_service.web.wording import amount

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Step:
    """One step: what to do, how far it is, where it is done and with which sample files."""

    title: Text
    why: Text
    href: str
    label: Text
    so_far: Text = field(default_factory=lambda: T("by a planner"))  # what others read of it
    done: bool = False
    samples: tuple[str, ...] = ()
    assigns: bool = False


_STEPS = (
    Step(
        T("Import the areas"),
        T("District, townships, villages and compounds with their borders; a file of each level, or one of all."),
        href="/imports?subject=areas",
        label=T("Import areas"),
        samples=("areas.geojson",),
    ),
    Step(
        T("Look at the borders"),
        T("Overlaps, gaps and children outside their parents are found; alarms decide where addresses belong."),
        href="/topology",
        label=T("Topology report"),
    ),
    Step(
        T("Import units and officers"),
        T("A unit for each area, officers, and who serves where; then beats and who holds each."),
        href="/imports?subject=units",
        label=T("Import units"),
        samples=("units.csv", "officers.csv", "postings.csv", "beats.csv", "beat_parts.csv", "beat_duties.csv"),
    ),
    Step(
        T("Import the addresses"),
        T("Standard addresses with their points; the coordinate system is asked for, never guessed."),
        href="/imports?subject=addresses",
        label=T("Import addresses"),
        samples=("addresses.csv", "registrations.csv"),
    ),
    Step(
        T("Assign the addresses"),
        T("Each address gets its compound, its beat and its officer; what cannot be decided is listed."),
        href="/unresolved",
        label=T("What waits for a decision"),
        assigns=True,
    ),
    Step(
        T("Look at the first map"),
        T("How many migrants each officer answers for, from the townships down to a building."),
        href="/command",
        label=T("Command centre"),
    ),
)


def steps_of(session: Session, scope: Scope, settings: Settings) -> list[Step]:
    """The steps in their order, for whoever imports."""
    land = sum(count_areas(session, scope).values())
    findings = topology_findings(session, scope, settings) if land else None
    alarms = 0 if findings is None else int(findings["severity"].eq("alarm").sum())
    teams, staff, held = len(units(session, scope)), officers(session, scope).index.nunique(), beats(session, scope)
    manned = int(held["officer_id"].notna().sum())
    counts = count_unresolved(session, scope)
    addresses = _all_addresses(session, scope)
    so_far = (
        (T("{count} areas", count=amount(land)), land > 0),
        (T("{count} alarms", count=amount(alarms)), land > 0 and alarms == 0),
        (
            T(
                "{units} units, {officers} officers, {beats} beats",
                units=amount(teams),
                officers=amount(staff),
                beats=amount(len(held)),
            ),
            teams > 0 and staff > 0 and manned > 0,
        ),
        (T("{count} addresses", count=amount(addresses)), addresses > 0),
        (
            T("{assigned} of {total} have an officer", assigned=amount(counts["assigned"]), total=amount(addresses)),
            counts["assigned"] > 0,
        ),
        (T("ready") if counts["assigned"] else T("not yet"), counts["assigned"] > 0),
    )
    return [replace(step, so_far=said, done=done) for step, (said, done) in zip(_STEPS, so_far, strict=True)]


def steps_of_administrator(session: Session) -> list[Step]:
    """The one step of whoever manages accounts, which a scoped session may not see; and what planners do after it."""
    return [_accounts_step(session), *(replace(step, href="", samples=(), assigns=False) for step in _STEPS)]


def _accounts_step(session: Session) -> Step:
    business = [role.value for role in Role if role.is_business]
    people = session.scalar(select(func.count()).where(Account.role.in_(business))) or 0
    return Step(
        T("Make accounts"),
        T("A planner imports land, teams and addresses; give the account its area, or the whole district."),
        href="/accounts",
        label=T("Accounts"),
        so_far=T("{count} accounts", count=amount(people)),
        done=people > 0,
    )


def _all_addresses(session: Session, scope: Scope) -> int:
    """Addresses on record: those placed in scope and, for the whole district, those not placed yet."""
    placed = count_unresolved(session, scope)["total"]
    if not scope.is_whole_district:
        return placed
    return session.scalar(select(func.count()).select_from(Address)) or 0


@router.get("/start", dependencies=[Depends(requires(Permission.SEE_OWN_ACCOUNT))])
def start_page(
    request: Request, engine: EngineDep, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep
) -> HTMLResponse:
    """Lead through the first steps."""
    if viewer.may(Permission.MANAGE_ACCOUNTS):
        with reading(engine) as unscoped:
            steps = steps_of_administrator(unscoped)
    else:
        steps = steps_of(session, scope, settings)
    now = next((number for number, step in enumerate(steps) if step.href and not step.done), len(steps))
    return page(
        request,
        "start.html",
        viewer,
        steps=steps,
        now=now,
        may_assign=viewer.may(Permission.ASSIGN_ADDRESSES),
        job=_assignment(request, session, viewer),
    )


def _assignment(request: Request, session: Session, viewer: Viewer) -> dict[str, object] | None:
    """How far the viewer's newest assignment is; None when there is none, or it is done and the step tells."""
    newest = next(iter(jobs_of(session, viewer, about=ABOUT, limit=1)), None)
    if newest is None or newest.state == JobState.DONE:
        return None
    return shown(newest, request.app.state.job_kinds)


@router.get("/start/assignment", dependencies=[Depends(requires(Permission.ASSIGN_ADDRESSES))])
def assignment_part(request: Request, session: ReadDep, viewer: ViewerDep) -> HTMLResponse:
    """How far the assignment is, alone; once it is over, the browser is told to show the whole page anew."""
    job = _assignment(request, session, viewer)
    part = page(request, "_assignment.html", viewer, job=job)
    if job is None or job["is_over"]:
        part.headers["HX-Refresh"] = "true"
    return part


@router.post("/start/assign", dependencies=[Depends(requires(Permission.ASSIGN_ADDRESSES))])
def start_assign(engine: EngineDep, queue: QueueDep, acting: ActingDep, day: AsOf) -> RedirectResponse:
    """Have every address assigned, and come back to see how far it is."""
    ask_for_assignment(engine, queue, acting, day)
    return RedirectResponse("/start", status_code=303)
