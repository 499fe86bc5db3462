"""The rules of changing the land: from what is asked to new timelines, ancestry and faults. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from gis_service.areas.change_kinds import (
    AnyAsked,
    Create,
    Incoming,
    Merge,
    Move,
    Part,
    Redraw,
    Reimport,
    Retire,
    Split,
    border_of,
)
from gis_service.areas.division_codes import contradicts_level, contradicts_parent
from gis_service.areas.periods import Timeline, Version, ended, holding, joined, lived_from, with_value
from gis_service.areas.tables import AreaLevel
from gis_service.errors import InvalidInputError
from gis_service.intake.subject import Mode
from gis_service.texts import T
from layers.frames import KINDS


@dataclass
class Outcome:
    """What a change makes of the land.

    Attributes
    ----------
    timelines : of every area concerned, as they will be; ids below 0 are new areas.
    ancestry : (from, to) areas.
    ancestry_day : the day on which ground went from one to the other.
    """

    timelines: dict[int, list[Version]]
    ancestry_day: date
    ancestry: list[tuple[int, int]] = field(default_factory=list)


def outcome_of(
    asked: AnyAsked,
    mode: Mode,
    day: date,
    record: Mapping[int, Timeline],
    unmapped: Mapping[int, frozenset[int]],
    max_vertices: int,
) -> Outcome:
    """Apply what is asked to the timelines on record.

    Parameters
    ----------
    record
        Timelines of the areas named, and for a split, a merge or a retirement of their children on the day.
    unmapped
        Split areas that wait for the borders of their parts: area → parts.

    Raises
    ------
    InvalidInputError
        An area does not hold on the day, or the change contradicts itself.
    """
    for area_id in _must_hold(asked):
        if holding(record.get(area_id, ()), day) is None:
            raise InvalidInputError(T("An area of this change is not in force on {day}.", day=day))
    after = Outcome({area_id: list(timeline) for area_id, timeline in record.items()}, day)
    match asked:
        case Split():
            _split(after, asked, mode, day, max_vertices)
        case Merge():
            _merge(after, asked, mode, day, max_vertices)
        case Redraw():
            for new in asked.borders:
                _set(after, new.area_id, day, mode, border=border_of(new.border, max_vertices))
            _complete(after, day, unmapped)
        case Create():
            border = border_of(asked.border, max_vertices)
            after.timelines[-1] = [
                Version(-1, asked.level, asked.code, asked.name, asked.area_kind, asked.parent_id, border, day)
            ]
        case Retire():
            _end(after, asked.area_id, _since(record[asked.area_id], day, mode))
        case Reimport():
            _reimport(after, asked, mode, day, max_vertices)
        case _:
            said = asked.model_dump(include={"name", "code", "parent_id"}, exclude_none=True)
            _set(after, asked.area_id, day, mode, **said)
    return after


def check(after: Outcome, others: Sequence[Version]) -> None:
    """Refuse timelines that break the tree.

    Parameters
    ----------
    others
        Versions of areas with one of the codes, and of parents and children of the areas concerned.

    Raises
    ------
    InvalidInputError
        A code is held twice on a day, contradicts its parent or its level; a parent does not hold as long as its child,
        or is not one level above; a kind does not belong to the level.
    """
    ours = [version for timeline in after.timelines.values() for version in timeline]
    theirs = [version for version in others if version.area_id not in after.timelines]
    bearing: dict[str, list[Version]] = {}
    of_area: dict[int, list[Version]] = {}
    for version in (*ours, *theirs):
        bearing.setdefault(version.code, []).append(version)
        of_area.setdefault(version.area_id, []).append(version)
    for version in ours:
        if any(other.area_id != version.area_id and _meet(version, other) for other in bearing[version.code]):
            raise InvalidInputError(T("The code {code} belongs to another area at that time.", code=version.code))
        if version.kind is not None and version.kind not in KINDS.get(version.level, ()):
            raise InvalidInputError(T("This kind does not belong to the level."))
    said = pd.DataFrame([(version.code, version.level) for version in ours], columns=["code", "level"], dtype="str")
    if contradicts_level(said["code"], said["level"]).any():
        raise InvalidInputError(T("The zeros of the code say another level."))
    strict = [step for version in ours for step in _parents_of(version, of_area, after.ancestry_day)]
    for version in theirs:
        if version.parent_id in after.timelines:
            _parents_of(version, of_area, after.ancestry_day)
    _check_lineage(strict)


def _parents_of(version: Version, of_area: Mapping[int, Sequence[Version]], day: date) -> list[tuple[Version, Version]]:
    """The version with each of its parents while it holds, from `day` on; refused where it has none."""
    if AreaLevel(version.level).parent is None:
        return []
    held = of_area.get(version.parent_id, ()) if version.parent_id is not None else ()
    parents = sorted((other for other in held if _meet(version, other)), key=lambda other: other.since)
    covered, found = max(version.since, day), []
    for parent in parents:
        if parent.since > covered:
            break
        covered = max(covered, parent.end)
        found.append((version, parent))
    if covered < version.end:
        raise InvalidInputError(
            T("{code} would be without a parent from {day} on: move or end it first.", code=version.code, day=covered)
        )
    return found


def _check_lineage(pairs: Sequence[tuple[Version, Version]]) -> None:
    if any(parent.level != AreaLevel(version.level).parent for version, parent in pairs):
        raise InvalidInputError(T("The parent is not one level above."))
    said = pd.DataFrame(
        [(version.code, version.level, parent.code) for version, parent in pairs],
        columns=["code", "level", "parent"],
        dtype="str",
    )
    wrong = contradicts_parent(said["code"], said["level"], said["parent"])
    if wrong.any():
        first = said.loc[wrong, "code"].iloc[0]
        raise InvalidInputError(T("The code {code} does not begin with its parent's digits.", code=first))


def _meet(one: Version, other: Version) -> bool:
    return one.since < other.end and other.since < one.end


def _must_hold(asked: AnyAsked) -> list[int]:
    match asked:
        case Create():
            held = [asked.parent_id]
        case Redraw():
            held = [new.area_id for new in asked.borders]
        case Merge():
            held = [*asked.area_ids, *asked.into.children]
        case Split():
            held = [asked.area_id, *(child for part in asked.parts for child in part.children)]
        case Move():
            held = [asked.area_id, asked.parent_id]
        case Reimport():
            held = [*(new.area_id for new in asked.areas), *asked.ended]
        case _:
            held = [asked.area_id]
    return [area_id for area_id in held if area_id is not None]


def _since(timeline: Timeline, day: date, mode: Mode) -> date:
    """From when on a split, a merge or an end holds: a correction says that it was never otherwise."""
    return day if mode is Mode.CHANGE else lived_from(timeline, day)


def _set(after: Outcome, area_id: int, day: date, mode: Mode, **values: object) -> None:
    for name, value in values.items():
        after.timelines[area_id] = with_value(after.timelines[area_id], day, mode, name, value)


def _end(after: Outcome, area_id: int, day: date) -> None:
    after.timelines[area_id] = ended(after.timelines[area_id], day)


def _complete(after: Outcome, day: date, unmapped: Mapping[int, frozenset[int]]) -> None:
    """A split area that waited for borders ends when the last of its parts has one."""
    for source, parts in unmapped.items():
        now = [holding(after.timelines.get(part, ()), day) for part in parts]
        if now and all(version is not None and version.border is not None for version in now):
            _end(after, source, day)


def _split(after: Outcome, asked: Split, mode: Mode, day: date, max_vertices: int) -> None:
    source = holding(after.timelines[asked.area_id], day)
    if source is None:
        return
    since = _since(after.timelines[asked.area_id], day, mode)
    given = [part.area_id for part in asked.parts if part.area_id is not None]
    if any(area_id != source.area_id for area_id in given) or len(given) > 1:
        raise InvalidInputError(T("Only the area itself can go on as one of its parts."))
    borders = [border_of(part.border, max_vertices) or _together(after, part.children, day) for part in asked.parts]
    drawn = [border is not None for border in borders]
    if any(drawn) != all(drawn):
        raise InvalidInputError(T("Draw every part of a split, or none yet."))
    if not all(drawn) and (given or source.border is None):
        raise InvalidInputError(T("An area that goes on as a part of itself needs its new border."))
    if all(drawn):
        _end(after, source.area_id, since)
    after.ancestry_day = since
    for part, border in zip(asked.parts, borders, strict=True):
        area_id = part.area_id if part.area_id is not None else _fresh(after)
        _begin(after, area_id, source, part, border, since)
        after.ancestry.append((source.area_id, area_id))
        _adopt(after, area_id, part.children, since, day, mode)


def _merge(after: Outcome, asked: Merge, mode: Mode, day: date, max_vertices: int) -> None:
    sources = [holding(after.timelines[area_id], day) for area_id in asked.area_ids]
    held = [source for source in sources if source is not None]
    if len({(source.level, source.parent_id) for source in held}) != 1:
        raise InvalidInputError(T("Only areas of one parent are merged: move them first."))
    if asked.into.area_id is not None and asked.into.area_id not in asked.area_ids:
        raise InvalidInputError(T("Areas merge into one of themselves or into a new one."))
    since = max(_since(after.timelines[source.area_id], day, mode) for source in held)
    border = border_of(asked.into.border, max_vertices)
    if border is None and all(source.border is not None for source in held):
        border = _multi(shapely.union_all([source.border for source in held]))
    for source in held:
        _end(after, source.area_id, since)
    area_id = asked.into.area_id if asked.into.area_id is not None else _fresh(after)
    _begin(after, area_id, held[0], asked.into, border, since)
    after.ancestry_day = since
    after.ancestry += [(source.area_id, area_id) for source in held]
    gone = {source.area_id for source in held} - {area_id}
    children = [
        child
        for child, timeline in after.timelines.items()
        if (version := holding(timeline, day)) is not None and version.parent_id in gone
    ]
    _adopt(after, area_id, children, since, day, mode)


def _reimport(after: Outcome, asked: Reimport, mode: Mode, day: date, max_vertices: int) -> None:
    """Every area of a layer as it is delivered; what has gone ends, and its ground goes to its heirs."""
    ended_since = [_since(after.timelines[area_id], day, mode) for area_id in asked.ended]
    for area_id, since in zip(asked.ended, ended_since, strict=True):
        _end(after, area_id, since)
    after.ancestry_day = min([day, *ended_since])
    for position, new in enumerate(asked.areas):
        how = new.mode or mode
        border = border_of(new.border, max_vertices, as_delivered=True)
        if new.area_id is None:
            since = _founded_since(after, new, how, day)
            fresh = Version(-1 - position, new.level, new.code, new.name, new.area_kind, new.parent_id, border, since)
            after.timelines[fresh.area_id] = [fresh]
            continue
        said = {"code": new.code, "name": new.name, "kind": new.area_kind, "parent_id": new.parent_id, "border": border}
        kept = ("kind", "parent_id", "border")  # absent: as it is
        _set(after, new.area_id, day, how, **{k: v for k, v in said.items() if v is not None or k not in kept})
    after.ancestry += [(step.area_id, step.heir_id) for step in asked.heirs]
    # an heir that was there before keeps its own ground: beats are told apart by that
    after.ancestry += [(heir, heir) for heir in dict.fromkeys(s.heir_id for s in asked.heirs) if heir > 0]


def _founded_since(after: Outcome, new: Incoming, mode: Mode, day: date) -> date:
    """A new area begins on the day; as a correction it was always there, as long as its parent."""
    parent = after.timelines.get(new.parent_id, ()) if new.parent_id is not None else ()
    return lived_from(parent, day) if mode is Mode.CORRECTION and parent else day


def _fresh(after: Outcome) -> int:
    """The id of one more new area."""
    return min(0, *after.timelines) - 1


def _begin(after: Outcome, area_id: int, source: Version, part: Part, border: BaseGeometry | None, since: date) -> None:
    begun = replace(
        source,
        area_id=area_id,
        code=part.code,
        name=part.name,
        kind=part.area_kind if part.area_kind is not None else source.kind,
        border=border,
        since=since,
        until=None,
        row_id=None,
    )
    after.timelines[area_id] = joined([*after.timelines.get(area_id, ()), begun])


def _adopt(after: Outcome, area_id: int, children: Iterable[int], since: date, day: date, mode: Mode) -> None:
    """Children go over with the ground."""
    for child in children:
        timeline = after.timelines[child]
        at = max(since, lived_from(timeline, day)) if mode is Mode.CORRECTION else day
        after.timelines[child] = with_value(timeline, at, Mode.CHANGE, "parent_id", area_id)


def _together(after: Outcome, children: Iterable[int], day: date) -> BaseGeometry | None:
    """The ground of children, when all of it is drawn."""
    held = [holding(after.timelines[child], day) for child in children]
    borders = [version.border for version in held if version is not None]
    if not borders or any(border is None for border in borders):
        return None
    return _multi(shapely.union_all(borders))


def _multi(shape: BaseGeometry) -> BaseGeometry:
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
