"""Why posts stay empty: nobody fits, all who fit are too far, or more posts than officers who can fill them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from layers._transfer_arcs import Arcs, Side, Terms
from layers._transfer_flow import Flow


class Empty(NamedTuple):
    """A post group with empty posts and why; see `layers.transfers.TransferPlan.empty`."""

    group: int
    reason: str
    fitting: int
    within_reach: int
    rivals: int


def why_empty(officers: Side, posts: Side, terms: Terms, arcs: Arcs, flow: Flow) -> list[Empty]:
    """
    Reasons of all post groups with empty posts, in order of group.

    A contested post and its rivals are a set of posts that fewer officers can fill than it has posts (Hall's condition
    fails): from the post to the officers who could fill it, to the posts that these fill instead, and so on.
    """
    filled_by: list[list[int]] = [[] for _ in officers.x_m]
    for arc in np.flatnonzero(flow.used > 0).tolist():
        filled_by[int(arcs.officer[arc])].append(int(arcs.post[arc]))
    found: list[Empty] = []
    rivals_of: dict[int, int] = {}
    for group in np.flatnonzero(flow.empty > 0).tolist():
        fitting, near = _reach(officers, posts, terms, group)
        counts = int(officers.number[fitting].sum()), int(officers.number[near].sum())
        if not all(counts):
            found.append(Empty(group, "too_far" if counts[0] else "nobody_fits", *counts, 0))
            continue
        if group not in rivals_of:
            rivals = _rivals(officers, posts, terms, filled_by, group)
            rivals_of |= dict.fromkeys(rivals, int(posts.number[rivals].sum()))
        found.append(Empty(group, "contested", *counts, rivals_of[group]))
    return found


def _reach(
    officers: Side, posts: Side, terms: Terms, group: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Officer groups that fit a post group, and those of them who are near enough."""
    fitting = terms.fits[officers.kind, posts.kind[group]] & (officers.number > 0)
    way_m = np.hypot(officers.x_m - posts.x_m[group], officers.y_m - posts.y_m[group])
    near = fitting & ((way_m <= terms.farthest_m) | (officers.unit == posts.unit[group]))
    return fitting, near


def _rivals(officers: Side, posts: Side, terms: Terms, filled_by: list[list[int]], group: int) -> list[int]:
    """Post groups, this one among them, that no officers can fill but those who fill some of them already."""
    rivals, asked = [group], np.zeros(len(officers.x_m), np.bool_)
    seen = {group}
    for rival in rivals:
        _, near = _reach(officers, posts, terms, rival)
        for officer in np.flatnonzero(near & ~asked).tolist():
            new = [post for post in filled_by[officer] if post not in seen]
            seen.update(new)
            rivals.extend(new)
        asked |= near
    return rivals
