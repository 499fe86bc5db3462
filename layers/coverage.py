"""Coverage: migrants per officer, posts required by the standard, what is short, at every level of the tree."""

import datetime as dt
import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from layers.tree import climb

__all__ = ["FIGURES", "STATUSES", "classify", "coverage", "required_posts", "roll_up"]

STATUSES = ("covered", "short", "uncovered", "empty", "no_data")
"""What `coverage` says of an area; ``empty`` (nobody to register), ``uncovered`` and ``no_data`` are three things."""

FIGURES = {
    "load": ("migrants", "officers_fte"),
    "required": ("base", "standard"),
    "coverage": ("officers_fte", "posts_at_standard"),
}
"""The column above and the column below the fraction line of each figure of `coverage`."""


def required_posts(base: pd.Series, *, standard: float) -> pd.Series:
    """
    Whole posts that the standard asks for: ``ceil(base / standard)``.

    Parameters
    ----------
    base
        Migrants that the posts are counted on (today's, or the three-year average); NA = no data.
    standard
        Migrants per officer, above 0 (setting; 800 in the district's published answer).

    Returns
    -------
    pandas.Series
        ``required``, Int64, NA where the base is.

    Raises
    ------
    ValueError
        When the standard is not above 0 or a base is negative.
    """
    _require_standard(standard)
    _require_not_negative(base, "base")
    # An average such as 800.0000000001 is 800 people; the ninth decimal of a post is noise of the division.
    posts = np.ceil(np.round(base.astype("Float64").to_numpy(dtype=float, na_value=np.nan) / standard, 9))
    return pd.Series(posts, index=base.index, name="required", dtype="Float64").astype("Int64")


def coverage(population: pd.DataFrame, *, standard: float, as_of: dt.date, source: str) -> pd.DataFrame:
    """
    Load, required posts, shortfall and coverage of each area on one date.

    Parameters
    ----------
    population
        Index ``area_id``; ``migrants`` Int64 and ``officers_fte`` Float64 (full-time officers on duty that date),
        NA = no data; optionally ``base`` (what posts are counted on), by default the migrants of today.
    standard
        Migrants per officer (setting; 800).
    as_of
        The date that the numbers hold for.
    source
        Where the numbers come from, as shown beside them.

    Returns
    -------
    pandas.DataFrame
        On the same index: ``migrants``, ``officers_fte``, ``base``, ``standard``;
        ``load`` (人/专管员; NA where there is no officer), ``required`` (posts), ``short`` and ``surplus`` (full-time
        officers against ``required``), ``posts_at_standard`` (base / standard, not rounded), ``coverage`` (share, 1 =
        the standard; NA where the base is 0); ``status``, one of `STATUSES`; ``numerator`` and ``denominator`` of the
        load (`FIGURES` names those of every figure), ``source`` and ``as_of``.
        Status is ``short`` when coverage is under 1. With part-time officers the column ``short`` can be above 0 where
        the status is ``covered``, because required posts are whole.

    Raises
    ------
    ValueError
        When the standard is not above 0, or a number is negative.
    KeyError
        When a column is missing.
    """
    _require_standard(standard)
    figures = pd.DataFrame(
        {
            "migrants": population["migrants"].astype("Int64"),
            "officers_fte": population["officers_fte"].astype("Float64"),
            "base": population["base" if "base" in population else "migrants"].astype("Float64"),
        },
        index=population.index,
    )
    for column in figures:
        _require_not_negative(figures[column], str(column))
    figures["standard"] = float(standard)
    migrants, officers, base = figures["migrants"], figures["officers_fte"], figures["base"]

    figures["load"] = migrants.astype("Float64") / officers.where(officers > 0)
    figures["required"] = required_posts(base, standard=standard)
    lacking = figures["required"].astype("Float64") - officers
    figures["short"] = lacking.clip(lower=0)
    figures["surplus"] = (officers - figures["required"].astype("Float64")).clip(lower=0)
    figures["posts_at_standard"] = base / standard
    figures["coverage"] = officers / figures["posts_at_standard"].where(base > 0)
    figures["status"] = _status(figures)
    figures["numerator"] = migrants
    figures["denominator"] = officers
    figures["source"] = source
    figures["as_of"] = as_of
    return figures


def roll_up(leaf: pd.DataFrame, parents: pd.Series) -> pd.DataFrame:
    """
    Sum a population frame up the tree, saying of every sum how many parts are missing.

    An area with children may have numbers of its own (officers who serve the village and no compound): they are added.
    Missing parts are counted, not guessed: the sum is over what is known, ``<column>_missing`` says how many of the
    leaf areas below (the area itself when it is a leaf) have no data, and the sum is NA only when nothing is known.

    Parameters
    ----------
    leaf
        Index area id, numeric columns such as ``migrants``, ``officers_fte``, ``base``; NA = no data. A leaf area
        without a row has no data.
    parents
        ``parent_id`` per area (NA = a root), index ``area_id``, every area of the tree.

    Returns
    -------
    pandas.DataFrame
        On the index of ``parents``: the columns of ``leaf`` with their dtypes, and Int64 ``<column>_missing``
        for each and ``leaves``.

    Raises
    ------
    ValueError
        When a row of ``leaf`` is not in the tree, or the tree has a cycle or an unknown parent.
    """
    strangers = leaf.index.difference(parents.index)
    if len(strangers):
        raise ValueError(f"areas {strangers.tolist()[:5]} have numbers and are not in the tree")
    own = leaf.reindex(parents.index)
    is_leaf = ~parents.index.isin(parents.dropna().unique())
    known = own.notna().to_numpy()
    numbers = own.to_numpy(dtype=np.float64, na_value=0.0)
    columns = [numbers, known, ~known & is_leaf[:, None], is_leaf[:, None]]
    climbed = climb(pd.DataFrame(np.hstack(columns).astype(np.float64), index=parents.index), parents).to_numpy()
    sums, heard, missing, leaves = np.split(climbed, np.cumsum([leaf.shape[1]] * 3), axis=1)
    totals = {
        column: pd.Series(pd.arrays.FloatingArray(sums[:, place], heard[:, place] == 0))
        .astype(leaf[column].dtype)
        .array
        for place, column in enumerate(leaf)
    }
    counts = dict(zip([f"{column}_missing" for column in leaf], missing.T, strict=True)) | {"leaves": leaves[:, 0]}
    whole = {name: pd.array(count.astype(np.int64), dtype="Int64") for name, count in counts.items()}
    return pd.DataFrame(totals | whole, index=parents.index)


def classify(load: pd.Series, edges: Sequence[float]) -> pd.Series:
    """
    Class of each load for the legend: class 0 up to and including the first edge, class ``len(edges)`` above the last.

    An edge belongs to the class below it, so an area at exactly the standard meets the standard.

    Parameters
    ----------
    load
        Migrants per officer, NA = none.
    edges
        Strictly increasing loads (setting; the standard is one of them).

    Returns
    -------
    pandas.Series
        ``load_class``, Int64, NA where the load is.

    Raises
    ------
    ValueError
        When the edges are not strictly increasing or there is none.
    """
    if not edges or any(later <= earlier for earlier, later in itertools.pairwise(edges)):
        raise ValueError(f"class edges must increase: {list(edges)}")
    loads = load.astype("Float64")
    found = np.searchsorted(np.asarray(edges, dtype=float), loads.to_numpy(dtype=float, na_value=np.nan), side="left")
    return pd.Series(found, index=load.index, name="load_class", dtype="Int64").where(loads.notna())


def _status(figures: pd.DataFrame) -> pd.Series:
    """Return one of `STATUSES` per area."""
    unknown = figures[["migrants", "officers_fte", "base"]].isna().any(axis=1)
    has_migrants = figures["migrants"].gt(0).fillna(False)
    uncovered = has_migrants & figures["officers_fte"].eq(0).fillna(False)
    empty = ~has_migrants & figures["base"].eq(0).fillna(False)
    short = figures["coverage"].lt(1).fillna(False)
    cases = [unknown, uncovered, empty, short]
    chosen = np.select(
        [case.to_numpy(dtype=bool) for case in cases], ["no_data", "uncovered", "empty", "short"], "covered"
    )
    return pd.Series(chosen, index=figures.index, dtype=str)


def _require_standard(standard: float) -> None:
    if not (np.isfinite(standard) and standard > 0):
        raise ValueError(f"the standard must be above 0 migrants per officer: {standard}")


def _require_not_negative(values: pd.Series, name: str) -> None:
    if (values < 0).fillna(False).any():
        raise ValueError(f"{name} is negative for {values.index[(values < 0).fillna(False)].tolist()[:5]}")
