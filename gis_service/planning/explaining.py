"""Why a unit moves to another beat, what else was possible, and what would have to give where nothing fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from gis_service.planning.graphs import Ground, Rules, Within
from gis_service.planning.inputs import Inputs
from gis_service.texts import T, Text
from layers.districting import BeatPlan


@dataclass(frozen=True)
class Reason:
    """Why one unit changes its beat; `texts` are sentences in the order to read."""

    unit: int
    texts: tuple[Text, ...]


def signed(share: float) -> str:
    """A deviation as people say it: `+8.2 %`."""
    return f"{share * 100:+.1f} %"


def reasons_of(
    inputs: Inputs, ground: Ground, today: Sequence[int], drawn: BeatPlan, names: Sequence[str], band: float
) -> list[Reason]:
    """A reason for every unit that had a beat and has another, the largest first.

    Parameters
    ----------
    today
        Beat of each member of the ground, -1 = nobody's.
    names
        Name of each beat.
    """
    graph = ground.graph
    before = np.zeros(len(names))
    held = np.array(today) >= 0
    np.add.at(before, np.array(today)[held], graph.loads[held])
    fair = drawn.fair_loads
    was, now = _shares(before, fair), _shares(drawn.loads.astype(float), fair)
    found = []
    for change in sorted(drawn.changes, key=lambda each: -graph.loads[each.unit]):
        unit = inputs.units[ground.members[change.unit]]
        one, other = names[change.from_beat], names[change.to_beat]
        texts = [
            T(
                "{unit} goes from {one} ({one_before} → {one_after}) to {other} ({other_before} → {other_after}).",
                unit=unit.name,
                one=one,
                other=other,
                one_before=signed(was[change.from_beat]),
                one_after=signed(now[change.from_beat]),
                other_before=signed(was[change.to_beat]) if before[change.to_beat] else str(T("new")),
                other_after=signed(now[change.to_beat]),
            ),
            _binding(one, other, change.from_deviation_if_stayed, change.to_deviation_if_stayed, band),
        ]
        texts += _next_best(ground, drawn, change.unit, (change.from_beat, change.to_beat), names, unit.addresses)
        found.append(Reason(ground.members[change.unit], tuple(texts)))
    return found


def _binding(one: str, other: str, one_if: float, other_if: float, band: float) -> Text:
    limit = f"{band * 100:g} %"
    if one_if > band:
        return T("If it stays, {beat} is at {share}, outside ± {limit}.", beat=one, share=signed(one_if), limit=limit)
    if other_if < -band:
        return T(
            "Without it, {beat} is at {share}, outside ± {limit}.", beat=other, share=signed(other_if), limit=limit
        )
    return T("It goes along so that both beats stay in one piece while others move.")


def _next_best(
    ground: Ground, drawn: BeatPlan, unit: int, used: tuple[int, int], names: Sequence[str], addresses: int
) -> list[Text]:
    graph = ground.graph
    around = graph.neighbours[graph.offsets[unit] : graph.offsets[unit + 1]]
    beats = sorted({int(drawn.plan[near]) for near in around} - set(used))
    if not beats:
        return [T("No other beat borders on it.")]
    load = float(graph.loads[unit])
    shares = {beat: (float(drawn.loads[beat]) + load) / float(drawn.fair_loads[beat]) - 1 for beat in beats}
    best = min(beats, key=lambda beat: (abs(shares[beat]), beat))
    return [
        T(
            "The next best would be {beat}, which would then be at {share}, for the same {addresses} addresses.",
            beat=names[best],
            share=signed(shares[best]),
            addresses=addresses,
        )
    ]


def _shares(loads: np.ndarray, fair: np.ndarray) -> np.ndarray:
    return np.where(fair > 0, loads / np.where(fair > 0, fair, 1.0) - 1.0, 0.0)


Attempt = Callable[[Rules, int], BeatPlan | None]
"""A quick try under other rules and with so many posts more; None when it cannot even begin."""


def what_to_relax(rules: Rules, attempt: Attempt, drawn: BeatPlan | None) -> dict[str, Any]:
    """The fewest constraints that must give so that every beat is inside the band; tried, not guessed.

    Returns
    -------
    `sets`: the smallest sets that worked, each a list of names (`locks`, `barriers`, `within`, `one_more_post`), empty
    when none of one or two did; `band`: the band that the best plan found keeps, when there is one.
    """
    options: dict[str, Callable[[Rules, int], tuple[Rules, int]]] = {}
    if rules.locks:
        options["locks"] = lambda asked, more: (asked.model_copy(update={"locks": []}), more)
    if rules.barriers:
        options["barriers"] = lambda asked, more: (asked.model_copy(update={"barriers": []}), more)
    if rules.within is Within.VILLAGE:
        options["within"] = lambda asked, more: (asked.model_copy(update={"within": Within.TOWNSHIP}), more)
    options["one_more_post"] = lambda asked, more: (asked, more + 1)
    found: list[list[str]] = []
    for size in (1, 2):
        for chosen in combinations(options, size):
            asked, more = rules, 0
            for name in chosen:
                asked, more = options[name](asked, more)
            tried = attempt(asked, more)
            if tried is not None and not tried.violations:
                found.append(list(chosen))
        if found:
            break
    return {"sets": found, "band": None if drawn is None else round(float(drawn.deviation), 4)}


RELAXING: dict[str, Text] = {
    "locks": T("let locked compounds move"),
    "barriers": T("let beats cross the barriers"),
    "within": T("let beats cross villages"),
    "one_more_post": T("add one post"),
}
