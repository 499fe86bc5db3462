"""Registers handed in, for people: hand one in, see what was kept, and who was found to be who."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import Fault, InvalidInputError, TooLargeError
from gis_service.intake.report import fault_cells, fault_headings
from gis_service.intake.routes import FileSent, owner_of
from gis_service.intake.uploads import passing_upload
from gis_service.registers.mismatches.states import Side, side_of
from gis_service.registers.quarters.person_links import EVIDENCE, person
from gis_service.registers.snapshots.actions import hand_in
from gis_service.registers.snapshots.fields import DOUBTS, FIELDS
from gis_service.registers.snapshots.handed import table_of_file
from gis_service.registers.snapshots.queries import masked_rows, snapshot, snapshots
from gis_service.registers.snapshots.routes import FormSaid
from gis_service.registers.snapshots.sources import sources
from gis_service.texts import Text
from gis_service.web.mismatch_pages import FIELD_NAMES
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
PAGE: Final = 50
FAULTS_SHOWN: Final = 100
SHOWN: Final = ("source_key", "name", "id_number", "phone", "birth_year", "address_text", "arrived_on", "left_on")
"""Fields of a person that stand side by side."""
_AS_EVIDENCE: Final = {"arrived_on": "from_on"}

Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/snapshots")
def snapshots_page(
    request: Request, session: ReadDep, scope: ScopeDep, viewer: ViewerDep, today: TodayDep, offset: Offset = 0
) -> HTMLResponse:
    """Show the form to hand a register in, and what was handed in of the own part and side."""
    return _listed(request, session, scope, viewer, today, offset=offset)


@router.post("/snapshots", dependencies=[Depends(requires(Permission.HAND_IN_REGISTER))])
def hand_in_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    said: FormSaid,
    file: FileSent,
) -> Response:
    """Hand a register in; what is wrong with it is said on the page."""
    try:
        with passing_upload(settings, owner_of(acting), file.filename or "", file.file) as upload:
            table = table_of_file(settings, upload.path, upload.name)
        done = hand_in(engine, acting, table, said, today=today)
    except (InvalidInputError, TooLargeError) as error:
        faults = error.faults if isinstance(error, InvalidInputError) else ()
        return _listed(request, session, scope, acting, today, status=422, detail=str(error), faults=faults)
    return RedirectResponse(f"/snapshots/{done.snapshot_id}?known={'' if done.is_new else '1'}", status_code=303)


def _listed(
    request: Request,
    session: Session,
    scope: Scope,
    viewer: Viewer,
    today: date,
    *,
    offset: int = 0,
    status: int = 200,
    detail: str = "",
    faults: tuple[Fault, ...] = (),
) -> HTMLResponse:
    frame, total = snapshots(session, scope, viewer, offset=offset, limit=PAGE)
    side = side_of(viewer)
    own = area_names(session, scope, levels=[AreaLevel.TOWNSHIP, AreaLevel.VILLAGE, AreaLevel.DISTRICT])
    return page(
        request,
        "snapshots.html",
        viewer,
        status=status,
        rows=records(frame),
        total=total,
        offset=offset,
        limit=PAGE,
        detail=detail,
        kept_days=request.app.state.settings.snapshot_retention_days,
        headings=fault_headings(),
        faults=[fault_cells(fault) for fault in faults[:FAULTS_SHOWN]],
        sides=[(each.value, code_name(f"{each.value}_list")) for each in Side if side in (None, each)],
        areas=records(own),
        sources=sorted({each.name for each in sources(session, scope, viewer)}),
        fields=[(field.name, field.aliases[0], field.required) for field in FIELDS],
        may_hand_in=viewer.may(Permission.HAND_IN_REGISTER) and not own.empty,
        today=today,
        day=scope.day,
    )


@router.get("/snapshots/{snapshot_id}")
def snapshot_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    vault: VaultDep,
    snapshot_id: RowKey,
    show: str = "",
    known: str = "",
    offset: Offset = 0,
) -> HTMLResponse:
    """Show what a register said: its people masked, and what does not hold in their rows."""
    row = snapshot(session, scope, viewer, snapshot_id)
    doubtful = show == "doubtful"
    frame, total = masked_rows(session, vault, row.id, doubtful=doubtful, offset=offset, limit=PAGE)
    return page(
        request,
        "snapshot.html",
        viewer,
        row=row,
        area_name=area_details(session, scope, row.area_id)["name"],
        known=bool(known),
        rows=[_with_doubts(each) for each in records(frame)],
        doubts=DOUBTS,
        show=show,
        total=total,
        offset=offset,
        limit=PAGE,
        pager_base=f"/snapshots/{row.id}?show={'doubtful' if doubtful else ''}&",
        day=scope.day,
    )


def _with_doubts(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the doubtful fields as `(name, what is wrong, what to do)`."""
    named = (row["doubts"] or "").split(",") if row["doubts"] else []
    said: list[tuple[str, Text, Text]] = [(code_name(name), *DOUBTS[name]) for name in named]
    return {**row, "doubts": said}


@router.get("/snapshot-rows/{row_id}")
def person_page(
    request: Request, session: ReadDep, scope: ScopeDep, viewer: ViewerDep, vault: VaultDep, row_id: RowKey
) -> HTMLResponse:
    """Show a record beside those that are the same person, and how that was found."""
    found = person(session, scope, viewer, vault, row_id)
    rows = sorted(records(found["rows"]), key=lambda each: each["row_id"] != row_id)
    return page(
        request,
        "snapshot_person.html",
        viewer,
        snapshot_id=found["snapshot_id"],
        rows=rows,
        fields=[(name, str(FIELD_NAMES[_AS_EVIDENCE.get(name, name)])) for name in SHOWN],
        links=records(found["links"]),
        evidence=EVIDENCE,
        day=scope.day,
    )
