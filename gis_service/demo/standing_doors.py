"""Doors of invented villages, without land: their standard texts, and the names that a parser needs to read them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.demo.place_names import compound_names, road_names, village_names

_PREFIX: Final = "浙江省宁波市澜港区"
_PERSONS_A_DOOR: Final = 2.6
_ALONG_ROADS, _IN_ROWS = 0.30, 0.25
_COMPOUNDS_A_VILLAGE: Final = 7


@dataclass(frozen=True)
class Doors:
    """Doors and the names that their texts are made of.

    ``doors``: index ``address_id``, sorted by ``village_id``: ``village_id``, ``text`` (the standard one),
    ``short_text`` (as local people write it, from the village on); ``gazetteer``: the names.
    """

    doors: pd.DataFrame
    gazetteer: Gazetteer


def standing_doors(villages: int, persons: int, rng: np.random.Generator) -> Doors:
    """Doors enough for so many persons: along roads and lanes, in natural villages, in buildings."""
    count = int(persons / _PERSONS_A_DOOR)
    village = np.sort(rng.choice(villages, count, p=_uneven(villages, rng)))
    names = village_names(villages, ["village" if n % 3 else "community" for n in range(villages)], rng)
    kinds = ["natural_village" if n % _COMPOUNDS_A_VILLAGE < 3 else "residential" for n in range(villages * 7)]
    compounds = compound_names(kinds, rng)
    roads = road_names(min(2 * villages, 1_200), rng)
    kind = rng.random(count)
    frame = pd.DataFrame({"village_id": village + 1})
    frame["place"] = np.where(kind < _ALONG_ROADS, "road", np.where(kind < _ALONG_ROADS + _IN_ROWS, "row", "room"))
    # doors of one kind and village follow each other: numbers count up along a road, rooms fill building after building
    nth = frame.groupby(["village_id", "place"]).cumcount().to_numpy()
    each = zip(frame["place"].tolist(), village.tolist(), nth.tolist(), strict=True)
    text = np.array([_door(place, of, number, compounds, roads) for place, of, number in each], dtype=object)
    township = np.array([f"{'云潮澜青汐'[v % 5]}{'屿湾坞港'[v % 4]}镇" for v in range(villages)], dtype=object)[village]
    local = np.array(names, dtype=object)[village] + text
    frame["text"] = _PREFIX + township + local
    frame["short_text"] = local
    frame.index = pd.Index(np.arange(1, count + 1), name="address_id")
    return Doors(frame.drop(columns="place"), _gazetteer(names, compounds, roads, sorted(set(township))))


def _uneven(villages: int, rng: np.random.Generator) -> NDArray[np.float64]:
    weight = rng.lognormal(0, 0.6, villages)
    result: NDArray[np.float64] = weight / weight.sum()
    return result


def _door(place: str, village: int, nth: int, compounds: list[str], roads: list[str]) -> str:
    own = compounds[village * _COMPOUNDS_A_VILLAGE : (village + 1) * _COMPOUNDS_A_VILLAGE]
    if place == "row":
        return f"{own[nth % 3]}{nth // 3 + 1}号"
    if place == "road":
        road, turn = roads[(2 * village + nth % 2) % len(roads)], nth // 2
        return f"{road}{turn // 12 * 2 + 1}弄{turn % 12 + 1}号" if turn % 3 == 0 else f"{road}{turn + 1}号"
    building, room = divmod(nth // 4, 24)
    stair, door = divmod(room, 12)
    return f"{own[3 + nth % 4]}{building + 1}幢{stair + 1}单元{(door // 2 + 1) * 100 + door % 2 + 1}室"


def _gazetteer(villages: list[str], compounds: list[str], roads: list[str], townships: list[str]) -> Gazetteer:
    names = ["澜港区", *townships, *villages, *compounds]
    of_village = [number // _COMPOUNDS_A_VILLAGE for number in range(len(compounds))]
    first_village = 1 + len(townships)
    parents = [None, *[0] * len(townships), *[1] * len(villages), *[first_village + v for v in of_village]]
    levels = ["district", *["township"] * len(townships), *["village"] * len(villages), *["compound"] * len(compounds)]
    areas = pd.DataFrame(
        {
            "code": [f"A{number}" for number in range(len(names))],
            "name": names,
            "level": levels,
            "parent_id": pd.array(parents, dtype="Int64"),
        },
        index=pd.Index(range(len(names)), name="area_id"),
    )
    return Gazetteer.from_areas(areas, roads)
