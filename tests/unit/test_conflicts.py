"""Conflicts and relaxations on cases that can be worked out by hand, and against enumeration."""

from collections.abc import Collection
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.conflicts import ObstacleKind, beat_obstacles, posts_feasible, smallest_conflict, smallest_relaxation
from layers.districting import BeatRules, unit_graph
from layers.posts import PostsProblem

SETS = st.lists(st.frozensets(st.integers(0, 7), min_size=1, max_size=4), max_size=5)


def holds(conflicts: list[frozenset[int]], kept: Collection[int]) -> bool:
    return not any(conflict <= set(kept) for conflict in conflicts)


@given(conflicts=SETS)
def test_a_conflict_is_irreducible_and_no_cheaper_relaxation_exists(conflicts: list[frozenset[int]]) -> None:
    names = list(range(8))
    found = smallest_conflict(names, lambda kept: holds(conflicts, kept))
    assert bool(found) == bool(conflicts)
    if found:
        assert not holds(conflicts, found)
        assert all(holds(conflicts, [name for name in found if name != left]) for left in found)
    relaxed, proof = smallest_relaxation(names, lambda kept: holds(conflicts, kept))
    assert holds(conflicts, [name for name in names if name not in relaxed])
    fewest = next(
        size for size in range(9) for gone in combinations(names, size) if holds(conflicts, set(names) - set(gone))
    )
    assert len(relaxed) == fewest
    assert all(set(conflict) & set(relaxed) for conflict in proof)


def test_what_cannot_be_helped_is_said() -> None:
    with pytest.raises(ValueError, match="nothing fits"):
        smallest_conflict([1, 2], lambda kept: False)


def test_costs_decide_which_constraint_goes() -> None:
    def clash(kept: Collection[str]) -> bool:
        return not {"village", "band"} <= set(kept)

    assert smallest_relaxation(["village", "band"], clash, costs={"village": 5})[0] == ["band"]
    assert smallest_relaxation(["village", "band"], clash, costs={"band": 5})[0] == ["village"]


def test_floors_that_ask_for_too_many_posts_are_named() -> None:
    demand = pd.Series([10, 10, 10], index=[1, 2, 3])
    floors = pd.Series({1: 5, 2: 1, 3: 1})
    problem = PostsProblem.of(demand, 6, floors=floors, checked=False)
    names = [("floor", 1), ("floor", 2), ("floor", 3)]
    relaxed, conflicts = smallest_relaxation(names, lambda kept: posts_feasible(problem, kept))
    assert len(relaxed) == 1
    assert sorted(conflicts[0]) == names
    with pytest.raises(ValueError, match="6 posts"):
        PostsProblem.of(demand, 6, floors=floors)


class TestObstacles:
    def test_a_unit_above_the_band_needs_more_than_one_officer(self) -> None:
        graph = unit_graph([30, 5, 5], [(0, 1), (1, 2)])
        (heavy,) = beat_obstacles(graph, BeatRules(2, 0.1), np.zeros(2, np.int32))
        assert (heavy.kind, heavy.units, heavy.needed, heavy.allowed) == (ObstacleKind.UNIT_TOO_HEAVY, (0,), 2, 22)
        assert heavy.band_needed == pytest.approx(0.5)

    def test_of_three_heavy_units_two_must_share_one_of_two_beats(self) -> None:
        graph = unit_graph([8, 8, 8], [(0, 1), (1, 2)])
        (pair,) = beat_obstacles(graph, BeatRules(2, 0.1), np.zeros(2, np.int32))
        assert (pair.kind, pair.units, pair.needed, pair.allowed) == (
            ObstacleKind.PAIR_TOO_HEAVY,
            (0, 1, 2),
            16,
            13,
        )

    def test_locks_that_weigh_too_much_are_named(self) -> None:
        graph = unit_graph([5, 5, 5, 5], [(0, 1), (1, 2), (2, 3)])
        rules = BeatRules(2, 0.1, np.array([0, 0, 0, -1], np.int32))
        (locks,) = beat_obstacles(graph, rules, np.zeros(2, np.int32))
        assert (locks.kind, locks.beat, locks.units, locks.needed) == (ObstacleKind.LOCKS_TOO_HEAVY, 0, (0, 1, 2), 15)

    def test_a_part_without_a_beat_is_named(self) -> None:
        graph = unit_graph([5, 5, 5, 5], [(0, 1), (2, 3)])
        (bare,) = beat_obstacles(graph, BeatRules(2, 0.1), np.zeros(2, np.int32))
        assert (bare.kind, bare.units) == (ObstacleKind.TOO_FEW_BEATS, (2,))

    def test_nothing_in_the_way_is_an_empty_list(self) -> None:
        assert beat_obstacles(unit_graph([5, 5], [(0, 1)]), BeatRules(2, 0.0), np.zeros(2, np.int32)) == []
