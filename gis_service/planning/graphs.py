"""The graph that beats are drawn on: workload, borders, bridges between separate parts, villages or townships. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from gis_service.planning.inputs import Inputs
from gis_service.planning.plans import Plan

if TYPE_CHECKING:
    from layers.districting import UnitGraph


class Within(StrEnum):
    """What no beat crosses."""

    VILLAGE = "village"
    TOWNSHIP = "township"


Price = Literal["addresses", "migrants", "units"]
"""What is kept few of what changes its officer."""


class Workload(BaseModel):
    """What is balanced: a weighted sum of what officers do in a unit.

    `travel` weighs the way to a unit: its addresses times the kilometres from the middle of its village's addresses.
    """

    migrants: Annotated[float, Field(ge=0, le=1000)] = 1.0
    rentals: Annotated[float, Field(ge=0, le=1000)] = 0.0
    risky_rentals: Annotated[float, Field(ge=0, le=1000)] = 0.0
    churn: Annotated[float, Field(ge=0, le=1000)] = 0.0
    addresses: Annotated[float, Field(ge=0, le=1000)] = 0.0
    travel: Annotated[float, Field(ge=0, le=1000)] = 0.0
    difficulty: bool = False


class Rules(BaseModel):
    """How beats are to be drawn.

    Where no beat crosses a village, `across` are those between which beats may all the same. `locks` are units that
    stay in the beat that they are in; `bridges` and `barriers` pairs of units; `price` is what is kept few: addresses,
    migrants or units that change their officer; `prove_s` is how long the bound on it may take after the drawing.
    """

    method: Literal["repair", "scratch"] = "repair"
    within: Within = Within.TOWNSHIP
    across: Annotated[list[int], Field(max_length=1000)] = []
    band: Annotated[float, Field(ge=0.01, le=0.9)] = 0.10
    workload: Workload = Workload()
    price: Price = "addresses"
    locks: Annotated[list[int], Field(max_length=10_000)] = []
    bridges: Annotated[list[tuple[int, int]], Field(max_length=1000)] = []
    barriers: Annotated[list[tuple[int, int]], Field(max_length=1000)] = []
    effort: Annotated[int, Field(ge=10, le=5000)] = 500
    prove_s: Annotated[float, Field(ge=0, le=120)] = 10.0
    deadline_s: Annotated[float, Field(gt=0, le=3600)] | None = None


@dataclass(frozen=True)
class Ground:
    """The graph of some units of the inputs: `members` are their numbers there, `bridges` what joins separate parts."""

    members: list[int]
    graph: UnitGraph
    bridges: list[tuple[int, int]]


def workload_of(inputs: Inputs, workload: Workload) -> npt.NDArray[np.int64]:
    """Whole workload of every unit, in what one migrant counts."""
    hard = {place.area_id: place.multiplier for place in inputs.places}
    found = []
    for unit, way in zip(inputs.units, address_km(inputs), strict=True):
        sum_of = (
            workload.migrants * unit.migrants
            + workload.rentals * unit.rentals
            + workload.risky_rentals * unit.risky_rentals
            + workload.churn * unit.churn
            + workload.addresses * unit.addresses
            + workload.travel * way
        )
        found.append(sum_of * (hard.get(unit.village_id, 1.0) if workload.difficulty else 1.0))
    whole: npt.NDArray[np.int64] = np.rint(np.array(found)).astype(np.int64)
    return whole


def address_km(inputs: Inputs) -> npt.NDArray[np.float64]:
    """Addresses of every unit times kilometres, as the crow flies, from the middle of its village's addresses."""
    addresses = np.array([unit.addresses for unit in inputs.units], dtype=np.float64)
    middles = np.array([(unit.x_m, unit.y_m) for unit in inputs.units])
    _, village = np.unique([unit.village_id for unit in inputs.units], return_inverse=True)
    weight = np.bincount(village, weights=addresses)
    centres = [np.bincount(village, weights=addresses * axis) / np.maximum(weight, 1.0) for axis in middles.T]
    way: npt.NDArray[np.float64] = np.hypot(*(middles - np.column_stack(centres)[village]).T)
    return addresses * way / 1000


def with_marks(rules: Rules, plan: Plan) -> Rules:
    """The rules, with the locks, bridges and barriers of the scenario besides their own."""
    marks = plan.marks
    return rules.model_copy(
        update={
            "locks": sorted({*rules.locks, *marks.locks}),
            "bridges": sorted({*rules.bridges, *marks.bridges}),
            "barriers": sorted({*rules.barriers, *marks.barriers}),
        }
    )


def ground_of(inputs: Inputs, rules: Rules, members: Sequence[int]) -> Ground:
    """The graph of these units; separate parts of one village or township are joined where they are nearest."""
    from layers.districting import unit_graph

    place = {unit: number for number, unit in enumerate(members)}
    edges = [(place[a], place[b], metres) for a, b, metres in inputs.edges if a in place and b in place]
    blocked = {tuple(sorted(pair)) for pair in rules.barriers}
    barriers = [(place[a], place[b]) for a, b in blocked if a in place and b in place]
    asked = {
        (min(place[a], place[b]), max(place[a], place[b]))
        for a, b in rules.bridges
        if a in place and b in place and a != b and tuple(sorted((a, b))) not in blocked
    }
    groups = np.array([_group(inputs, unit, rules) for unit in members], dtype=np.int64)
    middles = np.array([(inputs.units[unit].x_m, inputs.units[unit].y_m) for unit in members])
    cut = {(min(a, b), max(a, b)) for a, b in barriers}
    open_pairs = [(a, b) for a, b, _ in edges if (a, b) not in cut] + sorted(asked)
    bridges = sorted(asked | {pair for pair in _joining(groups, middles, open_pairs) if pair not in cut})
    graph = unit_graph(
        workload_of(inputs, rules.workload)[list(members)],
        [(a, b) for a, b, _ in edges],
        border_m=[metres for _, _, metres in edges],
        bridges=bridges,
        barriers=barriers,
        groups=groups,
    )
    return Ground(list(members), graph, [(members[a], members[b]) for a, b in bridges])


def _group(inputs: Inputs, unit: int, rules: Rules) -> int:
    found = inputs.units[unit]
    closed = rules.within is Within.VILLAGE and found.village_id not in rules.across
    return found.village_id if closed else found.township_id


def _joining(
    groups: npt.NDArray[np.int64], middles: npt.NDArray[np.float64], pairs: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Pairs that join the separate parts of every group, each part to the nearest unit of another."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    added: list[tuple[int, int]] = []
    count = len(groups)
    while True:
        kept = [(a, b) for a, b in (*pairs, *added) if groups[a] == groups[b]]
        ends = np.array(kept, dtype=np.int64).reshape(-1, 2)
        matrix = csr_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
        _, part = connected_components(matrix, directed=False)
        fresh = []
        for group in np.unique(groups):
            inside = np.flatnonzero(groups == group)
            parts, sizes = np.unique(part[inside], return_counts=True)
            if len(parts) < 2:
                continue
            alone = inside[part[inside] == parts[np.argmin(sizes)]]
            others = inside[part[inside] != parts[np.argmin(sizes)]]
            distance, nearest = cKDTree(middles[others]).query(middles[alone])
            at = int(np.argmin(distance))
            one, other = int(alone[at]), int(others[int(np.atleast_1d(nearest)[at])])
            fresh.append((min(one, other), max(one, other)))
        if not fresh:
            return added
        added += fresh
