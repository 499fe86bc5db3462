"""How far the villages are, as the reader may see it (docs/decisions/0012-small-counts.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaLevel
from gis_service.registers.figures import UNSETTLED
from gis_service.registers.mismatches.states import SETTLED
from gis_service.registers.published import published_mismatches
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.queries import progress
from gis_service.registers.withholding import (
    all_shown,
    hidden_counts,
    hidden_together,
    is_small,
    looks_across_townships,
    withhold,
)
from gis_service.settings import Settings

#: the row of all villages together, above townships and villages
ALL: Final = 0
_WAITING_STATES = [state.value for state in UNSETTLED]
_SETTLED_STATES = sorted(state.value for state in SETTLED)
_STATES = [*_WAITING_STATES, *_SETTLED_STATES]
_ADDED_UP = [*_STATES, "waiting", "settled", "found"]


@dataclass(frozen=True)
class QuarterFigures:
    """Villages as in `progress`; townships (`code`, `name`, counts, `share_settled`), where there are several; all."""

    villages: pd.DataFrame
    townships: pd.DataFrame
    total: pd.DataFrame


def published_progress(
    session: Session, scope: Scope, settings: Settings, quarter: Quarter, area_id: int | None = None
) -> pd.DataFrame:
    """`progress` as the reader may see it, with `withheld` and `withheld_mark`."""
    if not looks_across_townships(session, scope):
        return all_shown(progress(session, scope, quarter, area_id))
    villages = published_quarter(session, scope, settings, quarter).villages
    if area_id is None:
        return villages
    return villages.loc[area_names(session, scope, levels=[AreaLevel.VILLAGE], within=area_id).index]


def published_quarter(session: Session, scope: Scope, settings: Settings, quarter: Quarter) -> QuarterFigures:
    """The villages of a quarter, their townships and all together, as the reader may see them."""
    villages = progress(session, scope, quarter)
    villages = villages.assign(waiting=villages[_WAITING_STATES].sum(axis=1))
    townships = area_names(session, scope, levels=[AreaLevel.TOWNSHIP])[["code", "name"]]
    tree = tree_of(villages, townships)
    if not looks_across_townships(session, scope):
        return QuarterFigures(all_shown(villages), all_shown(tree.loc[[]]), all_shown(tree.loc[[ALL]]))
    elsewhere = published_mismatches(session, scope, settings)["mismatches"].isna()
    gone = hidden_cells(tree, elsewhere.reindex(tree.index, fill_value=False), settings)
    own = {name: rows.loc[villages.index] for name, rows in gone.items()}
    own |= hidden_counts(villages, ["previous_found"], settings)
    counted = dict.fromkeys(_ADDED_UP, "Int64")
    above = withhold(tree.astype(counted), gone)
    return QuarterFigures(withhold(villages.astype(counted), own), above.loc[townships.index], above.loc[[ALL]])


def tree_of(villages: pd.DataFrame, townships: pd.DataFrame) -> pd.DataFrame:
    """Villages under townships under `ALL`: index the area; `parent_id`, `code`, `name`, counts, `share_settled`.

    A village of which the township is not there is under `ALL` itself.
    """
    parents = villages["parent_id"].where(villages["parent_id"].isin(townships.index), ALL)
    counts = villages[_ADDED_UP].astype("int64")
    sums = counts.groupby(parents).sum().reindex(townships.index, fill_value=0)
    tree = pd.concat([counts.assign(parent_id=parents), sums.assign(parent_id=ALL)])
    tree.loc[ALL, _ADDED_UP] = counts.sum()
    named = pd.concat([villages[["code", "name"]], townships])
    tree = tree.astype(dict.fromkeys(_ADDED_UP, "int64") | {"parent_id": "Int64"}).join(named)
    found = tree["found"].astype("Float64")
    return tree.assign(share_settled=tree["settled"].astype("Float64") / found.where(found > 0))


def hidden_cells(tree: pd.DataFrame, elsewhere: pd.Series, settings: Settings) -> dict[str, pd.Series]:
    """The rows to withhold, by column of `tree_of`.

    What waits and what is settled are two counts, each protected for itself over the tree; what was found is their sum,
    and goes when one of them goes. The states of each go together. `elsewhere`: where the number that waits is withheld
    on other pages; what is withheld there, of the same mismatches, is not shown here.
    """
    waiting = _with_parts(tree, ["waiting"], elsewhere, settings)
    settled = hidden_counts(tree, ["settled"], settings)["settled"]
    gone = {"waiting": waiting, "settled": settled}
    gone |= dict.fromkeys(("found", "share_settled"), waiting | settled)
    gone |= dict.fromkeys(_WAITING_STATES, _with_parts(tree, ["waiting", *_WAITING_STATES], waiting, settings))
    return gone | dict.fromkeys(_SETTLED_STATES, _with_parts(tree, ["settled", *_SETTLED_STATES], settled, settings))


def _with_parts(tree: pd.DataFrame, counts: list[str], gone: pd.Series, settings: Settings) -> pd.Series:
    """The rows where one of `counts`, of which the first is the total, is small or gone, and their complements."""
    least = is_small(tree[counts], settings).any(axis=1) | gone
    # an area without any has none of any state, and everybody can see that: it hides no other
    return hidden_together(tree, counts[0], least, settings, keep=tree.index[tree[counts[0]].eq(0)])


def marked_total(figures: QuarterFigures) -> dict[str, Any]:
    """All villages together, the mark in place of what is withheld."""
    row = figures.total.iloc[0]
    return {name: row["withheld_mark"] if name in row["withheld"] else int(row[name]) for name in _ADDED_UP}
