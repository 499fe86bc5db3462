"""Carrying a change of the land out: versions, ancestry, beats and placements, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.addresses.queries import address_points
from gis_service.addresses.replacing import place_again, points_among, points_of
from gis_service.addresses.tables import Address, Placement, Unresolved
from gis_service.addresses.timeline import Rewriting
from gis_service.areas.change_kinds import AnyAsked, areas_named
from gis_service.areas.changes import check, outcome_of
from gis_service.areas.land_record import (
    bearers_and_relatives,
    children_on,
    timelines_of,
    waiting_for_borders,
    write_timelines,
)
from gis_service.areas.periods import NEVER, Timeline, Version, differences, differing_days, holding
from gis_service.areas.tables import AreaAncestry, AreaLevel
from gis_service.changes.succession import Succession, hand_on_units
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.boxes import Box
from gis_service.teams.following import follow

Record = Mapping[int, Timeline]


@dataclass(frozen=True)
class CarriedOut:
    """What carrying a change out did.

    Attributes
    ----------
    before, after : timelines of every area whose timeline differs, by real ids.
    since, until : the days over which they differ; None = until further notice.
    recorded : placements of the affected addresses as they were on record.
    rewriting : what was written of them.
    succession : what became of units whose area ended.
    """

    before: dict[int, list[Version]]
    after: dict[int, list[Version]]
    since: date
    until: date | None
    recorded: pd.DataFrame
    rewriting: Rewriting
    succession: Succession = field(default_factory=Succession)


def carry_out(
    session: Session, settings: Settings, asked: AnyAsked, mode: Mode, day: date, *, change_id: int, note: str | None
) -> CarriedOut:
    """Do what a change asks for.

    Raises
    ------
    InvalidInputError
        It contradicts itself, the record or the tree.
    """
    named = areas_named(asked)
    waiting = waiting_for_borders(session, named) if asked.kind == "redraw" else {}
    below = children_on(session, named, day) if asked.kind in ("split", "merge", "retire") else []
    concerned = {*named, *below, *waiting, *(part for parts in waiting.values() for part in parts)}
    record = timelines_of(session, concerned)
    outcome = outcome_of(asked, mode, day, record, waiting, settings.upload_max_vertices)
    versions = [version for timeline in outcome.timelines.values() for version in timeline]
    relatives = bearers_and_relatives(
        session,
        {version.code for version in versions},
        [area_id for area_id in outcome.timelines if area_id > 0],
        {version.parent_id for version in versions if version.parent_id is not None},
    )
    check(outcome, relatives)
    ids = write_timelines(session, record, outcome.timelines, source=f"change {change_id}", note=note)
    pairs = [(source, ids.get(heir, heir)) for source, heir in outcome.ancestry]
    said = {"kind": asked.kind, "day": outcome.ancestry_day, "change_id": change_id}
    session.add_all(AreaAncestry(from_area_id=source, to_area_id=heir, **said) for source, heir in pairs)
    session.flush()
    now = timelines_of(session, [ids.get(area_id, area_id) for area_id in outcome.timelines])
    drawn = [source for source in waiting if _ends(record, now, source, day)]
    completed = [(source, part) for source in drawn for part in waiting[source]]
    _hand_on_beats(session, [*pairs, *completed], record, now, outcome.ancestry_day)
    done = _settle_addresses(session, settings, record, now)
    first = outcome.ancestry_day
    ended = [area for area in done.before if holding(done.before[area], day) and not holding(done.after[area], day)]
    goes: dict[int, str | None] = {each.unit_id: each.area_code for each in getattr(asked, "units", ())}
    units = hand_on_units(session, min(first, day), ended, [*pairs, *completed], goes)
    return replace(done, succession=units)


def put_back(session: Session, settings: Settings, then: Record, now: Record, *, source: str) -> CarriedOut:
    """Let timelines be again what they were, and place the addresses accordingly."""
    write_timelines(session, now, then, source=source, note=None)
    return _settle_addresses(session, settings, now, timelines_of(session, list(now)))


def _ends(record: Record, now: Record, area_id: int, day: date) -> bool:
    return holding(record.get(area_id, ()), day) is not None and holding(now.get(area_id, ()), day) is None


def _hand_on_beats(
    session: Session, pairs: Collection[tuple[int, int]], record: Record, now: Record, day: date
) -> None:
    """Compounds hand their beats on when they end, or go on smaller or larger."""
    drawn = [
        (source, heir)
        for source, heir in pairs
        if (version := holding(now[heir], day)) is not None
        and version.level == AreaLevel.COMPOUND
        and version.border is not None
    ]
    if drawn:
        borders = {source: version.border for source, _ in drawn if (version := holding(record[source], day))}
        follow(session, day, drawn, borders)


def _settle_addresses(session: Session, settings: Settings, record: Record, now: Record) -> CarriedOut:
    spans = {area_id: differing_days(record.get(area_id, ()), now[area_id]) for area_id in now}
    differing = [area_id for area_id, span in spans.items() if span is not None]
    before = {area_id: list(record.get(area_id, ())) for area_id in differing}
    after = {area_id: list(now[area_id]) for area_id in differing}
    known = [span for span in spans.values() if span is not None]
    since = min((start for start, _ in known), default=NEVER)
    end = max((end for _, end in known), default=NEVER)
    until = None if end == NEVER else end
    points = _affected(session, before, after)
    recorded, rewriting = place_again(session, settings.metric_crs, points, since, until)
    return CarriedOut(before, after, since, until, recorded, rewriting)


def _affected(session: Session, before: Record, after: Record) -> pd.DataFrame:
    """The addresses whose place may be another: in the compounds that differ, or that state a village that differs."""
    old, new, codes = [], [], set()
    for area_id, timeline in after.items():
        for was, now in differences(before[area_id], timeline):
            held = [version for version in (was, now) if version is not None]
            if held[0].level == AreaLevel.VILLAGE and _another_code(was, now):
                codes |= {version.code for version in held}
            if held[0].level != AreaLevel.COMPOUND:
                continue
            if was is not None and now is not None and (was.parent_id, was.code) == (now.parent_id, now.code):
                old.append(was.border)
                new.append(now.border)
                continue
            old += [None if was is None else was.border, None]
            new += [None, None if now is None else now.border]
    changed = [shape for pair in zip(old, new, strict=True) for shape in pair if shape is not None]
    parts = [_moved(points_among(session, _boxes(changed)), old, new)]
    parts += [address_points(session, Address.stated_village_code.in_(sorted(codes)))] if codes else []
    nearest = select(Placement.address_id).where(
        Placement.unresolved == Unresolved.OUTSIDE, Placement.suggested_area_id.in_(sorted(after))
    )
    beyond = np.array(sorted(set(session.scalars(nearest))), dtype=np.int64)
    parts += [points_of(session, beyond)] if len(beyond) else []
    points = pd.concat(parts)
    return points[~points.index.duplicated()].sort_index()


def _moved(points: pd.DataFrame, old: list[object], new: list[object]) -> pd.DataFrame:
    from layers.locate import affected_points

    if points.empty:
        return points
    before, after = np.array(old, dtype=object), np.array(new, dtype=object)
    moved = affected_points(before, after, points["lon"].to_numpy(), points["lat"].to_numpy())
    return points.iloc[moved]


def _another_code(was: Version | None, now: Version | None) -> bool:
    return was is None or now is None or was.code != now.code


def _boxes(shapes: Iterable[shapely.Geometry]) -> list[Box]:
    """Bounding boxes; those that meet as one, so that a row is not found twice."""
    boxes = [shapely.box(*shape.bounds) for shape in shapes]
    united = shapely.get_parts(shapely.union_all(boxes)) if boxes else []
    return [tuple(part.bounds) for part in united]
