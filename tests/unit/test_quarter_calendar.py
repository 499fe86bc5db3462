"""Quarters of the year."""

from datetime import date

import pytest

from gis_service.errors import InvalidInputError
from gis_service.registers.quarters.calendar import Quarter


def test_a_quarter_knows_its_days_and_its_neighbours() -> None:
    fourth = Quarter.parse("2026-Q4")
    assert (fourth.first, fourth.last) == (date(2026, 10, 1), date(2026, 12, 31))
    assert (str(fourth.next), str(fourth.previous)) == ("2027-Q1", "2026-Q3")
    assert str(Quarter.parse("2026-Q1").previous) == "2025-Q4"
    assert [str(Quarter.of(date(2026, month, 1))) for month in (1, 3, 4, 12)] == [
        "2026-Q1",
        "2026-Q1",
        "2026-Q2",
        "2026-Q4",
    ]


@pytest.mark.parametrize("text", ["2026Q4", "2026-Q5", "2026-q4", "２０２６-Q4", "2026-Q4\n", ""])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        Quarter.parse(text)


@pytest.mark.parametrize("day", [date.min, date(1899, 12, 31), date(2200, 1, 1), date.max])
def test_days_beyond_every_record_have_no_quarter(day: date) -> None:
    with pytest.raises(InvalidInputError):
        Quarter.of(day)
