"""The tree of areas as a column of parents: its depth, and sums that climb it."""

import numpy as np
import pandas as pd

__all__ = ["climb", "depth_of"]


def depth_of(parents: pd.Series) -> pd.Series:
    """
    Number of steps from each area up to its root.

    Parameters
    ----------
    parents
        ``parent_id`` per area (NA = a root), index unique area ids.

    Returns
    -------
    pandas.Series
        ``depth``, int64, 0 for a root, on the same index.

    Raises
    ------
    ValueError
        When an id repeats, a parent is not in the index, or parents go round in a cycle.
    """
    if not parents.index.is_unique:
        raise ValueError("an area appears twice in the tree")
    up = _positions_of_parents(parents)
    depth = np.zeros(len(up), dtype=np.int64)
    at = up.copy()
    for _ in range(len(up) + 1):
        climbing = at >= 0
        if not climbing.any():
            return pd.Series(depth, index=parents.index, name="depth")
        depth[climbing] += 1
        at[climbing] = up[at[climbing]]
    raise ValueError(f"parents go round in a cycle at area {parents.index[np.flatnonzero(at >= 0)[0]]}")


def climb(own: pd.DataFrame, parents: pd.Series) -> pd.DataFrame:
    """
    Sum every column over each area and all areas below it.

    Parameters
    ----------
    own
        Numbers of the areas themselves without NA, on the index of ``parents``.
    parents
        ``parent_id`` per area (NA = a root).

    Returns
    -------
    pandas.DataFrame
        Same index and columns as ``own``.

    Raises
    ------
    ValueError
        See `depth_of`.
    """
    depth = depth_of(parents).to_numpy()
    up = _positions_of_parents(parents)
    totals = own.loc[parents.index].to_numpy(copy=True)
    for level in range(int(depth.max(initial=0)), 0, -1):
        rows = np.flatnonzero(depth == level)
        np.add.at(totals, up[rows], totals[rows])
    return pd.DataFrame(totals, index=parents.index, columns=own.columns)


def _positions_of_parents(parents: pd.Series) -> np.ndarray:
    """Return the row of each area's parent, -1 for a root."""
    known = parents.notna().to_numpy()
    up = np.full(len(parents), -1, dtype=np.int64)
    up[known] = parents.index.get_indexer(pd.Index(parents[known].astype("int64")))
    if (up[known] < 0).any():
        raise ValueError(f"parent {parents[known][up[known] < 0].iloc[0]} is not an area of the tree")
    return up
