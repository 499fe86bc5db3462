"""Which officer moves to which township when their numbers of posts change: the shortest ways in all, with proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis_service.errors import ConflictError
from gis_service.planning.plans import Plan, Staff
from gis_service.texts import T


@dataclass(frozen=True)
class Moves:
    """Township of each officer and free recruit after the transfers, and what is proved of the ways."""

    township_of: dict[str, int]
    moved: list[str]
    total_m: float
    least_m: float


def moves_of(plan: Plan, posts: Mapping[int, int], home: Mapping[str, int]) -> Moves:
    """Let officers and recruits fill so many posts in each township; who need not move stays.

    Parameters
    ----------
    posts
        Posts of every township.
    home
        Township of each beat, by key.

    Raises
    ------
    ConflictError
        There are more posts than people.
    """
    from layers.transfers import transfers

    people: list[Staff] = []
    places: list[tuple[float, float]] = []
    at: list[int | None] = []
    middles = _middles(plan)
    held = {beat.staff: beat.key for beat in plan.beats.values() if beat.staff}
    for person in plan.staff.values():
        beat = held.get(person.key)
        township = home[beat] if beat is not None else person.township_id
        people.append(person)
        at.append(township)
        places.append(middles.beats.get(beat or "", middles.townships.get(township or 0, middles.whole)))
    if sum(posts.values()) > len(people):
        raise ConflictError(
            T("There are {posts} posts and {people} people.", posts=sum(posts.values()), people=len(people))
        )
    ids = np.arange(len(people))
    officers = gpd.GeoDataFrame(
        {
            "unit_id": np.array([0 if each is None else each for each in at]),
            "form": [person.form for person in people],
            "side": [person.side for person in people],
        },
        index=ids,
        geometry=shapely.points(np.array(places)),
        crs=plan.inputs.metric_crs,
    )
    officers["unit_id"] = officers["unit_id"].astype("Int64").where(officers["unit_id"] > 0)
    townships = sorted(posts)
    wanted = gpd.GeoDataFrame(
        {"unit_id": townships, "posts": [posts[each] for each in townships], "form": "", "side": ""},
        index=np.arange(len(townships)),
        geometry=shapely.points(np.array([middles.townships.get(each, middles.whole) for each in townships])),
        crs=plan.inputs.metric_crs,
    )
    found = transfers(officers, wanted)
    unit_of = dict(zip(found.placed.index.tolist(), found.placed["unit_id"].tolist(), strict=True))
    township_of = {people[number].key: int(unit) for number, unit in unit_of.items()}
    moved = [people[number].key for number, unit in unit_of.items() if at[number] is not None and at[number] != unit]
    return Moves(township_of, moved, found.cost_m, found.least_cost_m)


@dataclass(frozen=True)
class _Middles:
    beats: dict[str, tuple[float, float]]
    townships: dict[int, tuple[float, float]]
    whole: tuple[float, float]


def _middles(plan: Plan) -> _Middles:
    """Where beats and townships lie, weighted by their addresses, metric CRS."""
    sums: dict[str | int, np.ndarray] = {}
    for number, unit in enumerate(plan.inputs.units):
        weighted = np.array([unit.x_m, unit.y_m, 1.0]) * (unit.addresses + 1)
        for key in (plan.beat_of[number], unit.township_id):
            if key is not None:
                sums[key] = sums.get(key, np.zeros(3)) + weighted
    at = {key: (float(total[0] / total[2]), float(total[1] / total[2])) for key, total in sums.items()}
    whole = np.mean(list(at.values()), axis=0)
    return _Middles(
        {key: place for key, place in at.items() if isinstance(key, str)},
        {key: place for key, place in at.items() if isinstance(key, int)},
        (float(whole[0]), float(whole[1])),
    )
