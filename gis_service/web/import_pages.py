"""Importing by hand: choose a file, see what would happen, then let it happen."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.errors import GridError, InvalidInputError, NotFoundError
from gis_service.intake.actions import ImportPreview, apply_import, preview_import
from gis_service.intake.report import fault_cells, fault_headings
from gis_service.intake.routes import (
    Columns,
    Crs,
    FileSent,
    list_imports,
    options_of,
    owner_of,
)
from gis_service.intake.subject import ImportOptions, Mode, Subject
from gis_service.intake.uploads import drop_upload, find_upload, keep_upload
from gis_service.texts import T
from gis_service.web.rendering import page

FAULTS_SHOWN = 100
DAY = TypeAdapter(date | None)
MODE = TypeAdapter(Mode | None)
router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_IMPORTS))])


def what_is_said(
    crs: Crs = None,
    columns: Columns = None,
    valid_from: Annotated[str, Form(max_length=10)] = "",
    mode: Annotated[str, Form(max_length=20)] = "",
) -> dict[str, str]:
    """The fields of the form that say how to read the file, as typed; empty where nothing was."""
    return {"crs": crs or "", "columns": columns or "", "valid_from": valid_from, "mode": mode}


Said = Annotated[dict[str, str], Depends(what_is_said)]


def _subjects(request: Request, viewer: Viewer) -> list[Subject]:
    return [subject for subject in request.app.state.subjects if viewer.may(subject.permission)]


def _subject(request: Request, viewer: Viewer, name: str) -> Subject:
    for subject in _subjects(request, viewer):
        if subject.name == name:
            return subject
    raise NotFoundError(T("Nothing of that name can be imported by you."))


@router.get("/imports")
def imports_page(request: Request, session: ReadDep, viewer: ViewerDep, subject: str = "") -> HTMLResponse:
    """Show the form and what was imported."""
    subjects = _subjects(request, viewer)
    chosen = next((each for each in subjects if each.name == subject), None)
    runs = list_imports(session, 0, 20).items
    titles = {each.name: each.title for each in request.app.state.subjects}
    return page(request, "imports.html", viewer, subjects=subjects, chosen=chosen, runs=runs, titles=titles, fault=None)


@router.post("/imports/preview")
def preview_page(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    viewer: ActingDep,
    subject: Annotated[str, Form(max_length=40)],
    file: FileSent,
    said: Said,
) -> HTMLResponse:
    """Show what importing the file would do; nothing is written."""
    chosen = _subject(request, viewer, subject)
    upload = keep_upload(settings, owner_of(viewer), file.filename or "", file.file)
    try:
        preview = preview_import(engine, settings, viewer, chosen, upload.path, _options(upload.name, said))
    except GridError as error:
        drop_upload(settings, upload)
        return _refused(request, viewer, chosen, error)
    return page(
        request,
        "import_preview.html",
        viewer,
        subject=chosen,
        preview=preview,
        headings=fault_headings(),
        faults=[fault_cells(fault) for fault in preview.faults.first(FAULTS_SHOWN)],
        diagnosis=_diagnosis(preview),
        said=said,
        ticket=upload.ticket,
    )


@router.post("/imports/apply")
def apply_page(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    viewer: ActingDep,
    subject: Annotated[str, Form(max_length=40)],
    ticket: Annotated[str, Form(max_length=64)],
    said: Said,
) -> HTMLResponse:
    """Import the file that the preview showed: every row, or none."""
    chosen = _subject(request, viewer, subject)
    upload = find_upload(settings, owner_of(viewer), ticket)
    try:
        outcome = apply_import(engine, settings, viewer, chosen, upload.path, _options(upload.name, said))
    except GridError as error:
        return _refused(request, viewer, chosen, error)
    drop_upload(settings, upload)
    return page(request, "import_done.html", viewer, subject=chosen, outcome=outcome)


def _options(name: str, said: dict[str, str]) -> ImportOptions:
    try:
        day = DAY.validate_python(said["valid_from"] or None)
        mode = MODE.validate_python(said["mode"] or None)
    except ValidationError as error:
        raise InvalidInputError(T("The day or the reason of the change is not acceptable.")) from error
    return options_of(name, said["crs"], said["columns"], None, day, mode)


def _refused(request: Request, viewer: Viewer, subject: Subject, error: GridError) -> HTMLResponse:
    faults = error.faults if isinstance(error, InvalidInputError) else ()
    return page(
        request,
        "import_refused.html",
        viewer,
        status=422,
        subject=subject,
        detail=str(error),
        headings=fault_headings(),
        faults=[fault_cells(fault) for fault in faults[:FAULTS_SHOWN]],
    )


def _diagnosis(preview: ImportPreview) -> list[tuple[str, int, int]]:
    if preview.diagnosis is None:
        return []
    return [(str(T(str(name))), int(row["features"]), int(row["inside"])) for name, row in preview.diagnosis.iterrows()]
