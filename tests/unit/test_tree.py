import pandas as pd
import pytest

from layers.tree import climb, depth_of


def test_depth_counts_the_steps_to_the_root() -> None:
    parents = pd.Series([20, pd.NA, 10], index=[30, 10, 20], dtype="Int64")
    assert depth_of(parents).to_dict() == {30: 2, 10: 0, 20: 1}


def test_sums_climb_through_every_level_and_include_the_areas_own_number() -> None:
    parents = pd.Series([20, pd.NA, 10, 10], index=[30, 10, 20, 40], dtype="Int64")
    own = pd.DataFrame({"migrants": [4, 1, 2, 8]}, index=parents.index)
    assert climb(own, parents)["migrants"].to_dict() == {30: 4, 10: 15, 20: 6, 40: 8}


def test_an_empty_tree_is_a_tree() -> None:
    assert depth_of(pd.Series([], index=pd.Index([], dtype="int64"), dtype="Int64")).empty


@pytest.mark.parametrize(
    ("above", "ids", "message"),
    [
        ([2, 1], [1, 2], "cycle"),
        ([pd.NA, 9], [1, 2], "parent 9 is not an area"),
        ([pd.NA, 1], [1, 1], "appears twice"),
    ],
)
def test_what_is_no_tree_is_refused(above: list[int], ids: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        depth_of(pd.Series(above, index=ids, dtype="Int64"))
