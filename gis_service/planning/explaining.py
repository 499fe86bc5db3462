"""Why a unit moves to another beat, and what else was possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gis_service.planning.graphs import Ground
from gis_service.planning.inputs import Inputs
from gis_service.texts import T, Text

if TYPE_CHECKING:
    from layers.districting import BeatPlan, BeatRules
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
    from layers.reasons import explain_changes

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
    from layers.reasons import Binding

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
    from layers.reasons import if_it_stayed

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
