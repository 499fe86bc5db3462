"""Reads of mismatches as items: lists of the own part and side, one with its evidence, trail and files."""

from __future__ import annotations

import base64
from datetime import date
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, undefer

from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.tables import Address, Placement
from gis_service.api.wire import RowKey
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaVersion
from gis_service.errors import NotFoundError
from gis_service.registers.figures import mismatch_in_scope
from gis_service.registers.mismatches.evidence import differing, masked, unpacked
from gis_service.registers.mismatches.states import SETTLED, Side, side_of
from gis_service.registers.mismatches.tables import MismatchAttachment, MismatchEvent
from gis_service.registers.tables import Mismatch, MismatchClass, MismatchState
from gis_service.storage.frames import read_frame
from gis_service.teams.tables import BeatDuty, Officer
from gis_service.texts import T

_DTYPES = dict.fromkeys(("address_id", "area_id", "village_id", "officer_id"), "Int64") | {
    "lon": "float64",
    "lat": "float64",
}


def on_side(side: Side | None) -> ColumnElement[bool]:
    """The filter for mismatches that a side has to do with: its register is one of those that disagree."""
    if side is None:
        return true()
    return or_(Mismatch.registers.contains(side.value, autoescape=True), Mismatch.at_register == side.value)


def visible(scope: Scope, viewer: Viewer) -> Select[*tuple[Any, ...]]:
    """Mismatches of the viewer's part and side, to select from: joined with placement and address."""
    return (
        select()
        .select_from(Mismatch)
        .outerjoin(Placement, and_(Placement.address_id == Mismatch.address_id, Placement.valid_on(scope.day)))
        .outerjoin(Address, Address.id == Mismatch.address_id)
        .where(mismatch_in_scope(scope), on_side(side_of(viewer)))
    )


def overdue_on(day: date) -> ColumnElement[bool]:
    """Mismatches that should have been settled before `day`."""
    return and_(Mismatch.due_on < day, Mismatch.state.not_in([state.value for state in SETTLED]))


def _rows(query: Select[*tuple[Any, ...]], scope: Scope) -> Select[*tuple[Any, ...]]:
    return (
        query.add_columns(
            Mismatch.id.label("mismatch_id"),
            Mismatch.source_key,
            Mismatch.mismatch_class,
            Mismatch.state,
            Mismatch.registers,
            Mismatch.at_register,
            Mismatch.field,
            Mismatch.address_id,
            Address.text.label("address"),
            func.ST_X(Address.geom).label("lon"),
            func.ST_Y(Address.geom).label("lat"),
            func.coalesce(Placement.home_area_id, Mismatch.village_id).label("area_id"),
            AreaVersion.name.label("area_name"),
            Mismatch.village_id,
            Officer.id.label("officer_id"),
            Officer.name.label("officer"),
            Mismatch.owner,
            Mismatch.found_on,
            Mismatch.last_found_on,
            Mismatch.due_on,
            Mismatch.times_opened,
            Mismatch.evidence,
        )
        .outerjoin(
            AreaVersion,
            and_(
                AreaVersion.area_id == func.coalesce(Placement.home_area_id, Mismatch.village_id),
                AreaVersion.valid_on(scope.day),
            ),
        )
        .outerjoin(BeatDuty, and_(BeatDuty.beat_id == Placement.beat_id, BeatDuty.valid_on(scope.day)))
        .outerjoin(Officer, Officer.id == BeatDuty.officer_id)
    )


class Wanted(BaseModel):
    """Which mismatches are asked for; every condition must hold."""

    state: MismatchState | None = None
    mismatch_class: MismatchClass | None = None
    at_register: Annotated[Side | None, Field(description="Where something is to be corrected.")] = None
    owner: Annotated[str | None, Field(max_length=64, description="Login of whoever they are given to.")] = None
    unsettled: Annotated[bool, Field(description="Only open and confirmed ones.")] = False
    overdue: Annotated[bool, Field(description="Only those whose day has passed.")] = False
    area_id: RowKey | None = None


def _conditions(wanted: Wanted, day: date) -> list[ColumnElement[bool]]:
    found = [
        column == value
        for column, value in (
            (Mismatch.state, wanted.state),
            (Mismatch.mismatch_class, wanted.mismatch_class),
            (Mismatch.at_register, wanted.at_register),
            (Mismatch.owner, wanted.owner),
        )
        if value is not None
    ]
    if wanted.unsettled:
        found.append(Mismatch.state.not_in([each.value for each in SETTLED]))
    if wanted.overdue:
        found.append(overdue_on(day))
    if wanted.area_id is not None:
        found.append(_inside(wanted.area_id, day))
    return found


def _inside(area_id: int, day: date) -> ColumnElement[bool]:
    within = subtree([area_id], day)
    return or_(Placement.home_area_id.in_(within), Mismatch.village_id.in_(within))


def mismatches(
    session: Session,
    scope: Scope,
    viewer: Viewer,
    wanted: Wanted,
    *,
    offset: int = 0,
    limit: int = 100,
) -> tuple[pd.DataFrame, int]:
    """One page of the mismatches of the viewer's part and side, those due first; and how many there are."""
    base = visible(scope, viewer).where(Mismatch.found_on <= scope.day, *_conditions(wanted, scope.day))
    total = session.scalar(base.add_columns(func.count())) or 0
    last = func.coalesce(Mismatch.due_on, date.max)
    query = _rows(base, scope).order_by(last, Mismatch.id).offset(offset).limit(limit)
    return read_frame(session, query, dtypes=_DTYPES, index="mismatch_id"), total


def mismatch(session: Session, scope: Scope, viewer: Viewer, vault: Vault, mismatch_id: int) -> dict[str, Any]:
    """One mismatch with what each register says (masked), its trail and its files.

    Raises
    ------
    NotFoundError
        There is none in the viewer's part and side.
    """
    query = _rows(visible(scope, viewer).where(Mismatch.id == mismatch_id), scope)
    frame = read_frame(session, query, dtypes=_DTYPES, index="mismatch_id")
    if frame.empty:
        raise missing()
    row = session.get_one(Mismatch, mismatch_id)
    sealed = None if row.sides_sealed is None else bytes(row.sides_sealed)
    sides = unpacked(vault.open_many("mismatch", "sides", [row.source_key], [sealed])[0])
    trail = select(MismatchEvent).where(MismatchEvent.mismatch_id == mismatch_id).order_by(MismatchEvent.id)
    files = select(MismatchAttachment).where(MismatchAttachment.mismatch_id == mismatch_id)
    return {
        **one_row(frame),
        "sides": masked(sides),
        "differing": sorted(differing(sides) - _unremarkable(row)),
        "events": list(session.scalars(trail)),
        "attachments": list(session.scalars(files.order_by(MismatchAttachment.id))),
    }


def _unremarkable(row: Mismatch) -> set[str]:
    """Fields that may differ and say nothing: one door is written in many ways, days of arrival are estimates."""
    about_dwelling = row.mismatch_class in (MismatchClass.PERSON_DWELLING, MismatchClass.WRONG_ADDRESS)
    about_leaving = row.mismatch_class == MismatchClass.SHOULD_BE_DEREGISTERED
    return {"from_on"} | (set() if about_dwelling else {"address_text"}) | (set() if about_leaving else {"left_on"})


def one_row(frame: pd.DataFrame) -> dict[str, Any]:
    """The first row of a frame, its index among the columns, NA as None."""
    plain = frame.head(1).reset_index().astype(object)
    return {str(name): None if pd.isna(value) else value for name, value in plain.iloc[0].items()}


def attachment(
    session: Session, scope: Scope, viewer: Viewer, vault: Vault, mismatch_id: int, attachment_id: int
) -> tuple[MismatchAttachment, bytes]:
    """A file of a mismatch in the viewer's part and side, with its content.

    Raises
    ------
    NotFoundError
        There is none.
    """
    query = (
        visible(scope, viewer)
        .add_columns(MismatchAttachment)
        .join(MismatchAttachment, MismatchAttachment.mismatch_id == Mismatch.id)
        .where(Mismatch.id == mismatch_id, MismatchAttachment.id == attachment_id)
        .options(undefer(MismatchAttachment.content_sealed))
    )
    row: MismatchAttachment | None = session.scalars(query).first()
    if row is None:
        raise missing()
    packed = vault.open("mismatch_attachment", row.key, "content", bytes(row.content_sealed))
    return row, base64.b64decode(packed)


def count_states(session: Session, scope: Scope, viewer: Viewer, area_id: int | None = None) -> dict[str, int]:
    """How many mismatches of the viewer's part and side are in each state; `overdue` and `total`."""
    within = true() if area_id is None else _inside(area_id, scope.day)
    base = visible(scope, viewer).where(Mismatch.found_on <= scope.day, within)
    rows = session.execute(base.add_columns(Mismatch.state, func.count()).group_by(Mismatch.state)).all()
    by_state = {str(state): int(count) for state, count in rows}
    overdue = session.scalar(base.add_columns(func.count()).where(overdue_on(scope.day))) or 0
    counts = {state.value: by_state.get(state.value, 0) for state in MismatchState}
    return counts | {"overdue": overdue, "total": sum(by_state.values())}


def missing() -> NotFoundError:
    """The one answer for what does not exist and what is not for this viewer."""
    return NotFoundError(T("There is no such mismatch in your part of the district."))
