"""What the parts of the command centre ask for is computed once, and anew after an act that changes it."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.web.command.figures import keep_figures, shared
from tests.integration.board import Board

DAY = date(2026, 11, 1)


@pytest.fixture
def seen(engine: Engine, settings: Settings, board: Board) -> list[int]:
    """The number of each computation that was made for whoever asked."""
    made: list[Scope] = []
    found: list[int] = []
    keep_figures(engine)

    def counted(_session: Session, scope: Scope, _settings: Settings) -> pd.DataFrame:
        made.append(scope)
        return pd.DataFrame({"number": [len(made)]})

    def ask(session: Session, scope: Scope) -> None:
        frame = shared(counted, session, scope, settings)
        found.append(int(frame["number"].iloc[0]))
        frame["number"] = 0  # what one does with it is nobody else's matter

    def ask_twice(scope: Scope) -> None:
        for _again in range(2):
            with reading(engine) as session:
                ask(session, scope)

    ask_twice(Scope(DAY, None))
    ask_twice(Scope(DAY, frozenset({board.areas["N"]})))
    with transaction(engine) as session:
        record(session, SHELL, "register", "registration", 1)
        ask(session, Scope(DAY, None))
    ask_twice(Scope(DAY, None))
    return found


def test_figures_are_computed_once_for_a_version_and_a_scope_and_never_kept_of_what_is_not_committed(
    seen: list[int],
) -> None:
    assert seen == [1, 1, 2, 2, 3, 4, 4]
