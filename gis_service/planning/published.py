"""Posts and difficulty as their reader may see them (docs/decisions/0012-small-counts.md)."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.planning.bases import Base
from gis_service.planning.difficulty import published_difficulty
from gis_service.planning.posts import PostsAsked, PostsProposal, propose_posts
from gis_service.planning.staffing import TODAY_BY_BASE, StaffingAsked, staffing
from gis_service.registers.published import published_coverage
from gis_service.registers.withholding import all_shown, hidden_counts, looks_across_townships, withhold
from gis_service.settings import Settings

_OF_MIGRANTS = (
    "migrants", "base", "load", "required", "short", "surplus", "posts_at_standard", "coverage", "numerator",
    "allotted", "social", "police", "missing", "district_pays", "township_pays",
)  # fmt: skip
_OF_OFFICERS = ("officers_fte", "load", "short", "surplus", "coverage", "denominator", "missing")
_OF_DEMAND = ("demand", "load_before", "load_after")


def published_staffing(
    session: Session, scope: Scope, settings: Settings, asked: StaffingAsked = TODAY_BY_BASE
) -> pd.DataFrame:
    """`staffing` as the reader may see it; posts were handed out on exact figures."""
    found = staffing(session, scope, settings, asked)
    if not looks_across_townships(session, scope):
        return all_shown(found)
    hidden, telling = _withheld(session, scope, settings, found, asked.base)
    hard = published_difficulty(session, scope, settings)
    found["difficulty"], found["multiplier"] = hard["score"], hard["multiplier"]
    found["status"] = found["status"].mask(hidden | telling, "withheld")
    gone = dict.fromkeys(_OF_MIGRANTS, hidden)
    for name in _OF_OFFICERS:
        gone[name] = gone.get(name, False) | telling
    return withhold(found, gone)


def published_proposal(session: Session, scope: Scope, settings: Settings, asked: PostsAsked) -> PostsProposal:
    """`propose_posts` as the reader may see it: without the demand, and the loads, of areas that are withheld."""
    proposal = propose_posts(session, scope, settings, asked)
    if not looks_across_townships(session, scope):
        return replace(proposal, rows=all_shown(proposal.rows))
    found = staffing(session, scope, settings, StaffingAsked(asked.base))
    hidden, _telling = _withheld(session, scope, settings, found, asked.base)
    rows = proposal.rows.astype({"demand": "Int64"})
    return replace(proposal, rows=withhold(rows, dict.fromkeys(_OF_DEMAND, hidden.loc[rows.index])))


def _withheld(
    session: Session, scope: Scope, settings: Settings, found: pd.DataFrame, base: Base
) -> tuple[pd.Series, pd.Series]:
    """The areas whose people are withheld, and those whose officers are."""
    names = published_coverage(session, scope, settings)["withheld"]
    hidden, telling = (names.map(lambda gone, of=of: of in gone).astype(bool) for of in ("migrants", "officers_fte"))
    if base is Base.THREE_YEARS:
        counted = found.assign(base=found["base"].round().astype("Int64"))
        hidden |= hidden_counts(counted, ["base"], settings)["base"]
    return hidden, telling
