"""A connection that its server has ended is never handed out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from gis_service.storage import liveness
from gis_service.storage.engine import asking, reading


def test_whoever_reads_after_the_server_ended_all_connections_notices_nothing(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        return  # nobody ends a connection to a file
    with reading(engine) as one, asking(engine) as other:
        before = {session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)}
    _end_all_but_one(engine)
    with reading(engine) as one, asking(engine) as other:
        after = {session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)}
    assert len(before) == len(after) == 2
    assert len(before & after) <= 1


def test_a_connection_long_unused_is_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine.dialect.name != "postgresql":
        return
    asked: list[object] = []
    ping = engine.dialect.do_ping

    def noting(connection: Any) -> bool:
        asked.append(connection)
        return ping(connection)

    monkeypatch.setattr(engine.dialect, "do_ping", noting)
    for _twice in range(2):
        with reading(engine) as session:
            session.execute(text("SELECT 1"))
    assert asked == []
    monkeypatch.setattr(liveness, "_ASKED_AFTER_S", -1.0)
    with reading(engine) as session:
        session.execute(text("SELECT 1"))
    assert len(asked) == 1


def _end_all_but_one(engine: Engine) -> None:
    """End every other connection to the database than the one that says so."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    ended = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"
    with reading(engine) as session:
        session.execute(text(ended))
