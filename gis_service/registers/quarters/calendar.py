"""Quarters of the year as they are written: 2026-Q4. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from gis_service.errors import InvalidInputError
from gis_service.registers.days import check_day
from gis_service.texts import T

WRITTEN: Final = r"^(?:19|2[01])[0-9]{2}-Q[1-4]$"


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a year."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """Read 2026-Q4; raises `InvalidInputError` otherwise."""
        if not re.fullmatch(WRITTEN, text):
            raise InvalidInputError(T("Write a quarter like 2026-Q4."))
        return cls(int(text[:4]), int(text[-1]))

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter that a day lies in; raises `InvalidInputError` for days before or after every record."""
        return cls(check_day(day).year, (day.month + 2) // 3)

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        """The one after it."""
        return Quarter(self.year + 1, 1) if self.number == 4 else Quarter(self.year, self.number + 1)

    @property
    def previous(self) -> Quarter:
        """The one before it."""
        return Quarter(self.year - 1, 4) if self.number == 1 else Quarter(self.year, self.number - 1)
