"""Transfers beside the full flow and the greedy rule: `python -m tests.benchmarks.bench_transfers [--out FILE]`.

Times are processor seconds; all get the same instances, all answers are checked by the same independent count.
"""

import argparse
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from ortools.graph.python import min_cost_flow

from layers.transfers import transfers, verify_transfers

SIDE_M = 30_000.0


def instance(units: int, moves: int, seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Officers all over a square district who are too many in half of the units, posts that crowd in the middle."""
    rng = np.random.default_rng(seed)
    here, there = (rng.multinomial(moves, np.ones(units) / units) for _ in range(2))
    start = rng.random((units, 2)) * SIDE_M
    end = np.clip(rng.normal(0.5, 0.25, (units, 2)), 0, 1) * SIDE_M
    unit = pd.array(np.repeat(np.arange(units), here), dtype="Int64")
    officers = {"unit_id": unit, "form": "", "side": ""}
    posts = {"unit_id": pd.array(units + np.arange(units), dtype="Int64"), "posts": there, "form": "", "side": ""}
    points = np.repeat(start, here, axis=0).T
    return (
        gpd.GeoDataFrame(officers, geometry=gpd.points_from_xy(*points), crs="EPSG:4549"),
        gpd.GeoDataFrame(posts, geometry=gpd.points_from_xy(*end.T), crs="EPSG:4549"),
    )


def full_flow_m(officers: gpd.GeoDataFrame, posts: gpd.GeoDataFrame) -> float:
    """Sum of ways of a minimum-cost flow on every pair of units."""
    units, first, number = np.unique(officers["unit_id"].to_numpy(np.int64), return_index=True, return_counts=True)
    givers, takers = len(units), len(posts)
    giver, taker = (np.ravel(index).astype(np.int32) for index in np.indices((givers, takers)))
    start, end = officers.geometry.iloc[first], posts.geometry
    way = np.hypot(
        start.x.to_numpy()[giver] - end.x.to_numpy()[taker], start.y.to_numpy()[giver] - end.y.to_numpy()[taker]
    )
    solver = min_cost_flow.SimpleMinCostFlow()
    most = np.minimum(number[giver], posts["posts"].to_numpy()[taker])
    solver.add_arcs_with_capacity_and_unit_cost(
        giver, taker + np.int32(givers), most, np.rint(way * 10).astype(np.int64)
    )
    supply = np.concatenate([number, -posts["posts"].to_numpy()])
    solver.set_nodes_supplies(np.arange(givers + takers, dtype=np.int32), supply)
    if solver.solve() != solver.OPTIMAL:
        raise RuntimeError("the full flow has no optimum")
    return float(solver.optimal_cost()) / 10


def greedy_m(officers: gpd.GeoDataFrame, posts: gpd.GeoDataFrame) -> float:
    """Sum of ways when the shortest way left is always taken."""
    room = posts["posts"].to_numpy().copy()
    units, first, waiting = np.unique(officers["unit_id"].to_numpy(np.int64), return_index=True, return_counts=True)
    start, end = officers.geometry.iloc[first], posts.geometry
    way = np.hypot(
        start.x.to_numpy()[:, None] - end.x.to_numpy()[None], start.y.to_numpy()[:, None] - end.y.to_numpy()[None]
    )
    total = 0.0
    for pair in np.argsort(way, axis=None, kind="stable").tolist():
        giver, taker = divmod(pair, len(posts))
        moved = min(int(waiting[giver]), int(room[taker]))
        if moved:
            waiting[giver] -= moved
            room[taker] -= moved
            total += moved * float(way[giver, taker])
    return total if len(units) else 0.0


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=6_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    transfers(*instance(20, 40, 0))
    columns = ["units with officers / posts", "seed", "ours, CPU s", "rounds", "pairs", "of all", "proved", "wrong"]
    columns += ["full flow, CPU s", "full ÷ ours, time", "full ÷ ours, metres", "greedy ÷ ours, metres"]
    words = " ".join(sys.argv[1:])
    lines = ["# Transfers: measured", "", f"Written by `python -m tests.benchmarks.bench_transfers {words}`."]
    said = "seconds are processor seconds, full flow is OR-Tools on all pairs."
    lines += [f"{options.moves:,} moves on a square of 30 km; {said}", ""]
    lines += [row(*columns), "|" + "---|" * len(columns)]
    for units in (1_000, 2_000):
        for seed in range(options.seeds):
            officers, posts = instance(units, options.moves, seed)
            began = time.process_time()
            plan = transfers(officers, posts)
            ours = time.process_time() - began
            wrong = len(verify_transfers(officers, posts, plan))
            began = time.process_time()
            full = full_flow_m(officers, posts)
            theirs = time.process_time() - began
            groups = officers["unit_id"].nunique()
            cells = [f"{groups} / {units}", seed, f"{ours:.2f}", plan.rounds, f"{plan.pairs_used:,}"]
            cells += [f"{plan.pairs_used / groups / units:.1%}", plan.cost_m == plan.least_cost_m, wrong]
            cells += [f"{theirs:.2f}", f"{theirs / ours:.1f}", f"{full / plan.cost_m:.6f}"]
            lines.append(row(*cells, f"{greedy_m(officers, posts) / plan.total_m:.2f}"))
            sys.stdout.write(lines[-1] + "\n")
            sys.stdout.flush()
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
