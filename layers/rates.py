"""Rates of small areas: shrunk towards the overall rate where the base is small, and with their margin of error."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["ScoreInterval", "empirical_bayes", "known_rate", "score_interval"]


class ScoreInterval(NamedTuple):
    """Lower and upper limit of each rate, Float64, on the index of the counts."""

    low: pd.Series
    high: pd.Series


def known_rate(events: pd.Series, base: pd.Series) -> pd.Series:
    """
    Events per unit of base, NA where either is NA or the base is 0 (no rate, which is not a rate of 0).

    Parameters
    ----------
    events
        Counts, 0 or more; NA = no data.
    base
        What the events are counted against, 0 or more, on the same index; NA = no data.

    Returns
    -------
    pandas.Series
        ``rate``, Float64.

    Raises
    ------
    ValueError
        When a count is negative or the indexes differ.
    """
    if not events.index.equals(base.index):
        raise ValueError("events and base must be on the same index")
    for values in (events, base):
        if values.lt(0).fillna(value=False).any():
            raise ValueError(f"{values.name} is negative")
    below = base.astype("Float64")
    return (events.astype("Float64") / below.where(below > 0)).rename("rate")


def empirical_bayes(events: pd.Series, base: pd.Series) -> pd.Series:
    """
    Rates shrunk towards the overall rate, the more the smaller the base (Marshall 1991, global empirical Bayes).

    The overall rate and the variance between areas come from the areas that have data. Where the areas differ by no
    more than chance would make them (estimated variance 0 or less), every area gets the overall rate; `esda.smoothing`
    leaves the negative variance in, which throws rates beyond their own raw value. Otherwise the two agree.

    Parameters
    ----------
    events, base
        As in `known_rate`.

    Returns
    -------
    pandas.Series
        ``rate_adjusted``, Float64, between the raw and the overall rate; NA where `known_rate` is.

    Raises
    ------
    ValueError
        As in `known_rate`.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Journal of the Royal Statistical Society C 40(2), 283-294.
    """
    raw = known_rate(events, base)
    known = raw.notna().to_numpy()
    adjusted = pd.Series(np.nan, index=raw.index, name="rate_adjusted", dtype="float64")
    if known.any():
        rate = raw[known].to_numpy(dtype=float)
        weight = base[known].to_numpy(dtype=float)
        overall = float((rate * weight).sum() / weight.sum())
        spread = float((weight * (rate - overall) ** 2).sum() / weight.sum()) - overall / float(weight.mean())
        trust = spread / (spread + overall / weight) if spread > 0 else np.zeros_like(rate)
        adjusted[known] = trust * rate + (1 - trust) * overall
    return adjusted.astype("Float64").where(raw.notna())


def score_interval(events: pd.Series, base: pd.Series, *, confidence: float) -> ScoreInterval:
    """
    Limits of each rate: the rates that the count does not contradict (Wilson's score construction, for counts).

    Wilson's interval holds the rates r with (events - r·base)² ≤ z²·variance. Mismatches can outnumber the people
    registered, so the variance is that of a count (r·base), not of a share (r·(1 - r)·base); for rates of a few percent
    the two agree.

    Parameters
    ----------
    events, base
        As in `known_rate`.
    confidence
        Share of such intervals that hold the true rate, in (0, 1) (setting; 0.95).

    Returns
    -------
    ScoreInterval
        NA where `known_rate` is.

    Raises
    ------
    ValueError
        As in `known_rate`, or when the confidence is not between 0 and 1.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22, 209-212.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1: {confidence}")
    known = known_rate(events, base).notna()
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    count = events.astype("Float64").where(known)
    below = base.astype("Float64").where(known)
    middle = count + z**2 / 2
    half = z * (count + z**2 / 4) ** 0.5
    low = ((middle - half) / below).clip(lower=0).rename("rate_low")
    return ScoreInterval(low, ((middle + half) / below).rename("rate_high"))
