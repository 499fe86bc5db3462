"""Reasons on rows of units that can be worked out by hand."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from layers.districting import BeatRules, UnitGraph, repair, unit_graph
from layers.posts import PostsError, PostsProblem
from layers.reasons import Binding, explain_changes, if_it_stayed, more_posts


def path(*loads: int) -> UnitGraph:
    return unit_graph(loads, [(place, place + 1) for place in range(len(loads) - 1)])


def test_a_unit_moves_because_its_beat_would_be_too_heavy_and_the_other_too_light() -> None:
    graph, today = path(4, 4, 4, 4), [0, 0, 0, 1]
    plan = repair(graph, today, band=0.05)
    (reason,) = explain_changes(graph, today, plan, BeatRules(2, 0.05))
    assert (reason.unit, reason.from_beat, reason.to_beat) == (2, 0, 1)
    assert reason.bindings == (Binding.TOO_HEAVY, Binding.TOO_LIGHT)
    assert (reason.beat, reason.deviation) == (0, 0.5)  # 12 instead of 8
    assert reason.other_beat is None


def test_a_lock_and_a_cut_are_reasons() -> None:
    graph, today = path(4, 4, 4, 4), [0, 0, 1, 1]
    locks = np.array([-1, 1, -1, -1], np.int32)
    rules = BeatRules(2, 0.9, locks)
    plan = repair(graph, today, band=0.9, locks=locks)
    (reason,) = explain_changes(graph, today, plan, rules)
    assert reason.bindings == (Binding.LOCKED,)
    islands = unit_graph([4, 4, 4, 4], [(0, 1), (2, 3)])
    joined = repair(islands, [0, 0, 0, 1], band=0.9)
    (torn,) = explain_changes(islands, [0, 0, 0, 1], joined, BeatRules(2, 0.9))
    assert torn.unit == 2
    assert Binding.GROUPS in torn.bindings
    assert Binding.CUT_OFF in torn.bindings


def test_a_unit_that_holds_its_new_beat_together_says_so() -> None:
    graph, today = path(1, 1, 1, 1, 1), [0, 1, 1, 0, 0]  # beat 0 in two pieces
    plan = repair(graph, today, band=0.9)
    reasons = explain_changes(graph, today, plan, BeatRules(2, 0.9))
    assert [reason.unit for reason in reasons] == [0]
    assert reasons[0].bindings == (Binding.CUT_OFF,)


def test_the_other_beat_is_the_bordering_one_nearest_to_its_fair_load() -> None:
    # unit 2 of the heavy beat 0 borders beats 1 and 2; it goes to 1, and 2 would have been at 14 against 10
    graph = unit_graph([5, 5, 4, 6, 10], [(0, 1), (1, 2), (2, 3), (2, 4)])
    today = [0, 0, 0, 1, 2]
    plan = repair(graph, today, band=0.05)
    (reason,) = explain_changes(graph, today, plan, BeatRules(3, 0.05))
    assert (reason.unit, reason.to_beat) == (2, 1)
    assert reason.other_beat == 2
    assert reason.other_deviation == pytest.approx(0.4)


def test_what_would_change_if_a_unit_stayed() -> None:
    # beats 0 1 2 of a ring 0-5: the cheapest repair moves unit 1; if it must stay, unit 0 goes the other way round
    graph = unit_graph([4, 4, 4, 2, 2, 2], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)])
    today, prices = [0, 0, 0, 1, 1, 1], [5.0, 9.0, 3.0, 1.0, 1.0, 1.0]
    plan = repair(graph, today, band=0.25, prices=prices)
    assert [change.unit for change in plan.changes] == [2]
    instead = if_it_stayed(graph, today, plan, BeatRules(2, 0.25), 2, prices=prices)
    assert (instead.units, instead.extra_price, instead.within_band) == ((0,), 2.0, True)
    with pytest.raises(ValueError, match="cannot stay"):
        if_it_stayed(graph, [-1, *today[1:]], plan, BeatRules(2, 0.25), 0)


def test_what_each_further_post_brings() -> None:
    found = more_posts(PostsProblem.of(pd.Series([900, 500, 100], index=[1, 2, 3]), 3), 2)
    assert found["worst_load"].tolist() == [900, 500, 450]
    assert found["worst_area"].tolist() == [1, 2, 1]
    assert found["gains"].tolist()[1:] == [1, 2]
    one_area = more_posts(PostsProblem.of(pd.Series([10], index=[7]), 3), 1)
    assert one_area["worst_load"].tolist() == [Fraction(10, 3), Fraction(10, 4)]


def test_a_ceiling_leaves_no_room_for_more_posts() -> None:
    full = PostsProblem.of(pd.Series([10, 20], index=[1, 2]), 3, ceilings=pd.Series({1: 1, 2: 2}))
    with pytest.raises(PostsError):
        more_posts(full, 1)
