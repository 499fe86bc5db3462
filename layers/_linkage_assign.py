"""One to one: nobody is linked to two, and a person has at most one record of each register."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from layers._linkage_fields import Codes

Scores = npt.NDArray[np.float64]


def components(count: int, left: Codes, right: Codes) -> Codes:
    """Number the groups that pairs join, for ``count`` members."""
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    labels: Codes = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def one_to_one(left: Codes, right: Codes, score: Scores) -> npt.NDArray[np.bool_]:
    """
    Choose pairs so that every member has at most one and the sum of scores is largest.

    Parameters
    ----------
    left, right
        Members of the two sides, any codes; a pair occurs once.
    score
        Positive; pairs of no worth are not given.

    Returns
    -------
    Whether each pair is chosen.
    """
    chosen = np.zeros(len(left), dtype=bool)
    if not len(left):
        return chosen
    rows, columns = _dense(left)[0], _dense(right)[0]
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    chosen[alone] = True
    contested = np.flatnonzero(~alone)
    if not contested.size:
        return chosen
    rows, row_count = _dense(left[contested])
    columns, column_count = _dense(right[contested])
    # a member may stay alone: each row has a column of its own at the price of no link
    most = float(score[contested].max()) + 1.0
    graph = coo_array(
        (
            np.r_[most - score[contested], np.full(row_count, most)],
            (np.r_[rows, np.arange(row_count)], np.r_[columns, column_count + np.arange(row_count)]),
        ),
        shape=(row_count, column_count + row_count),
    ).tocsr()
    _, partner = min_weight_full_bipartite_matching(graph)
    chosen[contested] = np.asarray(partner)[rows] == columns
    return chosen


def without_contradiction(count: int, side: Codes, left: Codes, right: Codes, order: Codes) -> npt.NDArray[np.bool_]:
    """
    Keep the links that never bring two members of one side into a group; the strongest first.

    Parameters
    ----------
    side
        Register of each of the ``count`` members.
    left, right
        The links.
    order
        Links from the strongest to the weakest.
    """
    kept = np.ones(len(left), dtype=bool)
    group = components(count, left, right)
    holds = np.bincount(group * 3 + side, minlength=(int(group.max(initial=-1)) + 1) * 3).reshape(-1, 3)
    crowded: npt.NDArray[np.bool_] = np.asarray((holds > 1).any(axis=1))
    root: dict[int, int] = {}
    sides: dict[int, set[int]] = {}

    def find(member: int) -> int:
        while root.setdefault(member, member) != member:
            root[member] = root[root[member]]
            member = root[member]
        return member

    for link in order[crowded[group[left[order]]]].tolist():
        one, other = find(int(left[link])), find(int(right[link]))
        ours, theirs = sides.setdefault(one, {int(side[one])}), sides.setdefault(other, {int(side[other])})
        if one == other:
            continue
        if ours & theirs:
            kept[link] = False
        else:
            root[other] = one
            ours |= theirs
    return kept


def _dense(members: Codes) -> tuple[Codes, int]:
    unique, codes = np.unique(members, return_inverse=True)
    return codes.astype(np.int64), len(unique)
