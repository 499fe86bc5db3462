import pandas as pd
import pytest

from layers.mismatches import count_by_class, mismatch_rates, worst, worst_reasons

CLASSES = ("missing_registration", "duplicate")


def areas(*ids: int) -> pd.Index:
    return pd.Index(ids, name="area_id")


def found() -> pd.DataFrame:
    """Area 1: 3 missing and 1 duplicate; 2: nothing found; 3: not reconciled; 4: nobody registered, 2 missing."""
    rows = [(1, "missing_registration")] * 3 + [(1, "duplicate")] + [(4, "missing_registration")] * 2
    mismatches = pd.DataFrame(rows, columns=["area_id", "mismatch_class"]).astype({"area_id": "Int64"})
    return count_by_class(mismatches, pd.Series([True, True, False, True], index=areas(1, 2, 3, 4)), classes=CLASSES)


def rates() -> pd.DataFrame:
    registered = pd.Series([2_000, 500, 800, 0], index=areas(1, 2, 3, 4), dtype="Int64")
    return mismatch_rates(found(), registered, per=1_000, confidence=0.95)


def test_an_area_where_nothing_was_found_has_zeros_and_one_not_reconciled_has_no_data() -> None:
    assert found()["missing_registration"].tolist() == [3, 0, pd.NA, 2]
    assert found()["duplicate"].tolist() == [1, 0, pd.NA, 0]


def test_a_mismatch_without_a_place_is_counted_nowhere() -> None:
    mismatches = pd.DataFrame({"area_id": pd.array([None], dtype="Int64"), "mismatch_class": ["duplicate"]})
    counts = count_by_class(mismatches, pd.Series([True], index=areas(1)), classes=CLASSES)
    assert counts.to_numpy().tolist() == [[0, 0]]


def test_unknown_classes_and_areas_not_reconciled_are_refused() -> None:
    mismatches = pd.DataFrame({"area_id": [1], "mismatch_class": ["typo"]})
    with pytest.raises(ValueError, match="typo"):
        count_by_class(mismatches, pd.Series([True], index=areas(1)), classes=CLASSES)
    with pytest.raises(ValueError, match=r"not reconciled: \[1\]"):
        count_by_class(mismatches, pd.Series([False], index=areas(1)), classes=("typo",))


def test_rates_are_per_thousand_registered_by_class_and_together() -> None:
    of_area = rates().xs(1, level="area_id")
    assert of_area["rate"].to_dict() == {"missing_registration": 1.5, "duplicate": 0.5, "all": 2.0}
    assert of_area["mismatches"].tolist() == [3, 1, 4]
    assert of_area["registered"].tolist() == [2_000] * 3


def test_zero_no_base_and_no_data_are_three_things() -> None:
    assert rates().xs("all", level="mismatch_class")["status"].tolist() == ["rated", "zero", "no_data", "no_base"]
    assert rates().xs("all", level="mismatch_class")["rate"].tolist() == [2.0, 0.0, pd.NA, pd.NA]


def test_every_rate_lies_in_its_interval() -> None:
    known = rates()[lambda rated: rated["rate"].notna()]
    assert (known["rate_low"] <= known["rate"]).all()
    assert (known["rate"] < known["rate_high"]).all()


def test_the_worst_area_is_not_the_one_with_one_mismatch_among_three_people() -> None:
    counts = pd.DataFrame({"duplicate": pd.array([1, 60, 2, 3, None], dtype="Int64")}, index=areas(9, 2, 5, 4, 7))
    registered = pd.Series([3, 1_000, 1_000, 1_000, 10], index=counts.index, dtype="Int64")
    rated = mismatch_rates(counts, registered, per=1_000, confidence=0.95)
    assert rated.xs("all", level="mismatch_class")["rate"].idxmax() == 9
    assert worst(rated, 4).index.tolist() == [2, 9, 4, 5]
    assert worst(rated, 2, mismatch_class="duplicate").index.tolist() == [2, 9]


def test_equal_rates_are_ranked_by_area_id() -> None:
    counts = pd.DataFrame({"duplicate": pd.array([5, 5, 5], dtype="Int64")}, index=areas(3, 1, 2))
    rated = mismatch_rates(counts, pd.Series(100, index=counts.index, dtype="Int64"), per=1_000, confidence=0.95)
    assert worst(rated, 2).index.tolist() == [1, 2]


def test_a_class_named_all_is_refused() -> None:
    counts = pd.DataFrame({"all": pd.array([5], dtype="Int64")}, index=areas(3))
    with pytest.raises(ValueError, match="no class of mismatch"):
        mismatch_rates(counts, pd.Series([1], index=counts.index), per=1_000, confidence=0.95)


def test_the_reason_is_the_class_that_stands_out_most_beyond_what_is_to_be_expected() -> None:
    counts = pd.DataFrame(
        {"missing_registration": [2, 8, 0], "duplicate": [6, 4, 0]}, index=areas(1, 2, 3), dtype="Int64"
    )
    registered = pd.Series([1_000, 4_000, 5_000], index=areas(1, 2, 3), dtype="Int64")
    reasons = worst_reasons(mismatch_rates(counts, registered, per=1_000, confidence=0.95), areas(1, 2, 3))
    # ten of each class among 10,000 registered: one is to be expected in area 1, four in area 2
    assert reasons["reason_class"].tolist()[:2] == ["duplicate", "missing_registration"]
    assert reasons["reason_expected"].tolist()[:2] == [1.0, 4.0]
    assert reasons["reason_times"].tolist()[:2] == [6.0, 2.0]
    assert pd.isna(reasons["reason_class"].iloc[2])
