"""Whether the process is alive, and whether it is ready to serve."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from gis_service import __version__
from gis_service.api.dependencies import EngineDep
from gis_service.errors import NotReadyError
from gis_service.storage.engine import is_reachable
from gis_service.storage.fence import no_role, role_asked
from gis_service.storage.fence_standing import fence_faults, fence_stands
from gis_service.storage.schema import newest_revision, schema_revision
from gis_service.texts import T

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process answers."""

    status: str
    version: str


class Readiness(Health):
    """The database answers and has the schema that the code expects."""

    database: str
    revision: str
    #: what works, but not as it should
    warnings: list[str]


@router.get("/healthz")
def health() -> Health:
    """Say that the process is alive; touches nothing else."""
    return Health(status="ok", version=__version__)


@router.get("/readyz")
def readiness(engine: EngineDep) -> Readiness:
    """Say whether the service can do its work: the database answers and its schema is current.

    On PostGIS row-level security must stand, unless the settings do without.
    """
    try:
        reachable, revision = is_reachable(engine), schema_revision(engine)
    except SQLAlchemyError as error:
        raise NotReadyError(T("The database does not answer.")) from error
    if not reachable or revision != newest_revision():
        raise NotReadyError(T("The database schema is not current: run `gis-service db upgrade`."))
    if not fence_stands(engine):
        raise no_role(role_asked(engine))
    warnings = [str(fault) for fault in fence_faults(engine)]
    return Readiness(
        status="ok", version=__version__, database=engine.dialect.name, revision=revision, warnings=warnings
    )
