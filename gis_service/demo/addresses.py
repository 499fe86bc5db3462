"""Standard addresses of the district, and the few that are planted to be undecidable.

The frame has one row an address: the columns of the import file and, for the generator's own use, compound (position,
-1 where none can be decided), planted (reason or None), dormitory (a factory's hostel).
"""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_service.demo.curves import split_evenly, stream
from gis_service.demo.land import Land, to_lonlat
from gis_service.demo.plan import DistrictPlan
from gis_service.demo.streets import buildings, frontage, village_rows

IMPORT_COLUMNS = [
    "code", "text", "road", "lane", "number", "building", "unit", "room", "stated_village_code", "lon", "lat",
    "point_source",
]  # fmt: skip
GIANTS = 6
_ROOMS_SHARE = 0.42
_DOORS_A_FLOOR = 2


def address_frame(plan: DistrictPlan, land: Land, seed: int) -> pd.DataFrame:
    """All addresses, in the order of their codes."""
    rng = stream(seed, "addresses")
    wanted = split_evenly(
        plan.addresses - plan.unresolved.outside - plan.unresolved.duplicate_text,
        np.array([t.migrants for t in plan.townships], dtype=float),
    )
    doors = pd.concat([village_rows(land, seed), frontage(land, seed)], ignore_index=True)
    giants = giant_compounds(plan, land)
    blocks = buildings(land, giants, seed)
    doors = doors[~doors["compound"].isin(giants)]
    township = land.compounds["township_no"].to_numpy()
    frames = []
    for number, count in enumerate(wanted):
        ours = doors[township[doors["compound"]] == number]
        ours = _whole_streets(ours, int(count * (1 - _ROOMS_SHARE)), rng)
        homes = blocks[township[blocks["compound"]] == number]
        weight = rng.lognormal(0, 0.4, len(homes)) * np.where(homes["compound"].isin(giants), 2.2, 1.0)
        frames += [ours, _rooms(homes, split_evenly(int(count) - len(ours), weight, at_least=1))]
    placed = pd.concat(frames, ignore_index=True)
    placed = placed.sort_values(["compound", "road", "lane", "number", "building", "unit", "room"], na_position="first")
    lonlat = to_lonlat(plan, placed[["x", "y"]].to_numpy())
    placed = placed.assign(lon=lonlat[:, 0], lat=lonlat[:, 1], planted=None).reset_index(drop=True)
    placed = _spell(plan, land, placed)
    placed["point_source"] = rng.choice(["surveyed", "geocoded", "hand_placed"], len(placed), p=[0.72, 0.24, 0.04])
    return _plant(plan, land, placed, rng)


def giant_compounds(plan: DistrictPlan, land: Land) -> NDArray[np.int64]:
    """Positions of the largest residential compounds: all doors are rooms, so that buildings can be shared out."""
    urban = land.compounds[land.compounds["kind"] == "residential"]
    size = pd.Series(shapely.area(urban["geometry"].to_numpy()), index=urban.index)
    return np.sort(size.nlargest(max(1, round(GIANTS * plan.addresses / 66_000))).index.to_numpy())


def _whole_streets(doors: pd.DataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most ``count`` doors: the natural villages' rows, then roads and lanes drawn one by one, each kept whole."""
    street = pd.factorize(doors["road"].fillna("") + "/" + doors["lane"].astype(str))[0]
    turn = rng.permutation(int(street.max(initial=0)) + 1)[street]
    order = np.lexsort((np.arange(len(doors)), turn, doors["road"].notna().to_numpy()))
    return doors.iloc[np.sort(order[:count])]


def _rooms(homes: pd.DataFrame, rooms: NDArray[np.int64]) -> pd.DataFrame:
    """Repeat each building for its rooms: two doors a floor, six floors a stair (eighteen in tall buildings)."""
    at = np.repeat(np.arange(len(homes)), rooms)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(rooms) - rooms, rooms)
    floors = np.where(rooms[at] > 60, 18, 6)
    stair, door = np.divmod(nth, floors * _DOORS_A_FLOOR)
    floor = door // _DOORS_A_FLOOR + 1
    return homes.iloc[at].assign(unit=stair + 1, room=floor * 100 + door % _DOORS_A_FLOOR + 1)


def _spell(plan: DistrictPlan, land: Land, doors: pd.DataFrame) -> pd.DataFrame:
    """Parts as 12弄, 5号, 3幢, 2单元, 501室 and the full text."""
    compounds = land.compounds.iloc[doors["compound"].to_numpy()].reset_index(drop=True)
    spelt = doors.copy()
    for part, suffix in (("lane", "弄"), ("number", "号"), ("building", "幢"), ("unit", "单元"), ("room", "室")):
        value = doors[part].fillna(0).astype(np.int64)
        spelt[part] = (value.astype(str) + suffix).where(value > 0, "").astype(object)
    spelt["road"] = doors["road"].fillna("").astype(object)
    place = compounds["name"].where(spelt["road"] == "", "").astype(object)
    place_parts = [compounds["township"], compounds["village"], spelt["road"], spelt["lane"], place]
    door_parts = [spelt[part] for part in ("number", "building", "unit", "room")]
    rows = zip(*(part.tolist() for part in place_parts + door_parts), strict=True)
    spelt["text"] = [plan.address_prefix + "".join(row) for row in rows]
    spelt["stated_village_code"] = compounds["village_code"].astype(object)
    return spelt


def _plant(plan: DistrictPlan, land: Land, placed: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add the undecidable ones: no point, another village stated, the same text twice, points off the coast."""
    counts = plan.unresolved
    chosen = rng.choice(len(placed), counts.no_point + counts.stated_differs + counts.duplicate_text, replace=False)
    no_point, differs, copied = np.split(chosen, np.cumsum([counts.no_point, counts.stated_differs]))
    placed.loc[no_point, ["lon", "lat"]] = np.nan
    placed.loc[no_point, "point_source"] = "none"
    placed.loc[no_point, "planted"] = "no_point"
    placed.loc[differs, "stated_village_code"] = _nearby_villages(land, placed.loc[differs, "compound"].to_numpy(), rng)
    placed.loc[differs, "planted"] = "stated_differs"
    again = placed.loc[copied].assign(planted="duplicate_text")
    off_shore = _off_shore(plan, land, counts.outside, rng)
    outside = placed.iloc[np.resize(np.flatnonzero(placed["road"] != ""), counts.outside)].copy()
    outside["number"] = [f"{9001 + i}号" for i in range(counts.outside)]
    outside["lane"] = ""
    outside["text"] = plan.address_prefix + "滨海围垦区" + outside["road"] + outside["number"]
    outside = outside.assign(lon=off_shore[:, 0], lat=off_shore[:, 1], stated_village_code="", planted="outside")
    everything = pd.concat([placed, again, outside], ignore_index=True)
    undecided = everything["planted"].isin(["no_point", "stated_differs", "outside"])
    everything["located_compound"] = everything["compound"].where(everything["planted"] != "outside", -1)
    everything["compound"] = everything["compound"].where(~undecided, -1)
    everything["code"] = [f"{plan.county_code}A{n:07d}" for n in range(1, len(everything) + 1)]
    return everything


def _nearby_villages(land: Land, compound: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """Another village for each: one that borders the compound's own where there is one."""
    village = land.compounds["village_code"].to_numpy()
    pairs = np.vstack([land.neighbours, land.neighbours[:, ::-1]])
    borders = pd.DataFrame({"own": village[pairs[:, 0]], "other": village[pairs[:, 1]]}).drop_duplicates()
    borders = borders[borders["own"] != borders["other"]].sort_values(["own", "other"])
    others = {own: group["other"].tolist() for own, group in borders.groupby("own")}
    everywhere = sorted(set(village))
    picked = []
    for own in village[compound]:
        near = others.get(own) or [v for v in everywhere if v != own]
        picked.append(near[int(rng.integers(len(near)))])
    return picked


def _off_shore(plan: DistrictPlan, land: Land, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points 30 to 400 m off the northern coast, in the sea."""
    ground = shapely.union_all(land.compounds["geometry"].to_numpy())
    shore = shapely.get_parts(ground)
    mainland = shore[int(np.argmax(shapely.area(shore)))].exterior
    coast = shapely.get_coordinates(mainland)
    coast = coast[coast[:, 1] > 0.15 * coast[:, 1].max()]
    found = np.empty((0, 2))
    while len(found) < count:
        near = coast[rng.integers(len(coast), size=count * 4)] + rng.uniform(-400, 400, (count * 4, 2))
        gap = shapely.distance(ground, shapely.points(near))
        found = np.vstack([found, near[(gap > 30) & (gap < 400)]])
    return to_lonlat(plan, found[:count])
