from fractions import Fraction

import pandas as pd
import pytest

from layers.posts import PostPlan, PostsError, PostsProblem, fewest_moves, hand_out, moves_curve


def by_area(*numbers: int) -> pd.Series:
    return pd.Series(numbers, index=pd.RangeIndex(1, len(numbers) + 1, name="area_id"))


def why(plan: PostPlan) -> tuple[Fraction | None, int | None, str, int | None]:
    return plan.worst_load, plan.worst_area, plan.binding, plan.posts_below


def test_posts_by_hand() -> None:
    # 4 posts on 900, 500, 100: one each, and the fourth halves the 900; then 500 is worst. Below 500 needs 2 + 2 + 1.
    plan = hand_out(PostsProblem.of(by_area(900, 500, 100), 4))
    assert plan.posts.tolist() == [2, 1, 1]
    assert why(plan) == (Fraction(500), 2, "posts", 5)


def test_a_worst_load_is_an_exact_fraction() -> None:
    assert hand_out(PostsProblem.of(by_area(10, 10), 6)).worst_load == Fraction(10, 3)


def test_an_equal_claim_on_the_last_post_goes_where_it_lowers_the_load_more_then_to_the_smaller_id() -> None:
    assert hand_out(PostsProblem.of(by_area(100, 200), 4)).posts.tolist() == [2, 2]
    assert hand_out(PostsProblem.of(by_area(100, 100), 3)).posts.tolist() == [2, 1]


def test_a_ceiling_that_binds_leaves_the_others_as_good_as_can_be() -> None:
    plan = hand_out(PostsProblem.of(by_area(1_000, 300, 300), 5, ceilings=pd.Series({1: 1})))
    assert plan.posts.tolist() == [1, 2, 2]
    assert why(plan) == (Fraction(1_000), 1, "ceiling", None)


def test_floors_locks_and_township_totals_hold() -> None:
    problem = PostsProblem.of(
        by_area(100, 100, 900, 900),
        10,
        floors=pd.Series({1: 3}),
        townships=by_area(7, 7, 8, 8),
        township_totals=pd.Series({7: 5}),
    )
    assert hand_out(problem).posts.tolist() == [3, 2, 3, 2]
    locked = PostsProblem.of(by_area(100, 900), 10, floors=pd.Series({1: 6}), ceilings=pd.Series({1: 6}))
    assert hand_out(locked).posts.tolist() == [6, 4]


def test_too_few_posts_for_every_area_go_to_the_largest_and_no_load_is_claimed() -> None:
    plan = hand_out(PostsProblem.of(by_area(5, 80, 30, 0), 2))
    assert plan.posts.tolist() == [0, 1, 1, 0]
    assert why(plan) == (None, 1, "posts", 3)


def test_the_fewest_moves_keep_who_need_not_move() -> None:
    # 8 posts, today 5 + 2 + 1 on 400 each (worst 400). The best plan, 3 + 3 + 2, fills two anew; one is enough for 200.
    problem, today = PostsProblem.of(by_area(400, 400, 400), 8), by_area(5, 2, 1)
    best = hand_out(problem)
    assert best.posts.tolist() == [3, 3, 2]
    assert best.worst_load == Fraction(200)
    assert fewest_moves(problem, today, load=Fraction(200)).posts.tolist() == [4, 2, 2]
    assert fewest_moves(problem, today, load=Fraction(400)).posts.tolist() == [5, 2, 1]


def test_the_curve_shows_what_each_move_buys() -> None:
    curve = moves_curve(PostsProblem.of(by_area(400, 400, 400), 8), by_area(5, 2, 1), points=3)
    assert curve["load"].tolist() == [200, 250, 400]
    assert curve["delta"].tolist() == [0, 0.25, 1]
    assert curve["moves"].tolist() == [1, 1, 0]


def test_new_posts_are_filled_where_the_load_is_worst() -> None:
    assert fewest_moves(PostsProblem.of(by_area(400, 900), 5), by_area(1, 1), load=Fraction(900)).posts.tolist() == [
        2,
        3,
    ]


def test_row_order_changes_nothing() -> None:
    demand = by_area(70, 70, 70, 35).sample(frac=1, random_state=4)
    assert hand_out(PostsProblem.of(demand, 6)).posts.to_dict() == {1: 2, 2: 2, 3: 1, 4: 1}


@pytest.mark.parametrize("bounds", [{"floors": pd.Series({1: 9})}, {"ceilings": pd.Series({1: 1, 2: 1})}])
def test_posts_that_do_not_fit_the_bounds_are_refused_with_the_numbers(bounds: dict[str, pd.Series]) -> None:
    with pytest.raises(PostsError) as refused:
        PostsProblem.of(by_area(10, 10), 5, floors=bounds.get("floors"), ceilings=bounds.get("ceilings"))
    assert not refused.value.least <= refused.value.posts <= refused.value.most


def test_a_load_out_of_reach_is_refused() -> None:
    with pytest.raises(PostsError):
        fewest_moves(PostsProblem.of(by_area(10, 10), 2), by_area(1, 1), load=Fraction(9))


@pytest.mark.parametrize(
    "demand", [by_area(-1), pd.Series([0.5], index=[1]), pd.Series([None], index=[1]), by_area(2**61)]
)
def test_demand_that_is_not_a_usable_whole_number_is_refused(demand: pd.Series) -> None:
    with pytest.raises(ValueError, match="demand"):
        PostsProblem.of(demand, 3)
