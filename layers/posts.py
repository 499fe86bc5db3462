"""Posts handed out so that the worst load is the least possible, with proof, and with the fewest moves from today."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["PostPlan", "PostsError", "PostsProblem", "fewest_moves", "hand_out", "moves_curve"]

_Ints = npt.NDArray[np.int64]
_BITS = 62
_TIE = 1e-12  # relative: floats choose who may be the worst, whole numbers decide


class PostsError(ValueError):
    """
    The posts do not fit between the floors and the ceilings.

    Attributes
    ----------
    posts, least, most : posts to hand out, and the fewest and the most that the bounds allow.
    """

    def __init__(self, posts: int, least: int, most: int) -> None:
        self.posts, self.least, self.most = posts, least, most
        super().__init__(f"{posts} posts to hand out, but the bounds need {least} at least and take {most} at most")


@dataclass(frozen=True)
class PostsProblem:
    """
    Areas that ask for posts, in rising order of id, and what binds the answer. Made by `PostsProblem.of`.

    Attributes
    ----------
    area_ids, demand, floor, ceiling
        Shape (n,): ids, and int64 whole numbers per area.
    pools
        Row numbers of areas that share a fixed number of posts, and that number; every area is in one pool.
    """

    area_ids: pd.Index
    demand: _Ints
    floor: _Ints
    ceiling: _Ints
    pools: tuple[tuple[_Ints, int], ...]

    @classmethod
    def of(
        cls,
        demand: pd.Series,
        total: int,
        *,
        floors: pd.Series | None = None,
        ceilings: pd.Series | None = None,
        townships: pd.Series | None = None,
        township_totals: pd.Series | None = None,
        checked: bool = True,
    ) -> Self:
        """
        Problem from whole numbers per area.

        Parameters
        ----------
        demand
            0 or more, index unique area ids: migrants, or migrants times difficulty, rounded to whole numbers.
        total
            Posts to hand out, all of them.
        floors, ceilings
            Fewest and most posts of areas, by area id; others have 0 and ``total``. Equal ones are a lock.
        townships, township_totals
            Township id per area, and posts of the townships whose number is fixed; all other areas share the rest.
        checked
            False leaves a problem that no plan fits to `layers.conflicts`, which says what to relax.

        Returns
        -------
        PostsProblem

        Raises
        ------
        PostsError
            When no plan fits the bounds and ``checked``.
        ValueError
            When a number is missing, negative, not whole or too large, or an area is unknown or appears twice.
        """
        if not demand.index.is_unique:
            raise ValueError("an area appears twice")
        area_ids = demand.index.sort_values()
        wanted = _whole(demand, area_ids, 0, "demand")
        if int(wanted.max(initial=0)) * max(total, 1) >= 2**_BITS:
            raise ValueError("demand times posts must stay below 2^62")
        floor, ceiling = _whole(floors, area_ids, 0, "floors"), _whole(ceilings, area_ids, total, "ceilings")
        pools = _pools(area_ids, total, townships, township_totals)
        problem = cls(area_ids, wanted, floor, ceiling, pools)
        if checked:
            problem.check()
        return problem

    def check(self) -> None:
        """Raise `PostsError` for the first pool whose posts do not fit its bounds."""
        for rows, posts in self.pools:
            least, most = int(self.floor[rows].sum()), int(self.ceiling[rows].sum())
            if not least <= posts <= most or (self.floor[rows] > self.ceiling[rows]).any():
                raise PostsError(posts, least, most)

    def needing(self, load: Fraction) -> Self:
        """Return the problem with floors raised to what each area needs for at most this load (above 0)."""
        if load <= 0:
            raise ValueError(f"a load is above 0: {load}")
        safe = int(self.demand.max(initial=0)) * load.denominator < 2**_BITS and load.numerator < 2**_BITS
        demand = self.demand if safe else self.demand.astype(object)
        needed = -(-demand * load.denominator // load.numerator)
        raised = replace(self, floor=np.maximum(self.floor, needed.astype(np.int64)))
        raised.check()
        return raised


@dataclass(frozen=True)
class PostPlan:
    """
    Posts per area, and why no plan has a lower worst load.

    Attributes
    ----------
    posts
        Int64, on rising area ids.
    worst_load
        Largest demand per post, exact; None when an area with demand has no post.
    worst_area
        Smallest id of an area with that load; None when nobody asks for a post.
    binding
        Why the worst area's load cannot be less: ``ceiling``, it has all posts that it may have; ``posts``, there are
        too few; ``none``, nobody asks for a post.
    posts_below
        With ``posts``: what loads strictly below ``worst_load`` would need in the pool of the worst area.
    """

    posts: pd.Series
    worst_load: Fraction | None
    worst_area: int | None
    binding: Literal["posts", "ceiling", "none"]
    posts_below: int | None


def hand_out(problem: PostsProblem) -> PostPlan:
    """
    Plan whose largest demand per post is as small as can be, then the next largest, and so on.

    Adams' divisor rule under bounds. Bisection in whole numbers finds the load at which the posts are just enough; an
    exact descent ends it. Every post is handed out. Equal claims on the last ones go to the smaller demand, where a
    post lowers the load more, then to the smaller id. Areas without demand get more than their floor only when nobody
    else may take it. Where there are too few posts for one each, the areas with the smallest demand go without.

    Parameters
    ----------
    problem
        See `PostsProblem.of`.

    Returns
    -------
    PostPlan

    References
    ----------
    Balinski, M. & Young, H. P. (2001). Fair Representation: Meeting the Ideal of One Man, One Vote, 2nd ed.
    """
    posts = np.zeros(len(problem.demand), dtype=np.int64)
    for rows, total in problem.pools:
        posts[rows] = _adams(problem.demand[rows], problem.floor[rows], problem.ceiling[rows], total)
    asking = np.flatnonzero(problem.demand > 0)
    named = pd.Series(posts, index=problem.area_ids, name="posts", dtype="Int64")
    if asking.size == 0:
        return PostPlan(named, None, None, "none", None)
    place = int(asking[_worst(problem.demand[asking], posts[asking])])
    load = Fraction(int(problem.demand[place]), int(posts[place])) if posts[place] else None
    if posts[place] == problem.ceiling[place]:
        return PostPlan(named, load, int(problem.area_ids[place]), "ceiling", None)
    pool = next(rows for rows, _ in problem.pools if place in rows)
    demand, floor = problem.demand[pool], problem.floor[pool]
    better = demand * posts[place] // problem.demand[place] + 1 if load else np.ones_like(demand)
    below = int(np.maximum(floor, np.where(demand > 0, better, 0)).sum())
    return PostPlan(named, load, int(problem.area_ids[place]), "posts", below)


def fewest_moves(problem: PostsProblem, today: pd.Series, *, load: Fraction) -> PostPlan:
    """
    Among the plans with no load above ``load``, one that fills the fewest posts anew; of these, the best balanced.

    Parameters
    ----------
    problem
        See `PostsProblem.of`.
    today
        Posts per area now, on the areas of the problem.
    load
        Largest demand per post that is accepted, above 0, such as ``hand_out(problem).worst_load * (1 + delta)``.

    Returns
    -------
    PostPlan
        ``binding`` and ``posts_below`` speak of the plans that make just as few moves.

    Raises
    ------
    PostsError
        When no plan reaches the load.
    ValueError
        When today's numbers are not whole, or areas are missing.
    """
    needing = problem.needing(load)
    now = _today(problem, today)
    kept = np.clip(now, needing.floor, needing.ceiling)
    floor, ceiling = needing.floor.copy(), kept.copy()
    for rows, posts in problem.pools:
        if int(kept[rows].sum()) < posts:
            floor[rows], ceiling[rows] = kept[rows], needing.ceiling[rows]
    return hand_out(replace(needing, floor=floor, ceiling=ceiling))


def moves_curve(problem: PostsProblem, today: pd.Series, *, points: int) -> pd.DataFrame:
    """
    Fewest posts filled anew for each worst load: from the least possible load to one where fewer moves are impossible.

    Parameters
    ----------
    problem
        See `PostsProblem.of`.
    today
        Posts per area now, on the areas of the problem.
    points
        Number of points, 2 or more, closer together near the least load.

    Returns
    -------
    pandas.DataFrame
        A row per point, loads rising: ``load`` (Fraction), ``delta`` (share above the least worst load), ``moves``
        (int64, exact).

    Raises
    ------
    ValueError
        When an area with demand must stay without a post or nobody asks for one, for then there is no load; when there
        are fewer than 2 points; for today's numbers as in `fewest_moves`.
    """
    if points < 2:
        raise ValueError(f"a curve has 2 points or more: {points}")
    least = hand_out(problem).worst_load
    if least is None:
        raise ValueError("there is no finite load: an area stays without a post, or nobody asks for one")
    loosest = fewest_moves(problem, today, load=Fraction(int(problem.demand.max()))).worst_load
    width = max(loosest or least, least) - least
    loads = [least + width * Fraction(step, points - 1) ** 2 for step in range(points)]
    now = _today(problem, today)
    return pd.DataFrame(
        {
            "load": pd.Series(loads, dtype=object),
            "delta": [float(load / least) - 1 for load in loads],
            "moves": np.array([_moves(problem.needing(load), now) for load in loads], dtype=np.int64),
        }
    )


def _moves(needing: PostsProblem, now: _Ints) -> int:
    """Return the fewest posts filled anew: those that floors ask for, or those that nobody keeps, whichever is more."""
    moves = 0
    for rows, posts in needing.pools:
        asked = int(np.maximum(needing.floor[rows] - now[rows], 0).sum())
        free = posts - int(np.minimum(now[rows], needing.ceiling[rows]).sum())
        moves += max(asked, free)
    return moves


def _adams(demand: _Ints, floor: _Ints, ceiling: _Ints, total: int) -> _Ints:
    """Return the lexicographically least loads of one pool whose bounds fit its total."""
    bare = np.flatnonzero((floor == 0) & (demand > 0) & (ceiling > 0))
    spare = total - int(floor.sum())
    posts = floor.copy()
    if spare <= bare.size:  # a load is infinite until each has one
        posts[bare[np.argsort(-demand[bare], kind="stable")][:spare]] = 1
        return posts
    posts[bare] = 1
    most = int(demand.max(initial=0))
    if most:
        fine = demand << (_BITS - most.bit_length())
        low, high = 0, int(fine.max())
        while high - low > 1:
            middle = (low + high) // 2
            if int(np.clip(-(-fine // middle), posts, ceiling).sum()) <= total:
                high = middle
            else:
                low = middle
        posts = np.clip(-(-fine // high), posts, ceiling)
    while (spare := total - int(posts.sum())) > 0:
        open_areas = np.flatnonzero((posts < ceiling) & (demand > 0))
        if open_areas.size == 0:
            room = np.cumsum(ceiling - posts)
            return posts + np.diff(np.minimum(room, spare), prepend=0)
        worst = open_areas[_worst(demand[open_areas], posts[open_areas])]
        tied = open_areas[demand[open_areas] * posts[worst] == demand[worst] * posts[open_areas]]
        posts[tied[np.argsort(demand[tied], kind="stable")][:spare]] += 1
    return posts


def _worst(demand: _Ints, posts: _Ints) -> int:
    """Return the first place of the largest demand per post, exactly; no post is worst, the larger demand first."""
    bare = np.flatnonzero(posts == 0)
    if bare.size:
        return int(bare[np.argmax(demand[bare])])
    ratio = demand / posts
    near = np.flatnonzero(ratio >= ratio.max() * (1 - _TIE))
    best = near[0]
    for place in near[np.unique(np.column_stack([demand[near], posts[near]]), axis=0, return_index=True)[1]]:
        ahead = demand[place] * posts[best] - demand[best] * posts[place]
        if ahead > 0 or (ahead == 0 and place < best):
            best = place
    return int(best)


def _pools(
    area_ids: pd.Index, total: int, townships: pd.Series | None, totals: pd.Series | None
) -> tuple[tuple[_Ints, int], ...]:
    """Return rows and posts of each township whose number is fixed, and of all the others together."""
    rows = np.arange(len(area_ids))
    if townships is None or totals is None:
        return ((rows, total),)
    of_area = townships.reindex(area_ids)
    unknown = totals.index.difference(pd.Index(of_area.dropna()))
    if len(unknown):
        raise ValueError(f"townships {unknown.tolist()[:5]} have posts and no area")
    township = of_area.astype(object).to_numpy()
    fixed = [(rows[township == township_id], int(posts)) for township_id, posts in totals.items()]
    others = rows[~of_area.isin(totals.index).to_numpy()]
    return (*fixed, (others, total - sum(posts for _, posts in fixed)))


def _today(problem: PostsProblem, today: pd.Series) -> _Ints:
    """Return today's posts in the problem's order."""
    if not problem.area_ids.isin(today.index).all():
        raise ValueError("today's posts are missing for some areas")
    return _whole(today, problem.area_ids, 0, "today")


def _whole(values: pd.Series | None, area_ids: pd.Index, default: int, name: str) -> _Ints:
    """Return whole numbers of 0 or more per area, the default where there is none."""
    if values is None:
        return np.full(len(area_ids), default, dtype=np.int64)
    strangers = values.index.difference(area_ids)
    if len(strangers) or values.isna().any():
        raise ValueError(f"{name}: a number is missing, or areas {strangers.tolist()[:5]} are unknown")
    numbers = values.reindex(area_ids, fill_value=default)
    whole = numbers.to_numpy(dtype=np.int64)
    if (whole != numbers.to_numpy(dtype=float)).any() or (whole < 0).any():
        raise ValueError(f"{name} must be whole numbers of 0 or more")
    return whole
