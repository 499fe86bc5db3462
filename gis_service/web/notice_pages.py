"""Notices: what changes in one's work, and a mark for what has been read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep
from gis_service.api.wire import RowKey
from gis_service.jobs.running import said_in_words
from gis_service.planning.notices import KEPT_DAYS, mark_read, notices_for, read_by
from gis_service.web.rendering import page

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_TEAMS))])


@router.get("/notices")
def notices_page(request: Request, session: ReadDep, viewer: ViewerDep, day: AsOf) -> HTMLResponse:
    """List the notices, those not read yet first."""
    found = notices_for(session, viewer, day)
    read = read_by(session, viewer, found)
    rows = [
        {"id": each.id, "text": said_in_words(each.message), "day": each.day, "read": each.id in read} for each in found
    ]
    return page(request, "notices.html", viewer, days=KEPT_DAYS, rows=sorted(rows, key=lambda row: bool(row["read"])))


@router.post("/notices/read")
def read_notices(
    engine: EngineDep, acting: ActingDep, day: AsOf, notice_id: Annotated[list[RowKey] | None, Form()] = None
) -> RedirectResponse:
    """Mark notices as read."""
    mark_read(engine, acting, day, notice_id or [])
    return RedirectResponse("/notices", status_code=303)
