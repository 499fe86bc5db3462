"""The quarter of several townships tells no small count: attacked with linear programming over all that is shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st
from scipy.optimize import linprog

from gis_service.registers.quarters.published import ALL, hidden_cells, tree_of
from gis_service.registers.tables import MismatchState
from gis_service.registers.withholding import hidden_counts
from gis_service.settings import Settings

SETTINGS = Settings()
GONE = "withheld"
STATES = [state.value for state in MismatchState]
WAITING = [MismatchState.OPEN.value, MismatchState.CONFIRMED.value]
SETTLED = [name for name in STATES if name not in WAITING]
PARTS = {"waiting": WAITING, "settled": SETTLED, "found": STATES} | {name: [name] for name in STATES}


def quarter(counts: list[list[int]], townships: list[int]) -> pd.DataFrame:
    """Villages with so many mismatches in each state, in these townships (ids from 100 on), as a tree."""
    ids = pd.Index(range(1, len(counts) + 1), name="village_id")
    villages = pd.DataFrame(counts, columns=STATES, index=ids).assign(code="V", name="V", parent_id=townships)
    villages = villages.assign(waiting=villages[WAITING].sum(axis=1), settled=villages[SETTLED].sum(axis=1))
    villages["found"] = villages["waiting"] + villages["settled"]
    above = pd.DataFrame({"code": "T", "name": "T"}, index=sorted(set(townships)))
    return tree_of(villages, above)


@st.composite
def quarters(draw: st.DrawFn) -> pd.DataFrame:
    number = draw(st.integers(2, 6))
    some = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 8, 13, 30])
    counts = draw(st.lists(st.lists(some, min_size=6, max_size=6), min_size=number, max_size=number))
    return quarter(counts, draw(st.lists(st.integers(100, 102), min_size=number, max_size=number)))


def elsewhere(tree: pd.DataFrame) -> pd.Series:
    """What the figures of areas withhold of the same mismatches: there villages are split into compounds."""
    rows = tree[["parent_id", "waiting"]].astype("Int64")
    villages = tree.index[tree["parent_id"].ne(ALL).fillna(value=False)]
    first = (rows.loc[villages, "waiting"] // 3).rename(index=lambda village: village + 1000)
    second = (rows.loc[villages, "waiting"] - rows.loc[villages, "waiting"] // 3).rename(index=lambda v: v + 2000)
    halves = pd.concat([first, second]).to_frame().assign(parent_id=np.tile(villages.to_numpy(), 2))
    hidden = hidden_counts(pd.concat([rows, halves.astype("Int64")]), ["waiting"], SETTINGS)["waiting"]
    return hidden.loc[tree.index]


@given(quarters())
@runs(max_examples=40, deadline=None)
def test_no_small_count_of_a_village_can_be_computed(tree: pd.DataFrame) -> None:
    known_elsewhere = elsewhere(tree)
    gone = hidden_cells(tree, known_elsewhere, SETTINGS)
    villages = [area_id for area_id in tree.index if area_id != ALL and area_id < 100]
    unknown = [(village, state) for village in villages for state in STATES]

    def cell(area_id: int, name: str) -> npt.NDArray[np.float64]:
        inside = {area_id} | set(tree.index[tree["parent_id"].eq(area_id).fillna(value=False)])
        held = {village for village in villages if {village, tree["parent_id"][village]} & inside or area_id == ALL}
        return np.array([village in held and state in PARTS[name] for village, state in unknown], dtype=float)

    shown = [(area, name) for name in PARTS for area in tree.index if not gone[name][area]]
    shown += [(area, "waiting") for area in tree.index if not known_elsewhere[area]]
    equations = np.array([cell(area, name) for area, name in shown])
    values = np.array([tree[name][area] for area, name in shown], dtype=float)
    for village in villages:
        for name in PARTS:
            if not 0 < tree[name][village] < SETTINGS.suppress_below:
                continue
            cost = cell(village, name)
            least, most = (
                linprog(sign * cost, A_eq=equations, b_eq=values, bounds=(0, None)) if len(shown) else None
                for sign in (1, -1)
            )
            if least is None or most is None or most.status == 3:
                continue
            assert least.status == 0, least.message
            assert round(-float(most.fun or 0) - float(least.fun or 0), 6) > 0, (
                f"{name} of village {village} is {tree[name][village]}"
            )


def read(tree: pd.DataFrame) -> dict[str, list[object]]:
    """What somebody reads of each column that is shown."""
    gone = hidden_cells(tree, elsewhere(tree), SETTINGS)
    return {name: tree[name].astype(object).mask(gone[name], GONE).tolist() for name in (*PARTS, "share_settled")}


def test_quarters_that_differ_in_one_mismatch_of_a_small_count_look_the_same() -> None:
    townships = [100, 100, 100, 101, 101]
    others = [[30, 8, 9, 9, 9, 9], [40, 9, 8, 8, 8, 8], [50, 9, 8, 8, 8, 8]]
    one = quarter([[3, 0, 9, 9, 9, 9], [14, 6, 8, 8, 8, 8], *others], townships)
    other = quarter([[2, 0, 9, 9, 9, 9], [15, 6, 8, 8, 8, 8], *others], townships)
    assert read(one) == read(other)
    told = read(one)
    assert told["waiting"][:2] == [GONE, GONE], "3 wait in the first village, and the neighbour would tell it"
    assert told["waiting"][2:] == [38, 49, 59, 61, 108, 169], "other villages, the townships and all together are shown"
    assert told["settled"][0] == 36


def test_one_small_state_takes_no_other_figure_of_the_village_along() -> None:
    told = read(quarter([[30, 3, 9, 1, 9, 9], [40, 9, 8, 8, 8, 8], [50, 9, 8, 8, 8, 8]], [100] * 3))
    assert told["found"][:3] == [61, 81, 91]
    assert told["waiting"][:3] == [33, 49, 59]
    assert told["open"] == [GONE, GONE, 50, 120, 120]
    assert told[MismatchState.REJECTED.value] == [GONE, GONE, 8, 25, 25]


def test_nothing_is_withheld_when_no_count_is_too_small() -> None:
    tree = quarter([[1, 1, 1, 1, 1, 1], [40, 9, 8, 8, 8, 8]], [100, 101])
    off = Settings(suppress_below=0)
    assert not any(rows.any() for rows in hidden_cells(tree, pd.Series(False, index=tree.index), off).values())
