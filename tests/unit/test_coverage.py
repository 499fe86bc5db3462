import datetime as dt
import math

import pandas as pd
import pytest

from layers.coverage import FIGURES, classify, coverage, required_posts, roll_up

TODAY = dt.date(2023, 9, 1)


def population(rows: dict[int, tuple[int | None, float | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "migrants": pd.array([migrants for migrants, _ in rows.values()], dtype="Int64"),
            "officers_fte": pd.array([officers for _, officers in rows.values()], dtype="Float64"),
        },
        index=pd.Index(rows, name="area_id"),
    )


def covered(rows: dict[int, tuple[int | None, float | None]], standard: float = 800) -> pd.DataFrame:
    return coverage(population(rows), standard=standard, as_of=TODAY, source="公安登记")


def test_township_of_32_900_with_26_officers_shows_the_published_figures() -> None:
    township = covered({1: (32_900, 26)}).loc[1]
    assert round(township["load"]) == 1_265
    assert township["required"] == 42
    assert township["short"] == 16
    assert township["surplus"] == 0
    assert round(township["coverage"] * 100, 1) == 63.2
    assert township["status"] == "short"


def test_district_of_357_000_requires_447_posts() -> None:
    assert required_posts(pd.Series([357_000], dtype="Int64"), standard=800).tolist() == [447]


def test_an_area_at_exactly_the_standard_is_covered_with_neither_shortfall_nor_surplus() -> None:
    area = covered({1: (1_600, 2)}).loc[1]
    shown = [area[name] for name in ("load", "required", "short", "surplus", "coverage", "status")]
    assert shown == [800, 2, 0, 0, 1, "covered"]


def test_uncovered_no_data_and_nobody_to_register_are_three_things() -> None:
    areas = covered({1: (500, 0), 2: (None, 3), 3: (500, None), 4: (0, 2), 5: (0, 0)})
    assert areas["status"].tolist() == ["uncovered", "no_data", "no_data", "empty", "empty"]
    assert areas["load"].tolist() == [pd.NA, pd.NA, pd.NA, 0, pd.NA]
    assert areas["coverage"].tolist() == [0, pd.NA, pd.NA, pd.NA, pd.NA]
    assert areas["required"].tolist() == [1, pd.NA, 1, 0, 0]
    assert areas["surplus"].tolist() == [0, pd.NA, pd.NA, 2, 0]


def test_every_figure_is_its_numerator_over_its_denominator() -> None:
    areas = covered({1: (900, 1), 2: (700, 0.5)})
    for figure, (numerator, denominator) in FIGURES.items():
        ratio = areas[numerator].astype("Float64") / areas[denominator].astype("Float64")
        shown = areas[figure].astype("Float64")
        assert (shown == (ratio.map(math.ceil) if figure == "required" else ratio)).all(), figure
    assert areas["numerator"].tolist() == [900, 700]
    assert areas["denominator"].tolist() == [1, 0.5]
    assert areas["source"].tolist() == ["公安登记"] * 2
    assert areas["as_of"].tolist() == [TODAY] * 2


def test_posts_may_be_counted_on_a_three_year_average_while_the_load_stays_todays() -> None:
    rows = population({1: (900, 1)}).assign(base=pd.array([1_700.5], dtype="Float64"))
    area = coverage(rows, standard=800, as_of=TODAY, source="三年均值").loc[1]
    assert (area["load"], area["required"], area["short"]) == (900, 3, 2)
    assert area["coverage"] == pytest.approx(800 / 1_700.5, rel=1e-12)


def test_noise_in_the_last_digits_of_an_average_asks_for_no_extra_post() -> None:
    assert required_posts(pd.Series([800.0000000001, 800.01]), standard=800).tolist() == [1, 2]


def test_the_input_is_left_as_it_was() -> None:
    rows = population({1: (900, 1)})
    before = rows.copy(deep=True)
    coverage(rows, standard=800, as_of=TODAY, source="公安登记")
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.parametrize("standard", [0, -1, float("nan"), float("inf")])
def test_a_standard_that_is_not_above_zero_is_refused(standard: float) -> None:
    with pytest.raises(ValueError, match="standard must be above 0"):
        covered({1: (1, 1)}, standard=standard)


def test_a_negative_number_is_refused_with_its_area() -> None:
    with pytest.raises(ValueError, match=r"officers_fte is negative for \[7\]"):
        covered({7: (1, -1)})


PARENTS = pd.Series([pd.NA, 1, 1, 2, 2, 3], index=pd.RangeIndex(1, 7, name="area_id"), dtype="Int64", name="parent_id")
"""District 1 over villages 2 and 3; compounds 4 and 5 in 2, 6 in 3."""


def test_sums_roll_up_to_every_level_and_say_how_many_parts_are_missing() -> None:
    totals = roll_up(population({4: (100, 1), 5: (None, 0.5), 6: (None, None)}), PARENTS)
    assert totals["migrants"].tolist() == [100, 100, pd.NA, 100, pd.NA, pd.NA]
    assert totals["migrants_missing"].tolist() == [2, 1, 1, 0, 1, 1]
    assert totals["officers_fte"].tolist() == [1.5, 1.5, pd.NA, 1, 0.5, pd.NA]
    assert totals["officers_fte_missing"].tolist() == [1, 0, 1, 0, 0, 1]
    assert totals["leaves"].tolist() == [3, 2, 1, 1, 1, 1]
    assert totals.dtypes.astype(str).to_dict() | {"officers_fte": "Float64"} == dict.fromkeys(totals, "Int64") | {
        "officers_fte": "Float64"
    }


def test_a_leaf_without_a_row_has_no_data() -> None:
    totals = roll_up(population({4: (100, 1)}), PARENTS)
    assert totals["migrants_missing"].tolist() == [2, 1, 1, 0, 1, 1]


def test_officers_who_serve_the_village_itself_are_added_to_its_compounds() -> None:
    totals = roll_up(population({2: (None, 2), 4: (100, 1), 5: (50, 0), 6: (7, 0)}), PARENTS)
    assert totals.loc[[1, 2, 3], "officers_fte"].tolist() == [3, 3, 0]
    assert totals.loc[[1, 2, 3], "migrants"].tolist() == [157, 150, 7]
    assert totals["officers_fte_missing"].sum() == 0


def test_numbers_of_an_area_outside_the_tree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"areas \[99\]"):
        roll_up(population({99: (1, 1)}), PARENTS)


def test_an_edge_of_the_legend_belongs_to_the_class_below_it() -> None:
    load = pd.Series([0, 600, 800, 800.5, 1_265, None], dtype="Float64")
    assert classify(load, (600, 800, 1_000)).tolist() == [0, 0, 1, 2, 3, pd.NA]


@pytest.mark.parametrize("edges", [(), (800, 800), (800, 600)])
def test_edges_that_do_not_increase_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="class edges must increase"):
        classify(pd.Series([1.0]), edges)
