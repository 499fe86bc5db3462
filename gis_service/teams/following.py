"""Beats follow the land: the parts of a beat go over to what became of their compound."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import shapely
from geoalchemy2 import WKTElement
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from gis_service.storage.rows import LONLAT_SRID
from gis_service.teams.tables import BeatPart

Snapshot = list[dict[str, Any]]


def parts_of(session: Session, area_ids: Collection[int]) -> Snapshot:
    """Every part that some compounds ever had in a beat, as plain values."""
    query = (
        select(
            BeatPart.id,
            BeatPart.beat_id,
            BeatPart.area_id,
            BeatPart.buildings,
            func.ST_AsBinary(BeatPart.geom),
            BeatPart.valid_from,
            BeatPart.valid_to,
        )
        .where(BeatPart.area_id.in_(sorted(area_ids)))
        .order_by(BeatPart.id)
    )
    names = ("id", "beat_id", "area_id", "buildings", "geom", "valid_from", "valid_to")
    return [{name: _stored(value) for name, value in zip(names, row, strict=True)} for row in session.execute(query)]


def follow(
    session: Session, day: date, heirs: Collection[tuple[int, int]], borders: dict[int, BaseGeometry | None]
) -> None:
    """Let the beats go over on `day`.

    Of a compound that is split each part keeps the beat; of compounds that merge each beat keeps its ground, as a
    sub-polygon, unless all of it is in one beat.

    Parameters
    ----------
    heirs
        (compound, what it became).
    borders
        What the compounds were, lon-lat.
    """
    sources_of: dict[int, set[int]] = {}
    for source, heir in heirs:
        sources_of.setdefault(heir, set()).add(source)
    gone = {source for source, _ in heirs}
    current = or_(BeatPart.valid_to.is_(None), BeatPart.valid_to > day)
    parts = list(session.scalars(select(BeatPart).where(BeatPart.area_id.in_(sorted(gone)), current)))
    shapes: dict[int, bytes | None] = dict(
        session.execute(
            select(BeatPart.id, func.ST_AsBinary(BeatPart.geom)).where(BeatPart.id.in_([part.id for part in parts]))
        ).all()
    )
    begun = []
    for heir, sources in sources_of.items():
        inherited = [part for part in parts if part.area_id in sources]
        as_a_whole = len(sources) == 1 or (
            {part.area_id for part in inherited} == sources
            and len({(part.beat_id, part.valid_to) for part in inherited}) == 1
            and all(part.buildings is None and shapes[part.id] is None for part in inherited)
        )
        chosen = inherited[:1] if as_a_whole and len(sources) > 1 else inherited
        for part in chosen:
            shape = shapes[part.id]
            border = borders.get(part.area_id)
            if not as_a_whole and shape is None and part.buildings is None and border is not None:
                shape = shapely.to_wkb(border)
            begun.append((part, heir, shape))
    rows = [
        BeatPart(
            beat_id=part.beat_id,
            area_id=heir,
            buildings=part.buildings,
            geom=None if shape is None else _geometry(shape),
            valid_from=max(part.valid_from, day),
            valid_to=part.valid_to,
        )
        for part, heir, shape in begun
    ]
    for part in parts:
        if part.valid_from >= day:
            session.delete(part)
        else:
            part.valid_to = day
    session.flush()
    session.add_all(rows)
    session.flush()


def restore_parts(session: Session, area_ids: Collection[int], parts: Snapshot) -> None:
    """Put the parts of some compounds back as `parts_of` told them."""
    for row in session.scalars(select(BeatPart).where(BeatPart.area_id.in_(sorted(area_ids)))):
        session.delete(row)
    session.flush()
    session.expunge_all()
    for said in parts:
        session.add(
            BeatPart(
                id=said["id"],
                beat_id=said["beat_id"],
                area_id=said["area_id"],
                buildings=said["buildings"],
                geom=None if said["geom"] is None else _geometry(said["geom"]),
                valid_from=date.fromisoformat(said["valid_from"]),
                valid_to=None if said["valid_to"] is None else date.fromisoformat(said["valid_to"]),
            )
        )
    session.flush()


def _stored(value: Any) -> Any:
    """A value as JSON takes it."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else value


def _geometry(wkb: bytes | str) -> WKTElement:
    shape = shapely.from_wkb(wkb)
    whole = shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
    return WKTElement(whole.wkt, srid=LONLAT_SRID)
