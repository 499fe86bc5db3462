"""Why a unit moves to another beat, what else was possible, and what would have to give where nothing fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from gis_service.planning.graphs import Ground, Rules, Within
from gis_service.planning.inputs import Inputs
from gis_service.texts import T, Text
from layers.conflicts import smallest_relaxation
from layers.districting import BeatPlan, BeatRules
from layers.reasons import Binding, explain_changes, if_it_stayed
from layers.reasons import Reason as Found

_TRIED = 5
"""For so many of the largest moves it is tried what would happen if they were not made."""


@dataclass(frozen=True)
class Reason:
    """Why one unit changes its beat; `texts` are sentences in the order to read."""

    unit: int
    texts: tuple[Text, ...]


def signed(share: float) -> str:
    """A deviation as people say it: `+8.2 %`."""
    return f"{share * 100:+.1f} %"


def reasons_of(
    inputs: Inputs,
    ground: Ground,
    today: npt.NDArray[np.int32],
    drawn: BeatPlan,
    beat_rules: BeatRules,
    names: Sequence[str],
    *,
    prices: npt.NDArray[np.float64],
    seed: int,
    price: str,
) -> list[Reason]:
    """A reason for every unit that had a beat and has another, the largest first.

    Parameters
    ----------
    today
        Beat of each member of the ground, -1 = nobody's.
    names
        Name of each beat.
    prices, seed, price
        What is kept few, for what would happen if a unit stayed; `price` is its name (addresses, migrants, units).
    """
    graph = ground.graph
    before = np.zeros(len(names))
    held = today >= 0
    np.add.at(before, today[held], graph.loads[held])
    fair = drawn.fair_loads
    was, now = _shares(before, fair), _shares(drawn.loads.astype(float), fair)
    found = []
    explained = sorted(explain_changes(graph, today, drawn, beat_rules), key=lambda each: -graph.loads[each.unit])
    for number, reason in enumerate(explained):
        one, other = names[reason.from_beat], names[reason.to_beat]
        unit = inputs.units[ground.members[reason.unit]].name
        texts = [
            T(
                "{unit} goes from {one} ({one_before} → {one_after}) to {other} ({other_before} → {other_after}).",
                unit=unit,
                one=one,
                other=other,
                one_before=signed(was[reason.from_beat]),
                one_after=signed(now[reason.from_beat]),
                other_before=signed(was[reason.to_beat]) if before[reason.to_beat] else str(T("new")),
                other_after=signed(now[reason.to_beat]),
            ),
            _binding(reason, names, beat_rules.band),
        ]
        if reason.other_beat is not None and reason.other_deviation is not None:
            texts.append(
                T(
                    "The next best would be {beat}, which would then be at {share}.",
                    beat=names[reason.other_beat],
                    share=signed(reason.other_deviation),
                )
            )
        if number < _TRIED:
            texts += _stayed(ground, today, drawn, beat_rules, reason.unit, prices, seed, price)
        found.append(Reason(ground.members[reason.unit], tuple(texts)))
    return found


def _binding(reason: Found, names: Sequence[str], band: float) -> Text:
    """The sentence on what stands against staying."""
    beat, share, limit = names[reason.beat], signed(reason.deviation), f"{band * 100:g} %"
    one, other = names[reason.from_beat], names[reason.to_beat]
    sentences = {
        Binding.TOO_HEAVY: T(
            "If it stays, {beat} is at {share}, outside ± {limit}.", beat=beat, share=share, limit=limit
        ),
        Binding.TOO_LIGHT: T(
            "Without it, {beat} is at {share}, outside ± {limit}.", beat=beat, share=share, limit=limit
        ),
        Binding.LOCKED: T("It is locked to {beat}.", beat=other),
        Binding.GROUPS: T("{beat} is at home elsewhere, and no beat crosses that border.", beat=one),
        Binding.CUT_OFF: T("It would no longer border on what {beat} keeps.", beat=one),
        Binding.CUTS: T("Without it, {beat} would fall apart or be empty.", beat=other),
        Binding.AIM: T("Nothing forces it: borders between beats become shorter."),
    }
    return sentences[reason.bindings[0]]


def _stayed(
    ground: Ground,
    today: npt.NDArray[np.int32],
    drawn: BeatPlan,
    beat_rules: BeatRules,
    unit: int,
    prices: npt.NDArray[np.float64],
    seed: int,
    price: str,
) -> list[Text]:
    """What the best plan in which it stays would cost more."""
    try:
        instead = if_it_stayed(ground.graph, today, drawn, beat_rules, unit, prices=prices, seed=seed)
    except ValueError:  # it cannot stay at all: the binding says so
        return []
    if not instead.within_band and drawn.within_band:
        return [T("If it stayed, no plan was found that keeps the band: {share} off.", share=signed(instead.deviation))]
    if instead.extra_price <= 0:
        return [T("A plan in which it stays would change no more.")]
    more = f"{instead.extra_price:,.0f}"
    if price == "addresses":
        return [T("If it stayed, {more} addresses more would change their officer.", more=more)]
    if price == "migrants":
        return [T("If it stayed, {more} migrants more would change their officer.", more=more)]
    return [T("If it stayed, {more} compounds more would change.", more=more)]


def _shares(loads: np.ndarray, fair: np.ndarray) -> np.ndarray:
    return np.where(fair > 0, loads / np.where(fair > 0, fair, 1.0) - 1.0, 0.0)


Attempt = Callable[[Rules, int], BeatPlan | None]
"""A quick try under other rules and with so many posts more; None when it cannot even begin."""

_HALVINGS = 4
_MOST_CONFLICTS = 8


def what_to_relax(rules: Rules, attempt: Attempt, drawn: BeatPlan | None) -> dict[str, Any]:
    """The fewest constraints that must give so that every beat is inside the band; tried, not guessed.

    Returns
    -------
    `sets`: the smallest sets that worked, each a list of names (`locks`, `barriers`, `within`, `one_more_post`), empty
    when none of one or two did; `locks` and `barriers`: where a set names them, the fewest of them (units, pairs of
    units) that have to give; `band`: the least band in which a plan was found with nothing else relaxed, 0.1 % up.
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
    named: dict[str, list[Any]] = {"locks": [], "barriers": []}
    for size in (1, 2):
        for chosen in combinations(options, size):
            asked, more = rules, 0
            for name in chosen:
                asked, more = options[name](asked, more)
            if _fits(attempt, asked, more):
                found.append(list(chosen))
                single = [name for name in chosen if name in named and not named[name]]
                named |= _fewest(rules, asked, more, single, attempt)
        if found:
            break
    return {"sets": found, **named, "band": None if drawn is None else _least_band(rules, attempt, drawn)}


def _fits(attempt: Attempt, asked: Rules, more: int) -> bool:
    tried = attempt(asked, more)
    return tried is not None and not tried.violations


def _fewest(rules: Rules, asked: Rules, more: int, kinds: list[str], attempt: Attempt) -> dict[str, list[Any]]:
    """The fewest locks and barriers that have to give, all else being as asked; none named when it takes too many."""
    every = [(kind, member) for kind in kinds for member in getattr(rules, kind)]

    def feasible(kept: Collection[tuple[str, Any]]) -> bool:
        held = {kind: [member for of_kind, member in kept if of_kind == kind] for kind in kinds}
        return _fits(attempt, asked.model_copy(update=held), more)

    if not every:
        return {}
    try:
        relaxed, _ = smallest_relaxation(every, feasible, most_rounds=_MOST_CONFLICTS)
    except ValueError:  # too many conflicts, or a quick try that once failed: the kinds are all that can be said
        return {}
    return {kind: [member for of_kind, member in relaxed if of_kind == kind] for kind in kinds}


def _least_band(rules: Rules, attempt: Attempt, drawn: BeatPlan) -> float:
    """The least band, as a share, in which a plan was found; between what was asked and what is there, by halves."""
    low, high = max(rules.band, drawn.least_deviation), drawn.deviation
    for _ in range(_HALVINGS):
        if high - low < 0.001:
            break
        middle = (low + high) / 2
        tried = attempt(rules.model_copy(update={"band": middle}), 0)
        if tried is not None and tried.within_band:
            high = min(tried.deviation, middle)
        else:
            low = middle
    return math.ceil(round(high * 1000, 6)) / 1000


RELAXING: dict[str, Text] = {
    "locks": T("let locked compounds move"),
    "barriers": T("let beats cross the barriers"),
    "within": T("let beats cross villages"),
    "one_more_post": T("add one post"),
}
