"""Whole posts from fractional claims: largest remainder, so that parts add up to their total at every level."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.tree import climb, depth_of

__all__ = ["apportion_tree", "largest_remainder"]


def largest_remainder(total: int, weights: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """
    Split a whole number in proportion to weights (Hamilton's method, 最大余数法).

    Computed in exact integers, so that no rounding of floats decides who gets the last post.
    Equal remainders go to the earlier position: order the weights by a stable key (the area's id or code).

    Parameters
    ----------
    total
        What to hand out, 0 or more.
    weights
        Shape (n,), finite, 0 or more; integers or floats (a float counts as exactly the binary number that it is).

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64, sums to ``total``; each part is its exact quota rounded down or up.

    Raises
    ------
    ValueError
        When the total or a weight is negative or not finite, or there is no positive weight for a positive total.
    """
    exact = _exact_weights(weights)
    if total < 0:
        raise ValueError(f"total is negative: {total}")
    whole = sum(exact)
    if whole == 0:
        if total:
            raise ValueError(f"nobody has a positive weight to take the total of {total}")
        return np.zeros(len(exact), dtype=np.int64)
    parts, remainders = zip(*(divmod(int(total) * weight, whole) for weight in exact), strict=True)
    given = np.array(parts, dtype=np.int64)
    by_remainder = sorted(range(len(exact)), key=lambda place: (-remainders[place], place))
    given[by_remainder[: int(total) - int(given.sum())]] += 1
    return given


def apportion_tree(total: int, weights: pd.Series, parents: pd.Series) -> pd.Series:
    """
    Split a total down a tree of areas, by largest remainder at every node among its children.

    A node's claim is the sum of the leaf weights below it. Children of one parent add up to it exactly, so every
    level adds up to ``total``. Splitting posts that already add up (``weights`` = posts per leaf) by a share gives
    every node between 0 and its own posts: that is how 30 % of 447 becomes 134 social-work posts placed in areas.

    Parameters
    ----------
    total
        What to hand out, 0 or more.
    weights
        Index area id, the leaves of ``parents``; 0 or more, not NA (leave an area without data out: it gets 0).
    parents
        ``parent_id`` per area (NA = a root), index ``area_id``, every area of the tree.

    Returns
    -------
    pandas.Series
        ``posts``, Int64, on the index of ``parents``, independent of its row order.

    Raises
    ------
    ValueError
        When a weight belongs to no leaf, is NA or negative, or the tree has a cycle or an unknown parent.
    """
    depth = depth_of(parents).sort_index()
    above = parents.sort_index()
    inner = pd.Index(above.dropna().unique())
    misplaced = weights.index.difference(above.index.difference(inner))
    if len(misplaced):
        raise ValueError(f"weights belong to leaf areas only, not to {misplaced.tolist()[:5]}")
    own = pd.Series(_exact_weights(weights), index=weights.index, dtype=object)
    claims = climb(own.reindex(above.index, fill_value=0).to_frame("claim"), above)["claim"]
    posts = pd.Series(0, index=above.index, dtype="int64", name="posts")
    posts[depth == 0] = largest_remainder(total, claims[depth == 0].tolist())
    families = above.dropna().groupby(above.dropna()).groups
    for parent in sorted(inner, key=lambda area: depth[area]):
        posts[families[parent]] = largest_remainder(int(posts[parent]), claims[families[parent]].tolist())
    return posts.reindex(parents.index).astype("Int64")


def _exact_weights(weights: npt.ArrayLike) -> Sequence[int]:
    """Return whole numbers in the same proportion as the weights, without rounding."""
    values = np.asarray(weights).tolist()
    try:
        fractions = [Fraction(value) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("weights must be finite numbers") from error
    if any(fraction < 0 for fraction in fractions):
        raise ValueError("a weight is negative")
    scale = np.lcm.reduce([1, *{fraction.denominator for fraction in fractions}], dtype=object)
    return [int(fraction * scale) for fraction in fractions]
