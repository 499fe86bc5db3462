"""Difficulty of areas: a weighted sum of ranks or rates whose every part is shown."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

__all__ = ["FACTORS", "difficulty", "difficulty_multiplier", "load_factor", "staff_weakness"]

FACTORS = (
    "load",
    "churn",
    "group_rental_share",
    "high_risk_rental_share",
    "mismatch_rate",
    "public_order_cases",
    "staff_weakness",
)
"""What makes an area difficult, each higher = harder; by default all weigh the same."""

NEUTRAL = 0.5
"""Standing of every area in a factor that does not tell areas apart."""

_GRAIN = 2.0**-30  # contributions are whole multiples of this, so that they add up exactly in any order


def difficulty(
    factors: pd.DataFrame, *, weights: Mapping[str, float], method: Literal["rank", "minmax"]
) -> pd.DataFrame:
    """
    Score of each area from 0 (easiest) to 100 (hardest), and what each factor contributes to it.

    A factor's standing is 0 to 1 among the areas that have data: by ``rank`` (share of the way from the lowest rank to
    the highest, equal values share their mean rank) or ``minmax`` (share of the way from the lowest value to the
    highest). Where all are equal the standing is `NEUTRAL`. Infinite means worse than any number (see `load_factor`).

    A missing factor is not guessed: an area's weights are spread over the factors that it has, and ``known`` shows
    the share of the weight that these carry. An area of which nothing is known has no score.

    Parameters
    ----------
    factors
        Index ``area_id``; a numeric column per factor in ``weights`` (`FACTORS` are the usual ones), higher = harder,
        NA = no data.
    weights
        Weight per factor, 0 or more, at least one above 0 (setting; equal by default). Need not add up to 1.
    method
        ``rank`` is robust to outliers, ``minmax`` keeps distances.

    Returns
    -------
    pandas.DataFrame
        On the same index: ``score`` Float64 in 0-100, ``known`` (share in 0-1), ``contribution_<factor>`` in points,
        0 where the factor is missing. Contributions are rounded down to a billionth of a point, so that they add up to
        the score exactly, in any order.

    Raises
    ------
    ValueError
        When weights are negative, not finite or all 0, or the method is unknown.
    KeyError
        When a weighted factor has no column.
    """
    names = list(weights)
    weight = np.array([weights[name] for name in names], dtype=float)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise ValueError(f"weights must be 0 or more and not all 0: {dict(weights)}")
    if method not in ("rank", "minmax"):
        raise ValueError(f"unknown method {method!r}: rank or minmax")
    standing_by = _rank_standing if method == "rank" else _minmax_standing
    values = factors[names].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    standing = np.column_stack([standing_by(column) for column in values.T])

    carried = np.where(np.isnan(standing), 0.0, weight)
    known_weight = carried.sum(axis=1)
    points = 100 * np.nan_to_num(standing) * carried / np.where(known_weight > 0, known_weight, 1)[:, None]
    points = np.floor(points / _GRAIN) * _GRAIN
    scored = pd.DataFrame(index=factors.index)
    scored["score"] = pd.array(points.sum(axis=1), dtype="Float64")
    scored["score"] = scored["score"].where(known_weight > 0)
    scored["known"] = known_weight / weight.sum()
    for name, column in zip(names, points.T, strict=True):
        scored[f"contribution_{name}"] = column
    return scored


def difficulty_multiplier(score: pd.Series, *, low: float, high: float) -> pd.Series:
    """
    What demand is multiplied by: ``low`` at score 0, ``high`` at 100, straight in between.

    Parameters
    ----------
    score
        0-100, NA = not scored.
    low, high
        Multipliers, 0 < low ≤ high (settings).

    Returns
    -------
    pandas.Series
        ``difficulty_multiplier``, Float64, NA where the score is: the caller says what such an area counts for.

    Raises
    ------
    ValueError
        When the multipliers are out of order or a score is outside 0-100.
    """
    if not 0 < low <= high < np.inf:
        raise ValueError(f"multipliers must be 0 < low ≤ high: {low}, {high}")
    scores = score.astype("Float64")
    if (~scores.between(0, 100)).where(scores.notna(), other=False).any():
        raise ValueError("a score is outside 0-100")
    return (low + (high - low) * scores / 100).rename("difficulty_multiplier")


def load_factor(coverage: pd.DataFrame) -> pd.Series:
    """
    Migrants per officer as a factor: an uncovered area has no load and is worse than any, so it counts as infinite.

    Parameters
    ----------
    coverage
        From `layers.coverage.coverage`: ``load`` and ``status``.

    Returns
    -------
    pandas.Series
        ``load``, Float64, NA where there is no data or nobody to register and no officer.
    """
    return coverage["load"].astype("Float64").mask(coverage["status"] == "uncovered", np.inf).rename("load")


def staff_weakness(coverage: pd.Series, share_over_50: pd.Series) -> pd.Series:
    """
    Mean of the force below standard (1 - coverage, 0 when met) and the share of officers over 50.

    Parameters
    ----------
    coverage
        Share of the standard, 1 = met; NA = none.
    share_over_50
        Share of officers over 50, 0-1, on the same index; NA = none (no officers).

    Returns
    -------
    pandas.Series
        ``staff_weakness`` 0-1, Float64; where one part is NA it is the other alone, where both are it is NA.
    """
    below_standard = (1 - coverage.astype("Float64")).clip(lower=0)
    parts = pd.concat([below_standard, share_over_50.astype("Float64")], axis=1)
    return parts.mean(axis=1).astype("Float64").rename("staff_weakness")


def _rank_standing(values: np.ndarray) -> np.ndarray:
    """Return ranks of the known values scaled to 0-1, NaN where unknown."""
    ranks = pd.Series(values).rank(method="average")
    if ranks.nunique() < 2:
        return np.where(ranks.isna(), np.nan, NEUTRAL)
    return ((ranks - 1) / (ranks.count() - 1)).to_numpy()


def _minmax_standing(values: np.ndarray) -> np.ndarray:
    """Return values scaled to 0-1 between the lowest and highest finite one; infinite is 1, NaN stays."""
    finite = values[np.isfinite(values)]
    if finite.size == 0 or np.unique(values[~np.isnan(values)]).size < 2:
        return np.where(np.isnan(values), np.nan, NEUTRAL)
    width = float(finite.max() - finite.min()) or 1.0
    scaled: np.ndarray = np.clip((values - finite.min()) / width, 0.0, 1.0)
    return scaled
