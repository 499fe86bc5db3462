"""Periods of one thing do not overlap: on both databases the database itself refuses them, whoever writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import IntegrityError

from gis_service.areas.tables import AreaVersion
from gis_service.storage.engine import transaction
from gis_service.storage.rows import Row
from gis_service.teams.tables import Beat, BeatDuty, Posting, Unit
from tests.integration.board import START, Board

LATER, LAST = date(2025, 1, 1), date(2025, 7, 1)
Period = dict[str, date | None]


def version(board: Board, **period: date | None) -> Row:
    said = {"code": "N11", "name": "another", "parent_id": board.areas["N1"], "source": "a test"}
    return AreaVersion(area_id=board.areas["N11"], recorded_at=datetime.now(UTC), **said, **period)


def posting(board: Board, **period: date | None) -> Row:
    held = {"officer_id": board.officers["N1"], "unit_id": board.units["N1"], "role": "leader", "share": 0.5}
    return Posting(**held, **period)


def duty(board: Board, **period: date | None) -> Row:
    return BeatDuty(beat_id=board.beats["N1"], officer_id=board.officers["N2"], **period)


def unit(board: Board, **period: date | None) -> Row:
    return Unit(code="U-N1", name="another", area_id=board.areas["N1"], **period)


def beat(board: Board, **period: date | None) -> Row:
    return Beat(code="R-N1", name="another", unit_id=board.units["N1"], **period)


@pytest.mark.parametrize("made", [version, posting, duty, unit, beat])
def test_a_second_period_over_the_same_days_is_refused_by_the_database(
    engine: Engine, board: Board, made: Callable[..., Row]
) -> None:
    for period in ((START, LATER), (LATER, LAST), (LATER, None), (START - timedelta(days=9), LATER)):
        with pytest.raises(IntegrityError), transaction(engine) as session:
            session.add(made(board, valid_from=period[0], valid_to=period[1]))


@pytest.mark.parametrize("made", [version, posting, duty])
def test_a_period_begins_on_the_day_on_which_the_one_before_it_ends(
    engine: Engine, board: Board, made: Callable[..., Row]
) -> None:
    with transaction(engine) as session:
        mine = made(board)
        kind: Any = type(mine)
        names = {AreaVersion: ("area_id",), Posting: ("officer_id",), BeatDuty: ("beat_id",)}[kind]
        query = select(kind).where(*(getattr(kind, name) == getattr(mine, name) for name in names))
        held: Any = session.scalars(query).one()
        held.valid_to = LATER
        session.flush()
        session.add(made(board, valid_from=LATER, valid_to=LAST))
        session.add(made(board, valid_from=LAST, valid_to=None))
    with pytest.raises(IntegrityError):
        lengthen(engine, query.order_by(kind.valid_from))


def lengthen(engine: Engine, query: Select[Any]) -> None:
    """Let the first row found hold a day longer."""
    with transaction(engine) as session:
        held: Any = session.scalars(query).first()
        held.valid_to = LATER + timedelta(days=1)
