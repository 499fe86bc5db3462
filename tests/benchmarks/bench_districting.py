"""Beats beside METIS, ReCom and spopt: `python -m tests.benchmarks.bench_districting [--only TABLE] [--out FILE]`.

Each table is written when it is there, and can be measured by itself, the repairs also a few seeds at a time.
Times are processor seconds, so that a busy machine does not change them; peers get the same instances.
"""

import argparse
import os
import random
import re
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from gis_service.planning.graphs import Rules
from layers._bounds import least_change
from layers._plan import limits_of_beats
from layers.districting import BeatRules, UnitGraph, partition, repair, unit_graph, verify_plan
from tests.benchmarks.beat_instances import Instance, drifted, keelung, load_graph, made_up, real_data_folder

UNITS, BEATS, BAND = 2000, 100, 0.05
Plan = npt.NDArray[np.int32]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Result and processor seconds."""
    started = time.process_time()
    return work(), time.process_time() - started


def deviation(graph: UnitGraph, plan: Plan, beats: int) -> float:
    loads = np.bincount(plan, weights=graph.loads, minlength=beats)
    return float(np.abs(loads / loads.mean() - 1).max())


def cut_edges(graph: UnitGraph, plan: Plan) -> int:
    lower, higher, _ = graph.pairs()
    return int((plan[lower] != plan[higher]).sum())


def in_pieces(graph: UnitGraph, plan: Plan, beats: int) -> int:
    """Beats that are not in one piece."""
    return sum(violation.breach == "not_contiguous" for violation in verify_plan(graph, plan, BeatRules(beats, 0.99)))


def one_each(graph: UnitGraph) -> UnitGraph:
    """The same graph with every border counting 1, as the peers count."""
    lower, higher, _ = graph.pairs()
    return unit_graph(graph.loads, np.column_stack([lower, higher]))


def relabelled(plan: Plan, today: Plan, beats: int) -> Plan:
    """The plan with its beats numbered to keep as many units as possible where they are."""
    kept = np.zeros((beats, beats))
    np.add.at(kept, (plan, today), 1)
    rows, columns = linear_sum_assignment(kept, maximize=True)
    names = np.empty(beats, np.int32)
    names[rows] = columns
    return names[plan]


def metis(graph: UnitGraph, beats: int, seed: int) -> Plan:
    import pymetis

    options = pymetis.Options(contig=True, seed=seed, ufactor=20)
    adjacency = pymetis.CSRAdjacency(graph.offsets, graph.neighbours)
    _, part = pymetis.part_graph(beats, adjacency, vweights=graph.loads.tolist(), options=options, recursive=False)
    return np.asarray(part, np.int32)


def recom(
    graph: UnitGraph, start: Plan, beats: int, seconds: float, seed: int, *, today: Plan | None = None
) -> tuple[Plan, int]:
    """Best plan of a ReCom chain inside the band in so many processor seconds, its start not counted; steps made.

    Best is the fewest cut edges, every step accepted; or, given today's plan, the fewest units that change when beats
    get the numbers that keep most, and a step is accepted that does not change more.
    """
    import networkx as nx  # type: ignore[import-untyped]  # comes with gerrychain
    from gerrychain import Graph, MarkovChain, Partition, accept, constraints, proposals, updaters

    def plan_in(state: Partition) -> Plan:
        return np.array([state.assignment[unit] for unit in range(graph.units)], np.int32)

    def cost(state: Partition) -> int:
        if today is None:
            return len(state["cut_edges"])
        return int((relabelled(plan_in(state), today, beats) != today).sum())

    def fewer_changes(state: Partition, *, rng: object = None) -> bool:
        return state.parent is None or state["cost"] <= state.parent["cost"]

    random.seed(seed)
    net = nx.Graph()
    net.add_nodes_from((unit, {"load": int(load)}) for unit, load in enumerate(graph.loads))
    lower, higher, _ = graph.pairs()
    net.add_edges_from(zip(lower.tolist(), higher.tolist(), strict=True))
    first = Partition(
        Graph.from_networkx(net),
        dict(enumerate(start.tolist())),
        {"load": updaters.Tally("load", alias="load"), "cut_edges": updaters.cut_edges, "cost": cost},
    )
    ideal = float(graph.loads.sum()) / beats
    propose = partial(proposals.recom, pop_col="load", pop_target=ideal, epsilon=BAND, node_repeats=0)
    bounds = constraints.within_percent_of_ideal_population(first, BAND, "load")
    chain = MarkovChain(propose, [bounds], accept.always_accept if today is None else fewer_changes, first, 10**9)
    best, least, steps = start, graph.units**2, -1
    until = time.process_time() + seconds
    for state in chain:
        steps += 1
        if steps > 0 and state["cost"] < least:
            best, least = plan_in(state), state["cost"]
        if time.process_time() > until:
            break
    return best, steps


def max_p(instance: Instance, beats: int) -> Plan:
    """spopt's max-p: as many regions as possible above a floor; the floor is 95 % of the fair load."""
    import geopandas as gpd
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    graph = instance.graph
    frame = gpd.GeoDataFrame({"load": graph.loads}, geometry=gpd.points_from_xy(*instance.points_m.T))
    rows = [graph.neighbours[graph.offsets[unit] : graph.offsets[unit + 1]].tolist() for unit in range(graph.units)]
    floor = (1 - BAND) * float(graph.loads.sum()) / beats
    model = MaxPHeuristic(frame, W(dict(enumerate(rows)), silence_warnings=True), ["load"], "load", floor, 2)
    model.solve()
    return np.unique(model.labels_, return_inverse=True)[1].astype(np.int32)


def table(title: str, *columns: str) -> list[str]:
    return [f"## {title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def scratch_table(seeds: int) -> list[str]:
    title = f"From scratch: {UNITS:,} units, {BEATS} beats"
    rows = table(title, "band", "seeds", "sound and inside", "worst deviation", "mean CPU s", "most CPU s")
    for band, effort in ((0.02, 300), (0.01, 1200)):
        inside, off, took = 0, [], []
        for seed in range(seeds):
            graph = made_up(UNITS, BEATS, seed).graph
            plan, seconds = timed(partial(partition, graph, BEATS, band=band, seed=seed, moves_per_unit=effort))
            inside += not plan.violations
            off.append(plan.deviation)
            took.append(seconds)
        rows.append(row(f"± {band:.0%}", seeds, inside, f"{max(off):.2%}", f"{np.mean(took):.2f}", f"{max(took):.2f}"))
    return rows


def repair_table(seeds: range, prove_s: float, recom_s: float) -> list[str]:
    columns = ["seed", "today off by", "changed", f"proven least ({prove_s:.0f} s)", "ratio", "violations", "CPU s"]
    peers = ["METIS relabelled: changed", "off by", "beats in pieces", f"ReCom ({recom_s:.0f} CPU s): changed (steps)"]
    rows = table(f"Repair: {UNITS:,} units, loads drifted by 25 %, back inside ± 5 %", *columns, *peers)
    ratios, took = [], []
    for seed in seeds:
        before = made_up(UNITS, BEATS, seed)
        today = partition(before.graph, BEATS, band=BAND, seed=seed).plan
        graph = drifted(before, BEATS, seed + 100).graph
        plan, seconds = timed(partial(repair, graph, today, band=BAND, seed=seed))
        limits = limits_of_beats(graph, np.zeros(BEATS, np.int32), BAND)
        bound = least_change(
            graph, today, limits, prices=np.ones(UNITS), locks=np.full(UNITS, -1, np.int32), deadline_s=prove_s,
            plan=plan.plan,
        )  # fmt: skip
        peer = relabelled(metis(graph, BEATS, seed), today, BEATS)
        ours = [f"{deviation(graph, today, BEATS):.1%}", plan.changed_units, f"{bound:.0f}"]
        ratios.append(plan.changed_units / max(bound, 1))
        took.append(seconds)
        ours += [f"{ratios[-1]:.2f}", len(plan.violations), f"{seconds:.2f}"]
        theirs = [(peer != today).sum(), f"{deviation(graph, peer, BEATS):.1%}", in_pieces(graph, peer, BEATS)]
        start = partition(graph, BEATS, band=BAND, moves_per_unit=30, seed=seed).plan  # ReCom's own start rarely ends
        chain, steps = recom(graph, start, BEATS, recom_s, seed, today=today)
        theirs.append(f"{(relabelled(chain, today, BEATS) != today).sum()} ({steps})")
        rows.append(row(seed, *ours, *theirs))
    return [*rows, "", f"Worst ratio {max(ratios):.2f}, mean {np.mean(ratios):.2f}; most CPU s {max(took):.2f}."]


def border_table(seeds: int, seconds: float, others: list[Instance]) -> list[str]:
    columns = ["instance", "ours", "CPU s", "off by", "ReCom (steps)", "ours ÷ ReCom"]
    peers = ["METIS, most even of 20", "off by"]
    rows = table(f"Cut edges at ± 5 % (ReCom: best of {seconds:.0f} CPU s)", *columns, *peers)
    instances = [made_up(UNITS, BEATS, seed) for seed in range(seeds)] + others
    for instance in instances:
        graph = one_each(instance.graph)
        plan, took = timed(partial(partition, graph, BEATS, band=BAND, moves_per_unit=1500))
        start = partition(graph, BEATS, band=BAND, moves_per_unit=30, seed=1).plan  # ReCom's own start rarely ends
        chain, steps = recom(graph, start, BEATS, seconds, seed=0)
        ours = [plan.cut_edges, f"{took:.1f}", f"{plan.deviation:.1%}", f"{cut_edges(graph, chain)} ({steps})"]
        ours.append(f"{plan.cut_edges / cut_edges(graph, chain):.2f}")
        peer = min((metis(graph, BEATS, seed) for seed in range(20)), key=lambda one: deviation(graph, one, BEATS))
        theirs = [cut_edges(graph, peer), f"{deviation(graph, peer, BEATS):.1%}"]
        rows.append(row(instance.name, *ours, *theirs))
    return rows


def max_p_table(units: int, beats: int) -> list[str]:
    """Spopt on a smaller instance: it takes minutes on the others."""
    rows = table(
        f"spopt max-p beside ours: {units} units, {beats} beats", "who", "beats", "off by", "cut edges", "CPU s"
    )
    instance = made_up(units, beats, 0)
    works: dict[str, Callable[[], Plan]] = {
        "ours, ± 5 %": lambda: partition(one_each(instance.graph), beats, band=BAND).plan,
        "spopt max-p": lambda: max_p(instance, beats),
    }
    for who, work in works.items():
        plan, seconds = timed(work)
        count = int(plan.max()) + 1
        off = f"{deviation(instance.graph, plan, count):.1%}"
        rows.append(row(who, count, off, cut_edges(instance.graph, plan), f"{seconds:.2f}"))
    return rows


TABLES = ("scratch", "repair", "border", "max-p")


def measured(name: str, options: argparse.Namespace) -> list[str]:
    """The lines of one table."""
    others = [load_graph(file) for file in options.graph]
    if name == "border" and real_data_folder().exists():
        others.append(keelung())
    seeds = options.seeds
    match name:
        case "scratch":
            return scratch_table(seeds or 20)
        case "repair":
            return repair_table(
                range(options.first, options.first + (seeds or 10)), options.prove_s, min(options.recom_s, 8.0)
            )
        case "border":
            return border_table(seeds or 1, options.recom_s, others)
        case _:
            return max_p_table(200, 10)


def written(page: Path, name: str, lines: list[str]) -> None:
    """Put a table into the page, in the place of the one of that name; the others stay, in the order of ``TABLES``.

    A part starts with its name as a comment, a later part of the repairs with its first seed too, so that parts can be
    measured one after another.
    """
    before = page.read_text(encoding="utf-8") if page.exists() else "# Beats: measured\n"
    head, *rest = re.split(r"(?m)^(?=<!-- )", before)
    parts = {part[5 : part.index(" -->")]: part.rstrip() for part in rest}
    parts[name] = f"<!-- {name} -->\n" + "\n".join(lines)

    def place(part: str) -> tuple[int, int]:
        title, _, first = part.partition(" ")
        return TABLES.index(title), int(first or 0)

    page.write_text("\n\n".join([head.rstrip(), *(parts[part] for part in sorted(parts, key=place))]) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=TABLES, action="append", help="measure this table only; others stay")
    parser.add_argument("--seeds", type=int, help="instances (20; border 1, as each ReCom chain takes so long)")
    parser.add_argument(
        "--first", type=int, default=0, help="first seed of the table of repairs, to measure it in parts"
    )
    parser.add_argument(
        "--prove-s",
        type=float,
        default=Rules().prove_s,
        help="seconds for each bound on changes",
    )
    parser.add_argument(
        "--recom-s", type=float, default=60.0, help="processor seconds for each ReCom chain (repairs: 10 at most)"
    )
    parser.add_argument("--graph", type=Path, action="append", default=[], help="a graph file of one's own (.npz)")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    warm = made_up(60, 5, 0).graph
    repair(warm, partition(warm, 5).plan[::-1], prove_s=1)
    for name in options.only or TABLES:
        lines = measured(name, options)
        chosen = " ".join(f"--{key} {value}" for key, value in _said(name, options))
        command = f"python -m tests.benchmarks.bench_districting --only {name} {chosen}".strip()
        lines[1:1] = ["", f"`{command}`; seconds are processor seconds, {_load()}."]
        sys.stdout.write("\n".join(lines) + "\n\n")
        sys.stdout.flush()
        if options.out is not None:
            written(options.out, f"{name} {options.first}" if options.first else name, lines)


def _said(name: str, options: argparse.Namespace) -> list[tuple[str, object]]:
    """The options that decide a table."""
    chosen = {"repair": ("seeds", "first", "prove_s"), "border": ("seeds", "recom_s"), "scratch": ("seeds",)}
    pairs = [(each, getattr(options, each)) for each in chosen.get(name, ())]
    return [(each.replace("_", "-"), value) for each, value in pairs if value]


def _load() -> str:
    """How busy the machine is."""
    return f"{os.cpu_count()} processors with {os.getloadavg()[1]:.1f} tasks on them"


if __name__ == "__main__":
    main()
