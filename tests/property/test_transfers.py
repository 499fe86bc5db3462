"""Against the assignment solver of SciPy on every pair: as many posts filled, at the same cost."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

import layers.transfers
from layers.transfers import transfers, verify_transfers

EMPTY = 10**7
PLACES = st.tuples(st.integers(0, 60), st.integers(0, 60))


@st.composite
def cases(draw: st.DrawFn) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, float, float]:
    """Up to 14 officers and 10 places with up to 3 posts; two sides, two forms, some asking for none."""
    people = draw(st.lists(PLACES, min_size=1, max_size=14))
    seats = draw(st.lists(PLACES, min_size=1, max_size=10))

    def frame(points: list[tuple[int, int]], empty: tuple[str, ...]) -> gpd.GeoDataFrame:
        def some(values: tuple[object, ...]) -> list[object]:
            return draw(st.lists(st.sampled_from(values), min_size=len(points), max_size=len(points)))

        data = {
            "unit_id": pd.Series(some((1, 2, 3, *((pd.NA,) if not empty else ()))), dtype="Int64"),
            "form": some(("a", "b", *empty)),
            "side": some(("police", "social", *empty)),
            "posts": some((0, 1, 1, 2, 3)),
        }
        return gpd.GeoDataFrame(data, geometry=gpd.points_from_xy(*zip(*points, strict=True)), crs="EPSG:4549")

    officers, posts = frame(people, ()), frame(seats, ("", ""))
    return officers, posts, draw(st.sampled_from([float("inf"), 40.0, 15.0])), draw(st.sampled_from([0.0, 7.0]))


def best(officers: gpd.GeoDataFrame, posts: gpd.GeoDataFrame, farthest_m: float, leaving_m: float) -> tuple[int, int]:
    """Posts filled and cost in decimetres of an optimal assignment on the full matrix."""
    cost = []
    for _, post in posts.loc[posts.index.repeat(posts["posts"])].iterrows():
        row = []
        for _, officer in officers.iterrows():
            stays = officer["unit_id"] is not pd.NA and officer["unit_id"] == post["unit_id"]
            way_m = officer.geometry.distance(post.geometry)
            fits = all(post[name] in ("", officer[name]) for name in ("form", "side"))
            leaves = leaving_m if officer["unit_id"] is not pd.NA and not stays else 0
            row.append(round(way_m * 10) + 10 * leaves if fits and (stays or way_m <= farthest_m) else EMPTY)
        cost.append(row)
    matrix = np.array(cost).reshape(-1, len(officers))
    chosen = matrix[linear_sum_assignment(matrix)]
    return int((chosen < EMPTY).sum()), int(chosen[chosen < EMPTY].sum())


@pytest.mark.parametrize("near", [1, 10])
@settings(deadline=None)
@given(case=cases())
def test_as_good_as_the_full_assignment_also_when_pairs_must_be_found_by_their_prices(
    near: int, case: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, float, float]
) -> None:
    officers, posts, farthest_m, leaving_m = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers.transfers, "_NEAR", near)
        patch.setattr(layers.transfers, "_ADDED", near)
        plan = transfers(officers, posts, farthest_m=farthest_m, leaving_m=leaving_m)
    assert verify_transfers(officers, posts, plan, farthest_m=farthest_m) == []
    filled, cost = best(officers, posts, farthest_m, leaving_m)
    assert len(plan.placed) == filled
    assert plan.cost_m * 10 == pytest.approx(cost)
    assert plan.least_cost_m == pytest.approx(plan.cost_m)
    assert plan.placed["way_m"].sum() == pytest.approx(plan.total_m)


@settings(deadline=None)
@given(case=cases())
def test_a_contested_post_has_more_rivals_than_there_are_officers_for_them(
    case: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, float, float],
) -> None:
    officers, posts, farthest_m, leaving_m = case
    empty = transfers(officers, posts, farthest_m=farthest_m, leaving_m=leaving_m).empty
    contested = empty[empty["reason"] == "contested"]
    assert (contested["rivals"] > contested["within_reach"]).all()
