"""What a plan of beats must obey, and a plain check of a plan against it that shares nothing with the search."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from layers._graph import IntArray, LoadArray, UnitGraph

NOBODY = -1


class Breach(StrEnum):
    """How a plan can break its rules."""

    UNIT_WITHOUT_BEAT = "unit_without_beat"
    EMPTY_BEAT = "empty_beat"
    NOT_CONTIGUOUS = "not_contiguous"
    CROSSES_GROUPS = "crosses_groups"
    OUTSIDE_BAND = "outside_band"
    LOCK_BROKEN = "lock_broken"


@dataclass(frozen=True)
class Violation:
    """One breach: which beat (-1 = none), the units concerned and, outside the band, the signed deviation."""

    breach: Breach
    beat: int
    units: tuple[int, ...] = ()
    deviation: float | None = None


@dataclass(frozen=True)
class BeatRules:
    """
    What every plan must obey.

    Attributes
    ----------
    beats
        Number of beats, numbered from 0; each has one unit or more.
    band
        Greatest allowed deviation of a beat's load from the fair load, as a share (0.05 = ± 5 %).
        The fair load is that of the beat's territory: its load ÷ its beats, because load cannot leave a territory.
    locks
        Shape (n,): the beat that a unit is fixed to, -1 = free. A seed is a lock of one unit.
    """

    beats: int
    band: float
    locks: IntArray | None = None

    def locks_of(self, graph: UnitGraph) -> IntArray:
        """Locks as an array, also when there are none.

        Raises
        ------
        ValueError
            When the rules do not fit the graph.
        """
        if not graph.territories <= self.beats <= graph.units:
            raise ValueError(
                f"{self.beats} beats for {graph.units} units in {graph.territories} separate parts: each part needs a "
                "beat or a bridge to another part, and each beat a unit"
            )
        if not 0 <= self.band < 1:
            raise ValueError(f"band is a share from 0 to below 1, not {self.band}")
        locks = np.full(graph.units, NOBODY, np.int32) if self.locks is None else np.asarray(self.locks, np.int32)
        if locks.shape != (graph.units,) or (locks < NOBODY).any() or (locks >= self.beats).any():
            raise ValueError("locks must name a beat, or -1, for every unit")
        for beat in np.unique(locks[locks >= 0]):
            if len(np.unique(graph.territory[locks == beat])) > 1:
                raise ValueError(f"beat {beat} is locked to units that no beat can hold together")
        return locks


def exact_band(band: float) -> Fraction:
    """The share that people mean when they write 0.05."""
    return Fraction(band).limit_denominator(1_000_000)


def load_limits(total: LoadArray, beats: LoadArray, band: float) -> tuple[LoadArray, LoadArray]:
    """Least and greatest whole load inside the band, for territories of that total load and number of beats."""
    share = exact_band(band)
    low, high = [], []
    for load, count in zip(total.tolist(), beats.tolist(), strict=True):
        fair = Fraction(load, count)
        low.append(-((-fair * (1 - share)).__floor__()))
        high.append((fair * (1 + share)).__floor__())
    return np.array(low, np.int64), np.array(high, np.int64)


def verify_plan(graph: UnitGraph, plan: npt.ArrayLike, rules: BeatRules) -> list[Violation]:
    """
    Check a plan against its rules by plain counting and searching, independently of how it was made.

    Parameters
    ----------
    plan
        Shape (n,): beat of each unit.

    Returns
    -------
    list of Violation
        Empty when the plan holds: every unit in a beat, no beat empty, each in one piece inside one group, inside
        the band, locks kept.
    """
    beat_of = np.asarray(plan).tolist()
    if len(beat_of) != graph.units:
        raise ValueError(f"the plan has {len(beat_of)} entries for {graph.units} units")
    stray = tuple(unit for unit, beat in enumerate(beat_of) if not 0 <= beat < rules.beats)
    found = [Violation(Breach.UNIT_WITHOUT_BEAT, NOBODY, stray)] if stray else []
    units_of: dict[int, list[int]] = {beat: [] for beat in range(rules.beats)}
    for unit, beat in enumerate(beat_of):
        if beat in units_of:
            units_of[beat].append(unit)
    for beat, units in units_of.items():
        if not units:
            found.append(Violation(Breach.EMPTY_BEAT, beat))
            continue
        if lost := set(units) - _reached(graph, units):
            found.append(Violation(Breach.NOT_CONTIGUOUS, beat, tuple(sorted(lost))))
        if len({int(graph.groups[unit]) for unit in units}) > 1:
            found.append(Violation(Breach.CROSSES_GROUPS, beat, tuple(units)))
    found += _outside_band(graph, units_of, exact_band(rules.band))
    locks = rules.locks_of(graph).tolist()
    broken = [unit for unit, lock in enumerate(locks) if lock != NOBODY and lock != beat_of[unit]]
    return found + [Violation(Breach.LOCK_BROKEN, locks[unit], (unit,)) for unit in broken]


def _reached(graph: UnitGraph, units: list[int]) -> set[int]:
    """Units of a beat that can be reached from its first without leaving it."""
    own, reached, waiting = set(units), {units[0]}, deque([units[0]])
    while waiting:
        unit = waiting.popleft()
        for other in graph.neighbours[graph.offsets[unit] : graph.offsets[unit + 1]].tolist():
            if other in own and other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def _outside_band(graph: UnitGraph, units_of: dict[int, list[int]], band: Fraction) -> list[Violation]:
    """Beats whose load is too far from the fair load of their first unit's territory, in exact arithmetic."""
    load_of_territory: dict[int, int] = {}
    for territory, load in zip(graph.territory.tolist(), graph.loads.tolist(), strict=True):
        load_of_territory[territory] = load_of_territory.get(territory, 0) + load
    home = {beat: int(graph.territory[units[0]]) for beat, units in units_of.items() if units}
    beats_in = {territory: list(home.values()).count(territory) for territory in set(home.values())}
    found = []
    for beat, territory in home.items():
        fair = Fraction(load_of_territory[territory], beats_in[territory])
        load = sum(int(graph.loads[unit]) for unit in units_of[beat])
        if abs(load - fair) > band * fair:
            deviation = float(load / fair - 1)
            found.append(Violation(Breach.OUTSIDE_BAND, beat, tuple(units_of[beat]), deviation))
    return found
