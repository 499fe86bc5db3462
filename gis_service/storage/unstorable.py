"""Values that no column can hold are the caller's fault, whichever database says so: refused as input."""

from __future__ import annotations

from typing import Final

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from gis_service.errors import InvalidInputError
from gis_service.texts import T

#: SQLSTATE of: text too long, number out of range, day out of range, character not in UTF-8; None is a NUL, which the
#: driver refuses by itself
_STATES: Final = frozenset({"22001", "22003", "22008", "22021", "22P05", None})


def refuse_unstorable(engine: Engine) -> None:
    """Turn what the database or its driver says about such a value into `InvalidInputError`."""
    event.listen(engine, "handle_error", _refuse)


def _refuse(context: ExceptionContext) -> None:
    if _is_unstorable(context.original_exception):
        message = T("A value is too long or too large, or has a character that cannot be stored.")
        raise InvalidInputError(message) from context.original_exception


def _is_unstorable(error: BaseException) -> bool:
    if isinstance(error, psycopg.DataError):
        return error.sqlstate in _STATES
    return isinstance(error, OverflowError | UnicodeEncodeError)  # SQLite: beyond 64 bits, half a surrogate pair
