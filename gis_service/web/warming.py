"""What the first visitor of a process would otherwise wait for, done while nobody has asked yet."""

from __future__ import annotations

import time
from threading import Thread

import structlog
from fastapi import FastAPI
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.api.dependencies import today_here
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaLevel
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.texts import use_locale
from gis_service.web.command.alerts import alerts_answer
from gis_service.web.command.indicators import Indicator, indicator_answer
from gis_service.web.command.places import Asked, place_answer
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import environment

log = structlog.get_logger("warming")

_PAGES = ("command.html", "home.html", "map.html", "sign_in.html")


def warm_up_beside(app: FastAPI) -> None:
    """Begin in a thread of its own; the service is ready meanwhile, and ends without waiting for it."""
    Thread(target=_warm_up, args=(app,), name="warming", daemon=True).start()


def _warm_up(app: FastAPI) -> None:
    started = time.perf_counter()
    settings: Settings = app.state.settings
    use_locale(settings.locale)
    for page in _PAGES:
        environment().get_template(page)
    try:
        with reading(app.state.engine) as session:
            _look_at_the_district(app, session, Scope(today_here(), None))
    except Exception as fault:  # noqa: BLE001 - nobody asked for it: whoever asks is told what is wrong
        log.info("warming_ended", fault=type(fault).__name__)
    else:
        log.info("warm", seconds=round(time.perf_counter() - started, 1))


def _look_at_the_district(app: FastAPI, session: Session, scope: Scope) -> None:
    """What the command centre asks for when it opens: pages of the database, compiled code and plans are there then."""
    settings: Settings = app.state.settings
    areas = area_names(session, scope, levels=[AreaLevel.DISTRICT])
    if areas.empty:
        return
    indicator_answer(Drawing(session, scope, settings), Indicator.LOAD)
    place_answer(Asked(session, scope, settings, SHELL, app.state.vault, int(areas.index[0])))
    alerts_answer(session, scope, settings)
