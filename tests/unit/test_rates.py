import numpy as np
import pandas as pd
import pytest
from esda.smoothing import Empirical_Bayes

from layers.rates import empirical_bayes, known_rate, score_interval


def counts(*values: float | None) -> pd.Series:
    return pd.Series(pd.array(values, dtype="Int64"), name="events")


def test_no_base_is_no_rate_and_a_missing_number_is_no_rate() -> None:
    assert known_rate(counts(1, 0, 3, None, 2), counts(2, 5, 0, 7, None)).tolist() == [0.5, 0, pd.NA, pd.NA, pd.NA]


def test_areas_that_differ_by_no_more_than_chance_all_get_the_overall_rate() -> None:
    # 2 of 20, 1 of 10, 3 of 30: identical rates, so the variance between areas is estimated below 0.
    assert empirical_bayes(counts(2, 1, 3), counts(20, 10, 30)).tolist() == pytest.approx([0.1, 0.1, 0.1], rel=1e-12)


def test_shrinking_by_hand() -> None:
    # Overall 60/200 = 0.3; weighted variance 0.04; less 0.3/100 leaves 0.037; trust 0.037 / (0.037 + 0.003) = 0.925.
    adjusted = empirical_bayes(counts(10, 50), counts(100, 100))
    assert adjusted.tolist() == pytest.approx([0.3 - 0.2 * 0.925, 0.3 + 0.2 * 0.925], rel=1e-12)


def test_where_areas_differ_the_rates_are_those_of_esda() -> None:
    rng = np.random.default_rng(1)
    base = rng.integers(5, 400, 200)
    events = rng.binomial(base, rng.beta(2, 10, 200))
    ours = empirical_bayes(pd.Series(events), pd.Series(base))
    np.testing.assert_allclose(ours.to_numpy(dtype=float), Empirical_Bayes(events, base).r.ravel(), rtol=1e-12)


def test_areas_without_data_do_not_move_the_others() -> None:
    with_gaps = empirical_bayes(counts(10, None, 50, 4), counts(100, 900, 100, 0))
    assert with_gaps.tolist()[1::2] == [pd.NA, pd.NA]
    assert with_gaps.iloc[[0, 2]].tolist() == empirical_bayes(counts(10, 50), counts(100, 100)).tolist()


def test_score_interval_by_hand() -> None:
    # z = 1.959964; 4 of 1,000: (4 + 1.920729 ± z·sqrt(4 + 0.960365)) / 1,000.
    interval = score_interval(counts(4), counts(1_000), confidence=0.95)
    assert interval.low[0] == pytest.approx(0.0015555, abs=5e-7)
    assert interval.high[0] == pytest.approx(0.0102860, abs=5e-7)


def test_a_count_of_zero_still_has_an_upper_limit() -> None:
    interval = score_interval(counts(0, None), counts(50, 50), confidence=0.95)
    assert interval.low.tolist() == [0, pd.NA]
    assert interval.high[0] == pytest.approx(1.959964**2 / 50, rel=1e-6)


def test_both_limits_lie_z_standard_errors_from_the_count() -> None:
    interval = score_interval(counts(7, 300), counts(90, 100), confidence=0.9)
    for limit in interval:
        expected = limit * pd.Series([90, 100])
        np.testing.assert_allclose(abs(counts(7, 300) - expected) / expected**0.5, 1.6448536269514722, rtol=1e-9)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        score_interval(counts(1), counts(2), confidence=confidence)


def test_negative_counts_and_other_indexes_are_refused() -> None:
    with pytest.raises(ValueError, match="events is negative"):
        known_rate(counts(-1), counts(2))
    with pytest.raises(ValueError, match="same index"):
        known_rate(counts(1), counts(2, 3))
