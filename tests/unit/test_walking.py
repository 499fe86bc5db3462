"""A walk past places is short, complete and the same every time."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from layers.walking import MOST_PLACES, walk_length_m, walking_order


def test_places_in_a_row_are_walked_along_the_row() -> None:
    x = np.array([30.0, 0.0, 20.0, 10.0])
    order = walking_order(x, np.zeros(4), start_m=(-5.0, 0.0))
    assert order.tolist() == [1, 3, 2, 0]
    assert walk_length_m(x, np.zeros(4), order, start_m=(-5.0, 0.0)) == 35.0


def test_without_a_start_the_walk_begins_where_it_is_shortest() -> None:
    x = np.array([0.0, 100.0, 10.0, 20.0])
    order = walking_order(x, np.zeros(4))
    assert walk_length_m(x, np.zeros(4), order) == 100.0


@pytest.mark.parametrize("seed", range(8))
def test_it_is_as_short_as_the_best_of_all_orders_of_seven_places(seed: int) -> None:
    x, y = np.random.default_rng(seed).uniform(0, 1000, (2, 7))
    best = min(walk_length_m(x, y, np.array(order), start_m=(0.0, 0.0)) for order in permutations(range(7)))
    found = walk_length_m(x, y, walking_order(x, y, start_m=(0.0, 0.0)), start_m=(0.0, 0.0))
    assert best - 1e-6 <= found <= best * 1.05


def test_every_place_is_visited_once_and_again_in_the_same_order() -> None:
    x, y = np.random.default_rng(1).uniform(0, 2000, (2, 60))
    order = walking_order(x, y)
    assert sorted(order.tolist()) == list(range(60))
    assert walking_order(x, y).tolist() == order.tolist()


def test_none_and_one_need_no_order() -> None:
    assert walking_order([], []).tolist() == []
    assert walking_order([1.0], [2.0]).tolist() == [0]


def test_a_place_without_a_point_and_too_many_places_are_refused() -> None:
    with pytest.raises(ValueError, match="no point"):
        walking_order([0.0, np.nan], [0.0, 0.0])
    with pytest.raises(ValueError, match="more than"):
        walking_order(np.zeros(MOST_PLACES + 1), np.zeros(MOST_PLACES + 1))
