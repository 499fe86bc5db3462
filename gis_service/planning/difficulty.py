"""How difficult each area is, from the figures on record, with every factor's share in it."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import area_names
from gis_service.planning.bases import same_day_before
from gis_service.registers.figures import coverage_of_areas, mismatches_of_areas, rentals_of_areas
from gis_service.registers.published import (
    published_counts,
    published_coverage,
    published_mismatches,
    published_rentals,
)
from gis_service.registers.tables import Registration
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import officers
from layers.coverage import roll_up
from layers.difficulty import FACTORS, difficulty, difficulty_multiplier, load_factor, staff_weakness

SENIOR_FROM_AGE = 50
"""domain.md, Difficulty: the share of officers over this age is half of staff weakness."""


def factors_of_areas(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """The factors of `layers.difficulty.FACTORS` per area in scope: index `area_id`, Float64, NA = no data.

    Churn is registrations and deregistrations of the last 365 days per registered migrant. Public-order cases are in no
    register of the service yet: unknown everywhere.
    """
    return _factors(
        session,
        scope,
        coverage_of_areas(session, scope, settings),
        rentals_of_areas(session, scope, settings),
        mismatches_of_areas(session, scope),
        _turnover(session, scope),
    )


def _factors(
    session: Session,
    scope: Scope,
    coverage: pd.DataFrame,
    rentals: pd.DataFrame,
    mismatches: pd.DataFrame,
    events: pd.Series,
) -> pd.DataFrame:
    migrants = coverage["migrants"].astype("Float64")
    let = rentals["rentals"].astype("Float64")
    factors = pd.DataFrame(index=coverage.index)
    factors["load"] = load_factor(coverage)
    factors["churn"] = events.astype("Float64") / migrants.where(migrants > 0)
    factors["group_rental_share"] = rentals["group_rentals"].astype("Float64") / let.where(let > 0)
    factors["high_risk_rental_share"] = rentals["red_or_orange"].astype("Float64") / let.where(let > 0)
    factors["mismatch_rate"] = mismatches["mismatches"].astype("Float64") / migrants.where(migrants > 0)
    factors["public_order_cases"] = pd.Series(pd.NA, index=coverage.index, dtype="Float64")
    factors["staff_weakness"] = staff_weakness(coverage["coverage"], _share_over_50(session, scope))
    return factors[list(FACTORS)]


def difficulty_of_areas(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Difficulty of every area among those of its own level: `area_names`, the factors, and what they contribute.

    Returns
    -------
    Index `area_id`: `score` (0-100), `known` (share), `contribution_<factor>` in points, `multiplier` (what demand is
    multiplied by; 1 where nothing is known).
    """
    return _scored(area_names(session, scope), factors_of_areas(session, scope, settings), settings)


def published_difficulty(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """`difficulty_of_areas` computed from what the reader may see: a factor of a withheld count is unknown."""
    factors = _factors(
        session,
        scope,
        published_coverage(session, scope, settings),
        published_rentals(session, scope, settings),
        published_mismatches(session, scope, settings),
        published_counts(session, scope, settings, _turnover(session, scope).to_frame("events"))["events"],
    )
    return _scored(area_names(session, scope), factors, settings)


def _scored(names: pd.DataFrame, factors: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    weights, method = settings.difficulty_weights, settings.difficulty_method
    levels = list(names.groupby("level").groups.values()) or [names.index]
    scored = pd.concat(difficulty(factors.loc[of_level], weights=weights, method=method) for of_level in levels)
    multiplier = difficulty_multiplier(
        scored["score"], low=settings.difficulty_multiplier_low, high=settings.difficulty_multiplier_high
    )
    return names.join(factors).join(scored).assign(multiplier=multiplier.reindex(names.index).fillna(1.0))


def _turnover(session: Session, scope: Scope) -> pd.Series:
    """Registrations and deregistrations of the last 365 days per area, added up the tree."""
    since = scope.day - timedelta(days=365)

    begun = and_(Registration.registered_on > since, Registration.registered_on <= scope.day)
    ended = and_(Registration.deregistered_on > since, Registration.deregistered_on <= scope.day)
    events = case((begun, 1), else_=0) + case((ended, 1), else_=0)
    query = (
        select(Placement.home_area_id.label("area_id"), func.sum(events).label("events"))
        .join(Registration, Registration.address_id == Placement.address_id)
        .where(
            Placement.valid_on(scope.day),
            placement_in_scope(scope),
            or_(Registration.registered_on > since, Registration.deregistered_on > since),
        )
        .group_by(Placement.home_area_id)
    )
    found = read_frame(session, query, dtypes={"area_id": "Int64", "events": "Float64"}).dropna(subset=["area_id"])
    return _added_up(session, scope, found.set_index("area_id")["events"])


def _share_over_50(session: Session, scope: Scope) -> pd.Series:
    """Share of officers over 50 per area: of those posted in it or below; NA where nobody is posted."""
    staff = officers(session, scope)
    staff = staff[~staff.index.duplicated()].dropna(subset=["birth_date"])
    born_before: date = same_day_before(scope.day, SENIOR_FROM_AGE)
    senior = staff["birth_date"].map(lambda born: born < born_before).astype("float64")
    by_area = pd.DataFrame({"senior": senior.groupby(staff["area_id"]).sum(), "all": staff.groupby("area_id").size()})
    senior_up = _added_up(session, scope, by_area["senior"].astype("Float64"))
    all_up = _added_up(session, scope, by_area["all"].astype("Float64"))
    return (senior_up / all_up.where(all_up > 0)).astype("Float64")


def _added_up(session: Session, scope: Scope, own: pd.Series) -> pd.Series:
    tree = area_names(session, scope)
    parents = tree["parent_id"].where(tree["parent_id"].isin(tree.index))
    column = own.rename("own").reindex(tree.index).fillna(0.0).astype("Float64")
    return roll_up(column.to_frame(), parents)["own"]
