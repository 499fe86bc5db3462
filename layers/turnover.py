"""Stock and flow of registered people per area and month, added up the tree."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from layers.tree import climb

__all__ = ["FLOW_COLUMNS", "stock_and_flow"]

FLOW_COLUMNS = ("stock_start", "arrivals", "departures", "moved_within", "stock_end", "turnover")


def stock_and_flow(
    opening: pd.Series,
    arrivals: pd.DataFrame,
    departures: pd.DataFrame,
    *,
    months: Sequence[dt.date],
    parents: pd.Series,
) -> pd.DataFrame:
    """
    How many people there are at both ends of each month, and how many came and left in between.

    Parameters
    ----------
    opening
        People registered when the first month begins, by ``area_id``; an absent area has none.
    arrivals, departures
        ``area_id``, ``month`` (first day), ``count``; departures also ``moved``, those of them that moved within the
        district. At most one row an area and month.
    months
        First days, in order and without gaps.
    parents
        Parent of each area on index ``area_id``, NA at the top: counts of an area are its own and its descendants'.

    Returns
    -------
    pandas.DataFrame
        Index (``area_id``, ``month``), `FLOW_COLUMNS`: people, Int64, and ``turnover``, arrivals and departures per
        person registered at the month's end (Float64, NA where nobody is). ``stock_end`` is ``stock_start`` plus
        arrivals less departures, and the next month's ``stock_start``.

    Raises
    ------
    ValueError
        When a row lies outside the months.
    """
    labels = list(months)
    flows = {
        "arrivals": _wide(arrivals, "count", labels, parents.index),
        "departures": _wide(departures, "count", labels, parents.index),
        "moved_within": _wide(departures, "moved", labels, parents.index),
    }
    own = pd.concat(
        [
            opening.reindex(parents.index).fillna(0).astype("int64").rename("opening"),
            *(frame.add_prefix(f"{name} ") for name, frame in flows.items()),
        ],
        axis=1,
    )
    total = climb(own, parents)
    tables = {
        name: total[[f"{name} {number}" for number in range(len(labels))]].to_numpy(dtype=np.int64) for name in flows
    }
    net = np.cumsum(tables["arrivals"] - tables["departures"], axis=1)
    end = total["opening"].to_numpy(dtype=np.int64)[:, None] + net
    start = end - tables["arrivals"] + tables["departures"]
    index = pd.MultiIndex.from_product([total.index, labels], names=["area_id", "month"])
    columns = {"stock_start": start, **tables, "stock_end": end}
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index).astype("Int64")
    base = frame["stock_end"].astype("Float64")
    frame["turnover"] = (frame["arrivals"] + frame["departures"]) / base.where(base > 0)
    return frame[list(FLOW_COLUMNS)]


def _wide(rows: pd.DataFrame, column: str, months: list[dt.date], area_ids: pd.Index) -> pd.DataFrame:
    """One int64 column a month, numbered, on every area; rows of areas that are not asked for fall away."""
    beyond = sorted(set(rows["month"]) - set(months))
    if beyond:
        raise ValueError(f"rows lie outside the months asked for: {beyond[:3]}")
    table = pd.DataFrame(0, index=area_ids, columns=range(len(months)), dtype="int64")
    known = rows[rows["area_id"].isin(area_ids)]
    if len(known):
        number = known["month"].map({month: number for number, month in enumerate(months)})
        counts = known.assign(number=number).pivot_table(
            index="area_id", columns="number", values=column, aggfunc="sum", fill_value=0
        )
        table = table.add(counts.reindex(index=area_ids, columns=table.columns, fill_value=0).astype("int64"))
    return table
