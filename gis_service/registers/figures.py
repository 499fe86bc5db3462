"""The figures that maps and tables show: population, staff, rentals and mismatches per area on a day.

Counting is done by the database along `placement`; adding up the tree and every rate is done by `layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.queries import area_names
from gis_service.areas.scope import area_in_scope
from gis_service.areas.tables import AreaLevel
from gis_service.registers.people import registered_on
from gis_service.registers.people_store import people_by_place
from gis_service.registers.tables import Mismatch, MismatchClass, MismatchState, Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import beats, officers
from gis_service.texts import T
from layers.coverage import coverage, roll_up

#: states in which a mismatch still waits for somebody
UNSETTLED = (MismatchState.OPEN, MismatchState.CONFIRMED)


def let_on(day: date) -> ColumnElement[bool]:
    """Rentals that are let on `day`."""
    return and_(Rental.let_from <= day, or_(Rental.let_to.is_(None), Rental.let_to > day))


def suspected_group_rental(settings: Settings) -> ColumnElement[bool]:
    """Suspected group rentals (群租房): too little area, too many persons a room, many rooms or beds."""
    return or_(
        Rental.rooms >= settings.group_rental_rooms,
        Rental.beds >= settings.group_rental_beds,
        Rental.residents > Rental.rooms * settings.group_rental_max_persons_per_room,
        Rental.usable_area_m2 < Rental.residents * settings.group_rental_min_area_m2,
    )


def _count_by_place(
    session: Session, scope: Scope, row: Any, condition: ColumnElement[bool], **sums: Any
) -> pd.DataFrame:
    """Count rows that hang on addresses, by the area that sees the address and the beat that answers for it."""
    query = (
        select(
            Placement.home_area_id.label("area_id"),
            Placement.beat_id,
            func.count().label("count"),
            *(column.label(name) for name, column in sums.items()),
        )
        .select_from(row)
        .join(Placement, and_(Placement.address_id == row.address_id, Placement.valid_on(scope.day)))
        .where(condition, placement_in_scope(scope))
        .group_by(Placement.home_area_id, Placement.beat_id)
    )
    return read_frame(session, query, dtypes={"area_id": "Int64", "beat_id": "Int64", "count": "int64"})


@dataclass(frozen=True, eq=False)
class Staff:
    """Who there is in a scope: `teams.queries.beats` and `officers`."""

    beats: pd.DataFrame
    officers: pd.DataFrame

    @classmethod
    def of(cls, session: Session, scope: Scope) -> Staff:
        """As it stands on the scope's day."""
        return cls(beats(session, scope), officers(session, scope))


def population(session: Session, scope: Scope, staff: Staff | None = None) -> pd.DataFrame:
    """Population and staff of every area in scope, added up the tree: index `area_id`.

    Columns: `migrants` Int64, `officers_fte` Float64 (both NA = no data), their `…_missing` counts of leaf areas
    without data, `leaves`, and the columns of `area_names`. An officer counts where the beat lies, split over its
    compounds by their migrants; an officer without a beat counts at the unit that the posting names, and one whose
    beat has no address at the unit that the beat belongs to. A compound without
    registrations has 0 migrants when its village has any registration on record, and no data otherwise.
    `staff` is given when it is at hand already.
    """
    tree = area_names(session, scope)
    areas_in_part = None if scope.beat_ids is not None else tree.index.tolist()
    return population_of(tree, people_by_place(session, scope, areas_in_part), staff or Staff.of(session, scope))


def population_of(tree: pd.DataFrame, people: pd.DataFrame, staff: Staff) -> pd.DataFrame:
    """`population`, of what was read already: `area_names`, `people_by_place`, and who there is."""
    own = pd.DataFrame(
        {"migrants": _migrants_by_area(people, tree), "officers_fte": _officers_by_area(staff, people, tree)}
    )
    return tree.join(roll_up(own, _parents(tree)))


def migrants_of(tree: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """The migrants of `population_of`, for whom nobody's officers have to be known."""
    return roll_up(pd.DataFrame({"migrants": _migrants_by_area(people, tree)}), _parents(tree))["migrants"]


def _parents(tree: pd.DataFrame) -> pd.Series:
    """Parents within the tree; what lies above a part of the district is none."""
    return tree["parent_id"].where(tree["parent_id"].isin(tree.index))


def _migrants_by_area(people: pd.DataFrame, tree: pd.DataFrame) -> pd.Series:
    area_ids, parents = tree.index.to_numpy(), _ids(tree["parent_id"])
    migrants = _sums(people["migrants"], people["area_id"], tree)
    on_record = _sums(people["ever"], people["area_id"], tree) > 0
    is_village, is_compound = (tree["level"].eq(level).to_numpy() for level in (AreaLevel.VILLAGE, AreaLevel.COMPOUND))
    known_villages = np.concatenate([area_ids[on_record & is_village], parents[on_record & ~is_village]])
    nobody = is_compound & ~on_record & np.isin(parents, known_villages[known_villages >= 0])
    counted = np.where(on_record, migrants, 0).astype(np.int64)
    return pd.Series(pd.arrays.IntegerArray(counted, ~(on_record | nobody)), index=tree.index)


def _officers_by_area(staff: Staff, people: pd.DataFrame, tree: pd.DataFrame) -> pd.Series:
    """Each beat's officer spread over its compounds: by migrants, evenly by address where a beat has none."""
    held = staff.beats[staff.beats["officer_id"].notna()]
    _, officer, of_officer = np.unique(_ids(held["officer_id"]), return_inverse=True, return_counts=True)
    fte = held["share"].to_numpy() / of_officer[officer]
    beat = held.index.get_indexer(pd.Index(_ids(people["beat_id"])))
    answered = people[beat >= 0]
    beat = beat[beat >= 0]
    migrants, addresses = (answered[name].to_numpy(dtype=np.float64) for name in ("migrants", "addresses"))
    all_migrants, all_addresses = (np.bincount(beat, each, len(held))[beat] for each in (migrants, addresses))
    by_migrants = all_migrants > 0
    share = np.where(by_migrants, migrants, addresses) / np.where(by_migrants, all_migrants, all_addresses)
    idle = np.setdiff1d(np.arange(len(held)), beat)
    posted = staff.officers
    without_beat = posted[posted["beats"].eq(0)]
    counted = np.concatenate([fte[beat] * share, without_beat["share"].to_numpy(dtype=np.float64), fte[idle]])
    where = [_ids(each["area_id"]) for each in (answered, without_beat, held.iloc[idle])]
    total = _sums(pd.Series(counted), pd.Series(np.concatenate(where)), tree)
    no_teams = posted.empty and held.empty  # on record: no data, everywhere
    return pd.Series(pd.arrays.FloatingArray(total, np.full(len(tree), no_teams)), index=tree.index)


def _ids(column: pd.Series) -> npt.NDArray[np.int64]:
    """Ids as plain numbers, -1 for none."""
    ids: npt.NDArray[np.int64] = column.to_numpy(dtype=np.int64, na_value=-1)
    return ids


def _sums(values: pd.Series, area_ids: pd.Series, tree: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Values added up by area, in the order of the tree; of no area, or of one that is not in it, they are left out."""
    place = tree.index.get_indexer(pd.Index(_ids(area_ids)))
    inside = place >= 0
    summed = pd.Series(values.to_numpy(dtype=np.float64)[inside]).groupby(place[inside]).sum()
    total = np.zeros(len(tree))
    total[summed.index.to_numpy(dtype=np.intp)] = summed.to_numpy()
    return total


def coverage_of_areas(session: Session, scope: Scope, settings: Settings, staff: Staff | None = None) -> pd.DataFrame:
    """Population joined with load, required posts, shortfall, coverage and status (`layers.coverage.coverage`)."""
    return coverage_of(population(session, scope, staff), scope.day, settings)


def coverage_of(people: pd.DataFrame, day: date, settings: Settings) -> pd.DataFrame:
    """The same, of a `population`."""
    figures = coverage(
        people[["migrants", "officers_fte"]],
        standard=settings.persons_per_officer,
        as_of=day,
        source=str(T("registrations, postings, beats")),
    )
    return people.drop(columns=["migrants", "officers_fte"]).join(figures)


def beat_loads(session: Session, scope: Scope) -> pd.DataFrame:
    """Beats in scope with what each officer answers for: `teams.queries.beats` plus `addresses`, `migrants`, `load`."""
    held = beats(session, scope)
    people = people_by_place(session, scope).groupby("beat_id")[["addresses", "migrants"]].sum()
    held[["addresses", "migrants"]] = people.reindex(held.index).fillna(0).astype("int64")
    held["load"] = (held["migrants"] / held["share"].where(held["share"] > 0)).astype("Float64")
    return held


def residents_at(session: Session, scope: Scope, address_id: int) -> int:
    """How many people are registered at one address in scope."""
    return session.execute(
        select(func.count())
        .select_from(Registration)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(scope.day)))
        .where(Registration.address_id == address_id, registered_on(scope.day), placement_in_scope(scope))
    ).scalar_one()


def rentals_of_areas(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Rentals per area in scope, added up: `area_names` with rentals, residents, group_rentals, red_or_orange (Int64).

    A rental counts as a suspected group rental by the settings `group_rental_*`.
    """
    suspected = suspected_group_rental(settings)
    counted = _count_by_place(
        session,
        scope,
        Rental,
        let_on(scope.day),
        residents=func.sum(Rental.residents),
        group_rentals=func.sum(case((suspected, 1), else_=0)),
        red_or_orange=func.sum(case((Rental.grade.in_(("red", "orange")), 1), else_=0)),
    ).rename(columns={"count": "rentals"})
    return _add_up(session, scope, counted, ["rentals", "residents", "group_rentals", "red_or_orange"])


def heat_points(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Suspected group rentals in scope as points for a heat layer.

    Columns: lon, lat (degrees), weight = residents, area_id (Int64), the area that sees the address.
    """
    query = (
        select(
            func.ST_X(Address.geom).label("lon"),
            func.ST_Y(Address.geom).label("lat"),
            Rental.residents.label("weight"),
            Placement.home_area_id.label("area_id"),
        )
        .select_from(Rental)
        .join(Address, Address.id == Rental.address_id)
        .join(Placement, and_(Placement.address_id == Rental.address_id, Placement.valid_on(scope.day)))
        .where(
            let_on(scope.day), suspected_group_rental(settings), Address.geom.is_not(None), placement_in_scope(scope)
        )
    )
    return read_frame(
        session, query, dtypes={"lon": "float64", "lat": "float64", "weight": "float64", "area_id": "Int64"}
    )


def mismatches_of_areas(session: Session, scope: Scope) -> pd.DataFrame:
    """Unsettled mismatches per area in scope, added up: `area_names` with `mismatches` and a column for each class."""
    place = func.coalesce(Placement.home_area_id, Mismatch.village_id)
    query = (
        select(place.label("area_id"), Mismatch.mismatch_class, func.count().label("count"))
        .select_from(Mismatch)
        .outerjoin(Placement, and_(Placement.address_id == Mismatch.address_id, Placement.valid_on(scope.day)))
        .where(
            Mismatch.found_on <= scope.day,
            Mismatch.state.in_([state.value for state in UNSETTLED]),
            mismatch_in_scope(scope),
        )
        .group_by(place, Mismatch.mismatch_class)
    )
    rows = read_frame(session, query, dtypes={"area_id": "Int64", "count": "int64"})
    wide = rows.pivot_table(index="area_id", columns="mismatch_class", values="count", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=[kind.value for kind in MismatchClass], fill_value=0)
    wide["mismatches"] = wide.sum(axis=1)
    return _add_up(session, scope, wide.reset_index(), [str(column) for column in wide.columns])


def mismatch_in_scope(scope: Scope) -> ColumnElement[bool]:
    """The filter for mismatches, joined (outer) with the placement of their address; without one, by their village."""
    if scope.is_whole_district:
        return true()
    at_address = and_(Placement.id.is_not(None), placement_in_scope(scope))
    if scope.beat_ids is not None:
        return at_address
    return or_(at_address, and_(Mismatch.village_id.is_not(None), area_in_scope(scope, Mismatch.village_id)))


def _add_up(session: Session, scope: Scope, counted: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    tree = area_names(session, scope)
    parents = tree["parent_id"].where(tree["parent_id"].isin(tree.index))
    own = counted.groupby("area_id")[columns].sum().reindex(tree.index).fillna(0).astype("Int64")
    return tree.join(roll_up(own, parents)[columns])
