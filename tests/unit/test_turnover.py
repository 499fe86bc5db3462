"""Stock and flow, counted on fingers."""

from datetime import date

import pandas as pd
import pytest

from layers.turnover import stock_and_flow

MONTHS = [date(2026, 1, 1), date(2026, 2, 1)]
PARENTS = pd.Series([pd.NA, 1, 1], index=pd.Index([1, 2, 3], name="area_id"), dtype="Int64")


def rows(*counted: tuple[int, date, int, int]) -> pd.DataFrame:
    return pd.DataFrame(counted, columns=["area_id", "month", "count", "moved"])


def test_stock_goes_on_from_month_to_month_and_adds_up_the_tree() -> None:
    frame = stock_and_flow(
        pd.Series({2: 10}),
        rows((2, MONTHS[0], 3, 0), (3, MONTHS[1], 4, 0)),
        rows((2, MONTHS[0], 5, 2)),
        months=MONTHS,
        parents=PARENTS,
    )
    of = {label: list(row) for label, row in zip(frame.index, frame.to_numpy(), strict=True)}
    assert of[2, MONTHS[0]] == [10, 3, 5, 2, 8, 1.0]
    assert of[1, MONTHS[1]][:5] == [8, 4, 0, 0, 12]
    assert of[3, MONTHS[0]][-1] is pd.NA


def test_a_row_outside_the_months_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        stock_and_flow(
            pd.Series(dtype="int64"), rows((2, date(2025, 1, 1), 1, 0)), rows(), months=MONTHS, parents=PARENTS
        )
