"""Beats: each township's officers over its villages, and each village's compounds among its officers.

Pure sharing out: small villages next to each other share one officer, large ones have several, a very large compound is
split by buildings.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_service.demo.curves import split_evenly
from gis_service.demo.land import Land

_TOO_SMALL, _SPLIT_FROM = 0.6, 1.5


@dataclass
class BeatPlan:
    """One officer's beat: whole compounds (positions) and, for a split compound, some of its buildings."""

    township_no: int
    load: int
    compounds: list[int] = field(default_factory=list)
    buildings: dict[int, list[str]] = field(default_factory=dict)


def share_out(
    land: Land, officers: list[int], residents: NDArray[np.int64], by_building: dict[int, pd.Series]
) -> list[BeatPlan]:
    """Beats of the whole district, one for each officer (fewer where there is nothing left to divide).

    ``officers`` per township; ``residents`` per compound; ``by_building``: for compounds that may be split, residents
    per building in the buildings' order.
    """
    village = land.compounds["village_code"].to_numpy()
    township = land.compounds["township_no"].to_numpy()
    near = _neighbour_lists(land.neighbours, len(land.compounds))
    beats: list[BeatPlan] = []
    for number, count in enumerate(officers):
        ours = np.flatnonzero(township == number)
        patches = _patches(ours, village, residents, near, residents[ours].sum() / count, count)
        load = np.array([residents[patch].sum() for patch in patches], dtype=float)
        for patch, posts in zip(patches, split_evenly(count, load, at_least=1), strict=True):
            beats += _split_patch(number, patch, int(posts), residents, near, by_building, land)
    return beats


def _neighbour_lists(pairs: NDArray[np.int64], count: int) -> list[set[int]]:
    near: list[set[int]] = [set() for _ in range(count)]
    for a, b in pairs.tolist():
        near[a].add(b)
        near[b].add(a)
    return near


def _patches(
    ours: NDArray[np.int64],
    village: NDArray[np.object_],
    residents: NDArray[np.int64],
    near: list[set[int]],
    load: float,
    count: int,
) -> list[list[int]]:
    """Villages, the small ones joined with a neighbour, until each patch is worth an officer of its own."""
    patches = [ours[village[ours] == code].tolist() for code in sorted(set(village[ours]))]
    while True:
        patches.sort(key=lambda patch: (int(residents[patch].sum()), patch[0]))
        small, others = patches[0], patches[1:]
        if not others or (residents[small].sum() >= _TOO_SMALL * load and len(patches) <= count):
            return sorted(patches)
        border = set().union(*(near[c] for c in small))
        host = next((patch for patch in others if border & set(patch)), others[0])
        others[others.index(host)] = host + small
        patches = others


def _split_patch(
    township: int,
    patch: list[int],
    posts: int,
    residents: NDArray[np.int64],
    near: list[set[int]],
    by_building: dict[int, pd.Series],
    land: Land,
) -> list[BeatPlan]:
    if posts == 1:
        return [BeatPlan(township, int(residents[patch].sum()), sorted(patch))]
    load = residents[patch].sum() / posts
    beats: list[BeatPlan] = []
    rest = sorted(patch)
    for compound in sorted(patch, key=lambda c: (-int(residents[c]), c)):
        left = posts - len(beats)
        whole = max(len(rest) - 1, 0)
        wanted = min(round(residents[compound] / load), left if whole == 0 else left - 1)
        if compound in by_building and residents[compound] >= _SPLIT_FROM * load and wanted >= 2:
            beats += _split_compound(township, compound, wanted, by_building[compound])
            rest.remove(compound)
    lived_in = int(np.count_nonzero(residents[rest]))
    groups = _contiguous(rest, min(posts - len(beats), max(lived_in, 1)), residents, near, land) if rest else []
    return beats + [BeatPlan(township, int(residents[group].sum()), sorted(group)) for group in groups]


def _split_compound(township: int, compound: int, posts: int, load: pd.Series) -> list[BeatPlan]:
    """Runs of buildings in their order, of about equal load."""
    before = load.cumsum() - load / 2
    run = np.minimum((before / load.sum() * posts).to_numpy().astype(np.int64), posts - 1)
    return [
        BeatPlan(township, int(load[run == number].sum()), [], {compound: load.index[run == number].tolist()})
        for number in range(posts)
    ]


def _contiguous(
    compounds: list[int], posts: int, residents: NDArray[np.int64], near: list[set[int]], land: Land
) -> list[list[int]]:
    """Cut ``compounds`` into ``posts`` groups of about equal load, each grown from the rim over shared borders.

    As many compounds have residents as there are posts, or more: no group is left without anybody to register.
    """
    core = land.compounds[["core_x", "core_y"]].to_numpy()
    rest, groups = set(compounds), []
    for left in range(posts, 1, -1):
        target = sum(int(residents[c]) for c in rest) / left
        middle = core[sorted(rest)].mean(axis=0)
        start = max(sorted(rest), key=lambda c: float(((core[c] - middle) ** 2).sum()))
        group, load = [start], int(residents[start])
        rest.remove(start)
        while rest:
            border = set().union(*(near[c] for c in group)) & rest or (rest if load == 0 else set())
            if not border:
                break
            best = min(sorted(border), key=lambda c: float(((core[c] - core[start]) ** 2).sum()))
            if load > 0 and load + residents[best] / 2 > target:
                break
            if residents[best] > 0 and np.count_nonzero(residents[sorted(rest)]) < left:
                break
            group.append(best)
            load += int(residents[best])
            rest.remove(best)
        groups.append(group)
    return [*groups, sorted(rest)]
