"""Everything that people see, put on the application."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

import maps
from gis_service.web import (
    address_pages,
    area_change_pages,
    change_pages,
    doubt_pages,
    editor_pages,
    export_pages,
    field_pages,
    first_steps,
    import_pages,
    job_pages,
    map_pages,
    mismatch_pages,
    notice_pages,
    office_pages,
    overview_pages,
    personal_pages,
    planning_pages,
    quarter_pages,
    register_pages,
    registration_pages,
    reimport_pages,
    repair_pages,
    scenario_pages,
    second_factor_pages,
    sign_in_pages,
    snapshot_pages,
    worklist_pages,
)
from gis_service.web.command.routes import router as command_router
from gis_service.web.error_pages import install_error_pages
from gis_service.web.rendering import HERE
from gis_service.web.sheets.routes import router as sheets_router

#: what the pages answer to
PAGES: Final = (
    sign_in_pages.router,
    second_factor_pages.router,
    overview_pages.router,
    first_steps.router,
    command_router,
    sheets_router,
    map_pages.router,
    worklist_pages.router,
    doubt_pages.router,
    address_pages.router,
    register_pages.router,
    registration_pages.router,
    mismatch_pages.router,
    quarter_pages.router,
    snapshot_pages.router,
    change_pages.router,
    editor_pages.router,
    area_change_pages.router,
    reimport_pages.router,
    repair_pages.router,
    import_pages.router,
    office_pages.router,
    export_pages.router,
    personal_pages.router,
    planning_pages.router,
    scenario_pages.router,
    job_pages.router,
    notice_pages.router,
    field_pages.router,
)


def install_pages(app: FastAPI) -> None:
    """Add the files of the pages and the error pages."""
    map_files = Path(maps.__file__).parent / "static"
    app.mount("/static/vendor", StaticFiles(directory=map_files / "vendor", check_dir=False), name="vendor")
    app.mount("/static/maps", StaticFiles(directory=map_files), name="map-files")
    app.mount("/static/site", StaticFiles(directory=HERE / "static"), name="site-files")
    install_error_pages(app)
