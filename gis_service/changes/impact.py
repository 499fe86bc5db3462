"""Who and what a change of the land moves: found by carrying it out and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Final

import geopandas as gpd
import pandas as pd
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.placements import batches, day_number, placements_of
from gis_service.areas.periods import holding
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaVersion
from gis_service.changes.carrying_out import CarriedOut
from gis_service.changes.faults import new_faults
from gis_service.changes.succession import Successor
from gis_service.registers.figures import (
    Staff,
    coverage_of,
    let_on,
    population_of,
)
from gis_service.registers.people import registered_on
from gis_service.registers.people_store import people_by_place
from gis_service.registers.tables import Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.teams.tables import Beat, BeatDuty, Officer

_RATIOS: Final = ("migrants", "officers_fte", "load", "coverage")


@dataclass(frozen=True, eq=False)
class Impact:
    """What a change moves, as of its day.

    Attributes
    ----------
    since, until : days over which the land differs; None = until further notice.
    written : addresses whose placements would be written.
    moved : one row an address whose area, beat or reason differs on the day: index `address_id`; `from_area_id`,
        `to_area_id`, `from_beat_id`, `to_beat_id` (Int64), `from_unresolved`, `to_unresolved`, `migrants`, `rentals`.
    flows : the same counted by from and to: `addresses`, `migrants`, `rentals`.
    officers : beats that lose or gain: index `beat_id`; `code`, `name`, `officer`, `addresses_lost`,
        `addresses_gained`, `migrants_lost`, `migrants_gained`.
    units : units whose area ends: index `unit_id`; `succession.Successor` (where each goes, its postings and beats).
    coverage : areas concerned: index `area_id`; `name`, and migrants, officers_fte, load and coverage `_before` and
        `_after`.
    borders : lon-lat; `area_id`, `code`, `name`, `when` (before, after).
    faults : topology alarms that the change brings (`layers.boundaries`).
    """

    since: date
    until: date | None
    written: int
    moved: pd.DataFrame
    flows: pd.DataFrame
    officers: pd.DataFrame
    units: pd.DataFrame
    coverage: pd.DataFrame
    borders: gpd.GeoDataFrame
    faults: gpd.GeoDataFrame

    def within(self, area_ids: frozenset[int]) -> Impact:
        """The same without what lies in other areas: their figures, borders and faults, and which ones they are."""
        flows = self.flows.copy()
        for column in ("from_area_id", "to_area_id"):
            flows[column] = flows[column].where(flows[column].isin(area_ids))
        return replace(
            self,
            flows=flows,
            units=self.units[self.units["area_id"].isin(area_ids)],
            coverage=self.coverage[self.coverage.index.isin(area_ids)],
            borders=self.borders[self.borders["area_id"].isin(area_ids)],
            faults=self.faults[self.faults["area_id"].isin(area_ids)],
        )


def measure(session: Session, settings: Settings, day: date, carry: Callable[[], CarriedOut]) -> Impact:
    """Carry a change out, look, and take it back; the caller's transaction must not be committed."""
    attempt = session.begin_nested()
    done = carry()
    old, new = _sides(session, done, day)
    people_at = _people_at(session, old.index.union(new.index), day)
    moved = _moved(session, old, new, people_at, day)
    scope = Scope(day, _parents(session, done, moved, day))
    staff, tree = Staff.of(session, scope), area_names(session, scope)
    concerned = tree.index.union(list(done.before))
    people = people_by_place(session, scope, concerned)
    after = population_of(tree, people, staff)
    faults = new_faults(session, settings, day, dict(done.before), dict(done.after))
    officers = _officers(session, moved, day)
    attempt.rollback()
    session.expunge_all()
    # without units that lost their land the same people serve the same units and beats
    staff, tree = Staff.of(session, scope) if done.succession.units else staff, area_names(session, scope)
    before = population_of(tree, _as_they_were(people, old, new, people_at), staff)
    figures = coverage_of(pd.concat([before, after], keys=["before", "after"]), day, settings)
    return Impact(
        since=done.since,
        until=done.until,
        written=done.rewriting.written,
        moved=moved,
        flows=_flows(moved),
        officers=officers,
        units=_units(done),
        coverage=_side_by_side(figures),
        borders=_borders(done, day),
        faults=faults,
    )


def _sides(session: Session, done: CarriedOut, day: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Placements that hold on the day of the addresses that were written, before and after, by `address_id`."""
    at, touched = day_number(day), done.rewriting.begun["address_id"].unique()
    old = done.recorded[done.recorded["address_id"].isin(touched)]
    sides = (rows[rows["since"].le(at) & rows["until"].gt(at)] for rows in (old, placements_of(session, touched)))
    names = ["area_id", "beat_id", "home_area_id", "unresolved"]
    before, after = (rows.set_index("address_id")[names] for rows in sides)
    return before, after


def _moved(session: Session, old: pd.DataFrame, new: pd.DataFrame, people_at: pd.DataFrame, day: date) -> pd.DataFrame:
    ids, names = old.index.union(new.index), ["area_id", "beat_id", "unresolved"]
    was, now = (side[names].reindex(ids) for side in (old, new))
    differs = ~(was.eq(now) | (was.isna() & now.isna())).all(axis=1)
    sides = []
    for side, rows in (("from", was[differs]), ("to", now[differs])):
        held = rows[["area_id", "beat_id"]].fillna(-1).astype("int64")
        placed: dict[str, Any] = {
            name: pd.arrays.IntegerArray(held[name].to_numpy(), held[name].lt(0).to_numpy())
            for name in ("area_id", "beat_id")
        }
        placed["unresolved"] = rows["unresolved"].array
        sides.append(pd.DataFrame(placed, index=rows.index).add_prefix(f"{side}_"))
    moved = pd.concat(sides, axis=1)
    moved["migrants"] = people_at["migrants"].reindex(moved.index)
    let = {"rentals": func.sum(case((let_on(day), 1), else_=0))}
    moved["rentals"] = _counted(session, Rental.address_id, let, moved.index)["rentals"]
    return moved


def _people_at(session: Session, addresses: pd.Index, day: date) -> pd.DataFrame:
    """Who is registered at each address on the day (`migrants`), and how many ever were (`ever`)."""
    counts = {"migrants": func.sum(case((registered_on(day), 1), else_=0)), "ever": func.count()}
    return _counted(session, Registration.address_id, counts, addresses)


def _as_they_were(people: pd.DataFrame, old: pd.DataFrame, new: pd.DataFrame, people_at: pd.DataFrame) -> pd.DataFrame:
    """`people_by_place` of before a change, from what it is after it: written addresses are taken back."""
    counts = people_at.assign(addresses=1)
    sides = [people]
    for side, sign in ((old, 1), (new, -1)):
        placed = side[["home_area_id", "beat_id"]].rename(columns={"home_area_id": "area_id"}).astype("Int64")
        sides.append(placed.mask(placed.lt(0)).join(sign * counts))
    keys = ["area_id", "beat_id"]
    summed = pd.concat(sides, ignore_index=True).groupby(keys, dropna=False, sort=False).sum().reset_index()
    return summed[summed["addresses"].gt(0)]


def _counted(
    session: Session, address_id: Any, counts: Mapping[str, ColumnElement[int]], addresses: pd.Index
) -> pd.DataFrame:
    """Rows that hang on addresses, counted in some ways for each; 0 where there are none."""
    named = [count.label(name) for name, count in counts.items()]
    queries = (
        select(address_id.label("address_id"), *named).where(address_id.in_(ids)).group_by(address_id)
        for ids in batches(addresses.tolist())
    )
    found = [read_frame(session, query, dtypes=dict.fromkeys(counts, "int64"), index="address_id") for query in queries]
    return pd.concat(found or [pd.DataFrame(columns=list(counts))]).reindex(addresses).fillna(0).astype("int64")


def _flows(moved: pd.DataFrame) -> pd.DataFrame:
    keys = ["from_area_id", "to_area_id", "from_beat_id", "to_beat_id"]
    grouped = moved.assign(addresses=1).groupby(keys, dropna=False)[["addresses", "migrants", "rentals"]].sum()
    return grouped.reset_index().sort_values("addresses", ascending=False, ignore_index=True, kind="stable")


def _officers(session: Session, moved: pd.DataFrame, day: date) -> pd.DataFrame:
    handed = moved[moved["from_beat_id"].ne(moved["to_beat_id"]).fillna(value=True)]
    counts = {}
    for side, word in (("from", "lost"), ("to", "gained")):
        by_beat = handed.assign(addresses=1).groupby(f"{side}_beat_id")
        for name in ("addresses", "migrants"):
            counts[f"{name}_{word}"] = by_beat[name].sum()
    table = pd.DataFrame(counts).fillna(0).astype("int64")
    table.index = table.index.astype("int64").rename("beat_id")
    query = (
        select(Beat.id.label("beat_id"), Beat.code, Beat.name, Officer.name.label("officer"))
        .outerjoin(BeatDuty, (BeatDuty.beat_id == Beat.id) & BeatDuty.valid_on(day))
        .outerjoin(Officer, Officer.id == BeatDuty.officer_id)
        .where(Beat.id.in_(table.index.tolist()))
    )
    return read_frame(session, query, index="beat_id").join(table)


def _units(done: CarriedOut) -> pd.DataFrame:
    columns = pd.Index([field.name for field in fields(Successor)])
    rows = [{**asdict(unit), "goes": unit.goes.value} for unit in done.succession.units]
    table = pd.DataFrame(rows, columns=columns).astype({"to_area_id": "Int64"})
    return table.set_index("unit_id")


def _parents(session: Session, done: CarriedOut, moved: pd.DataFrame, day: date) -> frozenset[int]:
    """The areas above those that change and those that people move from or to: whose coverage is worth showing."""
    versions = [
        version
        for timeline in (*done.before.values(), *done.after.values())
        if (version := holding(timeline, day)) is not None
    ]
    known = {version.parent_id for version in versions if version.parent_id is not None}
    ends = pd.concat([moved["from_area_id"], moved["to_area_id"]]).dropna().unique().tolist()
    query = select(AreaVersion.parent_id).where(AreaVersion.area_id.in_(ends), AreaVersion.valid_on(day))
    return frozenset(known | {parent for parent in session.scalars(query) if parent is not None})


def _side_by_side(figures: pd.DataFrame) -> pd.DataFrame:
    when = figures.index.get_level_values(0)
    before, after = (figures[when == side].droplevel(0) for side in ("before", "after"))
    gone = after.loc[after.index.difference(before.index), ["name", "level"]]
    names = pd.concat([before[["name", "level"]], gone])
    sides = [
        side[list(_RATIOS)].reindex(names.index).add_suffix(f"_{when}")
        for when, side in (("before", before), ("after", after))
    ]
    return pd.concat([names, *sides], axis=1)


def _borders(done: CarriedOut, day: date) -> gpd.GeoDataFrame:
    rows = [
        {
            "area_id": version.area_id,
            "code": version.code,
            "name": version.name,
            "when": when,
            "geometry": version.border,
        }
        for when, timelines in (("before", done.before), ("after", done.after))
        for timeline in timelines.values()
        if (version := holding(timeline, day)) is not None and version.border is not None
    ]
    columns = ["area_id", "code", "name", "when", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=pd.Index(columns)), geometry="geometry", crs="EPSG:4326")
