"""Hotspots: Getis-Ord Gi* on rates adjusted for small numbers, seeded, with false discoveries held down."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from esda.getisord import G_Local
from libpysal.graph import Graph
from scipy import sparse, stats

from layers.rates import empirical_bayes, known_rate

__all__ = ["CLASSES", "LEVELS", "hotspots", "permutation_p", "smallest_detectable"]

LEVELS = ((0.01, "99"), (0.05, "95"), (0.10, "90"))
"""Largest q-value of each class and its name: the share of false ones that its map may hold."""

CLASSES = ("hot_99", "hot_95", "hot_90", "not_significant", "cold_90", "cold_95", "cold_99", "no_data")

_GRAIN_BITS = 40  # rates become whole numbers of this many bits: sums are exact, so equal sums compare as equal


def hotspots(events: pd.Series, base: pd.Series, neighbours: Graph, *, permutations: int, seed: int) -> pd.DataFrame:
    """
    Class of each area: part of a cluster of high rates (hot), of low rates (cold), or neither.

    The rate is shrunk by `layers.rates.empirical_bayes`; Gi* sums it over the area and its neighbours (binary weights);
    the two-sided p-value is by conditional permutation (see `permutation_p`); q-values are Benjamini and Hochberg's:
    of all areas called hot or cold at q ≤ 0.05, at most about 5 % are expected to be there by chance. An area is hot or
    cold only when its Gi* and its permutations point the same way.

    Areas without data (NA, or base 0) take no part: they are not neighbours and not permuted.

    Parameters
    ----------
    events, base
        Counts per area (group rentals and dwellings), index ids in ``neighbours``; NA = no data.
    neighbours
        Who is next to whom (`layers.neighbours`), weights other than 0 count as 1.
    permutations
        Number of random maps (setting). The smallest p-value is 2 / (permutations + 1), and q only as small as that
        times areas over areas in clusters: at 99 %, 999 cannot find 20 areas of 2,000; 99,999 can
        (`smallest_detectable`).
    seed
        Of the permutations (setting): the same seed and data give the same classes, in any row order.

    Returns
    -------
    pandas.DataFrame
        On the index of ``events``: ``rate``, ``rate_adjusted``, ``neighbours`` (with data, Int64), ``gi_z`` (standard
        score of Gi*), ``p_sim``, ``q_value``, all NA without data; ``hotspot``, one of `CLASSES`.

    Raises
    ------
    ValueError
        When ids repeat or are not in ``neighbours``, a count is negative, or permutations are fewer than 1.

    References
    ----------
    Ord, J. K. & Getis, A. (1995). Local spatial autocorrelation statistics. Geographical Analysis 27(4).
    Caldas de Castro, M. & Singer, B. H. (2006). Controlling the false discovery rate: a new application to account for
    multiple and dependent tests in local statistics of spatial association. Geographical Analysis 38(2).
    """
    if not events.index.is_unique:
        raise ValueError("an area appears twice")
    strangers = events.index.difference(neighbours.unique_ids)
    if len(strangers):
        raise ValueError(f"areas {strangers.tolist()[:5]} are not in the neighbourhood")
    result = pd.DataFrame({"rate": known_rate(events, base), "rate_adjusted": empirical_bayes(events, base)})
    adjusted = result["rate_adjusted"].dropna().sort_index()
    measured = _measure(adjusted, neighbours, permutations, seed).reindex(result.index)
    hotspot = measured.pop("hotspot").astype(object).where(result["rate"].notna(), "no_data")
    return result.join(measured.astype("Float64").astype({"neighbours": "Int64"})).assign(hotspot=hotspot.astype(str))


def smallest_detectable(n_areas: int, *, permutations: int, q: float) -> int:
    """
    Fewest areas that must be as extreme as can be before any of them reaches a q-value.

    Parameters
    ----------
    n_areas
        Areas with data.
    permutations
        Number of random maps.
    q
        The level, such as 0.01 for the class 99.

    Returns
    -------
    int
        1 when the permutations are enough for a single area.
    """
    return max(1, math.ceil(round(2 / (permutations + 1) * n_areas / q, 9)))


def permutation_p(
    values: npt.NDArray[np.int64], adjacency: sparse.csr_array, *, permutations: int, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """
    Two-sided conditional permutation p-values of each area's sum over its neighbours.

    The area keeps its value and those of all others are shuffled over its neighbours, so the p-value of Gi* is that of
    Gi: the own value is in the observed and in every random sum. p = 2 × min(P(sum ≥ observed), P(sum ≤ observed)),
    each (count + 1) / (permutations + 1), at most 1. An area without neighbours has p = 1.

    The distribution is that of `esda.crand` (alternatives "greater" and "lesser"), without its n × permutations work:
    one shuffled list serves all areas, and where an area itself stands among the first k, it is skipped and the next
    one taken. `G_Local.p_sim` is not used because it is the smaller tail alone (half the two-sided p), and because it
    leaves ties out of the lower tail: an area amid zeros would be "cold" by having what most areas have.

    Parameters
    ----------
    values
        Shape (n,), whole numbers, so that equal sums are equal.
    adjacency
        Shape (n, n), stored entries are neighbours, no diagonal.
    permutations, seed
        See `hotspots`.

    Returns
    -------
    p : numpy.ndarray
        Shape (n,).
    high : numpy.ndarray
        Shape (n,), True where the upper tail is the smaller one.
    """
    if permutations < 1:
        raise ValueError(f"at least one permutation is needed: {permutations}")
    n = len(values)
    cardinality = np.diff(adjacency.indptr)
    observed = np.array(adjacency.astype(bool).astype(np.int64) @ values)
    longest = int(cardinality.max(initial=0))
    if longest == 0:
        return np.ones(n), np.zeros(n, dtype=bool)
    drawn = _draw(n, min(longest + 1, n), permutations, np.random.default_rng(seed))
    sums = np.zeros((permutations, drawn.shape[1] + 1), dtype=np.int64)
    np.cumsum(values[drawn], axis=1, out=sums[:, 1:])

    at_least, at_most = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for k in np.unique(cardinality[cardinality > 0]):
        areas = np.flatnonzero(cardinality == k)
        ordered = np.sort(sums[:, k])
        at_least[areas] = permutations - np.searchsorted(ordered, observed[areas], side="left")
        at_most[areas] = np.searchsorted(ordered, observed[areas], side="right")
    # The lists in which an area stands among its own first k: the sum without it, and with the next one.
    for place in range(longest):
        area = drawn[:, place]
        row = np.flatnonzero(cardinality[area] > place)
        area = area[row]
        k = cardinality[area]
        wrong, right = sums[row, k], sums[row, k + 1] - values[area]
        np.add.at(at_least, area, (right >= observed[area]).astype(np.int64) - (wrong >= observed[area]))
        np.add.at(at_most, area, (right <= observed[area]).astype(np.int64) - (wrong <= observed[area]))
    tail = (np.minimum(at_least, at_most) + 1) / (permutations + 1)
    p = np.where(cardinality > 0, np.minimum(1.0, 2 * tail), 1.0)
    return p, at_least < at_most


def _measure(adjusted: pd.Series, neighbours: Graph, permutations: int, seed: int) -> pd.DataFrame:
    """Return Gi*, p, q and class of the areas that have data, in rising order of id."""
    place = neighbours.unique_ids.get_indexer(adjusted.index)
    adjacency = sparse.csr_array(neighbours.sparse)[place][:, place]
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    rates = adjusted.to_numpy(dtype=float)
    measured = pd.DataFrame({"neighbours": np.diff(adjacency.indptr)}, index=adjusted.index)
    peak = rates.max(initial=0.0)
    whole = np.rint(rates / (peak or 1.0) * 2.0**_GRAIN_BITS).astype(np.int64)
    p, high = permutation_p(whole, adjacency, permutations=permutations, seed=seed)
    measured["gi_z"] = _gi_star_z(whole, adjacency)
    measured["p_sim"] = p
    measured["q_value"] = stats.false_discovery_control(p, method="bh") if len(p) else p
    agree = np.where(high, measured["gi_z"] > 0, measured["gi_z"] < 0)
    side = np.where(high, "hot_", "cold_")
    within = [agree & (measured["q_value"] <= q).to_numpy() for q, _ in LEVELS]
    named = [np.char.add(side, name).astype(object) for _, name in LEVELS]
    measured["hotspot"] = np.select(within, named, "not_significant")
    return measured


def _gi_star_z(values: npt.NDArray[np.int64], adjacency: sparse.csr_array) -> npt.NDArray[np.float64]:
    """Return esda's standard score of Gi*; 0 everywhere when all values are equal or there is one area."""
    if len(values) < 2 or values.min() == values.max():
        return np.zeros(len(values))
    graph = Graph.from_sparse(adjacency.astype(bool).astype(float))
    z: npt.NDArray[np.float64] = G_Local(
        (values - values.min()).astype(float), graph, transform="B", star=True, permutations=0
    ).Zs
    # A neighbourhood that is the whole map says nothing: its variance is 0.
    return np.where(np.diff(adjacency.indptr) + 1 < len(values), z, 0.0)


def _draw(n: int, length: int, rows: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return rows of ``length`` different numbers below n in random order (Floyd's sampling, then a shuffle)."""
    drawn = np.empty((rows, length), dtype=np.int64)
    for column, top in enumerate(range(n - length, n)):
        pick = rng.integers(0, top + 1, size=rows)
        taken = (drawn[:, :column] == pick[:, None]).any(axis=1)
        drawn[:, column] = np.where(taken, top, pick)
    return rng.permuted(drawn, axis=1)
