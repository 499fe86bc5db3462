import numpy as np
import pandas as pd
import pytest

from layers.apportion import apportion_tree, largest_remainder


def test_split_of_447_posts_is_the_districts_published_134_social_work_and_313_police() -> None:
    assert largest_remainder(447, [0.3, 0.7]).tolist() == [134, 313]
    assert largest_remainder(447, [30, 70]).tolist() == [134, 313]


def test_largest_remainders_get_the_posts_that_rounding_down_leaves() -> None:
    # Quotas 4.7, 1.6, 1.6, 2.1 of 10: floors 4, 1, 1, 2 leave two posts, for .7 and the earlier of the two .6.
    assert largest_remainder(10, [47, 16, 16, 21]).tolist() == [5, 2, 1, 2]


def test_equal_remainders_go_to_the_earlier_position() -> None:
    assert largest_remainder(2, [1, 1, 1]).tolist() == [1, 1, 0]


def test_a_zero_weight_never_gets_a_post() -> None:
    assert largest_remainder(5, [0, 1, 0, 1]).tolist() == [0, 3, 0, 2]


def test_integers_beyond_64_bits_do_not_overflow() -> None:
    assert largest_remainder(10, [10**30, 3 * 10**30]).tolist() == [3, 7]


def test_nothing_to_hand_out_needs_no_weight() -> None:
    assert largest_remainder(0, [0, 0]).tolist() == [0, 0]
    assert largest_remainder(0, []).tolist() == []


@pytest.mark.parametrize(
    ("total", "weights", "message"),
    [
        (-1, [1], "total is negative"),
        (1, [1, -1], "weight is negative"),
        (1, [1, float("nan")], "finite"),
        (1, [1, float("inf")], "finite"),
        (1, [0, 0], "nobody has a positive weight"),
        (1, pd.Series([1, pd.NA], dtype="Int64"), "finite"),
    ],
)
def test_what_cannot_be_split_is_refused(total: int, weights: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        largest_remainder(total, weights)


def tree_of_two_townships() -> pd.Series:
    """District 1 over townships 2 and 3; compounds 4, 5 in 2 and 6, 7, 8 in 3."""
    return pd.Series(
        [pd.NA, 1, 1, 2, 2, 3, 3, 3], index=pd.RangeIndex(1, 9, name="area_id"), dtype="Int64", name="parent_id"
    )


def test_a_tree_is_split_from_the_top_so_that_children_add_up_to_their_parent() -> None:
    weights = pd.Series([1, 1, 1, 1, 1], index=[4, 5, 6, 7, 8])
    # Townships claim 2 and 3 of 5: quotas of 7 are 2.8 and 4.2, so 3 and 4.
    assert apportion_tree(7, weights, tree_of_two_townships()).tolist() == [7, 3, 4, 2, 1, 2, 1, 1]


def test_a_tree_is_split_alike_in_any_row_order() -> None:
    parents, weights = tree_of_two_townships(), pd.Series([5, 7, 2, 2, 9], index=[4, 5, 6, 7, 8])
    shuffled = apportion_tree(11, weights.iloc[::-1], parents.sample(frac=1, random_state=3))
    pd.testing.assert_series_equal(shuffled.sort_index(), apportion_tree(11, weights, parents), check_freq=False)


def test_an_area_without_a_weight_gets_nothing() -> None:
    assert apportion_tree(3, pd.Series([1.0], index=[6]), tree_of_two_townships()).tolist() == [3, 0, 3, 0, 0, 3, 0, 0]


def test_a_weight_above_the_leaves_is_refused() -> None:
    with pytest.raises(ValueError, match=r"leaf areas only, not to \[2\]"):
        apportion_tree(3, pd.Series([1.0], index=[2]), tree_of_two_townships())


def test_parts_are_64_bit_whole_numbers() -> None:
    assert largest_remainder(3, [1, 2]).dtype == np.int64
