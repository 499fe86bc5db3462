"""Dwellings let to migrants: rooms, beds, area and residents that agree with who is registered there."""

import numpy as np
import pandas as pd

from gis_service.demo.curves import stream
from gis_service.demo.people import days_before, names, phones
from gis_service.demo.plan import DistrictPlan
from gis_service.demo.residents import Residents

_LET_SHARE = 0.62
_GRADES = np.array(["green", "yellow", "orange", "red"], dtype=object)


def rental_frame(plan: DistrictPlan, addresses: pd.DataFrame, residents: Residents, seed: int) -> pd.DataFrame:
    """All rentals let today, import columns.

    An ordinary one has at most two people a room, at least 5 m² a person and fewer than ten rooms and beds; a planted
    group rental has more than two people a room, under 4 m² a person, and ten beds or more.
    """
    rng = stream(seed, "rentals")
    today = np.datetime64(plan.today)
    house = residents.per_address
    let = (house["residents"] > 0) & ~house["dormitory"] & (house["group"] | (rng.random(len(house)) < _LET_SHARE))
    people = house.loc[let, "residents"].to_numpy()
    group = house.loc[let, "group"].to_numpy()
    count = len(people)
    rooms = np.where(group, np.maximum(people // 3, 3), np.ceil(people / rng.uniform(1.2, 2.0, count))).astype(np.int64)
    rooms = np.where(group, np.minimum(rooms, (people - 1) // 2), np.maximum(rooms, (people + 1) // 2))
    each_m2 = np.where(group, rng.uniform(2.3, 3.9, count), np.maximum(rng.gamma(9, 1.5, count), 5.0))
    grade = rng.random(count)
    ordinary, crowded = np.searchsorted([0.70, 0.92, 0.985], grade), np.searchsorted([0.03, 0.2, 0.62], grade)
    return pd.DataFrame(
        {
            "code": [f"{plan.county_code}Z{n:06d}" for n in range(1, count + 1)],
            "address_code": addresses.loc[let, "code"].to_numpy(),
            "landlord_name": names(count, rng),
            "landlord_phone": phones(count, rng),
            "rooms": rooms,
            "beds": np.where(group, people + rng.integers(0, 4, count), np.maximum(people, rooms)),
            "usable_area_m2": np.where(group, np.floor(people * each_m2 * 10), np.ceil(people * each_m2 * 10)) / 10,
            "residents": people,
            "grade": _GRADES[np.where(group, crowded, ordinary)],
            "inspected_on": days_before(today, np.minimum(rng.exponential(11, count), 120)),
            "let_from": days_before(today, 120 + rng.exponential(800, count)),
            "let_to": np.full(count, np.datetime64("NaT"), dtype="datetime64[D]"),
        }
    )
