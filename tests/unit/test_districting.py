"""Beats on graphs small enough to check by hand, and on the real tiling."""

import time
from itertools import product
from pathlib import Path
from threading import current_thread, main_thread

import numpy as np
import pytest

from layers._bounds import least_change, least_worst_load
from layers._exact import fewest_changes, least_border
from layers._plan import limits_of_beats
from layers.districting import BeatRules, Breach, Proof, UnitGraph, partition, repair, unit_graph, verify_plan
from tests.benchmarks.beat_instances import drifted, keelung, made_up

FREE = -1


def path(*loads: int) -> UnitGraph:
    """Units in a row, each bordering the next."""
    return unit_graph(loads, [(place, place + 1) for place in range(len(loads) - 1)])


def grid(rows: int, columns: int, loads: list[int] | None = None) -> UnitGraph:
    """Units on a chessboard, joined by their sides."""
    number = np.arange(rows * columns).reshape(rows, columns)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    down = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    return unit_graph([1] * (rows * columns) if loads is None else loads, np.vstack([across, down]))


def breaches(graph: UnitGraph, plan: list[int], rules: BeatRules) -> list[tuple[str, int]]:
    return [(violation.breach.value, violation.beat) for violation in verify_plan(graph, plan, rules)]


class TestGraph:
    def test_repeated_borders_add_their_lengths_in_both_directions(self) -> None:
        graph = unit_graph([1, 1, 1], [(0, 1), (1, 0), (1, 2)], border_m=[10.0, 5.0, 7.0])
        assert graph.neighbours.tolist() == [1, 0, 2, 1]
        assert graph.borders.tolist() == [15.0, 15.0, 7.0, 7.0]

    def test_a_barrier_parts_and_a_bridge_joins(self) -> None:
        parted = unit_graph([1, 1, 1, 1], [(0, 1), (1, 2), (2, 3)], barriers=[(2, 1)])
        assert parted.territory.tolist() == [0, 0, 1, 1]
        joined = unit_graph([1, 1, 1, 1], [(0, 1), (1, 2), (2, 3)], barriers=[(2, 1)], bridges=[(3, 0)])
        assert joined.territory.tolist() == [0, 0, 0, 0]

    def test_borders_between_groups_are_not_for_beats(self) -> None:
        graph = unit_graph([1, 1, 1, 1], [(0, 1), (1, 2), (2, 3), (3, 0)], groups=[7, 7, 9, 9])
        assert graph.territory.tolist() == [0, 0, 1, 1]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"loads": [1, -1], "edges": [(0, 1)]}, "loads"),
            ({"loads": [1.5, 1], "edges": [(0, 1)]}, "loads"),
            ({"loads": [0, 0], "edges": [(0, 1)]}, "loads"),
            ({"loads": [1, 1], "edges": [(0, 2)]}, "outside"),
            ({"loads": [1, 1], "edges": [(1, 1)]}, "itself"),
            ({"loads": [1, 1], "edges": [(0, 1)], "border_m": [-1.0]}, "border_m"),
            ({"loads": [1, 1], "edges": [(0, 1)], "groups": [1]}, "groups"),
            ({"loads": [1, 1], "edges": [(0, 1)], "bridges": [(0, 1)], "barriers": [(1, 0)]}, "bridge and barrier"),
        ],
    )
    def test_what_is_no_graph_is_refused(self, arguments: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            unit_graph(**arguments)  # type: ignore[arg-type]


class TestVerify:
    def test_a_sound_plan_has_no_violation(self) -> None:
        assert verify_plan(path(1, 1, 1, 1), [0, 0, 1, 1], BeatRules(2, 0.0)) == []

    def test_every_breach_is_found_and_named(self) -> None:
        graph = path(1, 1, 1, 1, 1, 1)
        assert breaches(graph, [0, 1, 1, 0, 1, 0], BeatRules(2, 0.5)) == [("not_contiguous", 0), ("not_contiguous", 1)]
        assert breaches(graph, [0, 0, 0, 0, 0, 0], BeatRules(2, 0.9)) == [("empty_beat", 1)]
        assert breaches(graph, [0, 0, 0, 1, 1, 7], BeatRules(2, 0.4)) == [("unit_without_beat", -1)]
        locked = BeatRules(2, 0.0, np.array([1, -1, -1, -1, -1, 1], np.int32))
        assert breaches(graph, [0, 0, 0, 1, 1, 1], locked) == [("lock_broken", 1)]
        grouped = unit_graph([1, 1], [(0, 1)], groups=[0, 1])
        assert ("crosses_groups", 0) in breaches(grouped, [0, 0], BeatRules(2, 0.9))

    def test_deviation_is_signed_and_the_band_is_closed(self) -> None:
        graph = path(21, 19)
        assert verify_plan(graph, [0, 1], BeatRules(2, 0.05)) == []
        off = verify_plan(graph, [0, 1], BeatRules(2, 0.049))
        assert [violation.breach for violation in off] == [Breach.OUTSIDE_BAND] * 2
        assert [violation.deviation for violation in off] == pytest.approx([0.05, -0.05])


class TestPartition:
    def test_a_row_of_equal_units_falls_into_equal_beats(self) -> None:
        result = partition(path(*[1] * 12), 4, band=0.0)
        assert (result.violations, result.loads.tolist(), result.cut_edges) == ((), [3, 3, 3, 3], 3)

    def test_a_chessboard_is_quartered_with_the_least_border(self) -> None:
        result = partition(grid(4, 4), 4, band=0.0, prove_s=20)
        assert (result.cut_edges, result.least_cut_border_m, result.proof) == (8, 8.0, Proof.OPTIMAL)

    def test_locks_hold_even_far_apart(self) -> None:
        locks = np.full(36, FREE)
        locks[[0, 5]] = 2
        locks[[30, 35]] = 0
        result = partition(grid(6, 6), 3, band=0.34, locks=locks, seed=3)
        assert result.violations == ()
        assert result.plan[[0, 5, 30, 35]].tolist() == [2, 2, 0, 0]

    def test_each_separate_part_gets_beats_by_its_load(self) -> None:
        graph = unit_graph([1] * 9, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7), (7, 8)])
        result = partition(graph, 3, band=0.0)
        assert result.violations == ()
        assert sorted(result.loads.tolist()) == [3, 3, 3]

    def test_a_unit_heavier_than_a_fair_load_is_told_by_the_bound(self) -> None:
        result = partition(path(10, 1, 1), 2, band=0.05)
        assert result.loads.max() == 10
        assert result.least_deviation == pytest.approx(10 / 6 - 1)
        assert result.deviation == pytest.approx(result.least_deviation)
        assert not result.within_band
        assert result.proof is Proof.NO_PROVEN_GAP

    def test_units_without_load_are_shared_out_too(self) -> None:
        result = repair(path(0, 0, 5), [0, 0, 0], beats=3, band=0.05)
        assert sorted(result.loads.tolist()) == [0, 0, 5]
        assert all(violation.breach is Breach.OUTSIDE_BAND for violation in result.violations)

    def test_the_same_seed_gives_the_same_plan_and_another_seed_another(self) -> None:
        graph = made_up(300, 15, 1).graph
        first, again, other = (partition(graph, 15, seed=seed, moves_per_unit=60) for seed in (4, 4, 5))
        assert np.array_equal(first.plan, again.plan)
        assert not np.array_equal(first.plan, other.plan)

    def test_two_hundred_units_come_inside_two_percent(self) -> None:
        for seed in range(5):
            result = partition(made_up(200, 10, seed).graph, 10, band=0.02, seed=seed)
            assert result.violations == ()

    def test_cancelling_returns_the_best_plan_so_far(self) -> None:
        seen: list[float] = []
        graph = made_up(300, 15, 1).graph
        result = partition(
            graph, 15, cancelled=lambda: len(seen) >= 3, progress=lambda progress: seen.append(progress.done)
        )
        assert result.stopped == "cancelled"
        assert len(seen) == len(result.trace) == 3
        assert seen == sorted(seen)
        assert all(violation.breach is Breach.OUTSIDE_BAND for violation in result.violations)

    def test_a_deadline_stops_the_search(self) -> None:
        graph = made_up(300, 15, 1).graph
        partition(graph, 15, moves_per_unit=60)  # compiled before the clock starts
        started = time.monotonic()
        result = partition(graph, 15, moves_per_unit=10_000_000, deadline_s=0.05)
        assert result.stopped == "deadline"
        assert time.monotonic() - started < 2

    @pytest.mark.parametrize(
        ("beats", "band", "locks", "message"),
        [
            (0, 0.1, None, "beats"),
            (5, 0.1, None, "beats"),
            (2, -0.1, None, "band"),
            (2, 0.1, [0, 0, 2, 0], "locks"),
            (2, 0.1, [0, 1, 0, -1], "cannot be joined"),
        ],
    )
    def test_rules_that_do_not_fit_are_refused(self, beats: int, band: float, locks: object, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            partition(path(1, 1, 1, 1), beats, band=band, locks=locks)  # type: ignore[arg-type]


class TestRepair:
    def test_a_plan_inside_the_band_is_left_alone(self) -> None:
        result = repair(path(1, 1, 1, 1), [0, 0, 1, 1], band=0.0, prove_s=5)
        assert (result.changed_units, result.plan.tolist(), result.proof) == (0, [0, 0, 1, 1], Proof.OPTIMAL)

    def test_one_unit_changes_and_the_reason_says_what_if_it_stayed(self) -> None:
        result = repair(path(2, 2, 2, 1, 1), [0, 0, 0, 1, 1], band=0.0, prove_s=5)
        assert result.plan.tolist() == [0, 0, 1, 1, 1]
        (change,) = result.changes
        assert (change.unit, change.from_beat, change.to_beat) == (2, 0, 1)
        assert (change.from_deviation, change.to_deviation) == (0.0, 0.0)
        assert (change.from_deviation_if_stayed, change.to_deviation_if_stayed) == pytest.approx((0.5, -0.5))
        assert (result.least_price, result.proof) == (1.0, Proof.OPTIMAL)

    def test_load_is_shifted_along_a_path_of_beats(self) -> None:
        result = repair(path(1, 1, 1, 1, 1, 1, 1, 1, 1), [0, 0, 0, 0, 1, 1, 1, 2, 2], band=0.0, prove_s=5)
        assert result.plan.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert result.proof is Proof.OPTIMAL

    def test_the_dear_address_stays(self) -> None:
        square = unit_graph([2, 2, 1, 1], [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 3)])
        today = [0, 0, 0, 1]
        assert repair(square, today, band=0.0, prices=[5, 1, 9, 1], prove_s=5).plan.tolist() == [0, 1, 0, 1]
        assert repair(square, today, band=0.0, prices=[1, 5, 9, 1], prove_s=5).plan.tolist() == [1, 0, 0, 1]

    def test_a_broken_plan_is_made_contiguous(self) -> None:
        result = repair(path(1, 1, 1, 1), [0, 1, 0, 1], band=0.0, prove_s=5)
        assert result.violations == ()
        assert result.changed_units == result.least_price == 2

    def test_units_of_nobody_cost_nothing_and_a_new_beat_is_filled(self) -> None:
        result = repair(path(1, 1, 1, 1, 1, 1), [0, 0, 0, 0, FREE, FREE], beats=2, band=0.0, prove_s=5)
        assert result.plan.tolist() == [0, 0, 0, 1, 1, 1]
        assert (result.changed_units, result.least_price) == (1, 1.0)

    def test_a_new_barrier_gives_the_part_cut_off_a_beat(self) -> None:
        graph = unit_graph([1] * 4, [(0, 1), (1, 2), (2, 3)], barriers=[(0, 1)])
        result = repair(graph, [0, 0, 1, 1], band=0.5)
        assert result.violations == ()
        assert result.plan[0] not in result.plan[1:]

    def test_locks_win_over_today(self) -> None:
        result = repair(path(1, 1, 1, 1), [0, 0, 1, 1], band=0.0, locks=[1, FREE, FREE, FREE])
        assert result.violations == ()
        assert result.plan.tolist() == [1, 1, 0, 0]

    def test_drifted_loads_come_back_inside_the_band(self) -> None:
        before = made_up(300, 15, 2)
        today = partition(before.graph, 15, seed=1, moves_per_unit=100).plan
        graph = drifted(before, 15, 9).graph
        assert verify_plan(graph, today, BeatRules(15, 0.05))
        result = repair(graph, today, band=0.05, prove_s=3)
        assert result.violations == ()
        assert result.least_price is not None
        assert 0 < result.least_price <= result.changed_units <= 30

    def test_who_cancels_does_not_wait_for_the_proof(self) -> None:
        before = made_up(2000, 100, 2)
        today = partition(before.graph, 100, seed=1, moves_per_unit=20).plan
        proving: list[bool] = []

        def cancelled() -> bool:
            proving.append(current_thread() is not main_thread())
            return sum(proving) >= 2

        result = repair(drifted(before, 100, 9).graph, today, moves_per_unit=20, prove_s=3600, cancelled=cancelled)
        assert sum(proving) >= 2  # it was the proof that was stopped, long before its hour
        assert result.stopped is None
        assert result.least_price is not None

    @pytest.mark.parametrize("plan", [[0, 0, 1], [0, 0, -2, 1], [0, 0, 1, 9]])
    def test_plans_that_do_not_fit_are_refused(self, plan: list[int]) -> None:
        with pytest.raises(ValueError, match="plan"):
            repair(path(1, 1, 1, 1), plan, beats=2)


class TestBounds:
    def test_balance_bound_is_the_largest_of_three(self) -> None:
        assert least_worst_load(np.array([3, 3, 3, 3]), 4) == 3
        assert least_worst_load(np.array([1, 1, 1, 1, 1]), 2) == 3
        assert least_worst_load(np.array([9, 1, 1]), 2) == 9
        assert least_worst_load(np.array([5, 5, 5]), 2) == 10

    @pytest.mark.parametrize("seed", range(6))
    def test_small_proofs_agree_with_trying_every_plan(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        graph = grid(3, 3, rng.integers(1, 6, 9).tolist())
        today = np.array([0, 0, 1, 0, 2, 1, 2, 2, 1], np.int32)
        band, prices = 0.35, rng.integers(1, 4, 9).astype(np.float64)
        rules = BeatRules(3, band)
        sound = [plan for plan in product(range(3), repeat=9) if not verify_plan(graph, plan, rules)]
        limits = limits_of_beats(graph, np.zeros(3, np.int32), band)
        free = np.full(9, FREE, np.int32)
        arguments = {"prices": prices, "locks": free, "deadline_s": 30.0}
        proved = fewest_changes(graph, today, limits, known=np.inf, **arguments)  # type: ignore[arg-type]
        border = least_border(graph, limits, known=np.inf, deadline_s=30.0)
        bound = least_change(graph, today, limits, **arguments)  # type: ignore[arg-type]
        if not sound:
            assert proved is None
            return
        price = min(float(prices[np.array(plan) != today].sum()) for plan in sound)
        lower, higher, _ = graph.pairs()
        cut = min(int((np.array(plan)[lower] != np.array(plan)[higher]).sum()) for plan in sound)
        assert proved is not None
        assert proved[1] == pytest.approx(price)
        assert verify_plan(graph, proved[0], rules) == []
        assert bound <= price + 1e-6
        assert border is not None
        assert border[1] == pytest.approx(cut)

    def test_the_bound_is_never_above_the_proven_least_nor_that_above_the_plan(self) -> None:
        fitted, free = 0, np.full(14, FREE, np.int32)
        for seed in range(5):
            rng, graph = np.random.default_rng(seed), made_up(14, 3, seed).graph
            today = partition(graph, 3, band=0.3, seed=seed, moves_per_unit=50).plan
            graph = unit_graph(rng.permutation(graph.loads), np.column_stack(graph.pairs()[:2]))
            limits, prices = limits_of_beats(graph, np.zeros(3, np.int32), 0.3), rng.integers(1, 5, 14).astype(float)
            found = repair(graph, today, band=0.3, prices=prices, seed=seed)
            proved = fewest_changes(
                graph, today, limits, prices=prices, locks=free, known=np.inf, deadline_s=30.0
            )  # fmt: skip
            if proved is None:
                assert not found.within_band
                continue
            fitted += 1
            bound = least_change(graph, today, limits, prices=prices, locks=free, plan=proved[0], deadline_s=0.5)
            assert bound <= proved[1] + 1e-6
            assert not found.within_band or proved[1] <= found.changed_price + 1e-6
        assert fitted >= 4


@pytest.mark.real_data
def test_beats_of_the_real_tiling_stay_inside_villages_and_pass_the_check(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIS_TEST_DATA", str(real_data))
    graph = keelung(within="township").graph
    result = partition(graph, 100, band=0.05, seed=1)
    assert result.violations == ()
    towns = {beat: set(graph.groups[result.plan == beat].tolist()) for beat in range(100)}
    assert all(len(groups) == 1 for groups in towns.values())
