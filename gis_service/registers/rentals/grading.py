"""Grading rentals by the rules in force: every rental in scope at once, with the reasons of each grade kept."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.registers.rentals.queries import rectification_counts, rental_in_scope
from gis_service.registers.rentals.rule_sets import RulesSaid, rules_on
from gis_service.registers.rentals.tables import RentalGrading
from gis_service.registers.tables import Rental, RentalGrade
from gis_service.storage.bulk import insert_frame, update_frame
from gis_service.storage.engine import transaction
from gis_service.storage.frames import read_frame
from gis_service.teams.scope import scope_of
from layers.rental_grades import grade, per_person


def grade_rentals(engine: Engine, viewer: Viewer, *, today: date) -> dict[str, int]:
    """Grade every rental let in the viewer's part of the district; returns how many have each grade, and `changed`.

    A grading is kept for each rental whose grade, score or rules differ from its last one; grading again changes
    nothing.
    """
    viewer.require(Permission.KEEP_RENTALS)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, today)
        number, rules = rules_on(session, today)
        rentals, graded = _graded(session, scope, rules)
        fresh = graded[_differs(session, graded, number)]
        counts = graded["grade"].value_counts()
        outcome = {each.value: int(counts.get(each.value, 0)) for each in RentalGrade} | {"changed": len(fresh)}
        if len(fresh):
            moved = rentals.loc[fresh.index, "grade"].ne(fresh["grade"])
            update_frame(session, Rental, fresh.loc[moved, ["grade"]].rename_axis("id").reset_index())
            insert_frame(
                session,
                RentalGrading,
                pd.DataFrame(
                    {
                        "rental_id": fresh.index,
                        "graded_on": pd.Timestamp(today),
                        "rule_set": number,
                        "grade_before": rentals.loc[fresh.index, "grade"].to_numpy(),
                        "grade": fresh["grade"].to_numpy(),
                        "score": fresh["score"].to_numpy(),
                        "contributions": fresh["contributions"].to_numpy(),
                        "actor": viewer.name[:100],
                    }
                ),
            )
            record(session, viewer, "grade_rentals", "rental_rule_set", number, after=outcome)
    return outcome


def _graded(session: Session, scope: Scope, rules: RulesSaid) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rentals in scope, and for each its score, grade and contributions."""
    query = rental_in_scope(scope).add_columns(
        Rental.id.label("rental_id"),
        Rental.rooms,
        Rental.beds,
        Rental.usable_area_m2,
        Rental.residents,
        Rental.grade,
    )
    rentals = read_frame(session, query, dtypes={"usable_area_m2": "Float64"}, index="rental_id")
    waiting = rectification_counts(session, scope).reindex(rentals.index).fillna(0).astype("int64")
    factors = rentals.join(per_person(rentals)).join(waiting)
    graded, points = grade(factors, rules.as_rules, rules.edges)
    reasons: dict[int, list[dict[str, object]]] = {rental_id: [] for rental_id in rentals.index}
    for position, rule in enumerate(rules.rules):
        held = points.index[points[position] > 0]
        values = factors.loc[held, rule.factor].astype("float64").round(2)
        for rental_id, value in zip(held, values, strict=True):
            reasons[rental_id].append({"rule": rule.label, "value": float(value), "points": rule.points})
    graded["contributions"] = pd.Series(reasons, dtype="object").reindex(graded.index)
    return rentals, graded


def _differs(session: Session, graded: pd.DataFrame, number: int) -> pd.Series:
    newest = select(func.max(RentalGrading.id)).group_by(RentalGrading.rental_id)
    query = select(RentalGrading.rental_id, RentalGrading.grade, RentalGrading.score, RentalGrading.rule_set).where(
        RentalGrading.id.in_(newest)
    )
    last = read_frame(session, query, index="rental_id").reindex(graded.index)
    same = last["grade"].eq(graded["grade"]) & last["score"].eq(graded["score"]) & last["rule_set"].eq(number)
    return ~same.fillna(value=False).astype(bool)
