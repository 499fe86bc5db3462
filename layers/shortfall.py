"""Posts handed out so that the worst shortfall, times difficulty, is the least possible, with proof."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.posts import PostsProblem, hand_out

__all__ = ["ShortfallPlan", "hand_out_by_shortfall"]

_Ints = npt.NDArray[np.int64]
_FINEST = 1_000_000  # weights count to a millionth


@dataclass(frozen=True)
class ShortfallPlan:
    """
    Posts per area, and why no plan has a lower worst shortfall.

    Attributes
    ----------
    posts
        Int64, on rising area ids.
    worst
        Largest number of posts short times weight.
    worst_area, short
        Smallest id of an area with that, and how many posts it is short; None and 0 when nobody is short.
    posts_below
        What every weighted shortfall strictly below ``worst`` would need in the pool of that area; None when nobody is
        short or the area has all posts that it may have.
    """

    posts: pd.Series
    worst: float
    worst_area: int | None
    short: int
    posts_below: int | None


def hand_out_by_shortfall(problem: PostsProblem, required: pd.Series, weights: pd.Series) -> ShortfallPlan:
    """
    Plan whose largest weighted shortfall is as small as can be; what is left over goes by load.

    Bisection in whole numbers finds the shortfall at which the posts are just enough. Of equal claims on the last posts
    the larger demand is served.

    Parameters
    ----------
    problem
        See `PostsProblem.of`.
    required
        Whole posts that each area of the problem should have.
    weights
        What one post short counts there, 0 or more, to a millionth.

    Returns
    -------
    ShortfallPlan

    Raises
    ------
    ValueError
        When a number is missing or negative.
    """
    wanted, weight = required.reindex(problem.area_ids), weights.reindex(problem.area_ids)
    if wanted.isna().any() or weight.isna().any() or (wanted < 0).any() or (weight < 0).any():
        raise ValueError("required posts and weights must be 0 or more for every area")
    asked = wanted.to_numpy(dtype=np.int64)
    heavy = np.rint(weight.to_numpy(dtype=np.float64) * _FINEST).astype(np.int64)
    posts = np.zeros(len(asked), dtype=np.int64)
    for rows, total in problem.pools:
        posts[rows] = _served(problem, rows, total, asked[rows], heavy[rows])
    # the rest of the posts: by load, nobody gets less than that
    posts = hand_out(replace(problem, floor=posts)).posts.to_numpy(dtype=np.int64)
    claims = heavy * np.maximum(asked - posts, 0)
    named = pd.Series(posts, index=problem.area_ids, name="posts", dtype="Int64")
    place = int(np.argmax(claims))
    if claims[place] == 0:
        return ShortfallPlan(named, 0.0, None, 0, None)
    pool = next(rows for rows, _ in problem.pools if place in rows)
    below = None
    if posts[place] < problem.ceiling[place]:
        below = int(_needed(problem, pool, asked[pool], heavy[pool], int(claims[place]) - 1).sum())
    worst, area = float(claims[place]) / _FINEST, int(problem.area_ids[place])
    return ShortfallPlan(named, worst, area, int(asked[place] - posts[place]), below)


def _served(problem: PostsProblem, rows: _Ints, total: int, asked: _Ints, heavy: _Ints) -> _Ints:
    """Posts of one pool with which the worst claim is least; posts that lower no claim are left over."""
    low, high = -1, int((heavy * np.maximum(asked - problem.floor[rows], 0)).max(initial=0))
    while high - low > 1:
        middle = (low + high) // 2
        if int(_needed(problem, rows, asked, heavy, middle).sum()) <= total:
            high = middle
        else:
            low = middle
    posts = _needed(problem, rows, asked, heavy, high)
    spare = total - int(posts.sum())
    if high > 0 and spare > 0:
        tied = np.flatnonzero(_needed(problem, rows, asked, heavy, high - 1) > posts)
        posts[tied[np.argsort(-problem.demand[rows][tied], kind="stable")][:spare]] += 1
    return posts


def _needed(problem: PostsProblem, rows: _Ints, asked: _Ints, heavy: _Ints, claim: int) -> _Ints:
    """Fewest posts with which no area that may have more is above a claim."""
    short = np.where(heavy > 0, claim // np.maximum(heavy, 1), asked)
    needed: _Ints = np.clip(asked - short, problem.floor[rows], problem.ceiling[rows])
    return needed
