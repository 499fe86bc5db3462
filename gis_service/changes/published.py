"""The impact of a change as its reader may see it (docs/decisions/0012-small-counts.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.freshness import etag
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.changes.actions import impact_of, land_change
from gis_service.changes.impact import Impact
from gis_service.registers.published import withheld_of_coverage
from gis_service.registers.withholding import all_shown, any_small, is_small, looks_across_townships, withhold
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.storage.kept import Kept
from gis_service.teams.scope import scope_of

_PEOPLE = ("migrants", "rentals")
_HANDED = ("migrants_lost", "migrants_gained")
_RATIOS = ("migrants", "officers_fte", "load", "coverage")


Withheld = pd.DataFrame
"""Which figures of each area are withheld from a reader (index `area_id`, a column a figure, True or False)."""

_MOST_AREAS: Final = 400_000
"""Areas kept for all readers together: some hundred districts."""


def withheld_store() -> Kept[Withheld]:
    """What is withheld of coverage by key: version of the data and scope."""
    return Kept(_MOST_AREAS, len)


def published_impact_of(
    engine: Engine, settings: Settings, viewer: Viewer, change_id: int, kept: Kept[Withheld]
) -> Impact:
    """`impact_of` as the viewer may see it: flows, officers and coverage with `withheld` and `withheld_mark`."""
    impact = impact_of(engine, settings, viewer, change_id)
    with reading(engine) as session:
        day = land_change(session, viewer, change_id).day
        return _published(session, scope_of(session, viewer, day), settings, impact, kept)


def _published(session: Session, scope: Scope, settings: Settings, impact: Impact, kept: Kept[Withheld]) -> Impact:
    """An impact as a reader with this scope may see it.

    A change is one small table and not a tree: when a few people are among those who move, nobody's number is shown,
    neither the flows nor what they would leave behind; before the change an area shows what it shows elsewhere.
    """
    if not looks_across_townships(session, scope):
        return replace(
            impact,
            flows=all_shown(impact.flows),
            officers=all_shown(impact.officers),
            coverage=all_shown(impact.coverage),
        )
    coverage = impact.coverage
    moved = coverage["migrants_after"].fillna(0) - coverage["migrants_before"].fillna(0)
    few = (
        any_small(impact.flows[list(_PEOPLE)], settings)
        or any_small(impact.officers[list(_HANDED)], settings)
        or bool(is_small(moved, settings).any())
        or bool((is_small(coverage["migrants_after"], settings) & moved.ne(0).fillna(value=True)).any())
    )
    key = etag(session, scope, "coverage withheld")
    elsewhere = kept.get(key, lambda: withheld_of_coverage(session, scope, settings))
    return replace(
        impact,
        flows=_whole_or_not(impact.flows, _PEOPLE, few=few),
        officers=_whole_or_not(impact.officers, _HANDED, few=few),
        coverage=_coverage(coverage, elsewhere, settings, moved=moved, few=few),
    )


def _whole_or_not(table: pd.DataFrame, counts: tuple[str, ...], *, few: bool) -> pd.DataFrame:
    everywhere = pd.Series(few, index=table.index)
    return withhold(table.astype(dict.fromkeys(counts, "Int64")), dict.fromkeys(counts, everywhere))


def _coverage(
    coverage: pd.DataFrame, elsewhere: Withheld, settings: Settings, *, moved: pd.Series, few: bool
) -> pd.DataFrame:
    gone = {}
    changes = moved.ne(0).fillna(value=True).astype(bool)
    for name in _RATIOS:
        before = elsewhere[name].reindex(coverage.index, fill_value=False)
        gone[f"{name}_before"] = before
        gone[f"{name}_after"] = before | (changes & few) | is_small(coverage["migrants_after"], settings)
    return withhold(coverage, gone)
