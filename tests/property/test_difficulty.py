import functools
import operator

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from layers.difficulty import difficulty

NAMES = ["load", "churn", "mismatch_rate"]
VALUES = hnp.arrays(
    float, st.tuples(st.integers(1, 15), st.just(3)), elements=st.one_of(st.just(np.nan), st.floats(0, 1e6, width=32))
)
WEIGHTS = st.lists(st.floats(0.01, 10), min_size=3, max_size=3)
METHODS = st.sampled_from(["rank", "minmax"])


@given(values=VALUES, weights=WEIGHTS, method=METHODS, seed=st.integers(0, 99))
def test_contributions_add_up_exactly_in_any_order_and_scores_stay_in_range(values, weights, method, seed) -> None:  # type: ignore[no-untyped-def]
    frame = pd.DataFrame(values, columns=NAMES)
    scored = difficulty(frame, weights=dict(zip(NAMES, weights, strict=True)), method=method)
    shuffled = np.random.default_rng(seed).permutation(NAMES)
    shuffled_sum = functools.reduce(operator.add, (scored[f"contribution_{name}"] for name in shuffled))
    known = scored["score"].notna()
    assert (scored["score"][known] == shuffled_sum[known]).all()
    assert scored["score"][known].between(0, 100).all()
    assert (known == frame.notna().any(axis=1)).all()


@given(values=VALUES, weights=WEIGHTS, method=METHODS, seed=st.integers(0, 99))
def test_row_order_changes_no_score(values, weights, method, seed) -> None:  # type: ignore[no-untyped-def]
    frame = pd.DataFrame(values, columns=NAMES)
    by_name = dict(zip(NAMES, weights, strict=True))
    shuffled = difficulty(frame.sample(frac=1, random_state=seed), weights=by_name, method=method)
    pd.testing.assert_frame_equal(shuffled.sort_index(), difficulty(frame, weights=by_name, method=method))
