import itertools

import numpy as np
import pandas as pd
import pytest
from esda.crand import crand
from esda.getisord import _g_local_star_crand
from libpysal.graph import Graph
from scipy import sparse

from layers.hotspots import CLASSES, hotspots, permutation_p, smallest_detectable

SIDE = 20


def grid(side: int = SIDE) -> Graph:
    """Rook neighbours on a square of cells numbered from 1, row by row."""
    ids = np.arange(1, side * side + 1).reshape(side, side)
    pairs = np.concatenate(
        [
            np.column_stack([ids[:, :-1].ravel(), ids[:, 1:].ravel()]),
            np.column_stack([ids[:-1].ravel(), ids[1:].ravel()]),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[np.lexsort(pairs.T[::-1])]
    return Graph.from_arrays(pairs[:, 0], pairs[:, 1], np.ones(len(pairs)))


def dwellings(side: int = SIDE, each: int = 200) -> pd.Series:
    return pd.Series(each, index=pd.RangeIndex(1, side * side + 1, name="area_id"), dtype="Int64")


def rentals(seed: int, planted: float = 0.05) -> tuple[pd.Series, list[int]]:
    """Group rentals at 5 % of 200 dwellings, and at ``planted`` in a block of 4 × 4 cells."""
    block = [row * SIDE + column + 1 for row in range(5, 9) for column in range(11, 15)]
    share = pd.Series(0.05, index=dwellings().index)
    share[block] = planted
    counts = np.random.default_rng(seed).binomial(dwellings().to_numpy(dtype=int), share)
    return pd.Series(pd.array(counts, dtype="Int64"), index=dwellings().index, name="group_rentals"), block


def test_a_planted_cluster_is_found_hot_and_hardly_anything_else() -> None:
    events, block = rentals(seed=4, planted=0.3)
    found = hotspots(events, dwellings(), grid(), permutations=99_999, seed=1)["hotspot"]
    inner = [row * SIDE + column + 1 for row in (6, 7) for column in (12, 13)]
    corners = [block[0], block[3], block[12], block[15]]  # two of their four neighbours lie outside
    assert (found[inner] == "hot_99").all()
    assert found[block].drop(corners).isin(["hot_99", "hot_95"]).all()
    beyond = found.drop(block)
    rim = [cell for cell in beyond.index if grid()[cell].index.isin(block).any()]
    assert beyond.drop(rim).isin(["not_significant"]).mean() >= 0.99


def test_uniform_noise_is_no_more_often_called_a_cluster_than_promised() -> None:
    # Where nothing is there, a map with any discovery at q ≤ 0.1 is a false one: expected in at most 10 % of the maps.
    # 14 or more of 60 come up with probability 0.002 at exactly 10 %.
    events = [rentals(seed)[0] for seed in range(60)]
    maps = [hotspots(noise, dwellings(), grid(), permutations=999, seed=7)["hotspot"] for noise in events]
    assert sum((classes != "not_significant").any() for classes in maps) < 14


def test_a_hole_of_low_rates_is_cold() -> None:
    events, block = rentals(seed=4)
    events = events + 20
    events[block] = 0
    found = hotspots(events, dwellings(), grid(), permutations=9_999, seed=1)["hotspot"]
    corners = [block[0], block[3], block[12], block[15]]
    assert found[block].drop(corners).isin(["cold_99", "cold_95"]).all()


def test_the_same_seed_gives_the_same_map_in_any_row_order_and_another_seed_hardly_differs() -> None:
    events, _ = rentals(seed=4, planted=0.3)
    first = hotspots(events, dwellings(), grid(), permutations=999, seed=1)
    shuffled = events.sample(frac=1, random_state=3)
    again = hotspots(shuffled, dwellings().reindex(shuffled.index), grid(), permutations=999, seed=1)
    assert again.index.equals(shuffled.index)
    pd.testing.assert_frame_equal(again.sort_index(), first, check_index_type=False)
    other = hotspots(events, dwellings(), grid(), permutations=999, seed=2)
    assert not other["p_sim"].equals(first["p_sim"])
    assert abs(other["p_sim"] - first["p_sim"]).max() < 0.15


def test_areas_without_data_or_dwellings_are_no_data_and_nobodys_neighbour() -> None:
    events, base = rentals(seed=4)[0], dwellings()
    events[2], base[21] = pd.NA, 0
    found = hotspots(events, base, grid(), permutations=99, seed=1)
    assert found.index[found["hotspot"] == "no_data"].tolist() == [2, 21]
    assert found.loc[[2, 21], ["rate", "rate_adjusted", "neighbours", "gi_z", "p_sim", "q_value"]].isna().all(axis=None)
    assert [found[name][1] for name in ("neighbours", "p_sim", "hotspot")] == [0, 1.0, "not_significant"]
    assert set(found["hotspot"]) <= set(CLASSES)


def test_a_map_of_equal_rates_and_a_map_without_any_data_have_no_hotspot() -> None:
    equal = hotspots(dwellings() // 2, dwellings(), grid(), permutations=99, seed=1)
    assert equal["hotspot"].eq("not_significant").all()
    assert equal["gi_z"].eq(0).all()
    assert equal["p_sim"].eq(1).all()
    blank = hotspots(dwellings().mask(dwellings() > 0), dwellings(), grid(), permutations=99, seed=1)
    assert blank["hotspot"].eq("no_data").all()


def test_gi_star_by_hand() -> None:
    # Four areas in a row, rates 0, 0, ½, ½ (shrinking equal bases moves and scales all alike): x̄ = ¼, S = ¼.
    # First: (0 - 2·¼) / (¼ · √((4·2 - 2²) / 3)) = -√3; second: (½ - 3·¼) / (¼ · √((4·3 - 3²) / 3)) = -1; then mirrored.
    row = Graph.from_arrays([1, 2, 2, 3, 3, 4], [2, 1, 3, 2, 4, 3], [1] * 6)
    base = pd.Series(10**6, index=[1, 2, 3, 4], dtype="Int64")
    found = hotspots(pd.Series([0, 0, 500_000, 500_000], index=base.index), base, row, permutations=9, seed=1)
    assert found["gi_z"].tolist() == pytest.approx([-(3**0.5), -1, 1, 3**0.5], rel=1e-9)


def adjacency_of(graph: Graph) -> sparse.csr_array:
    return sparse.csr_array(graph.sparse)


def test_p_values_by_full_enumeration() -> None:
    values = np.array([5, 0, 9, 1, 1, 7, 2])
    adjacency = sparse.csr_array(np.triu(np.ones((7, 7)), 1) * (np.arange(7) % 3 > 0))
    p, high = permutation_p(values, adjacency, permutations=40_000, seed=3)
    for area in range(7):
        mine = adjacency[[area]].indices
        others = np.delete(values, area)
        sums = np.array([sum(chosen) for chosen in itertools.combinations(others, len(mine))])
        upper, lower = np.mean(sums >= values[mine].sum()), np.mean(sums <= values[mine].sum())
        assert p[area] == pytest.approx(min(1, 2 * min(upper, lower)), abs=0.02)
        if abs(upper - lower) > 0.05:
            assert high[area] == (upper < lower)


@pytest.mark.slow
def test_p_values_are_those_of_esda_within_the_error_of_simulation() -> None:
    values = rentals(seed=4, planted=0.1)[0].to_numpy(dtype=int)
    p, _ = permutation_p(values, adjacency_of(grid()), permutations=9_999, seed=3)
    tails = {
        side: crand(
            values.astype(float),
            grid().assign_self_weight(1),
            np.asarray(grid().assign_self_weight(1).sparse @ values.astype(float)),
            9_999,
            keep=False,
            n_jobs=1,
            stat_func=_g_local_star_crand,
            scaling=1.0,
            seed=8,
            alternative=side,
        )[0]
        for side in ("greater", "lesser")
    }
    theirs = np.minimum(1, 2 * np.minimum(tails["greater"], tails["lesser"]))
    assert np.abs(p - theirs).max() < 0.04


def test_an_area_amid_zeros_is_not_cold_where_most_areas_have_zero() -> None:
    values = np.zeros(100, dtype=np.int64)
    values[:10] = 50
    adjacency = adjacency_of(grid(10))
    p, _ = permutation_p(values, adjacency, permutations=999, seed=1)
    assert p[adjacency @ values == 0].min() > 0.5


def test_too_few_permutations_cannot_find_a_small_cluster() -> None:
    assert smallest_detectable(2_000, permutations=999, q=0.01) == 400
    assert smallest_detectable(2_000, permutations=99_999, q=0.01) == 4
    assert smallest_detectable(100, permutations=99_999, q=0.05) == 1
    events, block = rentals(seed=4, planted=0.3)
    found = hotspots(events, dwellings(), grid(), permutations=99, seed=1)["hotspot"]
    assert smallest_detectable(400, permutations=99, q=0.10) > len(block)
    assert (found == "not_significant").all()


def test_areas_outside_the_neighbourhood_and_no_permutations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[401\] are not in the neighbourhood"):
        hotspots(pd.Series([1], index=[401]), pd.Series([2], index=[401]), grid(), permutations=9, seed=1)
    with pytest.raises(ValueError, match="at least one permutation"):
        hotspots(dwellings() // 3, dwellings(), grid(), permutations=0, seed=1)
