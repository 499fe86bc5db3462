"""Reads of the quarter: how far each village is, what belongs to one, and how it compares with the last."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, undefer

from gis_service.access.scope import Scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.queries import area_names
from gis_service.areas.scope import area_in_scope, subtree
from gis_service.areas.tables import AreaLevel, AreaVersion
from gis_service.errors import NotFoundError
from gis_service.registers.mismatches.states import SETTLED
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.tables import QuarterState, ReconciledItem, Reconciliation
from gis_service.registers.tables import Mismatch, MismatchState
from gis_service.storage.frames import read_frame
from gis_service.texts import T

ITEM_COLUMNS = ("source_key", "mismatch_class", "at_register", "field", "state", "address", "found_on", "due_on")
_SETTLED = frozenset(state.value for state in SETTLED)


def _of_quarter(quarter: Quarter, day: date) -> Select[*tuple[Any, ...]]:
    """The mismatches of a quarter: found by its end, and not settled before it began."""
    return (
        select(
            Mismatch.id.label("mismatch_id"),
            func.coalesce(Placement.home_area_id, Mismatch.village_id).label("area_id"),
            Mismatch.source_key,
            Mismatch.mismatch_class,
            Mismatch.at_register,
            Mismatch.field,
            Mismatch.state,
            Address.text.label("address"),
            Mismatch.found_on,
            Mismatch.due_on,
        )
        .select_from(Mismatch)
        .outerjoin(Placement, and_(Placement.address_id == Mismatch.address_id, Placement.valid_on(day)))
        .outerjoin(Address, Address.id == Mismatch.address_id)
        .where(
            Mismatch.found_on <= quarter.last,
            or_(
                Mismatch.state.not_in(_SETTLED),
                Mismatch.settled_at >= quarter.first,
                and_(
                    Mismatch.settled_at.is_(None),
                    func.coalesce(Mismatch.last_found_on, Mismatch.found_on) >= quarter.first,
                ),
            ),
        )
    )


def items_of_village(session: Session, village_id: int, quarter: Quarter, day: date) -> pd.DataFrame:
    """The mismatches of a village in a quarter, as they stand: index `mismatch_id`; `ITEM_COLUMNS`, by key."""
    inside = subtree([village_id], day)
    query = _of_quarter(quarter, day).where(
        or_(Placement.home_area_id.in_(inside), and_(Placement.id.is_(None), Mismatch.village_id == village_id))
    )
    frame = read_frame(session, query.order_by(Mismatch.source_key), index="mismatch_id")
    return frame[list(ITEM_COLUMNS)]


def digest_of(items: pd.DataFrame) -> str:
    """Fingerprint of mismatches and their states: two signatures are given to the same thing."""
    lines = sorted(f"{key} {state}" for key, state in zip(items["source_key"], items["state"], strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def progress(session: Session, scope: Scope, quarter: Quarter, area_id: int | None = None) -> pd.DataFrame:
    """How far each village in scope is, ordered by code.

    Returns
    -------
    Index `village_id`; `code`, `name`, `parent_id`, `reconciliation_id` and `state` (NA, None where it has not been
    opened), `due_on`, `is_overdue`, who signed, `found` (mismatches of the quarter), one column for each
    `MismatchState`, `settled`, `share_settled` (Float64, 1 where nothing was found by a matching, NA without one),
    `previous_found` (of the quarter before, NA where it was not closed).
    """
    villages = area_names(session, scope, levels=[AreaLevel.VILLAGE], within=area_id)
    opened = select(
        Reconciliation.village_id,
        Reconciliation.id.label("reconciliation_id"),
        Reconciliation.state,
        Reconciliation.due_on,
        Reconciliation.matched_at,
        Reconciliation.police_signed_by,
        Reconciliation.village_signed_by,
        Reconciliation.closed_at,
    ).where(Reconciliation.quarter == str(quarter))
    rows = read_frame(session, opened, dtypes={"reconciliation_id": "Int64"}, index="village_id")
    counts = _counts(session, scope, quarter)
    frame = villages[["code", "name", "parent_id"]].join(rows).join(counts)
    for column in ("found", *(state.value for state in MismatchState)):
        frame[column] = frame[column].fillna(0).astype("int64")
    _frozen(session, frame)
    frame["settled"] = frame[sorted(_SETTLED)].sum(axis=1)
    found = frame["found"].astype("Float64")
    share = (frame["settled"].astype("Float64") / found.where(found > 0)).fillna(1.0)
    frame["share_settled"] = share.where(frame["matched_at"].notna())
    waits = frame["state"].notna() & frame["state"].ne(QuarterState.CLOSED.value)
    late = pd.Series(
        [due is not None and due < scope.day for due in frame["due_on"].where(frame["due_on"].notna(), None)],
        index=frame.index,
    )
    frame["is_overdue"] = (waits & late).astype(bool)
    frame["previous_found"] = previous_counts(session, quarter)["found"].reindex(frame.index).astype("Int64")
    return frame.rename_axis("village_id")


def _counts(session: Session, scope: Scope, quarter: Quarter) -> pd.DataFrame:
    """Mismatches of the quarter by village and state."""
    places = _of_quarter(quarter, scope.day).subquery()
    query = select(places.c.area_id, places.c.state, func.count().label("count")).group_by(
        places.c.area_id, places.c.state
    )
    rows = read_frame(session, query, dtypes={"area_id": "Int64"}).dropna(subset=["area_id"])
    tree = area_names(session, Scope(scope.day, None), levels=[AreaLevel.VILLAGE, AreaLevel.COMPOUND])
    village = tree["parent_id"].where(tree["level"].eq(AreaLevel.COMPOUND), pd.Series(tree.index, index=tree.index))
    rows["village_id"] = rows["area_id"].map(village).astype("Int64")
    wide = rows.pivot_table(index="village_id", columns="state", values="count", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=[state.value for state in MismatchState], fill_value=0)
    wide.columns.name = None
    return wide.assign(found=wide.sum(axis=1))


def _frozen(session: Session, frame: pd.DataFrame) -> None:
    """What is closed counts as it stood then."""
    closed = frame["reconciliation_id"][frame["state"].eq(QuarterState.CLOSED.value)]
    query = (
        select(ReconciledItem.reconciliation_id, ReconciledItem.state, func.count().label("count"))
        .where(ReconciledItem.reconciliation_id.in_([int(number) for number in closed]))
        .group_by(ReconciledItem.reconciliation_id, ReconciledItem.state)
    )
    rows = read_frame(session, query)
    wide = rows.pivot_table(index="reconciliation_id", columns="state", values="count", aggfunc="sum", fill_value=0)
    wide = wide.reindex(index=closed.to_numpy(), columns=[state.value for state in MismatchState], fill_value=0)
    wide["found"] = wide.sum(axis=1)
    frame.loc[closed.index, wide.columns] = wide.to_numpy(dtype="int64")


def previous_counts(session: Session, quarter: Quarter) -> pd.DataFrame:
    """The closed quarter before: index `village_id`; `found`, `settled` (int64)."""
    query = (
        select(Reconciliation.village_id, ReconciledItem.state, func.count(ReconciledItem.id).label("count"))
        .outerjoin(ReconciledItem, ReconciledItem.reconciliation_id == Reconciliation.id)
        .where(Reconciliation.quarter == str(quarter.previous), Reconciliation.state == QuarterState.CLOSED.value)
        .group_by(Reconciliation.village_id, ReconciledItem.state)
    )
    rows = read_frame(session, query, dtypes={"village_id": "int64", "count": "int64"})
    settled = rows["count"].where(rows["state"].isin(_SETTLED), 0)
    grouped = rows.assign(found=rows["count"], settled=settled).groupby("village_id")[["found", "settled"]].sum()
    return grouped.astype("int64")


def reconciliation_of(session: Session, scope: Scope, reconciliation_id: int, *, lock: bool = False) -> Reconciliation:
    """A village's quarter in scope.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = select(Reconciliation).where(
        Reconciliation.id == reconciliation_id, area_in_scope(scope, Reconciliation.village_id)
    )
    if scope.beat_ids is not None:  # an officer sees the quarter of the village that the own compounds lie in
        own = select(AreaVersion.parent_id).where(
            AreaVersion.area_id.in_(sorted(scope.root_ids or ())), AreaVersion.valid_on(scope.day)
        )
        query = select(Reconciliation).where(Reconciliation.id == reconciliation_id, Reconciliation.village_id.in_(own))
    found = session.scalars(query.with_for_update() if lock else query).first()
    if found is None:
        raise NotFoundError(T("There is no such quarter in your part of the district."))
    return found


def certificate_of(session: Session, row: Reconciliation) -> bytes | None:
    """The certificate as it was closed, the same bytes every time; None before."""
    query = select(Reconciliation).where(Reconciliation.id == row.id).options(undefer(Reconciliation.certificate))
    stored = session.scalars(query.execution_options(populate_existing=True)).one().certificate
    return None if stored is None else bytes(stored)


def by_class(items: pd.DataFrame) -> pd.DataFrame:
    """Counts of mismatches by class and state: index the class, a column a state, and `found`."""
    states = [state.value for state in MismatchState]
    wide = pd.crosstab(items["mismatch_class"], items["state"]).reindex(columns=states, fill_value=0)
    wide.columns.name = None
    return wide.assign(found=wide.sum(axis=1))


def closed_items(session: Session, reconciliation_id: int) -> pd.DataFrame:
    """The mismatches of a closed quarter as they stood: `ITEM_COLUMNS`, by key."""
    columns = [getattr(ReconciledItem, name) for name in ITEM_COLUMNS]
    query = select(*columns).where(ReconciledItem.reconciliation_id == reconciliation_id)
    return read_frame(session, query.order_by(ReconciledItem.source_key))
