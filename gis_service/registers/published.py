"""Figures as their reader may see them: exact within one township, small counts withheld from wider views.

The rule is docs/decisions/0012-small-counts.md. Pages, maps, API, exports and the shell take their figures from here;
what computes (assignment, planning) takes them from `gis_service.registers.figures`. Every frame has two more columns:
`withheld`, the names of the columns that are NA because they are withheld, and `withheld_mark`, what is shown instead.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.access.suppression import suppress
from gis_service.areas.scope import townships_of
from gis_service.registers.figures import (
    beat_loads,
    coverage_of_areas,
    mismatches_of_areas,
    people_by_place,
    rentals_of_areas,
    residents_at,
)
from gis_service.registers.tables import MismatchClass
from gis_service.settings import Settings
from gis_service.texts import T

_OF_MIGRANTS = ("base", "load", "required", "short", "surplus", "posts_at_standard", "coverage", "numerator")
_OF_OFFICERS = ("officers_fte", "load", "short", "surplus", "coverage", "denominator")
_RENTAL_COUNTS = ("rentals", "residents", "group_rentals", "red_or_orange")
#: the one above several roots: who sees them added up has an equation more
_ALL = 0


def looks_across_townships(session: Session, scope: Scope) -> bool:
    """Say whether a reader with this scope sees figures outside of any one township's own view."""
    if scope.beat_ids is not None:
        return False  # an officer's own beats
    return scope.root_ids is None or len(townships_of(session, scope.root_ids, scope.day)) > 1


def mark(settings: Settings) -> str:
    """What stands for a withheld figure, the same for small ones and for those that would give them away."""
    return str(T("<{below}*", below=settings.suppress_below))


def published_coverage(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`coverage_of_areas` as the reader may see it; the status of a withheld row is `withheld`."""
    figures = coverage_of_areas(session, scope, settings)
    if not looks_across_townships(session, scope):
        return _all_shown(figures)
    hidden = _hidden(figures, ["migrants"], settings)["migrants"]
    telling = _telling_staff(people_by_place(session, scope), figures["parent_id"], hidden)
    figures["status"] = figures["status"].mask(hidden | telling, "withheld")
    gone = dict.fromkeys(("migrants", *_OF_MIGRANTS), hidden)
    for name in _OF_OFFICERS:
        gone[name] = gone.get(name, False) | telling
    return _withhold(figures, gone, settings)


def published_rentals(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`rentals_of_areas` as the reader may see it."""
    figures = rentals_of_areas(session, scope, settings)
    if not looks_across_townships(session, scope):
        return _all_shown(figures)
    return _withhold(figures, _hidden(figures, _RENTAL_COUNTS, settings), settings)


def published_mismatches(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`mismatches_of_areas` as the reader may see it; the classes of an area are shown or withheld together."""
    figures = mismatches_of_areas(session, scope)
    if not looks_across_townships(session, scope):
        return _all_shown(figures)
    classes = [kind.value for kind in MismatchClass]
    gone = _hidden(figures, ["mismatches"], settings)
    small = figures[classes].gt(0) & figures[classes].lt(settings.suppress_below)
    least = small.any(axis=1) | gone["mismatches"]
    # an area without mismatches has none of any class, and everybody can see that: it hides no other
    by_class = _closed(figures, "mismatches", least, settings, keep=figures.index[figures["mismatches"].eq(0)])
    return _withhold(figures, gone | dict.fromkeys(classes, by_class), settings)


def published_beat_loads(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`beat_loads` as the reader may see it: a beat that could give an area away, or a small one, is withheld."""
    loads = beat_loads(session, scope)
    if not looks_across_townships(session, scope):
        return _all_shown(loads)
    hidden_areas = _hidden(coverage_of_areas(session, scope, settings), ["migrants"], settings)["migrants"]
    people = people_by_place(session, scope).dropna(subset=["area_id", "beat_id"])
    touching = set(people.loc[people["area_id"].isin(hidden_areas.index[hidden_areas]), "beat_id"])
    small = set(loads.index[loads["migrants"].gt(0) & loads["migrants"].lt(settings.suppress_below)])
    shared = people.loc[people["beat_id"].isin(small), "area_id"]
    touching |= set(people.loc[people["area_id"].isin(shared), "beat_id"])
    gone = pd.Series(loads.index.isin(touching | small), index=loads.index)
    return _withhold(loads.astype({"migrants": "Int64"}), {"migrants": gone, "load": gone}, settings)


def published_residents(session: Session, scope: Scope, settings: Settings, address_id: int) -> int | str:
    """How many people are registered at one address, or the mark in place of a small number."""
    count = residents_at(session, scope, address_id)
    small = 0 < count < settings.suppress_below
    return mark(settings) if small and looks_across_townships(session, scope) else count


def _hidden(figures: pd.DataFrame, counts: Sequence[str], settings: Settings) -> dict[str, pd.Series]:
    """For each count the rows to withhold."""
    tree = _with_the_rest(figures, counts)
    shown = suppress(tree, settings.suppress_below, counts=[[name] for name in counts])
    return {name: (shown[name].isna() & tree[name].notna()).reindex(figures.index) for name in counts}


def _closed(
    figures: pd.DataFrame, total: str, least: pd.Series, settings: Settings, keep: Collection[int]
) -> pd.Series:
    """The rows of `least` and those without which they could be computed."""
    tree = _with_the_rest(figures, [total])
    tree["small"] = tree[total].mask(least.reindex(tree.index, fill_value=False), 1)
    shown = suppress(tree, max(settings.suppress_below, 2), counts=[[total, "small"]], keep=keep)
    return shown["small"].isna().reindex(figures.index)


def _with_the_rest(figures: pd.DataFrame, counts: Sequence[str]) -> pd.DataFrame:
    """The tree with all its equations.

    What an area counts itself, beside its children, is a child more (id below 0); and several roots that somebody may
    add up have a parent.
    """
    names = list(counts)
    tree = figures[["parent_id", *names]].copy()
    inside = tree["parent_id"].isin(tree.index)
    of_children = tree[inside].groupby("parent_id")[names].sum()
    rest = (tree.loc[of_children.index, names].fillna(0) - of_children).clip(lower=0)
    rest = rest[rest.gt(0).any(axis=1)]
    rest = rest.assign(parent_id=rest.index).set_axis(-rest.index.astype("int64"))
    roots = tree.index[~inside]
    parts = [tree, rest.astype(tree.dtypes.to_dict())]
    if len(roots) > 1:
        tree.loc[roots, "parent_id"] = _ALL
        whole = pd.DataFrame({"parent_id": pd.NA, **tree.loc[roots, names].sum().to_dict()}, index=[_ALL])
        parts.append(whole.astype(tree.dtypes.to_dict()))
    return pd.concat(parts)


def _telling_staff(people: pd.DataFrame, parents: pd.Series, hidden: pd.Series) -> pd.Series:
    """Areas whose share of an officer tells how migrants are spread inside a beat that holds a withheld area.

    An officer is split over the compounds of the beat by their migrants: a share that is neither none nor all of a beat
    is as good as the count.
    """
    parts = people.dropna(subset=["area_id", "beat_id"])[["beat_id", "area_id"]]
    beats = set(parts.loc[parts["area_id"].isin(hidden.index[hidden]), "beat_id"])
    step = parts[parts["beat_id"].isin(beats)].astype("Int64")
    size = step.groupby("beat_id").size()
    chain = []
    while len(step):
        chain.append(step)
        step = step.assign(area_id=step["area_id"].map(parents).astype("Int64")).dropna(subset=["area_id"])
    telling: set[int] = set()
    if chain:
        inside = pd.concat(chain).groupby(["beat_id", "area_id"]).size()
        partly = inside < size.reindex(inside.index.get_level_values("beat_id")).to_numpy()
        telling = set(inside.index.get_level_values("area_id")[partly])
    return pd.Series(hidden.index.isin(telling), index=hidden.index)


def _withhold(figures: pd.DataFrame, gone: dict[str, pd.Series], settings: Settings) -> pd.DataFrame:
    shown = figures.copy()
    for name, hidden in gone.items():
        shown[name] = figures[name].mask(hidden)
    flags = pd.DataFrame(gone, index=figures.index)
    names = [tuple(flags.columns[row]) for row in flags.to_numpy(dtype=bool)]
    shown["withheld"] = pd.Series(names, index=figures.index, dtype=object)
    shown["withheld_mark"] = pd.Series(mark(settings), index=figures.index, dtype=object).where(flags.any(axis=1), None)
    return shown


def _all_shown(figures: pd.DataFrame) -> pd.DataFrame:
    shown = figures.copy()
    shown["withheld"] = pd.Series([()] * len(figures), index=figures.index, dtype=object)
    shown["withheld_mark"] = pd.Series(None, index=figures.index, dtype=object)
    return shown
