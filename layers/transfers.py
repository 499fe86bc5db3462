"""Transfers: which officer moves to which post, on the shortest ways in all, with proof over all pairs."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from layers._transfer_arcs import COSTS_PER_M, Arcs, Side, Terms, cheapest_arcs, joined, no_arcs
from layers._transfer_empty import Empty, why_empty
from layers._transfer_flow import Flow, cheapest_flow
from layers._transfer_frames import ANY, Grouped, checked, empty_posts, grouped, placed_officers
from layers._transfer_start import start_prices
from layers.frames import FrameError

__all__ = ["TransferPlan", "transfers", "verify_transfers"]

_NEAR = 10
_ADDED = 8


@dataclass(frozen=True)
class TransferPlan:
    """
    Who goes where, which posts stay empty and why, and what proves it.

    Attributes
    ----------
    placed
        A row per officer with a post, index ``officer_id`` ascending: ``from_unit`` (NA = none), ``post_id``,
        ``unit_id``, ``way_m`` (straight, metres), ``stays`` (same unit as today).
    empty
        A row per kind of post that stays empty, index ``post_id`` ascending: ``unit_id``, ``posts`` (empty ones),
        ``reason``, ``fitting`` (officers of its form and side), ``within_reach`` (of these, near enough),
        ``rivals`` (posts that only the same officers can fill; with ``reason`` ``contested``).
        Reasons: ``nobody_fits``, nobody has the form and side; ``too_far``, all who have are beyond the farthest way;
        ``contested``, there are more posts than officers who can fill them.
    left_over
        Officers without a post, ascending ids.
    total_m
        Sum of the ways, metres.
    cost_m, least_cost_m
        Cost of the plan (ways, and ``leaving_m`` for everybody who leaves a unit), and what no plan that fills as many
        posts can beat, in metres; equal, because the search ends with the proof.
    pairs_used, rounds
        Pairs that the solver was given in the end, and how often it was called.
    """

    placed: pd.DataFrame
    empty: pd.DataFrame
    left_over: pd.Index
    total_m: float
    cost_m: float
    least_cost_m: float
    pairs_used: int
    rounds: int


def transfers(
    officers_metric: gpd.GeoDataFrame,
    posts_metric: gpd.GeoDataFrame,
    *,
    farthest_m: float = float("inf"),
    leaving_m: float = 0.0,
) -> TransferPlan:
    """
    Fill as many posts as possible and, of all such plans, take one with the least cost.

    Minimum-cost flow on the pairs that are cheap at prices guessed from a coarse map; then all pairs are priced, those
    that could still save something are added, and it is solved again, until none is left: the prices then prove that
    no plan on all pairs is cheaper (column generation; Ahuja, Magnanti & Orlin 1993). Costs are counted in whole
    decimetres. The order of rows changes nothing: ids decide between those who are alike.

    Parameters
    ----------
    officers_metric
        Points in a metric CRS, index unique officer ids: where the way begins (post of today, or home). Columns
        ``unit_id`` (today's, NA = none), ``form`` and ``side`` (str).
    posts_metric
        Points in the same CRS, index unique post ids: columns ``unit_id``, ``posts`` (whole, 0 or more), ``form`` and
        ``side`` (str, ``""`` = any).
    farthest_m
        Longest way that may be asked of anybody, metres; who stays in today's unit is not asked.
    leaving_m
        What leaving today's unit counts on top of the way, metres: continuity as a preference.

    Returns
    -------
    TransferPlan

    Raises
    ------
    FrameError
        When a column, an id or a point is missing or repeated, or the CRS differ.
    NotMetricError
    """
    officers, posts = checked(officers_metric, "officer"), checked(posts_metric, "post", ("posts",))
    if officers.crs != posts.crs:
        raise FrameError("crs", "officers and posts are in different CRS")
    if not (farthest_m >= 0 and 0 <= leaving_m < float("inf")):
        raise ValueError("farthest_m and leaving_m are metres of 0 or more, leaving_m finite")
    groups = grouped(officers, posts)
    terms = Terms(groups.fits, float(farthest_m), round(leaving_m * COSTS_PER_M))
    arcs, flow, rounds = _solve(groups.officers, groups.posts, terms)
    placed = placed_officers(officers, posts, groups, arcs, flow)
    bound = int(groups.officers.number @ flow.officer_price + groups.posts.number @ flow.post_price)
    of_empty = int(flow.post_price @ flow.empty)  # the price of an empty post, for each
    return TransferPlan(
        placed=placed,
        empty=_empty(posts, groups, placed, why_empty(groups.officers, groups.posts, terms, arcs, flow)),
        left_over=officers.index.difference(placed.index),
        total_m=float(placed["way_m"].sum()),
        cost_m=int(arcs.cost @ flow.used) / COSTS_PER_M,
        least_cost_m=(bound - of_empty) / COSTS_PER_M,
        pairs_used=len(arcs.cost),
        rounds=rounds,
    )


def _empty(posts: gpd.GeoDataFrame, groups: Grouped, placed: pd.DataFrame, found: list[Empty]) -> pd.DataFrame:
    """Rows of `TransferPlan.empty`."""
    number = empty_posts(posts, placed)
    why = pd.DataFrame(found, columns=list(Empty._fields)).set_index("group")
    of_row = why.loc[groups.post_group[posts.index.get_indexer(number.index)]]
    frame = (
        posts[["unit_id"]]
        .loc[number.index]
        .assign(posts=number, **{str(name): of_row[name].to_numpy() for name in why})
    )
    return pd.DataFrame(frame).rename_axis("post_id")


def verify_transfers(
    officers_metric: gpd.GeoDataFrame,
    posts_metric: gpd.GeoDataFrame,
    plan: TransferPlan,
    *,
    farthest_m: float = float("inf"),
) -> list[str]:
    """
    Check a plan against the frames by plain counting, independently of how it was made.

    Returns
    -------
    list of str
        What is wrong, empty for a plan that holds: ``officer_unknown``, ``officer_twice``, ``post_unknown``,
        ``post_overfilled``, ``misfit``, ``too_far``, ``way_wrong``, ``unit_wrong``, ``count_wrong``; each with an id.
    """
    placed, wrong = plan.placed, []
    wrong += [f"officer_twice {officer}" for officer in placed.index[placed.index.duplicated()]]
    wrong += [f"officer_unknown {officer}" for officer in placed.index.difference(officers_metric.index)]
    wrong += [f"post_unknown {post}" for post in set(placed["post_id"]) - set(posts_metric.index)]
    if wrong:
        return wrong
    filled = placed["post_id"].value_counts().reindex(posts_metric.index, fill_value=0)
    wrong += [f"post_overfilled {post}" for post in posts_metric.index[filled > posts_metric["posts"]]]
    empty = plan.empty["posts"].reindex(posts_metric.index, fill_value=0)
    wrong += [f"count_wrong {post}" for post in posts_metric.index[filled + empty != posts_metric["posts"]]]
    for officer, row in placed.iterrows():
        person, post = officers_metric.loc[officer], posts_metric.loc[row["post_id"]]
        if any(post[column] not in (ANY, person[column]) for column in ("form", "side")):
            wrong.append(f"misfit {officer}")
        way_m = person.geometry.distance(post.geometry)
        stays = not pd.isna(person["unit_id"]) and person["unit_id"] == post["unit_id"]
        if abs(way_m - row["way_m"]) > 1e-6:
            wrong.append(f"way_wrong {officer}")
        if way_m > farthest_m and not stays:
            wrong.append(f"too_far {officer}")
        if row["unit_id"] != post["unit_id"] or bool(row["stays"]) != stays:
            wrong.append(f"unit_wrong {officer}")
    return wrong


def _solve(officers: Side, posts: Side, terms: Terms) -> tuple[Arcs, Flow, int]:
    """Flow that no pair can improve, the pairs that were listed for it, and the rounds that it took."""
    if not len(officers.x_m) or not len(posts.x_m):
        nobody = np.zeros(len(posts.x_m), np.int64)
        return no_arcs(), Flow(nobody[:0], posts.number, officers.number, np.zeros_like(officers.number), nobody), 0
    across, up = np.concatenate([officers.x_m, posts.x_m]), np.concatenate([officers.y_m, posts.y_m])
    widest_m = float(np.hypot(np.ptp(across), np.ptp(up)))
    dearest = int(widest_m * COSTS_PER_M) + terms.leaving + 2
    # filling one more post moves at most as many officers as there are: no such chain costs more than an empty post
    empty_price = dearest * (int(min(officers.number.sum(), posts.number.sum())) + 1)
    arcs = cheapest_arcs(officers, posts, terms, *start_prices(officers, posts, terms, empty_price), most=_NEAR)
    rounds = 0
    while True:
        flow = cheapest_flow(arcs, officers.number, posts.number, empty_price)
        rounds += 1
        missing = cheapest_arcs(officers, posts, terms, flow.officer_price, flow.post_price, most=_ADDED, below=0)
        if not len(missing.cost):
            return arcs, flow, rounds
        arcs = joined(arcs, missing)
