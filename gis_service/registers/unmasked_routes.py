"""The approved file over HTTP: asked for and decided under `/export-approvals`, taken once."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse
from sqlalchemy import Engine
from starlette.background import BackgroundTask

from gis_service.access.http import ActingDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.routes import VaultDep
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep
from gis_service.api.wire import RowKey
from gis_service.errors import GridError
from gis_service.registers.unmasked import export_unmasked

router = APIRouter(prefix="/api/v1", tags=["access"])


def approved_file(engine: Engine, vault: Vault, viewer: Viewer, approval_id: int) -> FileResponse:
    """The file of an approved request; it is gone from the server once it is sent."""
    folder = Path(mkdtemp())
    path = folder / f"unmasked-{approval_id}.csv"
    try:
        export_unmasked(engine, vault, viewer, approval_id, path, now=datetime.now(UTC))
    except GridError:
        shutil.rmtree(folder)
        raise
    headers = {"Cache-Control": "no-store"}
    task = BackgroundTask(shutil.rmtree, folder)
    return FileResponse(path, filename=path.name, media_type="text/csv", headers=headers, background=task)


@router.post(
    "/export-approvals/{approval_id}/file",
    dependencies=[Depends(requires(Permission.UNMASK_PERSON)), Depends(requires(Permission.EXPORT))],
    response_class=FileResponse,
)
def post_file(engine: EngineDep, vault: VaultDep, acting: ActingDep, approval_id: RowKey) -> FileResponse:
    """Take the file of an own request that a second person has approved; good for one download."""
    return approved_file(engine, vault, acting, approval_id)
