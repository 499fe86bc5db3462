"""Grades of rentals by scored rules that are data, and suspected group rentals, each with the numbers behind it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

__all__ = ["FACTORS", "GRADES", "GroupRentalLimits", "Rule", "grade", "per_person", "suspicion"]

GRADES: Final = ("green", "yellow", "orange", "red")
"""From the best to the worst."""

FACTORS: Final = (
    "area_per_person_m2",
    "persons_per_room",
    "rooms",
    "beds",
    "residents",
    "open_rectifications",
    "overdue_rectifications",
)
"""What a rule may look at."""


@dataclass(frozen=True)
class Rule:
    """``points`` for a rental whose ``factor`` is at least, above or below ``threshold``; ``label`` tells people."""

    label: str
    factor: str
    test: Literal["at_least", "above", "below"]
    threshold: float
    points: int


@dataclass(frozen=True)
class GroupRentalLimits:
    """Limits of group rental: suspected below m² a person, above persons a room, from so many rooms or beds."""

    min_area_m2: float
    max_persons_per_room: float
    rooms: int
    beds: int


def per_person(rentals: pd.DataFrame) -> pd.DataFrame:
    """
    Usable area per person and persons per room.

    Parameters
    ----------
    rentals
        ``usable_area_m2`` (m², NA = unknown), ``residents``, ``rooms``.

    Returns
    -------
    pandas.DataFrame
        ``area_per_person_m2`` (NA without residents or area) and ``persons_per_room`` (residents themselves where no
        room is counted), Float64 on the same index.
    """
    residents, rooms = rentals["residents"].astype("Float64"), rentals["rooms"].astype("Float64")
    area = rentals["usable_area_m2"].astype("Float64")
    return pd.DataFrame(
        {
            "area_per_person_m2": area / residents.where(residents > 0),
            "persons_per_room": residents / rooms.where(rooms > 0, 1.0),
        },
        index=rentals.index,
    )


def suspicion(rentals: pd.DataFrame, limits: GroupRentalLimits) -> pd.DataFrame:
    """
    Which limits of group rental a rental breaks, with the numbers.

    Parameters
    ----------
    rentals
        ``usable_area_m2``, ``residents``, ``rooms``, ``beds``.

    Returns
    -------
    pandas.DataFrame
        On the same index: the columns of `per_person`, one bool for each limit (``low_area``, ``crowded_rooms``,
        ``many_rooms``, ``many_beds``) and ``suspected``, whether any holds.
    """
    found = per_person(rentals)
    found["low_area"] = found["area_per_person_m2"].lt(limits.min_area_m2).fillna(value=False).astype(bool)
    found["crowded_rooms"] = rentals["residents"].gt(rentals["rooms"] * limits.max_persons_per_room).astype(bool)
    found["many_rooms"] = rentals["rooms"].ge(limits.rooms).astype(bool)
    found["many_beds"] = rentals["beds"].ge(limits.beds).astype(bool)
    found["suspected"] = found[["low_area", "crowded_rooms", "many_rooms", "many_beds"]].any(axis=1)
    return found


def grade(factors: pd.DataFrame, rules: Sequence[Rule], edges: Mapping[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Score rentals by rules and grade them by the score.

    Parameters
    ----------
    factors
        A column for each factor that a rule looks at; NA = unknown, which no rule holds against anybody.
    rules
        Each adds its points where it holds.
    edges
        Lowest score of ``yellow``, ``orange`` and ``red``, rising.

    Returns
    -------
    graded : ``score`` (int64) and ``grade``, on the index of ``factors``.
    points : one int64 column for each rule, by its position: what it added; they sum to the score.

    Raises
    ------
    ValueError
        When a rule looks at an unknown factor, or the edges do not rise.
    """
    unknown = [rule.factor for rule in rules if rule.factor not in factors]
    if unknown:
        raise ValueError(f"rules look at what is not known: {sorted(set(unknown))}")
    levels = [edges[name] for name in GRADES[1:]]
    if any(later <= earlier for earlier, later in itertools.pairwise(levels)):
        raise ValueError(f"the edges of the grades do not rise: {levels}")
    points = pd.DataFrame(
        {
            number: _holds(factors[rule.factor], rule).to_numpy(dtype=np.int64) * rule.points
            for number, rule in enumerate(rules)
        },
        index=factors.index,
    )
    score = points.sum(axis=1).astype("int64")
    named = np.array(GRADES, dtype=object)[np.searchsorted(levels, score, side="right")]
    return pd.DataFrame({"score": score, "grade": named}, index=factors.index), points


def _holds(values: pd.Series, rule: Rule) -> pd.Series:
    numbers = values.astype("Float64")
    held = {
        "at_least": numbers.ge(rule.threshold),
        "above": numbers.gt(rule.threshold),
        "below": numbers.lt(rule.threshold),
    }[rule.test]
    return held.fillna(value=False).astype(bool)
