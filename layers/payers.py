"""Who pays for the posts that are lacking: the district's recruits, and what is left to each township or park."""

import heapq
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["who_pays"]


def who_pays(
    required: pd.Series, today: pd.Series, recruits: int, *, difficulty: pd.Series | None = None
) -> pd.DataFrame:
    """
    Recruits one by one to the worst difficulty-weighted shortfall; the rest of each shortfall is the payer's own.

    Counted in exact fractions; of equal claims the smaller id comes first.

    Parameters
    ----------
    required, today
        Whole posts per payer (township or park), 0 or more, on the same unique ids.
    recruits
        Posts that the district pays for, 0 or more; those beyond all shortfalls are not handed out.
    difficulty
        Weight of a lacking post, above 0; 1 for everybody without it.

    Returns
    -------
    pandas.DataFrame
        Int64, rising ids: ``required``, ``today``, ``shortfall``, ``surplus``, ``district`` (recruits), ``own``
        (shortfall less recruits).

    Raises
    ------
    ValueError
        When ids differ or repeat, or a number is missing, negative or not whole, or a weight is not above 0.
    """
    ids = required.index.sort_values()
    if not ids.is_unique or not ids.equals(today.index.sort_values()) or recruits < 0:
        raise ValueError("required and today name the same payers once each, recruits are 0 or more")
    needed, there = (_whole(values.reindex(ids)) for values in (required, today))
    weights = pd.Series(1.0, index=ids) if difficulty is None else difficulty.reindex(ids).astype(float)
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("a difficulty is missing or not above 0")
    exact = [Fraction(weight) for weight in weights.tolist()]
    lacking = np.maximum(needed - there, 0)
    left = lacking.tolist()
    heap = [(-exact[place] * count, place) for place, count in enumerate(left) if count]
    heapq.heapify(heap)
    for _ in range(min(recruits, sum(left))):
        _, place = heapq.heappop(heap)
        left[place] -= 1
        if left[place]:
            heapq.heappush(heap, (-exact[place] * left[place], place))
    own = np.array(left, np.int64)
    columns = {"required": needed, "today": there, "shortfall": lacking, "surplus": np.maximum(there - needed, 0)}
    return pd.DataFrame(columns | {"district": lacking - own, "own": own}, index=ids).astype("Int64")


def _whole(values: pd.Series) -> npt.NDArray[np.int64]:
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(numbers).all() or (numbers < 0).any() or (numbers != np.floor(numbers)).any():
        raise ValueError("posts are whole numbers of 0 or more")
    return numbers.astype(np.int64)
