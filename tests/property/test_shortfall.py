"""Every plan of small cases is enumerated: none has a lower worst shortfall times difficulty."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.posts import PostsProblem
from layers.shortfall import hand_out_by_shortfall
from tests.property.test_posts import Case, all_plans, cases, problem_of

WEIGHTS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.25, 1.5]), min_size=4, max_size=4)


@given(case=cases(), required=st.lists(st.integers(0, 6), min_size=4, max_size=4), weights=WEIGHTS)
@settings(deadline=None)
def test_no_plan_has_a_lower_worst_shortfall(case: Case, required: list[int], weights: list[float]) -> None:
    count = len(case[0])

    def worst(posts: tuple[int, ...]) -> float:
        return max(weights[n] * max(required[n] - posts[n], 0) for n in range(count))

    plan = hand_out_by_shortfall(problem_of(case), pd.Series(required[:count]), pd.Series(weights[:count]))
    assert tuple(plan.posts) in all_plans(case)
    assert plan.worst == worst(tuple(plan.posts)) == min(map(worst, all_plans(case)))
    if plan.posts_below is not None:
        assert plan.posts_below > case[4]
    assert plan.short == (0 if plan.worst_area is None else required[plan.worst_area] - plan.posts[plan.worst_area])


def test_recruits_go_first_to_the_difficult_area_and_what_is_left_by_load() -> None:
    demand, required, weights = pd.Series([800, 1600, 0]), pd.Series([2, 2, 0]), pd.Series([1.5, 1.0, 1.0])
    first = hand_out_by_shortfall(PostsProblem.of(demand, 1), required, weights)
    assert (first.posts.tolist(), first.worst, first.worst_area, first.posts_below) == ([1, 0, 0], 2.0, 1, 2)
    rest = hand_out_by_shortfall(PostsProblem.of(demand, 6), required, weights)
    assert (rest.posts.tolist(), rest.worst_area) == ([2, 4, 0], None)


def test_ten_thousand_areas_add_up() -> None:
    rng = np.random.default_rng(0)
    demand = pd.Series(rng.integers(1, 20_000, 10_000))
    required = -(-demand // 800)
    plan = hand_out_by_shortfall(PostsProblem.of(demand, 47_000), required, pd.Series(rng.uniform(1, 1.5, 10_000)))
    assert plan.posts.sum() == 47_000
    assert (plan.posts_below or 0) > 47_000
