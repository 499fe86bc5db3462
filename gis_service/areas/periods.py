"""What an area was, one version after the other, and how a day's decision changes that. Pure.

A version holds from a day (included) to a day (excluded); versions of one area do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, Final

from shapely.geometry.base import BaseGeometry

from gis_service.intake.subject import Mode

NEVER: Final = date.max


@dataclass(frozen=True)
class Version:
    """What was true of an area over one period; `border` is a multipolygon in lon-lat, or None before its map."""

    area_id: int
    level: str
    code: str
    name: str
    kind: str | None
    parent_id: int | None
    border: BaseGeometry | None
    since: date
    until: date | None = None
    row_id: int | None = None

    @property
    def end(self) -> date:
        """The day on which it no longer holds, in the far future when there is none."""
        return self.until or NEVER

    def holds_on(self, day: date) -> bool:
        """Say whether it holds on `day`."""
        return self.since <= day < self.end

    def says_the_same(self, other: Version) -> bool:
        """Say whether both say the same of the area, whenever."""
        own, others = (replace(each, since=NEVER, until=None, row_id=None, border=None) for each in (self, other))
        return own == others and same_value(self.border, other.border)


Timeline = Sequence[Version]


def same_value(one: Any, other: Any) -> bool:
    """Equality, of borders vertex by vertex."""
    if isinstance(one, BaseGeometry) and isinstance(other, BaseGeometry):
        return bool(one.normalize().equals_exact(other.normalize(), 0.0))
    return bool(one == other)


def holding(timeline: Timeline, day: date) -> Version | None:
    """The version that holds on `day`."""
    return next((version for version in timeline if version.holds_on(day)), None)


def with_value(timeline: Timeline, day: date, mode: Mode, field: str, value: Any) -> list[Version]:
    """Give a field another value.

    A change holds from `day` on, a correction wherever the wrong value stood; both up to where the record already says
    something else of the field.
    """
    current = holding(timeline, day)
    if current is None:
        return list(timeline)
    old = getattr(current, field)
    cut = _cut(timeline, day) if mode is Mode.CHANGE else sorted(timeline, key=lambda version: version.since)
    at = next(position for position, version in enumerate(cut) if version.holds_on(day))

    def wrong(version: Version) -> bool:
        return same_value(getattr(version, field), old)

    first, last = at, at + 1
    while last < len(cut) and wrong(cut[last]) and cut[last].since == cut[last - 1].end:
        last += 1
    while mode is Mode.CORRECTION and first and wrong(cut[first - 1]) and cut[first - 1].end == cut[first].since:
        first -= 1
    changed: dict[str, Any] = {field: value}
    return joined([*cut[:first], *(replace(version, **changed) for version in cut[first:last]), *cut[last:]])


def ended(timeline: Timeline, day: date) -> list[Version]:
    """Nothing holds from `day` on."""
    return [version for version in _cut(timeline, day) if version.since < day]


def lived_from(timeline: Timeline, day: date) -> date:
    """First day of the unbroken life that the area has on `day`; `day` itself when it has none."""
    first = day
    for version in sorted(timeline, key=lambda version: version.since, reverse=True):
        if version.since <= first <= version.end:
            first = min(first, version.since)
    return first


def joined(timeline: Timeline) -> list[Version]:
    """Neighbours in time that say the same as one version."""
    found: list[Version] = []
    for version in sorted(timeline, key=lambda version: version.since):
        if found and found[-1].end == version.since and found[-1].says_the_same(version):
            found[-1] = replace(found[-1], until=version.until)
        else:
            found.append(version)
    return found


def differences(before: Timeline, after: Timeline) -> list[tuple[Version | None, Version | None]]:
    """What held and what holds instead, for each span of days over which two timelines of one area differ."""
    return [(holding(before, start), holding(after, start)) for start, _ in _differing_spans(before, after)]


def differing_days(before: Timeline, after: Timeline) -> tuple[date, date] | None:
    """From which day to which day two timelines of one area differ; None when they do not."""
    spans = _differing_spans(before, after)
    return (spans[0][0], spans[-1][1]) if spans else None


def _differing_spans(before: Timeline, after: Timeline) -> list[tuple[date, date]]:
    days = sorted({day for version in (*before, *after) for day in (version.since, version.end)})
    return [(start, end) for start, end in pairwise(days) if not _alike(holding(before, start), holding(after, start))]


def _alike(one: Version | None, other: Version | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.says_the_same(other)


def _cut(timeline: Timeline, day: date) -> list[Version]:
    """The same, with a seam on `day`."""
    seam: Callable[[Version], list[Version]] = lambda version: (  # noqa: E731 - a name for two lines
        [replace(version, until=day), replace(version, since=day, row_id=None)]
        if version.since < day < version.end
        else [version]
    )
    return [piece for version in sorted(timeline, key=lambda version: version.since) for piece in seam(version)]
