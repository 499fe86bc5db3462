"""Mismatches between the registers: how many per 1,000 registered, by area and class, with care for small numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from layers.rates import empirical_bayes, known_rate, score_interval

__all__ = ["ALL_CLASSES", "STATUSES", "count_by_class", "mismatch_rates", "worst", "worst_reasons"]

ALL_CLASSES = "all"
"""Name of the row that adds up every class of an area."""

STATUSES = ("rated", "zero", "no_base", "no_data")
"""``zero``: reconciled and nothing found; ``no_base``: nobody registered, so no rate; ``no_data``: not reconciled."""


def count_by_class(mismatches: pd.DataFrame, reconciled: pd.Series, *, classes: Sequence[str]) -> pd.DataFrame:
    """
    Number of mismatches of each class in each area, NA where the area has not been reconciled.

    Parameters
    ----------
    mismatches
        One row each: ``area_id`` (NA = not placed, counted nowhere) and ``mismatch_class``; filter by state beforehand.
    reconciled
        bool per area, index ``area_id``: whether its registers were compared. Only then is a missing row a zero.
    classes
        Every mismatch class that there is, in the order of the columns.

    Returns
    -------
    pandas.DataFrame
        On the index of ``reconciled``, one Int64 column per class.

    Raises
    ------
    ValueError
        When a mismatch is of an unknown class, or in an area that is unknown or not reconciled.
    """
    unknown = set(mismatches["mismatch_class"]) - set(classes)
    if unknown:
        raise ValueError(f"unknown mismatch classes: {sorted(map(str, unknown))}")
    placed = mismatches.dropna(subset=["area_id"])
    area_ids = placed["area_id"].astype("int64")
    strangers = sorted(set(area_ids) - set(reconciled.index[reconciled.to_numpy(dtype=bool)]))
    if strangers:
        raise ValueError(f"mismatches lie in areas that are unknown or not reconciled: {strangers[:5]}")
    found = pd.crosstab(area_ids, placed["mismatch_class"])
    counts = found.reindex(index=reconciled.index, columns=list(classes), fill_value=0).astype("Int64")
    counts.columns.name = None
    counts.loc[~reconciled.to_numpy(dtype=bool)] = pd.NA
    return counts


def mismatch_rates(counts: pd.DataFrame, registered: pd.Series, *, per: float, confidence: float) -> pd.DataFrame:
    """
    Rates of each class in each area, and of all classes together.

    Parameters
    ----------
    counts
        Index ``area_id``, one Int64 column per class, NA = not reconciled (`count_by_class`).
    registered
        Registered migrants per area, on the same index; NA = no data.
    per
        Registered migrants that a rate is given for (setting; 1,000).
    confidence
        Of the interval, in (0, 1) (setting; 0.95).

    Returns
    -------
    pandas.DataFrame
        Index (``area_id``, ``mismatch_class``), area by area in the order given, `ALL_CLASSES` last. ``mismatches`` and
        ``registered`` (numerator and denominator), ``rate``, ``rate_adjusted`` (empirical Bayes, shrunk within its
        class over all areas), ``rate_low`` and ``rate_high`` (score interval), per ``per`` registered; ``status``, one
        of `STATUSES`. ``all`` is NA where any class is.

    Raises
    ------
    ValueError
        When a number is negative, an index differs, or a class is named ``all``.

    See Also
    --------
    layers.rates : the methods and their sources.
    """
    if ALL_CLASSES in counts:
        raise ValueError(f"{ALL_CLASSES!r} is no class of mismatch")
    with_all = counts.assign(**{ALL_CLASSES: counts.sum(axis=1, skipna=False).astype("Int64")})
    tables = {name: _rates_of_class(with_all[name], registered, per, confidence) for name in with_all}
    rates = pd.concat(tables, names=["mismatch_class", "area_id"]).swaplevel()
    order = pd.MultiIndex.from_product([counts.index, with_all.columns], names=rates.index.names)
    return rates.loc[order]


def worst(rates: pd.DataFrame, n: int, *, mismatch_class: str = ALL_CLASSES) -> pd.DataFrame:
    """
    The ``n`` areas with the highest adjusted rate of a class; areas without a rate are not ranked.

    Parameters
    ----------
    rates
        From `mismatch_rates`.
    n
        How many areas, 0 or more.
    mismatch_class
        The class that ranks, by default all together.

    Returns
    -------
    pandas.DataFrame
        Rows of ``rates`` on ``area_id``, worst first; equal rates by area id.

    Raises
    ------
    KeyError
        When there is no such class.
    """
    of_class = rates[rates.index.get_level_values("mismatch_class") == mismatch_class].droplevel("mismatch_class")
    if of_class.empty:
        raise KeyError(mismatch_class)
    ranked = of_class[of_class["rate_adjusted"].notna()].sort_index()
    return ranked.sort_values("rate_adjusted", ascending=False, kind="stable").head(n)


def worst_reasons(rates: pd.DataFrame, area_ids: pd.Index) -> pd.DataFrame:
    """
    Why areas are among the worst: the class that stands out most beyond what all areas would lead one to expect.

    Parameters
    ----------
    rates
        From `mismatch_rates`.
    area_ids
        The areas asked about.

    Returns
    -------
    pandas.DataFrame
        Index ``area_ids``: ``reason_class``, the class with the largest excess; ``reason_found``, its mismatches;
        ``reason_expected``, those to be expected from the area's registered migrants at the rate of all areas together
        (Float64); ``reason_times``, found over expected (NA where nothing is expected). NA where nothing was found.
    """
    classes = rates[rates.index.get_level_values("mismatch_class") != ALL_CLASSES]
    known = classes[classes["mismatches"].notna() & classes["registered"].gt(0).fillna(value=False)]
    sums = known.groupby(level="mismatch_class")[["mismatches", "registered"]].sum().astype("Float64")
    overall = sums["mismatches"] / sums["registered"]
    of_class = known.index.get_level_values("mismatch_class")
    expected = known["registered"].astype("Float64") * overall.reindex(of_class).to_numpy()
    table = pd.DataFrame(
        {
            "reason_found": known["mismatches"],
            "reason_expected": expected,
            "excess": known["mismatches"].astype("Float64") - expected,
        }
    )
    found = table[table["reason_found"].gt(0)].reset_index("mismatch_class")
    ranked = found.sort_values(["excess", "mismatch_class"], ascending=[False, True], kind="stable")
    first = ranked[~ranked.index.duplicated()].rename(columns={"mismatch_class": "reason_class"})
    first["reason_times"] = first["reason_found"] / first["reason_expected"].where(first["reason_expected"] > 0)
    return first[["reason_class", "reason_found", "reason_expected", "reason_times"]].reindex(area_ids)


def _rates_of_class(found: pd.Series, registered: pd.Series, per: float, confidence: float) -> pd.DataFrame:
    """Return the columns of `mismatch_rates` for one class."""
    interval = score_interval(found, registered, confidence=confidence)
    no_data = (found.isna() | registered.isna()).to_numpy()
    no_base = registered.eq(0).fillna(value=False).to_numpy(dtype=bool)
    zero = found.eq(0).fillna(value=False).to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "mismatches": found,
            "registered": registered,
            "rate": known_rate(found, registered) * per,
            "rate_adjusted": empirical_bayes(found, registered) * per,
            "rate_low": interval.low * per,
            "rate_high": interval.high * per,
            "status": np.select([no_data, no_base, zero], ["no_data", "no_base", "zero"], "rated"),
        }
    )
