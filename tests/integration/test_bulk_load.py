"""Loading most of a table: its indexes and foreign keys are the same afterwards, whatever happens."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, delete, func, inspect, select

from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.tables import Placement
from gis_service.settings import Settings
from gis_service.storage import bulk_load
from gis_service.storage.bulk import append_frame
from gis_service.storage.bulk_load import load_frame
from gis_service.storage.engine import reading, transaction
from tests.integration.board import TODAY, Board
from tests.integration.land import everything


def structure(engine: Engine) -> list[Any]:
    seen = inspect(engine)
    indexes = [(each["name"], each["column_names"], each["unique"]) for each in seen.get_indexes("placement")]
    keys = [(each["constrained_columns"], each["referred_table"]) for each in seen.get_foreign_keys("placement")]
    return [sorted(indexes, key=str), sorted(keys, key=str)]


@pytest.fixture
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_load, "WORTH_IT_ROWS", 1)


@pytest.mark.usefixtures("worth_it")
def test_a_load_leaves_rows_indexes_and_keys_as_single_inserts_do(
    engine: Engine, settings: Settings, board: Board
) -> None:
    before, built = everything(engine), structure(engine)
    assert len(built[0]) >= 5
    with transaction(engine) as session:
        session.execute(delete(Placement))
    written = assign_addresses(engine, settings, SHELL, TODAY).written
    assert written == len(before[2])
    assert everything(engine) == before
    assert structure(engine) == built


@pytest.mark.usefixtures("worth_it")
def test_a_load_that_fails_leaves_the_table_as_it_was(engine: Engine, board: Board) -> None:
    before, built = everything(engine), structure(engine)
    twice = pd.DataFrame({"address_id": [board.addresses["A-N11-0"]] * 40, "valid_from": pd.Timestamp("2026-01-01")})
    with pytest.raises(Exception, match=r"(?i)unique"), transaction(engine) as session:
        load_frame(session, Placement, twice)
    assert everything(engine) == before
    assert structure(engine) == built


@pytest.mark.usefixtures("worth_it")
def test_a_load_still_refuses_rows_that_refer_to_nothing(engine: Engine, board: Board) -> None:
    with reading(engine) as session:
        addresses = session.scalar(select(func.count()).select_from(Placement)) or 0
    nobody = pd.DataFrame({"address_id": range(10**6, 10**6 + addresses + 1), "valid_from": pd.Timestamp("2026-01-01")})
    with pytest.raises(Exception, match=r"(?i)foreign key"), transaction(engine) as session:
        load_frame(session, Placement, nobody)


@pytest.mark.parametrize("loading", [Placement, None])
def test_keys_that_are_checked_once_are_checked_and_by_row_again(
    engine: Engine, board: Board, loading: type[Placement] | None
) -> None:
    before = everything(engine)
    nobody = pd.DataFrame({"address_id": [10**6], "valid_from": pd.Timestamp("2026-01-01")})
    for asked in (Placement, loading):  # whoever takes the connection next finds the checks on
        with pytest.raises(Exception, match=r"(?i)foreign key|refers to none"):
            _append(engine, nobody, asked)
    assert everything(engine) == before


def _append(engine: Engine, rows: pd.DataFrame, loading: type[Placement] | None) -> None:
    with transaction(engine, loading=loading) as session:
        append_frame(session, Placement, rows)
