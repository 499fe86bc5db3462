"""The composition root: `create_app(settings)` puts the rooms together; nothing is built at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from gis_service import __version__
from gis_service.access.freshness import KeptAnswers
from gis_service.access.http import guards_of, install_access
from gis_service.access.personal import Vault
from gis_service.access.routes import router as access_router
from gis_service.addresses.point_store import point_store
from gis_service.addresses.resolving_routes import router as resolving_router
from gis_service.addresses.routes import router as addresses_router
from gis_service.addresses.search_store import search_store
from gis_service.addresses.signing_off_routes import router as signing_off_router
from gis_service.api import health
from gis_service.api.logs import configure_logs, install_request_log
from gis_service.api.problems import install_problems
from gis_service.areas.border_store import border_store
from gis_service.areas.routes import router as areas_router
from gis_service.changes.editing_routes import router as editing_router
from gis_service.changes.published import withheld_store
from gis_service.changes.reimport_routes import router as reimport_router
from gis_service.changes.repair_routes import router as repair_router
from gis_service.changes.routes import router as changes_router
from gis_service.fieldwork.routes import router as fieldwork_router
from gis_service.intake.routes import import_router
from gis_service.job_kinds import JOB_KINDS
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.routes import router as jobs_router
from gis_service.planning.posts_routes import router as posts_router
from gis_service.planning.scenario_routes import notice_router
from gis_service.planning.scenario_routes import router as scenario_router
from gis_service.registers.mismatches.figure_routes import router as mismatch_figures_router
from gis_service.registers.mismatches.routes import router as mismatches_router
from gis_service.registers.people_store import keep_people
from gis_service.registers.quarters.routes import router as quarters_router
from gis_service.registers.reach import REACH
from gis_service.registers.registrations.routes import router as registrations_router
from gis_service.registers.rentals.routes import router as rentals_router
from gis_service.registers.routes import router as registers_router
from gis_service.registers.snapshots.routes import router as snapshots_router
from gis_service.registers.unmasked_routes import router as unmasked_router
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine
from gis_service.subjects import SUBJECTS
from gis_service.teams.fence import fence_session
from gis_service.teams.routes import router as teams_router
from gis_service.teams.scope import scope_of
from gis_service.texts import LOCALES, translations
from gis_service.web.command.figures import keep_figures
from gis_service.web.pages import PAGES, install_pages

#: smaller answers travel as they are, bytes
GZIP_FROM_BYTES = 1024


@cache
def _rooms() -> APIRouter:
    """Every route of the service, the same whatever the settings: what each of them takes is worked out once."""
    rooms = APIRouter()
    for router in (
        areas_router,  # tiles are asked for by the dozen, and routes are tried in this order
        addresses_router,
        health.router,
        access_router,
        teams_router,
        resolving_router,
        signing_off_router,
        registers_router,
        unmasked_router,
        registrations_router,
        rentals_router,
        mismatches_router,
        mismatch_figures_router,
        snapshots_router,
        quarters_router,
        changes_router,
        posts_router,
        scenario_router,
        notice_router,
        jobs_router,
        editing_router,
        reimport_router,
        repair_router,
        fieldwork_router,
        import_router(tuple(SUBJECTS.values())),
        *PAGES,
    ):
        rooms.include_router(router)
    return rooms


def create_app(settings: Settings) -> FastAPI:
    """Build the service for `settings`; the database must have the current schema (`gis-service db upgrade`)."""
    configure_logs(as_json=settings.log_json)
    engine = open_engine(settings)
    keep_people(engine)
    keep_figures(engine)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # now, not while the first reader waits
        for locale in LOCALES:
            translations(locale)
        guards_of(app)
        yield
        engine.dispose()

    app = FastAPI(
        routes=list(_rooms().routes),
        title="Grid service",
        version=__version__,
        description="Areas, teams, addresses, officers and figures of one district.",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.vault = Vault.load_or_create(settings)
    app.state.scope_of = scope_of
    app.state.fence = fence_session
    app.state.subjects = tuple(SUBJECTS.values())
    app.state.reach = REACH
    app.state.jobs = JobQueue(settings)
    app.state.job_kinds = JOB_KINDS
    app.state.kept_answers = KeptAnswers(settings.answers_kept_bytes)
    app.state.point_store = point_store()
    app.state.search_store = search_store()
    app.state.withheld_store = withheld_store()
    app.state.border_store = border_store()
    install_problems(app)
    install_pages(app)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)  # inside the browser's defences
    install_access(app)
    install_request_log(app)
    return app
