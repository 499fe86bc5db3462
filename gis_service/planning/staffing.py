"""Posts required per area at every level, what is short, on which side they are, and who pays for what is short."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.tables import AreaLevel
from gis_service.planning.bases import Base, three_year_average
from gis_service.planning.difficulty import difficulty_of_areas
from gis_service.registers.figures import population
from gis_service.settings import Settings
from gis_service.texts import T
from layers.apportion import apportion_tree
from layers.coverage import coverage, roll_up
from layers.payers import who_pays


@dataclass(frozen=True)
class StaffingAsked:
    """How posts are counted, placed and paid.

    Attributes
    ----------
    base
        What posts are counted on.
    weighted
        Place the required posts by base times difficulty instead of by base alone; their total stays.
    recruits
        Posts that the district pays this year; they go to the townships with the worst difficulty-weighted shortfall.
    """

    base: Base = Base.TODAY
    weighted: bool = False
    recruits: int = 0


TODAY_BY_BASE: Final = StaffingAsked()


def staffing(session: Session, scope: Scope, settings: Settings, asked: StaffingAsked = TODAY_BY_BASE) -> pd.DataFrame:
    """Posts of every area in scope.

    Returns
    -------
    Index `area_id`, `area_names` with the columns of `layers.coverage.coverage` (`required` = ceil(base ÷ standard) of
    the area by itself) and

    - `allotted`: whole posts of the total required, so that children add up to their parent at every level;
      `social` and `police`: its two sides, which add up too
    - `difficulty` (0-100, NA = unknown) and `multiplier`
    - `missing`: whole posts short; for townships and parks of that level `district_pays` and `township_pays` of it,
      else NA.
    """
    people = population(session, scope)
    tree = people[["code", "name", "level", "kind", "parent_id"]]
    parents = tree["parent_id"].where(tree["parent_id"].isin(tree.index))
    counted = people[["migrants", "officers_fte"]].copy()
    if asked.base is Base.THREE_YEARS:
        own = three_year_average(session, scope).reindex(tree.index)
        is_leaf = ~pd.Series(tree.index.isin(parents.dropna().unique()), index=tree.index)
        own = own.mask(own.isna() & is_leaf & people["migrants"].notna(), 0.0)
        counted["base"] = roll_up(own.astype("Float64").to_frame("base"), parents)["base"]
    figures = coverage(
        counted,
        standard=settings.persons_per_officer,
        as_of=scope.day,
        source=str(T("registrations, postings, beats")),
    )
    hard = difficulty_of_areas(session, scope, settings)
    found = tree.join(figures)
    found["difficulty"], found["multiplier"] = hard["score"], hard["multiplier"]
    claims = found["base"] * (found["multiplier"] if asked.weighted else 1.0)
    for name, posts in _allotted(found, claims, parents, settings.social_work_share).items():
        found[name] = posts
    lacking = np.ceil(found["short"].to_numpy(dtype=float, na_value=np.nan).round(6))
    found["missing"] = pd.Series(lacking, index=found.index, dtype="Float64").astype("Int64")
    return found.join(_paid(found[found["level"].eq(AreaLevel.TOWNSHIP)], asked.recruits))


def _paid(payers: pd.DataFrame, recruits: int) -> pd.DataFrame:
    """`district_pays` and `township_pays` (Int64) of the posts `missing` of each payer (town, subdistrict, park)."""
    missing = payers["missing"].fillna(0).astype("int64")
    paid = who_pays(missing, missing * 0, recruits, difficulty=payers["multiplier"].astype("float64").fillna(1.0))
    return paid[["district", "own"]].set_axis(["district_pays", "township_pays"], axis="columns")


def _allotted(found: pd.DataFrame, claims: pd.Series, parents: pd.Series, social_share: float) -> dict[str, pd.Series]:
    """Whole posts that add up at every level, and their two sides."""
    roots = found.index[parents.isna()]
    total = int(found.loc[roots, "required"].sum())
    is_leaf = ~found.index.isin(parents.dropna().unique())
    weights = claims[is_leaf & claims.notna().to_numpy(dtype=bool)].astype("float64")
    if not total or not weights.sum():
        nothing = pd.Series(0, index=found.index, dtype="Int64")
        return {"allotted": nothing, "social": nothing, "police": nothing}
    posts = apportion_tree(total, weights, parents)
    at_leaves = posts[is_leaf].astype("int64")
    social = apportion_tree(math.floor(total * social_share + 0.5), at_leaves, parents)
    return {"allotted": posts, "social": social, "police": (posts - social).astype("Int64")}
