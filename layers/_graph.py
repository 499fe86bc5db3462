"""Units and who borders whom: the adjacency graph on which beats are drawn, as flat arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

IntArray = npt.NDArray[np.int32]
LoadArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UnitGraph:
    """
    Units (compounds, or building lists of a very large compound) and the borders over which a beat may extend.

    Attributes
    ----------
    loads
        Workload of each unit, shape (n,), int64, 0 or more; whatever the planner counts, in whole numbers.
    offsets, neighbours
        The neighbours of unit u are ``neighbours[offsets[u]:offsets[u + 1]]``, ascending (CSR, both directions).
    borders
        Parallel to ``neighbours``: length of the shared border in metres, or 1 for every border without lengths.
    groups
        Village or township of each unit, shape (n,); beats never cross from one into another.
    territory
        Shape (n,): the connected part of the graph that a unit lies in, numbered by first unit; it holds whole beats.
    """

    loads: LoadArray
    offsets: IntArray
    neighbours: IntArray
    borders: FloatArray
    groups: LoadArray
    territory: IntArray

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.loads)

    @property
    def territories(self) -> int:
        """Number of connected parts."""
        return int(self.territory.max()) + 1

    def pairs(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Every border once: lower unit, higher unit, length."""
        lower = np.repeat(np.arange(self.units, dtype=np.int32), np.diff(self.offsets))
        once = lower < self.neighbours
        return lower[once], self.neighbours[once], self.borders[once]


def unit_graph(
    loads: npt.ArrayLike,
    edges: npt.ArrayLike,
    *,
    border_m: npt.ArrayLike | None = None,
    bridges: npt.ArrayLike | None = None,
    barriers: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
) -> UnitGraph:
    """
    Adjacency graph of units from pairs of neighbours.

    Parameters
    ----------
    loads
        Shape (n,), whole numbers, 0 or more, not all 0.
    edges
        Shape (m, 2): pairs of unit positions that share a border; either order, repeats add their lengths.
    border_m
        Shape (m,): metres of shared border, 0 or more. Without it every border counts 1.
    bridges
        Shape (b, 2): pairs joined although they share no border (an island and its ferry, an enclave); they count as
        1 when borders count 1, else as 0 m.
    barriers
        Shape (c, 2): pairs that share a border which no beat may cross (a river, an expressway).
    groups
        Shape (n,): village or township of each unit. Without it beats may extend anywhere.

    Raises
    ------
    ValueError
        When a load is negative or not whole, a pair names no unit or one unit twice, or is bridge and barrier at once.
    """
    whole = _whole_loads(loads)
    count = len(whole)
    kinds = np.zeros(count, np.int64) if groups is None else np.asarray(groups, np.int64)
    if kinds.shape != (count,):
        raise ValueError(f"groups must have one entry for each of the {count} units")
    real = _pairs(edges, count)
    extra, removed = _pairs(bridges, count), _pairs(barriers, count)
    blocked = np.unique(_key(removed, count))
    if np.isin(_key(extra, count), blocked).any():
        raise ValueError("a pair of units is both bridge and barrier")
    lengths = np.ones(len(real)) if border_m is None else np.asarray(border_m, np.float64)
    if lengths.shape != (len(real),) or not (np.isfinite(lengths) & (lengths >= 0)).all():
        raise ValueError("border_m must be a finite length of 0 or more for every edge")
    both = np.concatenate([real, extra])
    length = np.concatenate([lengths, np.full(len(extra), 1.0 if border_m is None else 0.0)])
    kept = ~np.isin(_key(both, count), blocked) & (kinds[both[:, 0]] == kinds[both[:, 1]])
    keys, place = np.unique(_key(both[kept], count), return_inverse=True)
    total: FloatArray = np.ones(len(keys))
    if border_m is not None:
        total = np.bincount(place, weights=length[kept], minlength=len(keys)).astype(np.float64)
    return _assemble(whole, keys, total, kinds)


def _assemble(loads: LoadArray, keys: LoadArray, lengths: FloatArray, groups: LoadArray) -> UnitGraph:
    """Rows and columns in order, both directions, and the connected parts."""
    count = len(loads)
    one, other = np.divmod(keys, count)
    start, end = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.lexsort((end, start))
    offsets = np.zeros(count + 1, np.int32)
    offsets[1:] = np.cumsum(np.bincount(start, minlength=count))
    neighbours = end[order].astype(np.int32)
    matrix = csr_array((np.ones(len(neighbours), np.int8), neighbours, offsets), shape=(count, count))
    _, part = connected_components(matrix, directed=False)
    _, first, inverse = np.unique(part, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    borders = np.concatenate([lengths, lengths])[order]
    return UnitGraph(loads, offsets, neighbours, borders, groups, rank[inverse])


def _whole_loads(loads: npt.ArrayLike) -> LoadArray:
    given = np.asarray(loads)
    if given.ndim != 1 or not len(given):
        raise ValueError("loads must be one number for each unit, for one unit or more")
    whole = given.astype(np.int64)
    if not np.array_equal(whole, given) or (whole < 0).any() or not whole.any():
        raise ValueError("loads must be whole numbers of 0 or more, not all 0")
    return whole


def _pairs(pairs: npt.ArrayLike | None, count: int) -> LoadArray:
    array = np.asarray([] if pairs is None else pairs, dtype=np.int64).reshape(-1, 2)
    if ((array < 0) | (array >= count)).any():
        raise ValueError(f"a pair names a unit outside 0..{count - 1}")
    if (array[:, 0] == array[:, 1]).any():
        raise ValueError("a unit cannot border itself")
    return array


def _key(pairs: LoadArray, count: int) -> LoadArray:
    """One whole number for an unordered pair."""
    key: LoadArray = pairs.min(axis=1) * count + pairs.max(axis=1)
    return key
