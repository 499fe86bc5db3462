"""Which item a fact is: by its name, and where several people have one name, by what the registers say of them."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import pandas as pd

from gis_service.access.personal import Vault

_SAME_KEY: Final = 0.5
"""What an equal key of a register counts beside an equal field: lists are numbered anew each quarter."""


def identified(
    vault: Vault, known: pd.DataFrame, facts: list[str], also: list[tuple[str, ...]], sides: list[str]
) -> pd.DataFrame:
    """
    The item of each fact that was found, whichever key of the ring its index was made with.

    Two people may have one name for the same fact: a shared identity number, or the same name, birth year and door and
    nothing else. Each is an item of its own (`…#2`), and goes on being the item with whose evidence the registers agree
    most, whatever the order of their rows, and when one of them is found no more. A fact that was found before more was
    known of the person (an identity number, a phone) is the same one.

    Parameters
    ----------
    known
        Items that carry a fact, index: their ids; `fact_index`, `source_key`, `sides_sealed`.
    facts, also, sides
        `fact` and `also_facts` of `layers.reconciliation.classify`, and what `evidence.pack` makes of it.

    Returns
    -------
    On a plain index: `known_id` (Int64, NA for a new item) and `fact` (unique).
    """
    by_index = {bytes(index): item for item, index in known["fact_index"].items()}
    result = pd.DataFrame({"known_id": pd.array([pd.NA] * len(facts), dtype="Int64"), "fact": facts})
    for fact, rows in pd.Series(range(len(facts))).groupby(pd.Series(facts, dtype="str"), sort=False):
        items = _items(vault, by_index, str(fact))
        places = rows.to_numpy()
        chosen = [0] if len(places) == 1 and len(items) <= 1 else _chosen(vault, known, items, places, sides)
        for place, number in zip(places, chosen, strict=True):
            if number < len(items):
                result.loc[place, "known_id"] = items[number]
            result.loc[place, "fact"] = _named(str(fact), number)
    _by_other_names(vault, by_index, also, result)
    return result


def _by_other_names(
    vault: Vault, by_index: dict[bytes, Any], also: list[tuple[str, ...]], result: pd.DataFrame
) -> None:
    """Facts that are new by their name and known by an older one, where nobody else is that item."""
    claimed = set(result["known_id"].dropna().astype("int64"))
    for place in result.index[result["known_id"].isna()]:
        older = (item for fact in also[place] for item in _items(vault, by_index, fact)[:1])
        item = next((each for each in older if each not in claimed), None)
        if item is not None:
            claimed.add(item)
            result.loc[place, "known_id"] = item


def _named(fact: str, number: int) -> str:
    return fact if number == 0 else f"{fact}#{number + 1}"


def _items(vault: Vault, by_index: dict[bytes, Any], fact: str) -> list[int]:
    """The items of everybody who has the fact's name, in the order of their numbers; items are never removed."""
    found: list[int] = []
    while True:
        indexes = vault.blind_indexes("fact", _named(fact, len(found)))
        item = next((by_index[index] for index in indexes if index in by_index), None)
        if item is None:
            return found
        found.append(int(item))


def _chosen(vault: Vault, known: pd.DataFrame, items: list[int], places: Any, sides: list[str]) -> list[int]:
    """For each of several people with one name the number of the item: the best agreement in all, then new numbers."""
    from scipy.optimize import linear_sum_assignment

    held = known.loc[items]
    sealed = [None if value is None else bytes(value) for value in held["sides_sealed"]]
    before = [_said(text) for text in vault.open_many("mismatch", "sides", held["source_key"].tolist(), sealed)]
    order = sorted(range(len(places)), key=lambda row: sides[places[row]])
    now = [_said(sides[places[row]]) for row in order]
    agreement = np.array([[_agreement(one, other) for other in before] for one in now]).reshape(len(now), len(before))
    taken = dict(zip(*(each.tolist() for each in linear_sum_assignment(-agreement)), strict=True))
    fresh = iter(range(len(items), len(items) + len(places)))
    numbers = [taken[row] if row in taken else next(fresh) for row in range(len(now))]
    return [number for _row, number in sorted(zip(order, numbers, strict=True))]


def _said(packed: str | None) -> dict[tuple[str, str], Any]:
    sides: dict[str, dict[str, Any]] = {} if packed is None else json.loads(packed)
    return {(side, field): value for side, record in sides.items() for field, value in record.items() if value}


def _agreement(one: dict[tuple[str, str], Any], other: dict[tuple[str, str], Any]) -> float:
    return sum(
        _SAME_KEY if place[1] == "source_key" else 1.0 for place, value in one.items() if other.get(place) == value
    )
