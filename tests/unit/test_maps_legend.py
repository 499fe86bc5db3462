import pandas as pd
import pytest

from layers.boundaries import FINDINGS
from layers.hotspots import CLASSES
from maps.coverage import load_edges
from maps.figures import area_m2_text, count_text, decimal_text, fte_text, load_text, officers_text, share_text
from maps.findings import FINDING_KINDS
from maps.hotspots import HOTSPOT_CLASSES
from maps.legend import DIVERGING_ABOVE, DIVERGING_BELOW, Legend, graded, load_legend, rate_edges, rate_legend
from maps.texts import chinese, english


def legend_800() -> Legend:
    return load_legend(load_edges(800), standard=800, note="", texts=chinese)


def test_numbers_read_as_on_paper() -> None:
    assert load_text(32_900 / 26, chinese) == "1,265 人/员"
    assert load_text(32_900 / 26, english) == "1 : 1,265"
    assert officers_text(26.0, 42, chinese) == "26 / 42 人"
    assert officers_text(0.5, 1, chinese) == "0.5 / 1 人"
    assert share_text(26 / (32_900 / 800)) == "63.2%"
    assert count_text(357_000, chinese("{count} people")) == "357,000 人"
    assert decimal_text(12.345, 1, chinese("{rate} per 1,000")) == "12.3 ‰"
    assert fte_text(10.0) == "10"
    assert area_m2_text(0.114, chinese) == "0.11 平方米"
    assert area_m2_text(1234.5, chinese) == "1,234 平方米"


@pytest.mark.parametrize("nothing", [None, pd.NA, float("nan"), float("inf")])
def test_where_there_is_no_number_there_is_a_dash_and_never_a_zero(nothing: float | None) -> None:
    assert {load_text(nothing, chinese), share_text(nothing), count_text(nothing), fte_text(nothing)} == {"—"}
    assert {decimal_text(nothing), area_m2_text(nothing, chinese)} == {"—"}


def test_classes_lie_around_the_standard() -> None:
    labels = [each.label for each in legend_800().classes]

    assert labels == [
        "≤ 600",
        "600–800（达标）",
        "800–1,000",
        "1,000–1,300",
        "> 1,300",
        "未覆盖（有流动人口、无专管员）",
        "无流动人口",
        "无数据",
    ]
    assert [each.fill for each in legend_800().classes[:5]] == [*DIVERGING_BELOW[:2], *DIVERGING_ABOVE[:3]]


def test_the_special_classes_differ_by_more_than_colour() -> None:
    uncovered, empty, no_data = legend_800().classes[-3:]

    assert [uncovered.hatch, empty.hatch, no_data.hatch] == ["dense", "", "sparse"]
    assert len({each.fill for each in legend_800().classes}) == 8


def test_a_load_at_the_standard_meets_it() -> None:
    loads = pd.Series([600, 600.1, 800, 800.1, 1300, 1300.1, None], dtype="Float64")

    keys = graded(loads, load_edges(800), "load")

    assert keys.tolist()[:6] == ["load_0", "load_1", "load_1", "load_2", "load_3", "load_4"]
    assert keys.isna().tolist() == [False] * 6 + [True]


def test_a_standard_that_no_edge_shows_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of the class edges"):
        load_legend([600, 1000], standard=800, note="", texts=chinese)


def test_more_classes_than_a_reader_tells_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="tell apart"):
        load_legend([200, 400, 600, 800], standard=800, note="", texts=chinese)


def test_rates_are_classed_at_rounded_quantiles_of_those_above_zero() -> None:
    rates = pd.Series([0.0, 0.0, None, *range(1, 101)], dtype="Float64")

    assert rate_edges(rates) == (20.8, 40.6, 60.4, 80.2)
    assert rate_edges(pd.Series([0.0, 0.0])) == (1.0,)
    assert rate_edges(pd.Series([5.0] * 9)) == (5.0,)


def test_zero_no_rate_and_no_data_are_three_classes() -> None:
    keys = [each.key for each in rate_legend([1.0, 2.0], title="", note="", texts=chinese).classes]

    assert keys == ["none", "rate_0", "rate_1", "rate_2", "no_base", "no_data"]


def test_every_class_that_the_layers_know_has_a_name_and_a_colour_of_its_own() -> None:
    assert (*HOTSPOT_CLASSES, "no_data") == CLASSES
    assert set(FINDING_KINDS) == set(FINDINGS)
    for named in (HOTSPOT_CLASSES, FINDING_KINDS):
        assert len({fill for _, fill in named.values()}) == len(named)
        assert all(chinese(name) for name, _ in named.values())
