"""What routes are given: the settings, a session to read with, and the engine to act on.

What only hands something over is `async`: anything else would be carried to a worker thread and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.settings import Settings
from gis_service.storage.engine import only_reading

#: days that can be looked at: far enough from the ends of the calendar for periods of years before and after
EARLIEST_DAY = date(1900, 1, 1)
LATEST_DAY = date(2199, 12, 31)


async def settings_of(request: Request) -> Settings:
    """The settings of the running service."""
    settings: Settings = request.app.state.settings
    return settings


async def engine_of(request: Request) -> Engine:
    """The engine of the running service; actions open their own transaction on it."""
    engine: Engine = request.app.state.engine
    return engine


def reading_session(engine: Annotated[Engine, Depends(engine_of)]) -> Iterator[Session]:
    """A session for reads."""
    with only_reading(engine) as session:
        yield session


def today_here() -> date:
    """Today where the service stands."""
    return date.today()  # noqa: DTZ011 - a calendar day of the district, not an instant


async def day_asked(
    as_of: Annotated[
        date | None,
        Query(
            description="The day to look at (YYYY-MM-DD); today when absent.",
            examples=["2026-01-01"],
            ge=EARLIEST_DAY,
            le=LATEST_DAY,
        ),
    ] = None,
) -> date:
    """The day that the caller looks at."""
    return as_of or today_here()


SettingsDep = Annotated[Settings, Depends(settings_of)]
EngineDep = Annotated[Engine, Depends(engine_of)]
ReadDep = Annotated[Session, Depends(reading_session, scope="function")]
TodayDep = Annotated[date, Depends(today_here)]
AsOf = Annotated[date, Depends(day_asked)]
