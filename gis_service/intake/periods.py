"""Half-open periods of the same thing: which of them overlap, and how much adds up at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gis_service.intake.subject import Batch
from gis_service.texts import T

_NEVER = np.iinfo(np.int64).max


def refuse_backward(batch: Batch, start: str = "valid_from", end: str = "valid_to") -> None:
    """Refuse rows whose period ends on or before the day it begins."""
    batch.faults.refuse(
        pd.to_datetime(batch.column(end)).le(pd.to_datetime(batch.column(start))),
        T("{end} is not after {start}.", start=start, end=end),
        field=end,
        values=batch.column(end),
        remedy=T("The end is the first day that no longer counts; leave an open end empty."),
    )


def overlapping(frame: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Rows whose period overlaps that of another row with the same `by`.

    Parameters
    ----------
    frame
        Columns `by`, `valid_from` and `valid_to` (datetime64; NaT is an open end, exclusive otherwise).

    Returns
    -------
    bool, on the index of `frame`.
    """
    group = frame.groupby(list(by), dropna=False, sort=False).ngroup()
    spans = pd.DataFrame({"group": group, "start": _days(frame["valid_from"]), "end": _days(frame["valid_to"])})
    spans = spans.sort_values(["group", "start", "end"], kind="stable")
    grouped = spans.groupby("group", sort=False)
    latest_end = grouped["end"].cummax()
    before = latest_end.groupby(spans["group"]).shift(fill_value=0)
    after = grouped["start"].shift(-1, fill_value=_NEVER)
    clash = (spans["start"] < before) | (after < spans["end"])
    return clash.reindex(frame.index)


def exceeding(frame: pd.DataFrame, by: Sequence[str], amount: str, most: float) -> pd.Series:
    """Rows that begin on a day when the `amount` of all rows with the same `by` adds up to more than `most`."""
    group = frame.groupby(list(by), dropna=False, sort=False).ngroup()
    start, end, value = _days(frame["valid_from"]), _days(frame["valid_to"]), frame[amount].astype("float64")
    begin = pd.DataFrame({"group": group, "day": start, "change": value, "row": frame.index})
    finish = pd.DataFrame({"group": group, "day": end, "change": -value, "row": frame.index})
    events = pd.concat([begin, finish], ignore_index=True).sort_values(["group", "day", "change"], kind="stable")
    running = events.groupby("group", sort=False)["change"].cumsum()
    over = events["row"][(running > most + 1e-9) & (events["change"] > 0)]
    return pd.Series(frame.index.isin(over), index=frame.index)


def _days(column: pd.Series) -> pd.Series:
    """Days since 1970; an absent one is never."""
    days = pd.to_datetime(column).astype("datetime64[s]")
    seconds = days.astype("int64").where(days.notna(), _NEVER)
    return seconds.where(days.isna(), seconds // 86_400)
