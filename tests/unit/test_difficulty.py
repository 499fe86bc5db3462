import datetime as dt
import math

import pandas as pd
import pytest

from layers.coverage import coverage
from layers.difficulty import FACTORS, difficulty, difficulty_multiplier, load_factor, staff_weakness


def factors(**columns: list[float | None]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.array(values, dtype="Float64") for name, values in columns.items()})
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="area_id")
    return frame


def test_ranks_weighted_by_hand() -> None:
    # Ranks scaled to 0, ½, 1 and 1, ¼, ¼ (equal values share); weights 3 : 1.
    scored = difficulty(
        factors(load=[500, 900, 4_000], churn=[2.0, 1.0, 1.0]), weights={"load": 3, "churn": 1}, method="rank"
    )
    assert scored["contribution_load"].tolist() == [0, 37.5, 75]
    assert scored["contribution_churn"].tolist() == [25, 6.25, 6.25]
    assert scored["score"].tolist() == [25, 43.75, 81.25]


def test_minmax_keeps_the_distances() -> None:
    scored = difficulty(factors(load=[500, 900, 4_500]), weights={"load": 1}, method="minmax")
    assert scored["score"].tolist() == pytest.approx([0, 10, 100], abs=1e-8)


def test_weights_of_missing_factors_go_to_the_known_ones_and_the_share_known_is_shown() -> None:
    scored = difficulty(
        factors(load=[500, 900, None, None], churn=[1.0, None, 2.0, None]),
        weights={"load": 3, "churn": 1},
        method="rank",
    )
    assert scored["score"].tolist() == [0, 100, 100, pd.NA]
    assert scored["known"].tolist() == [1, 0.75, 0.25, 0]
    assert scored["contribution_churn"].tolist() == [0, 0, 100, 0]


@pytest.mark.parametrize("method", ["rank", "minmax"])
def test_a_factor_that_tells_no_areas_apart_is_neutral(method: str) -> None:
    scored = difficulty(factors(load=[700, 700, None]), weights={"load": 1}, method=method)  # type: ignore[arg-type]
    assert scored["score"].tolist() == [50, 50, pd.NA]


@pytest.mark.parametrize("method", ["rank", "minmax"])
def test_an_uncovered_area_is_worse_than_any_load(method: str) -> None:
    population = pd.DataFrame(
        {
            "migrants": pd.array([800, 1_600, 300, None], dtype="Int64"),
            "officers_fte": pd.array([1, 1, 0, 1], dtype="Float64"),
        }
    )
    loads = load_factor(coverage(population, standard=800, as_of=dt.date(2023, 9, 1), source="公安登记"))
    assert loads.tolist() == [800, 1_600, math.inf, pd.NA]
    scored = difficulty(loads.to_frame(), weights={"load": 1}, method=method)  # type: ignore[arg-type]
    assert scored["score"].iloc[2] == 100
    assert scored["score"].iloc[0] == 0
    assert scored["score"].isna().tolist() == [False, False, False, True]


def test_every_usual_factor_can_be_weighed() -> None:
    frame = factors(**{name: [float(place), 3.0, None] for place, name in enumerate(FACTORS)})
    scored = difficulty(frame, weights=dict.fromkeys(FACTORS, 1.0), method="rank")
    assert [f"contribution_{name}" for name in FACTORS] == scored.columns[2:].tolist()


@pytest.mark.parametrize("weights", [{"load": 0}, {"load": -1}, {"load": math.nan}, {}])
def test_weights_that_weigh_nothing_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights must be"):
        difficulty(factors(load=[1.0]), weights=weights, method="rank")


def test_demand_is_multiplied_straight_from_low_to_high() -> None:
    score = pd.Series([0, 50, 100, None], dtype="Float64")
    multiplier = difficulty_multiplier(score, low=0.8, high=1.4)
    assert multiplier.iloc[:3].tolist() == pytest.approx([0.8, 1.1, 1.4], rel=1e-12)
    assert multiplier.isna().tolist() == [False, False, False, True]


def test_multipliers_out_of_order_and_scores_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="multipliers"):
        difficulty_multiplier(pd.Series([1.0]), low=2, high=1)
    with pytest.raises(ValueError, match="outside 0-100"):
        difficulty_multiplier(pd.Series([101.0]), low=1, high=2)


def test_staff_weakness_is_the_mean_of_what_lacks_and_who_is_over_50() -> None:
    weak = staff_weakness(
        pd.Series([0.5, 1.5, None, None], dtype="Float64"), pd.Series([0.25, 0.5, 0.5, None], dtype="Float64")
    )
    assert weak.tolist() == [0.375, 0.25, 0.5, pd.NA]
