from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from layers.apportion import apportion_tree, largest_remainder

WEIGHTS = st.lists(
    st.one_of(st.integers(0, 10**6), st.floats(0, 1e9, allow_subnormal=False)), min_size=1, max_size=12
).filter(lambda weights: sum(weights) > 0)


@given(total=st.integers(0, 10**5), weights=WEIGHTS)
def test_parts_add_up_and_each_is_its_quota_rounded_down_or_up(total: int, weights: list[float]) -> None:
    parts = largest_remainder(total, np.array(weights, dtype=object))
    whole = sum(map(Fraction, weights))
    assert parts.sum() == total
    assert all(
        abs(int(part) - total * Fraction(weight) / whole) < 1 for part, weight in zip(parts, weights, strict=True)
    )


@given(total=st.integers(0, 1000), weights=st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True))
def test_a_larger_weight_never_gets_fewer_posts(total: int, weights: list[int]) -> None:
    ordered = sorted(weights)
    assert sorted(largest_remainder(total, ordered)) == largest_remainder(total, ordered).tolist()


@st.composite
def trees(draw: st.DrawFn) -> tuple[pd.Series, pd.Series]:
    """Parents of up to 25 areas (each under an earlier one, or a root) and posts on their leaves."""
    above = [
        draw(st.one_of(st.none(), st.integers(0, place - 1))) if place else None
        for place in range(draw(st.integers(1, 25)))
    ]
    parents = pd.Series(above, dtype="Int64")
    leaves = parents.index.difference(pd.Index(parents.dropna().unique()))
    posts = draw(st.lists(st.integers(0, 60), min_size=len(leaves), max_size=len(leaves)))
    return parents, pd.Series(posts, index=leaves)


@given(tree=trees(), share=st.integers(0, 100))
def test_a_share_of_posts_adds_up_at_every_level_and_never_exceeds_the_posts(
    tree: tuple[pd.Series, pd.Series], share: int
) -> None:
    parents, posts = tree
    total = int(posts.sum())
    social = int(largest_remainder(total, [share, 100 - share])[0]) if total else 0
    split = apportion_tree(social, posts, parents)
    assert split[parents.isna()].sum() == social
    for parent in parents.dropna().unique():
        assert split[parents == parent].sum() == split[parent]
    assert (split[posts.index] <= posts).all()
