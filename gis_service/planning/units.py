"""From the record of a day to the units that beats are drawn with: compounds, and parts of the very large ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.tables import Address, Placement
from gis_service.planning.bases import same_day_before
from gis_service.registers.figures import let_on
from gis_service.registers.people import registered_on
from gis_service.registers.tables import Registration, Rental

Key = tuple[int, int | None, str | None]
_COUNTS = ("migrants", "addresses", "rentals", "risky_rentals", "churn")
_NEAREST = 2


@dataclass
class Piece:
    """What may become a unit: a compound or a part of one, with what is counted in it."""

    area_id: int
    beat_id: int | None
    buildings: tuple[str, ...] | None = None
    part_id: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    lon_lat: tuple[float, float] | None = None


def counted(
    session: Session, scope: Scope, area_ids: set[int], people_on: date | None = None
) -> dict[Key, dict[str, float]]:
    """What lies in some compounds, by (compound, beat, building): the counts of a unit, and the mean lon and lat.

    `people_on`: the day on which people and rentals are counted, when it is not that of the land.
    """
    day = people_on or scope.day
    found: dict[Key, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0.0))
    places: Any = (Placement.area_id, Placement.beat_id, Address.building)
    placed = and_(Placement.valid_on(scope.day), Placement.area_id.in_(sorted(area_ids)))
    base = (
        select(*places, func.count(), func.avg(func.ST_X(Address.geom)), func.avg(func.ST_Y(Address.geom)))
        .join(Address, Address.id == Placement.address_id)
        .where(placed)
        .group_by(*places)
    )
    for area_id, beat_id, building, addresses, lon, lat in _tuples(session, base):
        row = found[area_id, beat_id, building]
        row["addresses"] = float(addresses)
        if lon is not None:
            row["lon"], row["lat"] = float(lon), float(lat)
    year = same_day_before(day, 1)
    begun = and_(Registration.registered_on > year, Registration.registered_on <= day)
    ended = and_(Registration.deregistered_on > year, Registration.deregistered_on <= day)
    holds: ColumnElement[int] = func.sum(case((registered_on(day), 1), else_=0))
    turned: ColumnElement[int] = func.sum(case((begun, 1), else_=0) + case((ended, 1), else_=0))
    people = (
        select(*places, holds, turned)
        .join(Address, Address.id == Placement.address_id)
        .join(Registration, Registration.address_id == Address.id)
        .where(placed, or_(Registration.deregistered_on.is_(None), Registration.deregistered_on > year))
        .group_by(*places)
    )
    for area_id, beat_id, building, migrants, churn in _tuples(session, people):
        found[area_id, beat_id, building].update(migrants=float(migrants), churn=float(churn))
    risky = func.sum(case((Rental.grade.in_(("red", "orange")), 1), else_=0))
    let = (
        select(*places, func.count(), risky)
        .join(Address, Address.id == Placement.address_id)
        .join(Rental, Rental.address_id == Address.id)
        .where(placed, let_on(day))
        .group_by(*places)
    )
    for area_id, beat_id, building, rentals, high in _tuples(session, let):
        found[area_id, beat_id, building].update(rentals=float(rentals), risky_rentals=float(high))
    return dict(found)


def _tuples(session: Session, query: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(query)]


def pieces_of(
    area_id: int, parts: Sequence[Piece], rows: dict[Key, dict[str, float]], *, heavy: float, target: float
) -> list[Piece]:
    """The units of one compound.

    A compound that is one beat's, or nobody's, is one unit unless its migrants exceed `heavy` and all its addresses
    are in buildings: then buildings that lie together are put together up to about `target` migrants. Buildings
    listed for different beats stay apart. Sub-polygons, and lists beside a beat of the rest, stay as they are.

    Parameters
    ----------
    parts
        Parts of beats on record.
    rows
        What `counted` says of this compound.
    """
    by_polygon = any(part.part_id is not None and part.buildings is None for part in parts) and len(parts) > 1
    listed = [part for part in parts if part.buildings is not None]
    if by_polygon or (listed and len(listed) < len(parts)):
        return [_filled(part, {key: row for key, row in rows.items() if key[1] == part.beat_id}) for part in parts]
    every_building = all(key[2] is not None for key in rows)
    if listed:
        found = []
        for part in parts:
            own = {key: row for key, row in rows.items() if key[1] == part.beat_id}
            found += _grouped(Piece(area_id, part.beat_id, part.buildings), own, heavy=heavy, target=target)
        return found
    beat_id = parts[0].beat_id if parts else None
    whole = _filled(Piece(area_id, beat_id), rows)
    names = sorted({key[2] for key in rows if key[2] is not None})
    if not every_building or len(names) < 2 or whole.counts["migrants"] <= heavy:
        return [whole]
    return _grouped(Piece(area_id, beat_id, tuple(names)), rows, heavy=heavy, target=target)


def links_of(
    edges: Iterable[tuple[int, int, float]], units_of: dict[int, list[int]], middles_m: npt.NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Borders between units from borders between compounds.

    Over a border of two compounds their nearest units meet, and others that are almost as near; units of one compound
    meet those that lie next to them.
    """
    from scipy.spatial import cKDTree

    links: dict[tuple[int, int], float] = {}
    for one, other, metres in edges:
        mine, theirs = units_of[one], units_of[other]
        apart = np.hypot(*(middles_m[mine][:, None, :] - middles_m[theirs][None, :, :]).transpose(2, 0, 1))
        near = np.argwhere(apart <= apart.min() * 1.3 + 1e-6)
        for a, b in near.tolist():
            pair = (min(mine[a], theirs[b]), max(mine[a], theirs[b]))
            links[pair] = max(links.get(pair, 0.0), metres / len(near))
    for units in units_of.values():
        if len(units) < 2:
            continue
        tree = cKDTree(middles_m[units])
        _, near_units = tree.query(middles_m[units], k=min(_NEAREST + 1, len(units)))
        pairs = {
            (units[a], units[int(b)])
            for a, row in enumerate(np.atleast_2d(near_units).tolist())
            for b in row
            if int(b) != a
        }
        pairs |= set(pairwise(units))
        for a, b in pairs:
            links.setdefault((min(a, b), max(a, b)), 1.0)
    return [(a, b, round(metres, 1)) for (a, b), metres in sorted(links.items())]


def _filled(piece: Piece, rows: dict[Key, dict[str, float]]) -> Piece:
    for row in rows.values():
        for name in _COUNTS:
            piece.counts[name] += int(row[name])
    with_point = [row for row in rows.values() if "lon" in row]
    if with_point:
        weight = sum(row["addresses"] for row in with_point)
        lon = sum(row["lon"] * row["addresses"] for row in with_point) / weight
        lat = sum(row["lat"] * row["addresses"] for row in with_point) / weight
        piece.lon_lat = (lon, lat)
    return piece


def _grouped(whole: Piece, rows: dict[Key, dict[str, float]], *, heavy: float, target: float) -> list[Piece]:
    """Buildings along the longer side of where they stand, put together up to the target."""
    names = list(whole.buildings or ())
    by_name: dict[str, dict[Key, dict[str, float]]] = {name: {} for name in names}
    for key, row in rows.items():
        if key[2] in by_name:
            by_name[str(key[2])][key] = row
    single = {name: _filled(Piece(whole.area_id, whole.beat_id, (name,)), own) for name, own in by_name.items()}
    if sum(piece.counts["migrants"] for piece in single.values()) <= heavy:
        return [_filled(whole, rows)]
    known = np.array([piece.lon_lat for piece in single.values() if piece.lon_lat is not None])
    middle = known.mean(axis=0) if len(known) else np.zeros(2)
    axis = np.linalg.svd(known - middle, full_matrices=False)[2][0] if len(known) > 1 else np.array([1.0, 0.0])
    along = {
        name: float((np.array(piece.lon_lat if piece.lon_lat is not None else middle) - middle) @ axis)
        for name, piece in single.items()
    }
    groups: list[list[str]] = [[]]
    filled = 0
    for name in sorted(names, key=lambda each: (along[each], each)):
        if groups[-1] and filled + single[name].counts["migrants"] > target:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += single[name].counts["migrants"]
    return [
        _filled(
            Piece(whole.area_id, whole.beat_id, tuple(sorted(group))),
            {key: row for name in group for key, row in by_name[name].items()},
        )
        for group in groups
    ]
