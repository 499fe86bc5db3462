"""Synthetic teams and people over whatever land and addresses a database holds, for trials on real ground.

The land and the addresses stay as they are; what is invented is written as ordinary import files. Residents are uneven
from place to place, some neighbourhoods are full of group rentals, townships have more or fewer officers than their
share, and some registrations disagree between registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.ground import ground_on
from gis_service.addresses.queries import address_points
from gis_service.addresses.tables import Address
from gis_service.areas.queries import areas
from gis_service.areas.tables import AreaLevel
from gis_service.demo.curves import split_evenly, stream
from gis_service.demo.generation import FILES
from gis_service.demo.land import Land
from gis_service.demo.outline import Outline
from gis_service.demo.plan import DistrictPlan, TownshipPlan, UnresolvedPlan
from gis_service.demo.registers import disagree
from gis_service.demo.rentals import rental_frame
from gis_service.demo.residents import REGISTRATION_COLUMNS, Residents, fill_homes, registration_frame
from gis_service.demo.teams import man
from gis_service.demo.write import write_table
from gis_service.errors import ConflictError, InvalidInputError
from gis_service.settings import Settings
from gis_service.storage.columns import read_columns
from gis_service.texts import T
from layers.adjacency import adjacency
from layers.crs import to_metric

COUNTY_CODE: Final = "990000"
"""Digits that no county has: what is invented here can never be taken for somebody's."""

MOST_A_HOME: Final = 4
"""Migrants per address up to which they fit, with every township fuller or emptier than the average."""

_TOWNSHIP_SPREAD, _OFFICER_SPREAD, _COMPOUND_SPREAD = 0.35, 0.25, 0.45
_HOTSPOTS, _COMPOUNDS_A_HOTSPOT, _COMPOUNDS_FOR_A_HOTSPOT = 4, 9, 50
_GROUP_SHARE_HOT, _GROUP_SHARE, _MOST_IN_GROUPS = 0.34, 0.006, 0.3
_GROUP_SIZES = (10, 22)
_DEREGISTERED_SHARE = 0.25


@dataclass(frozen=True)
class Synthesis:
    """What was written: rows of each file, by subject, in the order of import."""

    rows: dict[str, int]


def synthesise(
    session: Session, settings: Settings, out_dir: Path, *, officers: int, migrants: int, seed: int, today: date
) -> Synthesis:
    """Write units, officers, postings, beats, their parts and duties, registrations, rentals and mismatches.

    Parameters
    ----------
    session
        Its areas and addresses, as of `today`, are the ground.
    out_dir
        Gets the files (created; files of an earlier run are replaced).
    officers
        Officers on duty: the brigade's leader and one for each beat. Fewer when there are not as many compounds.
    migrants
        People registered today; a quarter as many more left within the last fourteen months.
    seed
        The same seed, day, land and addresses give the same files.

    Raises
    ------
    ConflictError
        The database lacks areas of the four levels, or addresses that lie in them.
    InvalidInputError
        So many people do not fit into the addresses, or so few cannot be shared out.
    """
    land = _land(session, settings, today)
    addresses = _addresses(session, settings, land, today)
    land = _inhabited(land, addresses)
    located = addresses.assign(compound=_positions(land, addresses["area_id"]))
    plan, residents = _house(land, located, officers, migrants, seed, today)
    teams = man(plan, land, located, residents, seed)
    registrations = registration_frame(plan, located, residents, seed)
    tables = {
        "units": teams.units,
        "officers": teams.officers,
        "postings": teams.postings,
        "beats": teams.beats,
        "beat_parts": teams.beat_parts,
        "beat_duties": teams.beat_duties,
        "registrations": registrations[REGISTRATION_COLUMNS],
        "rentals": rental_frame(plan, located, residents, seed),
        "mismatches": disagree(plan, land, located, registrations, seed).mismatches,
    }
    for subject, frame in tables.items():
        write_table(out_dir / FILES[subject], frame)
    return Synthesis({subject: len(frame) for subject, frame in tables.items()})


def _land(session: Session, settings: Settings, today: date) -> Land:
    """The compounds of the database that have a village, a township and a district, in the order of their codes."""
    lonlat = areas(session, Scope(today, None))
    ancestors = {level: lonlat.loc[lonlat["level"] == level, ["code", "name", "parent_id"]] for level in AreaLevel}
    metric = to_metric(lonlat[lonlat["level"] == AreaLevel.COMPOUND], settings.metric_crs)
    found = metric[["code", "name", "kind", "parent_id", "geometry"]]
    for child, level in (("", AreaLevel.VILLAGE), ("_village", AreaLevel.TOWNSHIP), ("_township", AreaLevel.DISTRICT)):
        above = ancestors[level].add_suffix(f"_{level.value}")
        found = found.merge(above, left_on=f"parent_id{child}", right_index=True)
    if found.empty:
        raise ConflictError(T("There are no compounds in villages, townships and a district: import the areas first."))
    found = found.sort_values("code")
    cores = shapely.get_coordinates(shapely.point_on_surface(found.geometry.to_numpy()))
    compounds = pd.DataFrame(
        {
            "area_id": found.index.to_numpy(),
            "code": found["code"].to_numpy(dtype=object),
            "name": found["name"].to_numpy(dtype=object),
            "village_code": found["code_village"].to_numpy(dtype=object),
            "township_code": found["code_township"].to_numpy(dtype=object),
            "township": found["name_township"].to_numpy(dtype=object),
            "township_no": pd.factorize(found["code_township"], sort=True)[0],
            "core_x": cores[:, 0],
            "core_y": cores[:, 1],
        }
    )
    borders = adjacency(
        found[["geometry"]], widest_sliver_m=settings.border_gap_m, shortest_border_m=settings.border_min_m
    )
    position = pd.Series(range(len(compounds)), index=compounds["area_id"])
    neighbours = np.column_stack([borders["a"].map(position), borders["b"].map(position)]).astype(np.int64)
    nothing_drawn = Outline(shapely.MultiPolygon(), np.empty((0, 2)), [], [], [])
    return Land(gpd.GeoDataFrame(lonlat), compounds, neighbours, nothing_drawn)


def _addresses(session: Session, settings: Settings, land: Land, today: date) -> pd.DataFrame:
    """Addresses by code, with the ``area_id`` of the compound that they are decided to lie in (NA: undecided)."""
    types = {"address_id": pa.int64(), "code": pa.string(), "text": pa.string()}
    named = read_columns(session, select(Address.id.label("address_id"), Address.code, Address.text), types)
    points = address_points(session)
    placed = ground_on(session, today).place(points, settings.metric_crs)
    frame: pd.DataFrame = named.to_pandas().set_index("address_id")
    frame = frame.assign(building=points["building"].fillna(""), area_id=placed["area_id"], planted=None)
    if not frame["area_id"].isin(land.compounds["area_id"]).any():
        raise ConflictError(T("No address lies in a compound: import the addresses first."))
    return frame.sort_values("code", ignore_index=True)


def _inhabited(land: Land, addresses: pd.DataFrame) -> Land:
    """The land less the compounds of townships where no address lies: nobody is posted there."""
    lived_in = land.compounds["area_id"].isin(addresses["area_id"].dropna())
    keep = lived_in.groupby(land.compounds["township_no"]).transform("any").to_numpy()
    compounds = land.compounds[keep].reset_index(drop=True)
    compounds["township_no"] = pd.factorize(compounds["township_code"], sort=True)[0]
    position = np.cumsum(keep) - 1
    neighbours = position[land.neighbours[keep[land.neighbours].all(axis=1)]]
    return Land(land.areas, compounds, neighbours, land.outline)


def _positions(land: Land, area_id: pd.Series) -> NDArray[np.int64]:
    position = pd.Series(land.compounds.index, index=land.compounds["area_id"])
    positions: NDArray[np.int64] = area_id.map(position).fillna(-1).to_numpy(dtype=np.int64)
    return positions


def _house(
    land: Land, addresses: pd.DataFrame, officers: int, migrants: int, seed: int, today: date
) -> tuple[DistrictPlan, Residents]:
    """Share people out to townships and addresses, and officers to townships."""
    rng = stream(seed, "anywhere")
    compound = addresses["compound"].to_numpy()
    decided = np.flatnonzero(compound >= 0)
    township = land.compounds["township_no"].to_numpy()[compound[decided]]
    homes = np.bincount(township)
    if migrants > MOST_A_HOME * decided.size:
        raise InvalidInputError(
            T("{count} addresses have room for {most} migrants.", count=decided.size, most=MOST_A_HOME * decided.size)
        )
    if migrants < homes.size or officers <= homes.size:
        raise InvalidInputError(
            T("{count} townships need as many migrants, and one officer more than that.", count=homes.size)
        )
    quotas = split_evenly(migrants, homes * rng.lognormal(0, _TOWNSHIP_SPREAD, homes.size), at_least=1)
    posts = split_evenly(officers - 1, quotas * rng.lognormal(0, _OFFICER_SPREAD, homes.size), at_least=1)

    hotspots = _hotspots(land, rng)
    hot = np.isin(compound[decided], [c for spot in hotspots for c in spot])
    size = rng.integers(*_GROUP_SIZES, decided.size)
    size[rng.random(decided.size) >= np.where(hot, _GROUP_SHARE_HOT, _GROUP_SHARE)] = 0
    order = rng.permutation(decided.size)
    crowd = pd.Series(size[order]).groupby(township[order]).cumsum().to_numpy()
    size[order[crowd > _MOST_IN_GROUPS * quotas[township[order]]]] = 0
    taste = rng.lognormal(0, _COMPOUND_SPREAD, len(land.compounds))
    appeal = rng.gamma(2.4, 1.0, decided.size) * taste[compound[decided]] + 0.2
    people = size.copy()
    for number, quota in enumerate(quotas):
        ordinary = np.flatnonzero((township == number) & (size == 0))
        people[ordinary] = fill_homes(int(quota - size[township == number].sum()), appeal[ordinary], rng)

    per_address = pd.DataFrame({"residents": 0, "group": False, "dormitory": False}, index=addresses.index)
    per_address.loc[decided, "residents"] = people
    per_address.loc[decided, "group"] = size > 0
    return _plan(land, quotas, posts, len(addresses), today), Residents(per_address, hotspots)


def _hotspots(land: Land, rng: np.random.Generator) -> list[list[int]]:
    """Neighbourhoods of group rentals: some compounds and those nearest to them; fewer on little land."""
    count = len(land.compounds)
    spots = min(_HOTSPOTS, max(1, count // _COMPOUNDS_FOR_A_HOTSPOT))
    size = min(_COMPOUNDS_A_HOTSPOT, max(1, count // (8 * spots)))
    cores = land.compounds[["core_x", "core_y"]].to_numpy()
    centres = cores[rng.choice(count, spots, replace=False)]
    nearest: NDArray[np.int64] = np.asarray(KDTree(cores).query(centres, k=list(range(1, size + 1)))[1])
    return [[int(compound) for compound in spot] for spot in nearest]


def _plan(land: Land, quotas: NDArray[np.int64], posts: NDArray[np.int64], addresses: int, today: date) -> DistrictPlan:
    names = land.compounds.drop_duplicates("township_no").sort_values("township_no")["township"]
    in_township = land.compounds.groupby("township_no")
    townships = tuple(
        TownshipPlan(name, "", (0.0, 0.0), 0.0, villages, compounds, int(migrants), int(officers))
        for name, villages, compounds, migrants, officers in zip(
            names, in_township["village_code"].nunique(), in_township.size(), quotas, posts, strict=True
        )
    )
    return DistrictPlan(
        townships=townships,
        scale=1.0,
        addresses=addresses,
        deregistered=int(quotas.sum() * _DEREGISTERED_SHARE),
        hotspots=_HOTSPOTS,
        hotspot_compounds=_COMPOUNDS_A_HOTSPOT,
        unresolved=UnresolvedPlan(0, 0, 0, 0),
        registers_township=townships[int(np.argmin(quotas))].name,
        county_code=COUNTY_CODE,
        today=today,
    )
