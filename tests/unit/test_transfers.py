"""Transfers small enough to check by hand, and the two solvers of the process side by side."""

import subprocess
import sys
import textwrap

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from layers._transfer_arcs import Arcs, Side, Terms, cheapest_arcs
from layers._transfer_flow import cheapest_flow
from layers.frames import FrameError, NotMetricError
from layers.transfers import TransferPlan, transfers, verify_transfers

METRIC = "EPSG:4549"


def officers(*rows: tuple[float, float, object, str, str]) -> gpd.GeoDataFrame:
    """Rows of x_m, y_m, unit, form, side; ids from 1."""
    x, y, unit, form, side = zip(*rows, strict=True)
    index = pd.RangeIndex(1, len(rows) + 1)
    data = {"unit_id": pd.array(unit, dtype="Int64"), "form": form, "side": side}
    return gpd.GeoDataFrame(data, geometry=gpd.points_from_xy(x, y), crs=METRIC, index=index)


def posts(*rows: tuple[float, float, int, int, str, str]) -> gpd.GeoDataFrame:
    """Rows of x_m, y_m, unit, number, form, side; ids from 101."""
    x, y, unit, number, form, side = zip(*rows, strict=True)
    index = pd.RangeIndex(101, 101 + len(rows))
    data = {"unit_id": pd.array(unit, dtype="Int64"), "posts": number, "form": form, "side": side}
    return gpd.GeoDataFrame(data, geometry=gpd.points_from_xy(x, y), crs=METRIC, index=index)


def where(plan: TransferPlan) -> dict[int, int]:
    return dict(zip(plan.placed.index.tolist(), plan.placed["post_id"].tolist(), strict=True))


def test_the_sum_of_ways_is_least_not_each_way() -> None:
    # the nearest post of officer 1 (at 0 m) is at 1 m, but only officer 2 (at 2 m) would then be left with 10 m to 12
    people = officers((0, 0, 7, "", "police"), (2, 0, 7, "", "police"))
    seats = posts((1, 0, 8, 1, "", ""), (-9, 0, 9, 1, "", ""))
    plan = transfers(people, seats)
    assert where(plan) == {1: 102, 2: 101}
    assert (plan.total_m, plan.cost_m, plan.least_cost_m) == (10.0, 10.0, 10.0)
    assert verify_transfers(people, seats, plan) == []


def test_form_and_side_bind_and_an_empty_one_asks_for_nothing() -> None:
    people = officers((0, 0, 7, "transitioned", "police"), (0, 0, 7, "not_transitioned", "social"))
    seats = posts((1, 0, 8, 1, "", "social"), (50, 0, 9, 1, "transitioned", ""))
    assert where(transfers(people, seats)) == {1: 102, 2: 101}


def test_continuity_is_worth_so_many_metres() -> None:
    people = officers((100, 0, 7, "", ""), (0, 0, pd.NA, "", ""))
    seats = posts((0, 0, 7, 1, "", ""), (110, 0, 8, 1, "", ""))
    assert where(transfers(people, seats)) == {1: 102, 2: 101}  # 10 m in all
    stays = transfers(people, seats, leaving_m=201)  # 100 + 110 m, but nobody leaves a unit
    assert where(stays) == {1: 101, 2: 102}
    assert stays.placed["stays"].tolist() == [True, False]
    assert stays.total_m == 210.0


def test_who_stays_is_not_asked_how_far_the_way_is() -> None:
    people = officers((5_000, 0, 7, "", ""), (5_000, 0, 6, "", ""))
    seats = posts((0, 0, 7, 2, "", ""))
    plan = transfers(people, seats, farthest_m=4_000)
    assert where(plan) == {1: 101}
    assert verify_transfers(people, seats, plan, farthest_m=4_000) == []


def test_every_empty_post_has_its_reason() -> None:
    people = officers((0, 0, 7, "transitioned", "police"), (10, 0, 7, "transitioned", "police"))
    seats = posts(
        (0, 0, 1, 1, "", "police"),
        (5, 0, 2, 2, "", "police"),
        (0, 0, 3, 1, "", "social"),
        (9_000, 0, 4, 2, "transitioned", ""),
    )
    plan = transfers(people, seats, farthest_m=1_000)
    assert plan.empty["reason"].to_dict() == {102: "contested", 103: "nobody_fits", 104: "too_far"}
    assert plan.empty["posts"].to_dict() == {102: 1, 103: 1, 104: 2}
    assert plan.empty["fitting"].to_dict() == {102: 2, 103: 0, 104: 2}
    assert plan.empty["within_reach"].to_dict() == {102: 2, 103: 0, 104: 0}
    assert plan.empty.loc[102, "rivals"] == 3  # three posts, and only two officers who can fill any of them
    assert plan.left_over.empty


def test_as_many_posts_as_possible_are_filled_before_ways_count() -> None:
    people = officers((0, 0, 7, "", ""), (1, 0, 7, "", ""))
    seats = posts((1, 0, 8, 1, "", ""), (0, 900, 9, 1, "", ""))
    # officer 2 at 1 m is beyond 900 m of post 102: only officer 1 reaches it
    assert where(transfers(people, seats, farthest_m=900)) == {1: 102, 2: 101}


def test_officers_without_a_post_are_named() -> None:
    people = officers((0, 0, 7, "", ""), (1, 0, 7, "", ""), (2, 0, 7, "", ""))
    plan = transfers(people, posts((2, 0, 8, 1, "", "")))
    assert plan.left_over.tolist() == [1, 2]


def test_nobody_or_nothing_to_fill_is_a_plan_too() -> None:
    people, seats = officers((0, 0, 7, "", "")), posts((2, 0, 8, 3, "", ""))
    assert transfers(people.iloc[:0], seats).empty["reason"].tolist() == ["nobody_fits"]
    assert transfers(people, seats.iloc[:0]).left_over.tolist() == [1]


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    people = officers(*((float(x), float(y), 7, "", "") for x, y in rng.integers(0, 9, (30, 2))))
    seats = posts(*((float(x), float(y), 8, 2, "", "") for x, y in rng.integers(0, 9, (12, 2))))
    plan = transfers(people, seats)
    again = transfers(people.sample(frac=1, random_state=1), seats.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(plan.placed, again.placed)
    pd.testing.assert_frame_equal(plan.empty, again.empty)


def test_a_broken_plan_is_found_out() -> None:
    people = officers((0, 0, 7, "", "police"), (2, 0, 7, "", "police"))
    seats = posts((1, 0, 8, 1, "", "police"), (9, 0, 9, 1, "", "police"))
    plan = transfers(people, seats)
    both = plan.placed.assign(post_id=101, unit_id=8, way_m=1.0)
    broken = TransferPlan(both, plan.empty, plan.left_over, 2.0, 2.0, 2.0, 0, 0)
    assert verify_transfers(people, seats, broken) == ["post_overfilled 101", "count_wrong 101", "count_wrong 102"]
    assert "misfit 1" in verify_transfers(people.assign(side="social"), seats, plan)
    assert "too_far 2" in verify_transfers(people, seats, plan, farthest_m=5)


def test_pairs_that_only_prices_can_find_are_found() -> None:
    # three officers in a crowd of five posts, two posts far away: near pairs alone leave these empty
    people = officers(*((float(x), 0, 7, "", "") for x in range(40)))
    seats = posts(*((x / 8, 1, 8, 1, "", "") for x in range(38)), (9_000, 0, 9, 2, "", ""))
    plan = transfers(people, seats)
    assert plan.empty.empty
    assert plan.cost_m == plan.least_cost_m


def test_the_solver_of_flows_and_the_solver_of_programs_share_a_process() -> None:
    script = """
        import numpy as np
        from scipy.optimize import LinearConstraint, linprog, milp
        from layers._transfer_arcs import Arcs
        from layers._transfer_flow import cheapest_flow
        one = np.array([1], np.int64)
        for _ in range(3):
            arcs = Arcs(np.zeros(1, np.int32), np.zeros(1, np.int32), np.array([5]))
            print(cheapest_flow(arcs, one, one, 100).used.sum())
            print(milp([1.0], integrality=[1], constraints=LinearConstraint([[1.0]], 2, 9)).fun)
            print(linprog([1.0], A_eq=[[2.0]], b_eq=[3.0], method="highs").fun)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2.0", "1.5"] * 3), done.stderr


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda frame: frame.drop(columns="form"), "form"),
        (lambda frame: frame.set_axis([1] * len(frame)), "index"),
        (lambda frame: frame.set_geometry(frame.buffer(1)), "geometry"),
        (lambda frame: frame.to_crs("EPSG:4550"), "crs"),
    ],
)
def test_frames_that_cannot_be_used_are_refused(change: object, column: str) -> None:
    people = officers((0, 0, 7, "", ""), (1, 0, 7, "", ""))
    with pytest.raises(FrameError) as refused:
        transfers(change(people), posts((2, 0, 8, 1, "", "")))  # type: ignore[operator]
    assert refused.value.column == column


def test_ways_are_not_measured_in_degrees() -> None:
    with pytest.raises(NotMetricError):
        transfers(officers((0, 0, 7, "", "")).to_crs("EPSG:4326"), posts((2, 0, 8, 1, "", "")))


def test_prices_prove_the_flow_on_its_pairs() -> None:
    side = Side(np.array([0.0, 3.0]), np.zeros(2), np.zeros(2, np.int32), np.full(2, -1, np.int32), np.array([2, 1]))
    seats = Side(
        np.array([1.0, 9.0]), np.zeros(2), np.zeros(2, np.int32), np.arange(2, dtype=np.int32), np.array([1, 2])
    )
    nothing = np.zeros(2, np.int64)
    arcs = cheapest_arcs(side, seats, Terms(np.ones((1, 1), np.bool_), np.inf, 0), nothing, nothing, most=2)
    assert isinstance(arcs, Arcs)
    flow = cheapest_flow(arcs, side.number, seats.number, 10_000)
    left = arcs.cost - flow.officer_price[arcs.officer] - flow.post_price[arcs.post]
    assert (left >= 0).all()
    assert (left[flow.used > 0] == 0).all()
    assert arcs.cost @ flow.used == side.number @ flow.officer_price + seats.number @ flow.post_price == 60 + 90 + 10
