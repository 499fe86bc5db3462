"""My computations: how far each is, and a button to stop it. The rows ask for themselves anew while something runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.assigning import ASSIGN_ADDRESSES
from gis_service.api.dependencies import EngineDep, ReadDep
from gis_service.api.wire import RowKey
from gis_service.jobs.actions import cancel_job, jobs_of
from gis_service.jobs.kinds import Kinds
from gis_service.jobs.running import said_in_words
from gis_service.jobs.tables import Job, JobState
from gis_service.web.rendering import page

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_JOBS))])


@router.get("/jobs")
def jobs_page(request: Request, session: ReadDep, viewer: ViewerDep) -> HTMLResponse:
    """Show one's own computations."""
    return page(
        request, "jobs.html", viewer, jobs=[shown(job, request.app.state.job_kinds) for job in jobs_of(session, viewer)]
    )


@router.get("/jobs/rows")
def job_rows(
    request: Request, session: ReadDep, viewer: ViewerDep, about: Annotated[str, Query(max_length=64)] = ""
) -> HTMLResponse:
    """The table of a page alone; when what the page asked about is over, the page is asked for anew."""
    jobs = jobs_of(session, viewer, about=about, limit=1) if about else jobs_of(session, viewer)
    rows = [shown(job, request.app.state.job_kinds) for job in jobs]
    answer = page(request, "_jobs.html", viewer, jobs=rows, jobs_about=about)
    if about and all(JobState(job.state).is_over for job in jobs):
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.post("/jobs/{job_id}/cancel", dependencies=[Depends(requires(Permission.CANCEL_JOB))])
def stop_job(engine: EngineDep, acting: ActingDep, job_id: RowKey) -> Response:
    """Stop a computation."""
    stopped = cancel_job(engine, acting, job_id)
    return RedirectResponse("/start" if stopped.kind == ASSIGN_ADDRESSES.name else "/jobs", status_code=303)


def shown(job: Job, kinds: Kinds) -> dict[str, object]:
    """A job as the pages show it."""
    state = JobState(job.state)
    kind = kinds.get(job.kind)
    about, _space, number = (job.about or "").partition(" ")
    return {
        "id": job.id,
        "title": str(kind.title) if kind else job.kind,
        "scenario": number if about == "scenario" else None,
        "quarter": number.split(" ")[0] if about == "quarter" else None,
        "state": state.value,
        "is_over": state.is_over,
        "percent": round(job.progress * 100),
        "said": said_in_words(job.fault) or said_in_words(job.said),
        "asked_at": job.asked_at,
    }
