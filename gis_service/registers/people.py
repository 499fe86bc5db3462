"""Who is registered where, counted by the database along `placement`."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from gis_service.addresses.tables import Placement
from gis_service.registers.tables import Registration
from gis_service.storage.frames import read_frame

_DTYPES: Final = {
    **dict.fromkeys(("area_id", "beat_id"), "Int64"),
    **dict.fromkeys(("migrants", "ever", "addresses"), "int64"),
}


def registered_on(day: date) -> ColumnElement[bool]:
    """Registrations that hold on `day`."""
    return and_(
        Registration.registered_on <= day,
        or_(Registration.deregistered_on.is_(None), Registration.deregistered_on > day),
    )


def people_of_part(session: Session, day: date, inside: ColumnElement[bool]) -> pd.DataFrame:
    """`people_store.people_by_place` of the placements inside: only what is registered there is read."""
    query = (
        select(
            Placement.home_area_id.label("area_id"),
            Placement.beat_id,
            func.coalesce(func.sum(case((registered_on(day), 1), else_=0)), 0).label("migrants"),
            func.count(Registration.id).label("ever"),
            func.count(Placement.address_id.distinct()).label("addresses"),
        )
        .outerjoin(Registration, Registration.address_id == Placement.address_id)
        .where(Placement.valid_on(day), inside)
        .group_by(Placement.home_area_id, Placement.beat_id)
    )
    return read_frame(session, query, dtypes=_DTYPES)


def people_everywhere(session: Session, day: date) -> pd.DataFrame:
    """The same of the whole district: one pass over the index of registrations by address."""
    return read_frame(session, _everywhere(day), dtypes=_DTYPES)


def _everywhere(day: date) -> Select[*tuple[Any, ...]]:
    per_address = (
        select(
            Registration.address_id,
            func.sum(case((registered_on(day), 1), else_=0)).label("migrants"),
            func.count().label("ever"),
        )
        .group_by(Registration.address_id)
        .subquery()
    )
    return (
        select(
            Placement.home_area_id.label("area_id"),
            Placement.beat_id,
            func.coalesce(func.sum(per_address.c.migrants), 0).label("migrants"),
            func.coalesce(func.sum(per_address.c.ever), 0).label("ever"),
            func.count().label("addresses"),
        )
        .outerjoin(per_address, per_address.c.address_id == Placement.address_id)
        .where(Placement.valid_on(day))
        .group_by(Placement.home_area_id, Placement.beat_id)
    )
