"""Days that the registers can be asked about, so that no calendar ends in the middle of a sum."""

from __future__ import annotations

from datetime import date
from typing import Final

from gis_service.errors import InvalidInputError
from gis_service.intake.fields import EARLIEST_YEAR, LATEST_YEAR
from gis_service.texts import T

_FIRST: Final = date(EARLIEST_YEAR, 1, 1)
_LAST: Final = date(LATEST_YEAR, 12, 31)


def check_day(day: date) -> date:
    """Return the day; raises `InvalidInputError` when it lies before or after every day on record."""
    if not _FIRST <= day <= _LAST:
        raise InvalidInputError(T("Ask for a day between {first} and {last}.", first=_FIRST, last=_LAST))
    return day
