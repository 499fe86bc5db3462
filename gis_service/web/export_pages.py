"""Exports as files to be saved: what is in scope on the day, and an entry in the audit trail."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from gis_service.access.audit import record
from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.errors import GridError
from gis_service.storage.engine import transaction
from gis_service.web.export_kinds import ExportKind
from gis_service.web.exports import write_export

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.EXPORT))])


@router.get("/exports/{kind}.{suffix}")
def export_file(
    engine: EngineDep,
    session: ReadDep,
    settings: SettingsDep,
    scope: ScopeDep,
    viewer: ActingDep,
    kind: ExportKind,
    suffix: Literal["csv", "xlsx", "gpkg"],
) -> FileResponse:
    """Everything of one kind in scope on the day asked for, as CSV or Excel; land as GeoPackage too."""
    folder = Path(mkdtemp())
    path = folder / f"{kind.value}-{scope.day.isoformat()}.{suffix}"
    try:
        rows = write_export(session, scope, settings, kind, path)
        with transaction(engine) as writing:
            record(writing, viewer, "export", "export", path.name, after={"rows": rows})
    except GridError:
        shutil.rmtree(folder)
        raise
    return FileResponse(path, filename=path.name, background=BackgroundTask(shutil.rmtree, folder))
