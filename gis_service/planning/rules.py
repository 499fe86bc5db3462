"""Rules of planning that need nothing but numbers."""

from __future__ import annotations

import heapq

import pandas as pd


def fund_recruits(missing: pd.Series, multiplier: pd.Series, recruits: int) -> pd.Series:
    """Hand out posts one by one, each to the area whose shortfall times difficulty is the worst at that moment.

    Parameters
    ----------
    missing
        Whole posts short per area, 0 or more; index unique ids.
    multiplier
        Difficulty per area, above 0.
    recruits
        Posts to hand out; those that nobody lacks are left over.

    Returns
    -------
    int64 `given`, at most `missing`, on the same index. Equal claims go to the one that comes first.
    """
    weight = multiplier.reindex(missing.index).astype("float64").tolist()
    lacking = missing.astype("int64").tolist()
    queue = [(-short * weight[place], place, short) for place, short in enumerate(lacking) if short]
    heapq.heapify(queue)
    given = [0] * len(lacking)
    for _ in range(recruits):
        if not queue:
            break
        _claim, place, short = heapq.heappop(queue)
        given[place] += 1
        if short > 1:
            heapq.heappush(queue, (-(short - 1) * weight[place], place, short - 1))
    return pd.Series(given, index=missing.index, dtype="int64", name="given")
