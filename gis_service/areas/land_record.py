"""Versions of areas on record: read as timelines, written where they differ; and what became of an area."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from gis_service.areas.periods import Timeline, Version
from gis_service.areas.tables import Area, AreaAncestry, AreaVersion
from gis_service.storage.bulk import insert_frame, reserve_ids
from gis_service.storage.frames import read_frame

_COLUMNS = ("area_id", "level", "code", "name", "kind", "parent_id", "since", "until", "row_id")


def timelines_of(session: Session, area_ids: Collection[int]) -> dict[int, list[Version]]:
    """Everything on record of some areas, with borders; an area without a version has an empty timeline."""
    found: dict[int, list[Version]] = {area_id: [] for area_id in area_ids}
    for version in _versions(session, AreaVersion.area_id.in_(sorted(area_ids)), with_border=True):
        found[version.area_id].append(version)
    return found


def bearers_and_relatives(
    session: Session, codes: Collection[str], area_ids: Collection[int], parent_ids: Collection[int]
) -> list[Version]:
    """Versions, without borders, that bear one of the codes, are children of the areas, or are among the parents."""
    condition = or_(
        AreaVersion.code.in_(sorted(codes)),
        AreaVersion.parent_id.in_(sorted(area_ids)),
        AreaVersion.area_id.in_(sorted(parent_ids)),
    )
    return _versions(session, condition, with_border=False)


def children_on(session: Session, area_ids: Collection[int], day: date) -> list[int]:
    """The areas one level below on a day."""
    query = select(AreaVersion.area_id).where(AreaVersion.parent_id.in_(sorted(area_ids)), AreaVersion.valid_on(day))
    return sorted(session.scalars(query))


def write_timelines(
    session: Session,
    before: Mapping[int, Timeline],
    after: Mapping[int, Timeline],
    *,
    source: str,
    note: str | None,
) -> dict[int, int]:
    """Write what differs. Areas with an id below 0 are founded; returns the ids that they got."""
    fresh = sorted((area_id for area_id in after if area_id < 0), reverse=True)
    ids = dict(zip(fresh, reserve_ids(session, Area, len(fresh)).tolist(), strict=True)) if fresh else {}
    if fresh:
        levels = [after[area_id][0].level for area_id in fresh]
        insert_frame(session, Area, pd.DataFrame({"id": list(ids.values()), "level": levels}))
    gone = [version.row_id for timeline in before.values() for version in timeline]
    kept = {
        version.row_id
        for area_id, timeline in after.items()
        for version in timeline
        if version in before.get(area_id, ())
    }
    removed = [row_id for row_id in gone if row_id is not None and row_id not in kept]
    origin_columns = select(AreaVersion.id, AreaVersion.source, AreaVersion.note, AreaVersion.recorded_at)
    origins = {row.id: row for row in session.execute(origin_columns.where(AreaVersion.id.in_(removed)))}
    session.execute(delete(AreaVersion).where(AreaVersion.id.in_(removed)))
    unchanged = {version.row_id: version for timeline in before.values() for version in timeline}
    rows = []
    for area_id, timeline in after.items():
        for version in timeline:
            if version.row_id is not None and version.row_id in kept:
                continue
            former = unchanged.get(version.row_id)
            only_period = former is not None and former.says_the_same(version)
            origin = origins.get(version.row_id or 0) if only_period else None
            rows.append(
                {
                    "area_id": ids.get(area_id, area_id),
                    "code": version.code,
                    "name": version.name,
                    "kind": version.kind,
                    "parent_id": None if version.parent_id is None else ids.get(version.parent_id, version.parent_id),
                    "geom": version.border,
                    "source": origin.source if origin else source[:200],
                    "note": origin.note if origin else note,
                    "recorded_at": origin.recorded_at if origin else datetime.now(UTC).replace(tzinfo=None),
                    "valid_from": pd.Timestamp(version.since),
                    "valid_to": pd.NaT if version.until is None else pd.Timestamp(version.until),
                }
            )
    if rows:
        frame = pd.DataFrame(rows).astype({"parent_id": "Int64", "kind": "object", "note": "object"})
        insert_frame(session, AreaVersion, frame)
    return ids


def heirs_of(session: Session, area_id: int) -> list[dict[str, Any]]:
    """What became of an area, step by step: `from_area_id`, `to_area_id`, `kind`, `day` and the last name and code."""
    steps: list[dict[str, Any]] = []
    seen, wave = {area_id}, {area_id}
    while wave:
        query = (
            select(AreaAncestry)
            .where(AreaAncestry.from_area_id.in_(sorted(wave)))
            .order_by(AreaAncestry.day, AreaAncestry.to_area_id)
        )
        found = list(session.scalars(query))
        steps += [
            {"from_area_id": row.from_area_id, "to_area_id": row.to_area_id, "kind": row.kind, "day": row.day}
            for row in found
        ]
        wave = {row.to_area_id for row in found} - seen
        seen |= wave
    latest = (
        read_frame(
            session,
            select(AreaVersion.area_id, AreaVersion.code, AreaVersion.name)
            .where(AreaVersion.area_id.in_(sorted(seen)))
            .order_by(AreaVersion.valid_from),
        )
        .drop_duplicates("area_id", keep="last")
        .set_index("area_id")
    )
    for step in steps:
        if step["to_area_id"] in latest.index:
            row = latest.loc[step["to_area_id"]]
            step |= {"code": str(row["code"]), "name": str(row["name"])}
    return steps


def heir_pairs(session: Session, day: date) -> pd.DataFrame:
    """Every (`area_id`, `heir_id`) by `day`, over all generations."""
    query = select(AreaAncestry.from_area_id, AreaAncestry.to_area_id).where(AreaAncestry.day <= day)
    pairs = {(int(source), int(heir)) for source, heir in session.execute(query) if source != heir}
    while True:
        onward = {(a, d) for a, b in pairs for c, d in pairs if b == c and a != d} - pairs
        if not onward:
            return pd.DataFrame(sorted(pairs), columns=pd.Index(["area_id", "heir_id"]), dtype="int64")
        pairs |= onward


def waiting_for_borders(session: Session, area_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Split areas that live on until their parts (some of `area_ids`) are drawn: area → its parts."""
    sources = set(
        session.scalars(select(AreaAncestry.from_area_id).where(AreaAncestry.to_area_id.in_(sorted(area_ids))))
    )
    undrawn = select(AreaVersion.area_id).where(AreaVersion.geom.is_(None))
    waiting = session.execute(
        select(AreaAncestry.from_area_id, AreaAncestry.to_area_id).where(
            AreaAncestry.from_area_id.in_(sorted(sources)),
            AreaAncestry.from_area_id.in_(
                select(AreaAncestry.from_area_id).where(
                    AreaAncestry.to_area_id.in_(undrawn), AreaAncestry.kind == "split"
                )
            ),
        )
    ).all()
    found: dict[int, set[int]] = {}
    for source, part in waiting:
        found.setdefault(source, set()).add(part)
    return {source: frozenset(parts) for source, parts in found.items()}


def _versions(session: Session, condition: Any, *, with_border: bool) -> list[Version]:
    columns: list[Any] = [
        AreaVersion.area_id,
        Area.level,
        AreaVersion.code,
        AreaVersion.name,
        AreaVersion.kind,
        AreaVersion.parent_id,
        AreaVersion.valid_from,
        AreaVersion.valid_to,
        AreaVersion.id,
    ]
    if with_border:
        columns.append(func.ST_AsBinary(AreaVersion.geom))
    query = (
        select(*columns)
        .join(Area, Area.id == AreaVersion.area_id)
        .where(condition)
        .order_by(AreaVersion.area_id, AreaVersion.valid_from)
    )
    found = []
    for row in session.execute(query):
        said = dict(zip(_COLUMNS, row, strict=False))
        border = shapely.from_wkb(row[-1]) if with_border and row[-1] is not None else None
        found.append(Version(**said, border=border))
    return found
