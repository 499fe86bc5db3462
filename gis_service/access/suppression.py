"""Small counts that must not leave a township's own view, and the other cells that would give them away.

A count of 1 to `below` - 1 is hidden (primary suppression). Counts add up the area tree, so a parent's total minus the
children that are shown would give a single hidden child away: then another cell is hidden too (complementary
suppression), until nobody can compute a hidden cell.

The tree of areas makes this exact. Every parent is an equation: total = sum of the children. A cell takes part in at
most two equations, and the equations form a tree; there no hidden cell is determined as long as every equation has none
or at least two hidden cells. On top of that a group of hidden cells must be able to share its sum in more than one way
when each of them is at least 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def suppress(
    figures: pd.DataFrame,
    below: int,
    *,
    counts: Sequence[Sequence[str]],
    derived: Mapping[str, Collection[str]] | None = None,
    keep: Iterable[int] = (),
) -> pd.DataFrame:
    """Hide small counts, what gives them away, and what was computed from them.

    Parameters
    ----------
    figures
        One row an area: index `area_id`, column `parent_id` (Int64; NA, or an area that is not there, for the top),
        count columns (Int64; NA = no data).
    below
        Counts from 1 to `below` - 1 are hidden (`settings.suppress_below`); 0 or 1 hides nothing. Zeros are shown.
    counts
        Groups of count columns. Columns of one group add up to each other (a total first, then its parts) and are
        hidden together; independent columns are groups of one.
    derived
        Columns computed from counts (a rate, a load): hidden where one of the counts that they name is.
    keep
        Areas whose figures the reader has anyway: the reader's own township.

    Returns
    -------
    A copy; what is hidden is NA, and the boolean column `suppressed` says in which rows (NA alone may be "no data").
    """
    shown = figures.copy()
    shown["suppressed"] = False
    if below <= 1:
        return shown
    tree = _Tree.of(figures, keep)
    hidden_of: dict[str, Flags] = {}
    for group in counts:
        values = [figures[column].fillna(0).to_numpy(dtype="int64") for column in group]
        primary = np.logical_or.reduce([(value > 0) & (value < below) for value in values])
        hidden = tree.complete(primary & ~tree.kept, values[0])
        hidden_of |= dict.fromkeys(group, hidden)
    for column, sources in (derived or {}).items():
        hidden_of[column] = np.logical_or.reduce([hidden_of[source] for source in sources])
    for column, hidden in hidden_of.items():
        shown[column] = figures[column].mask(hidden)
        shown["suppressed"] |= hidden
    return shown


@dataclass(frozen=True)
class _Tree:
    """Areas by position: `parent` (-1 at the top), `children` by parent, and whether a cell is known anyway."""

    parent: Numbers
    children: dict[int, Numbers]
    kept: Flags
    order: Numbers

    @classmethod
    def of(cls, figures: pd.DataFrame, keep: Iterable[int]) -> _Tree:
        positions = pd.Series(np.arange(len(figures)), index=figures.index)
        parent = figures["parent_id"].map(positions).fillna(-1).to_numpy(dtype="int64")
        children = {
            int(position): np.flatnonzero(parent == position) for position in np.unique(parent) if position >= 0
        }
        kept = figures.index.isin(list(keep))
        return cls(parent, children, kept, _leaves_first(parent))

    def complete(self, primary: Flags, values: Numbers) -> Flags:
        """Hide more cells until no hidden one can be computed from what is shown."""
        hidden = primary.copy()
        done = False
        while not done:
            done = True
            for further in self._exposed(hidden, values):
                hidden[further], done = True, False
        return hidden

    def _exposed(self, hidden: Flags, values: Numbers) -> Iterator[int]:
        """Positions to hide because an equation would give a hidden cell away."""
        least = self._least(hidden, values)
        concerned = np.unique(np.concatenate([self.parent[hidden], np.flatnonzero(hidden)]))
        for parent in concerned.tolist():  # an equation without a hidden cell gives nothing away
            children = self.children.get(parent)
            if children is None:
                continue
            concealed = children[hidden[children]]
            cells = len(concealed) + int(hidden[parent])
            fixed = not hidden[parent] and values[concealed].sum() <= least[concealed].sum()
            if cells == 1 or (cells > 1 and fixed):
                further = self._cheapest(parent, children, hidden, values)
                if further is not None:
                    yield further

    def _cheapest(self, parent: int, children: Numbers, hidden: Flags, values: Numbers) -> int | None:
        """The next cell to hide in one equation: the smallest sibling above 0, else the parent, else a sibling of 0."""
        free = children[~hidden[children] & ~self.kept[children]]
        positive = free[values[free] > 0]
        if positive.size:
            return int(positive[np.argmin(values[positive])])
        if not hidden[parent] and not self.kept[parent]:
            return parent
        return int(free[0]) if free.size else None

    def _least(self, hidden: Flags, values: Numbers) -> Numbers:
        """The least that each cell can be for somebody who sees the rest: 1, or what the children make up."""
        least = np.where(hidden, np.minimum(values, 1), values)
        for position in self.order:
            if hidden[position] and position in self.children:
                least[position] = max(int(least[position]), int(least[self.children[position]].sum()))
        return least


def _leaves_first(parent: Numbers) -> Numbers:
    depth = np.zeros(len(parent), dtype="int64")
    above = parent.copy()
    while (alive := above >= 0).any():
        depth[alive] += 1
        above[alive] = parent[above[alive]]
    return np.argsort(-depth, kind="stable")
