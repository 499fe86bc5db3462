"""Figures as their reader may see them: exact within one township, small counts withheld from wider views.

The rule is docs/decisions/0012-small-counts.md, its means `registers.withholding`. Pages, maps, API, exports and the
shell take their figures from here; what computes (assignment, planning) takes them from `registers.figures`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_names
from gis_service.registers.figures import (
    Staff,
    beat_loads,
    coverage_of,
    coverage_of_areas,
    migrants_of,
    mismatches_of_areas,
    population_of,
    rentals_of_areas,
)
from gis_service.registers.people_store import people_by_place
from gis_service.registers.tables import MismatchClass
from gis_service.registers.withholding import (
    all_shown,
    hidden_counts,
    hidden_together,
    is_small,
    looks_across_townships,
    withhold,
)
from gis_service.settings import Settings

_OF_MIGRANTS = ("base", "load", "required", "short", "surplus", "posts_at_standard", "coverage", "numerator")
_OF_OFFICERS = ("officers_fte", "load", "short", "surplus", "coverage", "denominator")
_RENTAL_COUNTS = ("rentals", "residents", "group_rentals", "red_or_orange")


def published_coverage(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`coverage_of_areas` as the reader may see it; the status of a withheld row is `withheld`."""
    tree = area_names(session, scope)
    people = people_by_place(session, scope, None if scope.beat_ids is not None else tree.index.tolist())
    figures = coverage_of(population_of(tree, people, Staff.of(session, scope)), scope.day, settings)
    if not looks_across_townships(session, scope):
        return all_shown(figures)
    gone = _withheld_of_coverage(figures, people, settings)
    figures["status"] = figures["status"].mask(gone["load"], "withheld")
    return withhold(figures, gone)


def withheld_of_coverage(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Which figures of `published_coverage` are withheld from who looks across townships: area × figure, True or False.

    People are all that has to be counted for it.
    """
    tree = area_names(session, scope)
    people = people_by_place(session, scope, tree.index.tolist())
    counted = tree[["parent_id"]].assign(migrants=migrants_of(tree, people))
    return pd.DataFrame(_withheld_of_coverage(counted, people, settings))


def published_rentals(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`rentals_of_areas` as the reader may see it."""
    figures = rentals_of_areas(session, scope, settings)
    if not looks_across_townships(session, scope):
        return all_shown(figures)
    return withhold(figures, hidden_counts(figures, _RENTAL_COUNTS, settings))


def published_mismatches(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`mismatches_of_areas` as the reader may see it; the classes of an area are shown or withheld together."""
    figures = mismatches_of_areas(session, scope)
    if not looks_across_townships(session, scope):
        return all_shown(figures)
    classes = [kind.value for kind in MismatchClass]
    gone = hidden_counts(figures, ["mismatches"], settings)
    least = is_small(figures[classes], settings).any(axis=1) | gone["mismatches"]
    # an area without mismatches has none of any class, and everybody can see that: it hides no other
    by_class = hidden_together(figures, "mismatches", least, settings, keep=figures.index[figures["mismatches"].eq(0)])
    return withhold(figures, gone | dict.fromkeys(classes, by_class))


def published_beat_loads(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`beat_loads` as the reader may see it: a beat that could give an area away, or a small one, is withheld."""
    loads = beat_loads(session, scope)
    if not looks_across_townships(session, scope):
        return all_shown(loads)
    hidden_areas = hidden_counts(coverage_of_areas(session, scope, settings), ["migrants"], settings)["migrants"]
    people = people_by_place(session, scope).dropna(subset=["area_id", "beat_id"])
    touching = set(people.loc[people["area_id"].isin(hidden_areas.index[hidden_areas]), "beat_id"])
    small = set(loads.index[is_small(loads["migrants"], settings)])
    shared = people.loc[people["beat_id"].isin(small), "area_id"]
    touching |= set(people.loc[people["area_id"].isin(shared), "beat_id"])
    gone = pd.Series(loads.index.isin(touching | small), index=loads.index)
    return withhold(loads.astype({"migrants": "Int64"}), {"migrants": gone, "load": gone})


def published_counts(session: Session, scope: Scope, settings: Settings, counts: pd.DataFrame) -> pd.DataFrame:
    """Any counts per area in scope (index `area_id`, added up the tree), each by itself, as the reader sees them.

    `parent_id` is among the columns that come back.
    """
    tree = area_names(session, scope)[["parent_id"]]
    figures = tree.join(counts.astype("Int64"))
    if not looks_across_townships(session, scope):
        return all_shown(figures)
    return withhold(figures, hidden_counts(figures, counts.columns.tolist(), settings))


def _withheld_of_coverage(figures: pd.DataFrame, people: pd.DataFrame, settings: Settings) -> dict[str, pd.Series]:
    hidden = hidden_counts(figures, ["migrants"], settings)["migrants"]
    telling = _telling_staff(people, figures["parent_id"], hidden)
    gone = dict.fromkeys(("migrants", *_OF_MIGRANTS), hidden)
    for name in _OF_OFFICERS:
        gone[name] = gone.get(name, False) | telling
    return gone


def _telling_staff(people: pd.DataFrame, parents: pd.Series, hidden: pd.Series) -> pd.Series:
    """Areas whose share of an officer tells how migrants are spread inside a beat that holds a withheld area.

    An officer is split over the compounds of the beat by their migrants: a share that is neither none nor all of a beat
    is as good as the count.
    """
    above = hidden.index.get_indexer(pd.Index(parents.fillna(-1)))
    parts = people[people["beat_id"].notna()]
    area = hidden.index.get_indexer(pd.Index(parts["area_id"].fillna(-1)))
    beats, beat = np.unique(parts["beat_id"].to_numpy(dtype=np.int64)[area >= 0], return_inverse=True)
    area = area[area >= 0]
    holds_hidden = np.isin(np.arange(len(beats)), beat[hidden.to_numpy()[area]])
    of_them = holds_hidden[beat]
    beat, area = beat[of_them], area[of_them]
    size, telling = np.bincount(beat, minlength=len(beats)), np.zeros(len(hidden), dtype=np.bool_)
    chain = []
    while len(area):
        chain.append(beat * len(hidden) + area)
        beat, area = beat[above[area] >= 0], above[area][above[area] >= 0]
    if chain:
        pair, inside = np.unique(np.concatenate(chain), return_counts=True)
        telling[(pair % len(hidden))[inside < size[pair // len(hidden)]]] = True
    return pd.Series(telling, index=hidden.index)
