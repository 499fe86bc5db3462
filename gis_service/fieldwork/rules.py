"""Which visits are due and which come first: pure rules on frames."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from gis_service.fieldwork.tables import VisitKind

#: why an address is on the list, the most pressing first
URGENCY: Final = ("dangerous_rental", "new_arrival", "mismatch", "rental")

KIND_OF: Final = {
    "dangerous_rental": VisitKind.RENTAL_INSPECTION,
    "new_arrival": VisitKind.REGISTRATION,
    "mismatch": VisitKind.DWELLING_CHECK,
    "rental": VisitKind.RENTAL_INSPECTION,
}


def working_days_after(days: pd.Series, count: int) -> pd.Series:
    """The day that lies `count` working days (Monday to Friday) after each day."""
    dates = pd.to_datetime(days).to_numpy().astype("datetime64[D]")
    return pd.Series(np.busday_offset(dates, count, roll="forward"), index=days.index)


def order_of_urgency(tasks: pd.DataFrame, today: date) -> pd.DataFrame:
    """Put tasks into the order in which they press.

    Parameters
    ----------
    tasks
        `address_id`, `why` (one of `URGENCY`), `due_on` (dates).

    Returns
    -------
    The tasks with `overdue_days` (negative while there is time): overdue ones first, among these and among the others
    by `URGENCY`, then the longest overdue, then by address.
    """
    due = pd.to_datetime(tasks["due_on"]).to_numpy().astype("datetime64[D]")
    ranked = tasks.assign(overdue_days=(np.datetime64(today) - due).astype("int64"))
    keys = pd.DataFrame(
        {
            "in_time": ranked["overdue_days"] <= 0,
            "urgency": ranked["why"].map({why: rank for rank, why in enumerate(URGENCY)}),
            "days": -ranked["overdue_days"],
            "address_id": ranked["address_id"],
        }
    )
    return ranked.loc[keys.sort_values(list(keys.columns), kind="stable").index]
