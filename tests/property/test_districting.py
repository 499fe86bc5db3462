import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.districting import BeatPlan, BeatRules, Breach, Proof, UnitGraph, partition, repair, unit_graph, verify_plan

BANDS = st.sampled_from([0.0, 0.05, 0.2, 0.6])
EFFORT = 20


@st.composite
def graphs(draw: st.DrawFn) -> UnitGraph:
    """Up to 18 units in one or two connected parts: random trees with some more borders."""
    parts = [draw(st.integers(2, 9)) for _ in range(draw(st.integers(1, 2)))]
    edges, first = [], 0
    for units in parts:
        edges += [(first + place, first + draw(st.integers(0, place - 1))) for place in range(1, units)]
        for _ in range(draw(st.integers(0, units))):
            pair = (first + draw(st.integers(0, units - 1)), first + draw(st.integers(0, units - 1)))
            edges += [pair] if pair[0] != pair[1] else []
        first += units
    loads = draw(st.lists(st.integers(0, 30), min_size=first, max_size=first).filter(any))
    return unit_graph(loads, edges)


def assert_sound(graph: UnitGraph, result: BeatPlan, rules: BeatRules) -> None:
    """Contiguous and complete in any case; what is said about it agrees with plain counting."""
    assert all(violation.breach is Breach.OUTSIDE_BAND for violation in result.violations)
    assert list(result.violations) == verify_plan(graph, result.plan, rules)
    assert result.loads.sum() == graph.loads.sum()
    assert result.deviation >= result.least_deviation - 1e-9


@settings(deadline=None, max_examples=60)
@given(graph=graphs(), band=BANDS, seed=st.integers(0, 5), data=st.data())
def test_every_beat_drawn_is_contiguous_and_no_bound_is_beaten(
    graph: UnitGraph, band: float, seed: int, data: st.DataObject
) -> None:
    beats = data.draw(st.integers(graph.territories, graph.units))
    result = partition(graph, beats, band=band, seed=seed, moves_per_unit=EFFORT)
    assert_sound(graph, result, BeatRules(beats, band))
    again = partition(graph, beats, band=band, seed=seed, moves_per_unit=EFFORT)
    assert np.array_equal(result.plan, again.plan)


@settings(deadline=None, max_examples=40)
@given(graph=graphs(), band=BANDS, data=st.data())
def test_any_plan_of_today_is_made_contiguous_and_no_proved_price_is_beaten(
    graph: UnitGraph, band: float, data: st.DataObject
) -> None:
    beats = data.draw(st.integers(graph.territories, graph.units))
    today = data.draw(st.lists(st.integers(-1, beats - 1), min_size=graph.units, max_size=graph.units))
    prices = data.draw(st.lists(st.integers(0, 9), min_size=graph.units, max_size=graph.units))
    result = repair(graph, today, beats=beats, band=band, prices=prices, moves_per_unit=EFFORT, prove_s=5)
    assert_sound(graph, result, BeatRules(beats, band))
    changed = [unit for unit in range(graph.units) if today[unit] >= 0 and result.plan[unit] != today[unit]]
    assert [change.unit for change in result.changes] == changed
    assert result.changed_price == sum(prices[unit] for unit in changed)
    if result.within_band and result.least_price is not None:
        assert result.least_price <= result.changed_price + 1e-6
        assert (result.proof is Proof.OPTIMAL) == (result.changed_price <= result.least_price + 1e-5)
