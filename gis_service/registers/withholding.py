"""Withholding small counts from whoever looks across townships: who that is, what goes, and what stands instead.

The rule is docs/decisions/0012-small-counts.md; the arithmetic is `gis_service.access.suppression`. What a feature
publishes is in its own `published.py`; every frame of those has two more columns: `withheld`, the names of the columns
that are NA because they are withheld, and `withheld_mark`, what is shown instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from typing import TypeVar

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.access.suppression import suppress
from gis_service.areas.scope import townships_of
from gis_service.settings import Settings
from gis_service.texts import T

Counts = TypeVar("Counts", pd.Series, pd.DataFrame)

#: the one above several roots: who sees them added up has an equation more
_ALL = 0
#: the parent of none
_NOWHERE = -1


def looks_across_townships(session: Session, scope: Scope) -> bool:
    """Say whether a reader with this scope sees figures outside of any one township's own view."""
    if scope.beat_ids is not None:
        return False  # an officer's own beats
    return scope.root_ids is None or len(townships_of(session, scope.root_ids, scope.day)) > 1


def mark() -> str:
    """What stands for a withheld figure: nothing of its size, since large ones go that tell of small ones."""
    return str(T("withheld*"))


def is_small(counts: Counts, settings: Settings) -> Counts:
    """Where a count (or by how much one changes) is from 1 to `suppress_below` - 1."""
    size = counts.abs()
    return (size.gt(0) & size.lt(settings.suppress_below)).fillna(value=False).astype(bool)


def any_small(counts: pd.DataFrame, settings: Settings) -> bool:
    """Say whether one of these counts is small: a table without a tree is shown as a whole or withheld as a whole."""
    return bool(is_small(counts, settings).to_numpy().any())


def hidden_counts(figures: pd.DataFrame, counts: Sequence[str], settings: Settings) -> dict[str, pd.Series]:
    """For each count of a tree of areas (`parent_id`) the rows to withhold, each count by itself."""
    tree = _with_the_rest(figures, counts)
    shown = suppress(tree, settings.suppress_below, counts=[[name] for name in counts])
    return {name: (shown[name].isna() & tree[name].notna()).reindex(figures.index) for name in counts}


def hidden_together(
    figures: pd.DataFrame, total: str, least: pd.Series, settings: Settings, keep: Collection[int] = ()
) -> pd.Series:
    """The rows of `least` and those without which the parts of `total` there could be computed."""
    if not least.any():
        return least
    tree = _with_the_rest(figures, [total])
    tree["small"] = tree[total].mask(least.reindex(tree.index, fill_value=False), 1)
    shown = suppress(tree, max(settings.suppress_below, 2), counts=[[total, "small"]], keep=keep)
    return shown["small"].isna().reindex(figures.index)


def withhold(figures: pd.DataFrame, gone: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The figures without the cells of `gone` (column → rows), with `withheld` and `withheld_mark`."""
    shown = figures.copy()
    for name, hidden in gone.items():
        shown[name] = figures[name].mask(hidden)
    flags = pd.DataFrame(dict(gone), index=figures.index)
    kinds, kind = np.unique(flags.to_numpy(dtype=bool), axis=0, return_inverse=True)
    names = [tuple(compress(flags.columns, each)) for each in kinds]
    shown["withheld"] = pd.Series([names[each] for each in kind], index=figures.index, dtype=object)
    shown["withheld_mark"] = pd.Series(mark(), index=figures.index, dtype=object).where(flags.any(axis=1), None)
    return shown


def all_shown(figures: pd.DataFrame) -> pd.DataFrame:
    """The figures as they are, with `withheld` and `withheld_mark` that withhold nothing."""
    shown = figures.copy()
    shown["withheld"] = pd.Series([()] * len(figures), index=figures.index, dtype=object)
    shown["withheld_mark"] = pd.Series(None, index=figures.index, dtype=object)
    return shown


def _with_the_rest(figures: pd.DataFrame, counts: Sequence[str]) -> pd.DataFrame:
    """The tree with all its equations.

    What an area counts itself, beside its children, is a child more (id below 0); and several roots that somebody may
    add up have a parent.
    """
    names = list(counts)
    tree = figures[["parent_id", *names]].copy()
    above = tree.index.get_indexer(pd.Index(tree["parent_id"].fillna(_NOWHERE)))
    inside = np.flatnonzero(above >= 0)
    rest = tree[names].to_numpy(dtype=np.int64, na_value=0)
    counted = rest.copy()
    np.subtract.at(rest, above[inside], counted[inside])
    has_children = np.isin(np.arange(len(tree)), above[inside])
    own = np.flatnonzero((rest > 0).any(axis=1) & has_children)
    besides = {name: rest[own, place].clip(min=0) for place, name in enumerate(names)}
    beside = pd.DataFrame({"parent_id": tree.index[own], **besides}, index=-tree.index[own].astype("int64"))
    roots = tree.index[above < 0]
    parts = [tree, beside.astype(tree.dtypes.to_dict())]
    if len(roots) > 1:
        tree.loc[roots, "parent_id"] = _ALL
        whole = pd.DataFrame({"parent_id": pd.NA, **tree.loc[roots, names].sum().to_dict()}, index=[_ALL])
        parts.append(whole.astype(tree.dtypes.to_dict()))
    return pd.concat(parts)
