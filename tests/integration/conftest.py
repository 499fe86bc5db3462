"""The small district of `board.py` on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from gis_service.access.personal import Vault
from gis_service.settings import Settings
from tests.integration.board import Board, lay_board


@pytest.fixture
def board(engine: Engine, settings: Settings, vault: Vault) -> Board:
    """The small district, assigned, with an account of every role."""
    return lay_board(engine, settings, vault)
