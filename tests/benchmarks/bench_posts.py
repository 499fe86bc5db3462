"""Posts handed out beside CP-SAT, HiGHS and largest remainder: `python -m tests.benchmarks.bench_posts [--out FILE]`.

The aim is the least worst load, migrants per post; each solver is stopped after ``--limit-s`` seconds.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from ortools.sat.python import cp_model
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, diags_array, hstack, vstack

from layers.apportion import largest_remainder
from layers.posts import PostsProblem, hand_out, moves_curve

Ints = npt.NDArray[np.int64]
Answer = tuple[float, str]


def demand_of(areas: int, seed: int) -> Ints:
    """Migrants of made-up areas: lognormal, median 3,570."""
    rng = np.random.default_rng(seed)
    return np.maximum(np.rint(rng.lognormal(0.0, 1.0, areas) * 3_570), 1).astype(np.int64)


def ours(demand: Ints, posts: int) -> Answer:
    plan = hand_out(PostsProblem.of(pd.Series(demand), posts))
    proved = plan.posts_below is not None and plan.posts_below > posts
    return float(plan.worst_load or np.inf), "proved" if proved else "not proved"


def with_curve(demand: Ints, posts: int, *, today: pd.Series) -> Answer:
    problem = PostsProblem.of(pd.Series(demand), posts)
    plan = hand_out(problem)
    curve = moves_curve(problem, today, points=20)
    return float(plan.worst_load or np.inf), f"proved, and {len(curve)} points"


def remainder(demand: Ints, posts: int) -> Answer:
    given = largest_remainder(posts, demand)
    return float((demand[given > 0] / given[given > 0]).max()), f"{int((given == 0).sum())} areas without a post"


def cp_sat(demand: Ints, posts: int, limit_s: float) -> Answer:
    """Greatest whole z (thousandths of a post per migrant) with posts >= z * demand: the inverse of the worst load."""
    model = cp_model.CpModel()
    scale = 10_000_000
    given = [model.new_int_var(1, posts, "") for _ in demand]
    least = model.new_int_var(0, scale, "")
    for variable, migrants in zip(given, demand.tolist(), strict=True):
        model.add(scale * variable >= migrants * least)
    model.add(sum(given) == posts)
    model.maximize(least)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return float("nan"), "no answer"
    found = np.array([solver.value(variable) for variable in given])
    return float((demand / found).max()), "proved" if status == cp_model.OPTIMAL else "stopped"


def highs(demand: Ints, posts: int, limit_s: float) -> Answer:
    """The same as a mixed-integer program, by SciPy's HiGHS."""
    count = len(demand)
    rate = csr_array(-demand[:, None].astype(np.float64))
    rows = hstack([diags_array(np.ones(count)), rate])
    total = csr_array(np.append(np.ones(count), 0.0)[None])
    result = milp(
        np.append(np.zeros(count), -1.0),
        integrality=np.append(np.ones(count, np.int8), 0),
        bounds=Bounds(np.append(np.ones(count), 0), np.append(np.full(count, posts), 1)),
        constraints=LinearConstraint(
            vstack([rows, total]), np.append(np.zeros(count), posts), np.append(np.full(count, np.inf), posts)
        ),
        options={"time_limit": limit_s, "mip_rel_gap": 0.0},
    )
    if result.x is None:
        return float("nan"), "no answer"
    found = np.rint(result.x[:-1])
    return float((demand / found).max()), "proved" if result.status == 0 else "stopped"


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=int, default=10_000)
    parser.add_argument("--posts", type=int, default=47_000)
    parser.add_argument("--limit-s", type=float, default=60.0)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    demand = demand_of(options.areas, 0)
    today = pd.Series(largest_remainder(options.posts, demand))  # what there is: known beforehand
    with_curve(demand[:50], 300, today=today[:50])
    works: dict[str, Callable[[Ints, int], Answer]] = {
        "ours: optimum": ours,
        "ours: optimum and curve of moves": partial(with_curve, today=today),
        "largest remainder": remainder,
        "CP-SAT, one worker": partial(cp_sat, limit_s=options.limit_s),
        "HiGHS (SciPy)": partial(highs, limit_s=options.limit_s),
    }
    words = " ".join(sys.argv[1:])
    lines = ["# Posts: measured", "", f"Written by `python -m tests.benchmarks.bench_posts {words}`."]
    lines += [
        f"{options.areas:,} areas, {options.posts:,} posts; solvers stop after {options.limit_s:.0f} s by the clock."
    ]
    lines += [f"{os.cpu_count()} processors with {os.getloadavg()[1]:.1f} tasks on them.", ""]
    columns = ["who", "CPU s", "time ÷ ours", "worst load", "÷ ours", ""]
    lines += [row(*columns), "|" + "---|" * len(columns)]
    first: tuple[float, float] | None = None
    for who, work in works.items():
        began = time.process_time()
        worst, said = work(demand, options.posts)
        took = time.process_time() - began
        first = first or (took, worst)
        cells = [who, f"{took:.3f}", f"{took / first[0]:.1f}", f"{worst:.2f}", f"{worst / first[1]:.3f}", said]
        lines.append(row(*cells))
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
