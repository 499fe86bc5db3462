"""Who pays, with the figures of the published answer: 447 posts asked for, 280 officers there."""

import pandas as pd
import pytest

from layers.apportion import apportion_tree, largest_remainder
from layers.payers import who_pays
from layers.posts import PostsProblem, hand_out


def test_recruits_go_to_the_worst_shortfall_one_by_one() -> None:
    # 16 and 4 lacking: ten recruits leave 6 and 4
    paid = who_pays(pd.Series({1: 42, 2: 30}), pd.Series({1: 26, 2: 26}), 10)
    assert paid["shortfall"].to_dict() == {1: 16, 2: 4}
    assert paid["district"].to_dict() == {1: 10, 2: 0}
    assert paid["own"].to_dict() == {1: 6, 2: 4}


def test_a_difficult_township_comes_first() -> None:
    required, today = pd.Series({1: 42, 2: 30}), pd.Series({1: 26, 2: 26})
    paid = who_pays(required, today, 3, difficulty=pd.Series({1: 1.0, 2: 6.0}))
    # 16 against 24, then 16 against 18, then 16 against 12
    assert paid["district"].to_dict() == {1: 1, 2: 2}


def test_of_equal_claims_the_first_is_served() -> None:
    # claims 4.0 and 4.5: 8 first, then 4.0 against 3.0, then 3.0 against 3.0: the first of the two
    weights = pd.Series({7: 1.0, 8: 1.5, 9: 1.5})
    missing = pd.Series({7: 4, 8: 3, 9: 0})
    assert who_pays(missing, missing * 0, 3, difficulty=weights)["district"].to_dict() == {7: 2, 8: 1, 9: 0}
    assert who_pays(missing, missing * 0, 100, difficulty=weights)["district"].tolist() == [4, 3, 0]


def test_a_surplus_pays_nothing_and_recruits_beyond_all_shortfalls_stay() -> None:
    paid = who_pays(pd.Series({1: 5, 2: 5}), pd.Series({1: 7, 2: 4}), 9)
    assert paid["surplus"].to_dict() == {1: 2, 2: 0}
    assert paid["district"].to_dict() == {1: 0, 2: 1}
    assert paid["own"].sum() == 0


def test_parts_of_the_district_add_up_at_every_level() -> None:
    # 357,000 migrants ask for 447 posts: 134 social-work and 313 police, also when they are placed in villages
    assert largest_remainder(447, [30, 70]).tolist() == [134, 313]
    parents = pd.Series({1: pd.NA, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 7: 3}, dtype="Int64")
    migrants = pd.Series({4: 32_900, 5: 124_100, 6: 99_999, 7: 100_001})
    posts = hand_out(PostsProblem.of(migrants, 447)).posts
    social = apportion_tree(134, posts, parents)
    assert social[1] == 134
    assert social[2] + social[3] == 134
    assert social[4] + social[5] == social[2]
    assert (posts - social[posts.index]).sum() == 313


def test_taking_posts_away_raises_the_worst_load_least() -> None:
    demand = pd.Series({1: 900, 2: 900, 3: 100})
    assert hand_out(PostsProblem.of(demand, 7)).posts.tolist() == [3, 3, 1]
    assert hand_out(PostsProblem.of(demand, 5)).posts.tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("required", "today", "message"),
    [({1: 5}, {2: 5}, "same payers"), ({1: 5.5}, {1: 5}, "whole"), ({1: 5}, {1: -5}, "whole")],
)
def test_what_cannot_be_counted_is_refused(required: dict[int, float], today: dict[int, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        who_pays(pd.Series(required), pd.Series(today), 1)
