"""Who lives where: residents per address to the planned totals, hotspots of group rentals, registrations over time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_service.demo.curves import split_evenly, stream
from gis_service.demo.land import Land
from gis_service.demo.people import birth_days, days_before, home_counties, identity_numbers, names, phones
from gis_service.demo.plan import DistrictPlan

REGISTRATION_COLUMNS = [
    "source_key", "name", "id_number", "phone", "address_code", "registered_on", "deregistered_on",
    "deregistration_reason",
]  # fmt: skip
_HOME_MOST = 9  # below ten people and ten beds: an ordinary home is not suspected of group rental
_GROUP_SHARE_HOT, _GROUP_SHARE = 0.34, 0.006
_DORMITORIES_A_FACTORY = 5
_DORMITORY_BEDS = (90, 260)
_MEAN_STAY_DAYS, _LONGEST_STAY_DAYS = 1_500.0, 3_600
_HIRED_SHARE = 0.12  # of the compound at the first factory, in the last seven days


@dataclass(frozen=True)
class Residents:
    """``per_address``, index as addresses: residents (registered today), group (a planted group rental), dormitory.

    ``hotspots``: per factory, the positions of the compounds round it, densest first.
    """

    per_address: pd.DataFrame
    hotspots: list[list[int]]


def house(plan: DistrictPlan, land: Land, addresses: pd.DataFrame, seed: int) -> Residents:
    """Give every township exactly its planned residents, address by address."""
    rng = stream(seed, "residents")
    hotspots = factory_hotspots(plan, land, rng)
    hot = np.isin(addresses["compound"].to_numpy(), [c for spot in hotspots for c in spot])
    decided = ((addresses["compound"] >= 0) & addresses["planted"].isna()).to_numpy()
    group = decided & (rng.random(len(addresses)) < np.where(hot, _GROUP_SHARE_HOT, _GROUP_SHARE))
    dormitory = np.zeros(len(addresses), dtype=bool)
    for spot in hotspots:
        near = np.flatnonzero(decided & ~group & np.isin(addresses["compound"], spot[:3]))
        dormitory[rng.choice(near, min(_DORMITORIES_A_FACTORY, len(near)), replace=False)] = True
    residents = np.zeros(len(addresses), dtype=np.int64)
    residents[group] = rng.integers(10, 22, int(group.sum()))
    residents[dormitory] = rng.integers(*_DORMITORY_BEDS, int(dormitory.sum())) * plan.addresses // 66_000 + 30
    taste = rng.lognormal(0, 0.45, len(land.compounds))
    township = land.compounds["township_no"].to_numpy()
    appeal = rng.gamma(2.4, 1.0, len(addresses)) * taste[np.maximum(addresses["compound"], 0)] + 0.2
    for number, planned in enumerate(plan.townships):
        ours = decided & (township[np.maximum(addresses["compound"], 0)] == number)
        homes = np.flatnonzero(ours & ~group & ~dormitory)
        residents[homes] = fill_homes(planned.migrants - int(residents[ours].sum()), appeal[homes], rng)
    frame = pd.DataFrame({"residents": residents, "group": group, "dormitory": dormitory}, index=addresses.index)
    return Residents(frame, hotspots)


def factory_hotspots(plan: DistrictPlan, land: Land, rng: np.random.Generator) -> list[list[int]]:
    """Compounds round each factory: a settled one well away from the other factories, and those nearest to it."""
    cores = land.compounds[["core_x", "core_y"]].to_numpy()
    migrants = np.array([t.migrants / t.officers for t in plan.townships])
    weakest = np.argsort(-migrants, kind="stable")
    spots: list[list[int]] = []
    for turn in range(plan.hotspots):
        township = weakest[turn % len(plan.townships)]
        candidates = np.flatnonzero(land.compounds["township_no"] == township)
        taken = [c for spot in spots for c in spot]
        centre = int(candidates[rng.integers(len(candidates))])
        if taken:
            gap = np.hypot(*(cores[candidates][:, None, :] - cores[taken][None]).transpose(2, 0, 1)).min(axis=1)
            centre = int(candidates[int(np.argmax(gap > np.quantile(gap, 0.7)))])
        away = np.hypot(*(cores - cores[centre]).T)
        order = [int(c) for c in np.argsort(away, kind="stable") if c not in taken]
        spots.append(order[: plan.hotspot_compounds])
    return spots


def fill_homes(total: int, appeal: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Share ``total`` people among homes in proportion to appeal, none above the most that a home holds."""
    people = np.zeros(appeal.size, dtype=np.int64)
    empty = rng.random(appeal.size) < 0.06
    open_homes = np.flatnonzero(~empty)
    if total > open_homes.size * _HOME_MOST:
        open_homes = np.arange(appeal.size)
    if total > open_homes.size * _HOME_MOST:
        raise ValueError(f"{total} people do not fit into {open_homes.size} homes")
    while total > 0:
        people[open_homes] += split_evenly(total, appeal[open_homes])
        total = int(np.maximum(people - _HOME_MOST, 0).sum())
        people = np.minimum(people, _HOME_MOST)
        open_homes = open_homes[people[open_homes] < _HOME_MOST]
    return people


def registration_frame(plan: DistrictPlan, addresses: pd.DataFrame, residents: Residents, seed: int) -> pd.DataFrame:
    """Everyone registered today, and those deregistered in the last fourteen months; import columns, sorted by key."""
    rng = stream(seed, "registrations")
    today = np.datetime64(plan.today)
    per_address = residents.per_address["residents"].to_numpy()
    current = np.repeat(np.arange(len(addresses)), per_address)
    gone = rng.choice(len(addresses), plan.deregistered, p=per_address / per_address.sum())
    arrived = _arrivals(len(current), today, rng)
    at_factory = addresses["compound"].to_numpy()[current] == residents.hotspots[0][0]
    hired = at_factory & (rng.random(len(current)) < _HIRED_SHARE)
    arrived[hired] = days_before(today, rng.uniform(0, 7, int(hired.sum())))
    left = _towards_new_year(days_before(today, rng.uniform(0, 425, len(gone))), today, rng)
    stay = np.maximum(rng.exponential(300, len(gone)), 20).astype(np.int64).astype("timedelta64[D]")
    registered = np.concatenate([arrived, left - stay])
    count = len(registered)
    born = birth_days(count, rng, today, 34, 11)
    frame = pd.DataFrame(
        {
            "name": names(count, rng),
            "id_number": identity_numbers(home_counties(count, rng), born, rng),
            "phone": phones(count, rng),
            "address_code": addresses["code"].to_numpy()[np.concatenate([current, gone])],
            "registered_on": registered,
            "deregistered_on": np.concatenate([np.full(len(current), np.datetime64("NaT"), dtype=left.dtype), left]),
            "deregistration_reason": np.concatenate(
                [np.full(len(current), "", dtype=object), rng.choice(_REASONS, len(gone), p=_REASON_SHARES)]
            ),
        }
    )
    frame = frame.sort_values(["registered_on", "id_number"], kind="stable", ignore_index=True)
    frame.insert(0, "source_key", [f"R{n:07d}" for n in range(1, count + 1)])
    return frame


_REASONS = np.array(["离开本区", "区内迁移", "逾期未续", "其他"], dtype=object)
_REASON_SHARES = [0.58, 0.27, 0.12, 0.03]


def _arrivals(count: int, today: np.datetime64, rng: np.random.Generator) -> NDArray[np.datetime64]:
    """Days of registration: mostly years ago, more in the weeks after the Spring Festival."""
    arrived = days_before(today, rng.exponential(_MEAN_STAY_DAYS, count) % _LONGEST_STAY_DAYS)
    year = arrived.astype("datetime64[Y]")
    after_festival = year.astype("datetime64[D]") + (48 + rng.gamma(2.0, 9.0, count)).astype("timedelta64[D]")
    moves = (rng.random(count) < 0.22) & (after_festival <= today)
    return np.where(moves, after_festival, arrived)


def _towards_new_year(
    left: NDArray[np.datetime64], today: np.datetime64, rng: np.random.Generator
) -> NDArray[np.datetime64]:
    """A fifth of the leavers go in the weeks before the Spring Festival of the last winter."""
    new_year = today.astype("datetime64[Y]").astype("datetime64[D]")
    before_festival = new_year + rng.integers(-20, 38, len(left)).astype("timedelta64[D]")
    return np.where((rng.random(len(left)) < 0.2) & (before_festival <= today), before_festival, left)
