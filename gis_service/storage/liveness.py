"""Whether a pooled connection still has its server, as a rule without a question.

A server that ends a connection (a restart, an administrator) says so: there is something to read where nothing was
asked. One that is gone without a word, behind a cut line, shows only when it is asked; so a connection that nobody used
for a while is.
"""

from __future__ import annotations

import select
import time
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

_ASKED_AFTER_S: Final = 10.0
"""A connection that was last used longer ago is asked; SQLAlchemy's own `pool_pre_ping` asks each time."""
_LAST_USED: Final = "last_used"


def renew_lost_connections(engine: Engine) -> None:
    """Have whoever is handed a connection that is no more be given another; for PostgreSQL."""

    @event.listens_for(engine, "checkin")
    def _leave(_connection: Any, record: Any) -> None:
        record.info[_LAST_USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _look(connection: Any, record: Any, _proxy: object) -> None:
        last_used = record.info.get(_LAST_USED)
        if last_used is None:  # made just now
            return
        idle_s = time.monotonic() - last_used
        if _said_something(connection) or (idle_s > _ASKED_AFTER_S and not _answers(engine, connection)):
            raise DisconnectionError("the server has ended this connection")


def _said_something(connection: Any) -> bool:
    """Say whether there is something to read though nothing was asked."""
    if connection.closed:
        return True
    looked = select.poll()
    looked.register(connection.fileno(), select.POLLIN)
    return bool(looked.poll(0))


def _answers(engine: Engine, connection: Any) -> bool:
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error:
        return False
    return True
