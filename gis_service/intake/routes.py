"""Imports over HTTP: for each subject a dry run and the import itself, and the list of imports done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from pydantic import BaseModel
from sqlalchemy import func, select

from gis_service.access.http import ActingDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.problems import fault_body
from gis_service.api.wire import Instant, Limit, Offset, Page
from gis_service.errors import InvalidInputError
from gis_service.intake.actions import apply_import, preview_import
from gis_service.intake.subject import ImportOptions, Mode, Subject
from gis_service.intake.tables import ImportRun
from gis_service.intake.uploads import passing_upload
from gis_service.settings import Settings
from gis_service.texts import T

FAULTS_SHOWN = 200


class FaultItem(BaseModel):
    """One refused value: where it is, what is wrong and what to do."""

    message: str
    file: str | None
    row: int | None
    field: str | None
    value: str | None
    remedy: str | None


class Preview(BaseModel):
    """What an import would do."""

    subject: str
    file_name: str
    acceptable: bool
    counts: dict[str, int]
    faults: list[FaultItem]
    fault_count: int
    warnings: list[str]
    missing: list[str]


class Outcome(BaseModel):
    """What an import did; `run_id` is null when there was nothing to change."""

    subject: str
    file_name: str
    counts: dict[str, int]
    warnings: list[str]
    missing: list[str]
    run_id: int | None


class Run(BaseModel):
    """One import that was applied."""

    run_id: int
    subject: str
    file_name: str
    sha256: str
    imported_at: Instant
    imported_by: str
    outcome: dict[str, Any]


def owner_of(viewer: Viewer) -> str:
    """Whose an upload is."""
    return f"account-{viewer.account_id}"


def options_of(
    file_name: str,
    crs: str | None,
    columns: str | None,
    layers: list[str] | None,
    valid_from: date | None,
    mode: Mode | None,
) -> ImportOptions:
    """What the caller says about a file; `columns` has one `column=field` a line or after a comma.

    Raises
    ------
    InvalidInputError
        A mapping is not of that form.
    """
    pairs: dict[str, str] = {}
    for part in (columns or "").replace("\n", ",").split(","):
        if not part.strip():
            continue
        left, separator, right = part.partition("=")
        if not separator or not left.strip() or not right.strip():
            raise InvalidInputError(T("Write the columns as column=field, one a line."))
        pairs[left.strip()] = right.strip()
    said = [layer for layer in layers or [] if layer]
    return ImportOptions(
        crs=crs or None,
        columns=pairs,
        layers=said or None,
        valid_from=valid_from,
        mode=mode,
        file_name=file_name,
    )


Crs = Annotated[str | None, Form(max_length=40, description="EPSG:<code>, GCJ-02 or BD-09.")]
Columns = Annotated[str | None, Form(max_length=4000, description="column=field, separated by commas or lines.")]
Layers = Annotated[list[str] | None, Form(max_length=20, description="Layers or sheet to read.")]
ValidFrom = Annotated[date | None, Form(description="First day on which the content holds.")]
ModeSaid = Annotated[Mode | None, Form(description="Why known areas look different.")]
FileSent = Annotated[UploadFile, File(description="The file.")]


@dataclass(frozen=True)
class Sent:
    """A file and what is said about it, as a form brings them."""

    file: FileSent
    crs: Crs = None
    columns: Columns = None
    layers: Layers = None
    valid_from: ValidFrom = None
    mode: ModeSaid = None

    @contextmanager
    def passing(self, settings: Settings, viewer: Viewer) -> Iterator[tuple[Path, ImportOptions]]:
        """Keep the file while it is read; where it lies, and how it is to be read."""
        with passing_upload(settings, owner_of(viewer), self.file.filename or "", self.file.file) as upload:
            yield (
                upload.path,
                options_of(upload.name, self.crs, self.columns, self.layers, self.valid_from, self.mode),
            )


SentDep = Annotated[Sent, Depends()]


@cache
def import_router(subjects: tuple[Subject, ...]) -> APIRouter:
    """The routes of the imports of `subjects`."""
    router = APIRouter(prefix="/api/v1/imports", tags=["imports"])
    router.get("", dependencies=[Depends(requires(Permission.SEE_IMPORTS))])(list_imports)
    for subject in subjects:
        allowed = [Depends(requires(subject.permission))]
        title = subject.title.render("en")
        router.post(
            f"/{subject.name}/preview",
            dependencies=allowed,
            summary=f"Dry run: {title}.",
            name=f"preview_{subject.name}",
        )(_preview_route(subject))
        router.post(
            f"/{subject.name}", dependencies=allowed, summary=f"Import: {title}.", name=f"import_{subject.name}"
        )(_apply_route(subject))
    return router


def list_imports(session: ReadDep, offset: Offset = 0, limit: Limit = 100) -> Page[Run]:
    """List the imports that were applied, newest first."""
    total = session.execute(select(func.count()).select_from(ImportRun)).scalar_one()
    runs = session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).offset(offset).limit(limit)).all()
    items = [
        Run(
            run_id=run.id,
            subject=run.subject,
            file_name=run.file_name,
            sha256=run.sha256,
            imported_at=run.imported_at,
            imported_by=run.imported_by,
            outcome=run.outcome,
        )
        for run in runs
    ]
    return Page(items=items, total=total, offset=offset, limit=limit)


def _preview_route(subject: Subject) -> Callable[..., Preview]:
    def preview(engine: EngineDep, settings: SettingsDep, acting: ActingDep, sent: SentDep) -> Preview:
        """Say what importing the file would do; nothing is written."""
        with sent.passing(settings, acting) as (path, options):
            found = preview_import(engine, settings, acting, subject, path, options)
        return Preview(
            subject=found.subject,
            file_name=found.file_name,
            acceptable=found.is_acceptable,
            counts=found.counts,
            faults=[FaultItem.model_validate(fault_body(fault)) for fault in found.faults.first(FAULTS_SHOWN)],
            fault_count=len(found.faults),
            warnings=[str(warning) for warning in found.warnings],
            missing=list(found.missing),
        )

    return preview


def _apply_route(subject: Subject) -> Callable[..., Outcome]:
    def apply(engine: EngineDep, settings: SettingsDep, acting: ActingDep, sent: SentDep) -> Outcome:
        """Import the file: every row, or none."""
        with sent.passing(settings, acting) as (path, options):
            done = apply_import(engine, settings, acting, subject, path, options)
        return Outcome(
            subject=done.subject,
            file_name=done.file_name,
            counts=done.counts,
            warnings=[str(warning) for warning in done.warnings],
            missing=list(done.missing),
            run_id=done.run_id,
        )

    return apply
