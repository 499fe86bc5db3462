"""Every plan of small cases is enumerated; the solver must be as good as the best of them."""

import itertools
from fractions import Fraction

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.posts import PostsError, PostsProblem, fewest_moves, hand_out, moves_curve

Case = tuple[list[int], list[int], list[int], list[int], int]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Demand, floors, ceilings and today's posts of up to 4 areas, and a total that fits."""
    n = draw(st.integers(1, 4))
    demand = draw(st.lists(st.integers(0, 30), min_size=n, max_size=n))
    floors = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    ceilings = [floor + draw(st.integers(0, 4)) for floor in floors]
    today = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    return demand, floors, ceilings, today, draw(st.integers(sum(floors), sum(ceilings)))


def problem_of(case: Case) -> PostsProblem:
    demand, floors, ceilings, _, total = case
    return PostsProblem.of(pd.Series(demand), total, floors=pd.Series(floors), ceilings=pd.Series(ceilings))


def all_plans(case: Case) -> list[tuple[int, ...]]:
    _, floors, ceilings, _, total = case
    ranges = [range(low, high + 1) for low, high in zip(floors, ceilings, strict=True)]
    return [plan for plan in itertools.product(*ranges) if sum(plan) == total]


def loads(case: Case, plan: tuple[int, ...]) -> list[Fraction]:
    """Loads from the worst down; an area without a post is beyond any load, a larger one further."""
    asked = [(need, posts) for need, posts in zip(case[0], plan, strict=True) if need]
    return sorted((Fraction(need, posts) if posts else Fraction(need * 10**6) for need, posts in asked), reverse=True)


@given(case=cases())
@settings(deadline=None)
def test_no_plan_has_lower_loads_from_the_worst_down(case: Case) -> None:
    plan = hand_out(problem_of(case))
    assert tuple(plan.posts) in all_plans(case)
    assert loads(case, tuple(plan.posts)) == min(loads(case, other) for other in all_plans(case))


@given(case=cases())
@settings(deadline=None)
def test_the_certificate_proves_the_worst_load(case: Case) -> None:
    demand, floors, ceilings, _, total = case
    plan = hand_out(problem_of(case))
    if plan.binding == "none":
        assert not any(demand)
    elif plan.binding == "ceiling":
        assert plan.worst_area is not None
        assert plan.posts[plan.worst_area] == ceilings[plan.worst_area]
    else:
        worst = plan.worst_load or Fraction(10**6)
        fewest = [
            next(n for n in itertools.count(floor) if need == 0 or (n and Fraction(need, n) < worst))
            for need, floor in zip(demand, floors, strict=True)
        ]
        assert plan.posts_below == sum(fewest) > total


@given(case=cases(), slack=st.fractions(0, 2, max_denominator=8))
@settings(deadline=None)
def test_no_plan_within_the_load_fills_fewer_posts_anew(case: Case, slack: Fraction) -> None:
    problem, today = problem_of(case), case[3]
    worst = hand_out(problem).worst_load
    if worst is None:
        return
    load = worst * (1 + slack)
    plan = tuple(fewest_moves(problem, pd.Series(today), load=load).posts)
    within = [other for other in all_plans(case) if not loads(case, other) or loads(case, other)[0] <= load]

    def moves(posts: tuple[int, ...]) -> int:
        return sum(max(0, after - before) for before, after in zip(today, posts, strict=True))

    fewest = min(map(moves, within))
    assert plan in within
    assert moves(plan) == fewest
    assert loads(case, plan) == min(loads(case, other) for other in within if moves(other) == fewest)


@given(case=cases())
@settings(deadline=None)
def test_every_point_of_the_curve_is_met_by_a_plan_and_the_last_has_the_fewest_moves_of_all(case: Case) -> None:
    problem, today = problem_of(case), case[3]
    if hand_out(problem).worst_load is None:
        return
    curve = moves_curve(problem, pd.Series(today), points=4)
    for load, moves in zip(curve["load"], curve["moves"], strict=True):
        plan = fewest_moves(problem, pd.Series(today), load=load)
        assert sum(max(0, after - before) for before, after in zip(today, plan.posts, strict=True)) == moves
    assert curve["moves"].is_monotonic_decreasing
    covering = [
        plan for plan in all_plans(case) if all(posts or not need for need, posts in zip(case[0], plan, strict=True))
    ]
    assert curve["moves"].iloc[-1] == min(
        sum(max(0, after - before) for before, after in zip(today, plan, strict=True)) for plan in covering
    )


@given(case=cases(), load=st.fractions(Fraction(1, 4), 40, max_denominator=6))
@settings(deadline=None)
def test_a_load_is_refused_only_when_no_plan_reaches_it(case: Case, load: Fraction) -> None:
    reachable = any(not (found := loads(case, plan)) or found[0] <= load for plan in all_plans(case))
    try:
        fewest_moves(problem_of(case), pd.Series(case[3]), load=load)
    except PostsError:
        assert not reachable
    else:
        assert reachable
