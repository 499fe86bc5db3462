"""No hidden count can be computed from what is shown: checked against linear programming, not against our own rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gis_service.access.suppression import suppress

BELOW = 5


@st.composite
def counted_trees(draw: st.DrawFn) -> pd.DataFrame:
    """A district of two or three levels; counts of the leaves are drawn, the others add up."""
    townships = draw(st.integers(1, 4))
    parent = [-1] + [0] * townships
    leaves = []
    for township in range(1, townships + 1):
        for _village in range(draw(st.integers(1, 5))):
            leaves.append(len(parent))
            parent.append(township)
    values = np.zeros(len(parent), dtype="int64")
    values[leaves] = draw(st.lists(st.integers(0, 12), min_size=len(leaves), max_size=len(leaves)))
    for position in range(len(parent) - 1, 0, -1):
        values[parent[position]] += values[position]
    return pd.DataFrame(
        {"parent_id": pd.array([pd.NA if p < 0 else p + 100 for p in parent], dtype="Int64"), "migrants": values},
        index=pd.Index(np.arange(len(parent)) + 100, name="area_id"),
    ).astype({"migrants": "Int64"})


def ranges(figures: pd.DataFrame, shown: pd.DataFrame, column: str) -> dict[int, tuple[float, float]]:
    """The least and the most that each hidden cell can be, given everything shown and that hidden cells are not 0."""
    ids = list(figures.index)
    equations = []
    for parent in figures["parent_id"].dropna().unique():
        row = np.zeros(len(ids))
        row[ids.index(parent)] = -1
        for child in figures.index[figures["parent_id"].eq(parent).fillna(value=False)]:
            row[ids.index(child)] = 1
        equations.append(row)
    hidden = shown[column].isna()
    bounds = [
        (1 if figures[column][area_id] else 0, None) if hidden[area_id] else (shown[column][area_id],) * 2
        for area_id in ids
    ]
    found = {}
    for area_id in hidden.index[hidden]:
        cost = np.zeros(len(ids))
        cost[ids.index(area_id)] = 1
        solve = [linprog(sign * cost, A_eq=equations, b_eq=np.zeros(len(equations)), bounds=bounds) for sign in (1, -1)]
        most = np.inf if solve[1].status == 3 else -float(solve[1].fun or 0)
        found[area_id] = (float(solve[0].fun or 0), most)
    return found


@given(counted_trees())
@settings(max_examples=150, deadline=None)
def test_no_hidden_cell_is_determined_by_what_is_shown(figures: pd.DataFrame) -> None:
    shown = suppress(figures, BELOW, counts=[["migrants"]])
    small = figures["migrants"].between(1, BELOW - 1)
    assert shown["migrants"][small].isna().all()
    for area_id, (least, most) in ranges(figures, shown, "migrants").items():
        assert most - least > 0.5, (area_id, least, most)


@given(counted_trees())
@settings(max_examples=100, deadline=None)
def test_what_is_shown_is_true_and_nothing_is_hidden_without_need(figures: pd.DataFrame) -> None:
    shown = suppress(figures, BELOW, counts=[["migrants"]])
    visible = shown["migrants"].notna()
    assert shown["migrants"][visible].equals(figures["migrants"][visible])
    assert shown["suppressed"].eq(~visible).all()
    if not figures["migrants"].between(1, BELOW - 1).any():
        assert visible.all()


def district(*villages: int) -> pd.DataFrame:
    counts = [sum(villages), *villages]
    return pd.DataFrame(
        {
            "parent_id": pd.array([pd.NA] + [1] * len(villages), dtype="Int64"),
            "migrants": pd.array(counts, dtype="Int64"),
        },
        index=pd.Index(range(1, len(counts) + 1), name="area_id"),
    )


@pytest.mark.parametrize(
    ("villages", "hidden"),
    [
        ((20, 30, 40), []),
        ((3, 30, 40), [2, 3]),
        ((3, 4, 40), [2, 3]),
        ((3, 0, 40), [2, 4]),
        ((0, 0, 40), []),
        ((1, 1, 1, 1, 1, 90), [2, 3, 4, 5, 6, 7]),
        ((3,), [1, 2]),
        ((2, 2), [1, 2, 3]),
    ],
)
def test_by_hand(villages: tuple[int, ...], hidden: list[int]) -> None:
    shown = suppress(district(*villages), BELOW, counts=[["migrants"]])
    assert shown.index[shown["suppressed"]].tolist() == hidden


def test_a_missing_figure_stays_missing_and_is_not_called_suppressed() -> None:
    figures = district(20, 30)
    figures.loc[2, "migrants"] = pd.NA
    assert not suppress(figures, BELOW, counts=[["migrants"]])["suppressed"].any()


def test_rates_go_with_their_counts_and_parts_with_their_total() -> None:
    figures = district(3, 30, 40).assign(officers=pd.array([9, 9, 9, 9], dtype="Int64"), load=[8.1, 0.33, 3.3, 4.4])
    figures["green"], figures["red"] = figures["migrants"] - 1, 1
    shown = suppress(figures, BELOW, counts=[["migrants"], ["officers"]], derived={"load": ["migrants", "officers"]})
    assert shown["load"].isna().tolist() == [False, True, True, False]
    assert shown["officers"].notna().all()
    linked = suppress(figures.astype({"red": "Int64"}), BELOW, counts=[["migrants", "green", "red"]])
    assert (linked["green"].isna() == linked["migrants"].isna()).all()
    assert linked.loc[4, ["migrants", "green", "red"]].isna().all()


def test_the_readers_own_figures_are_kept() -> None:
    shown = suppress(district(3, 30, 40), BELOW, counts=[["migrants"]], keep=[2, 3, 4])
    assert not shown["suppressed"].any()
    shown = suppress(district(3, 30, 40), BELOW, counts=[["migrants"]], keep=[3, 4])
    assert shown.index[shown["suppressed"]].tolist() == [1, 2]


def test_the_input_is_left_alone_and_the_limit_may_be_off() -> None:
    figures = district(3, 30, 40)
    before = figures.copy()
    assert suppress(figures, 0, counts=[["migrants"]])["migrants"].equals(before["migrants"])
    suppress(figures, BELOW, counts=[["migrants"]])
    pd.testing.assert_frame_equal(figures, before)
