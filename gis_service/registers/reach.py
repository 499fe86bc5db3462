"""What a viewer reaches: the questions that `access` asks and only those who know the tables can answer."""

from __future__ import annotations

from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gis_service.access.reach import Reach
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.scope import subtree
from gis_service.registers.tables import Registration, Rental
from gis_service.teams.queries import officers
from gis_service.teams.scope import scope_of

#: tables whose rows hang on an address: that address, and the key that their personal fields are sealed under
_AT_ADDRESSES: dict[str, tuple[InstrumentedAttribute[int], InstrumentedAttribute[str]]] = {
    "registration": (Registration.address_id, Registration.source_key),
    "rental": (Rental.address_id, Rental.code),
}


def officer_name(session: Session, viewer: Viewer, officer_id: int, day: date) -> str | None:
    """The name of an officer posted in the viewer's scope on `day`; None for everybody else."""
    posted = officers(session, scope_of(session, viewer, day))
    return str(posted.loc[[officer_id], "name"].iloc[0]) if officer_id in posted.index else None


def holds_row(session: Session, viewer: Viewer, table: str, key: str, day: date) -> bool:
    """Say whether the row of `table` with `key` is in the viewer's scope on `day`."""
    scope = scope_of(session, viewer, day)
    if table == "officer":
        return bool(officers(session, scope)["badge_no"].eq(key).any())
    if table not in _AT_ADDRESSES:
        return False
    address_id, key_column = _AT_ADDRESSES[table]
    query = (
        select(address_id)
        .join(Placement, and_(Placement.address_id == address_id, Placement.valid_on(day)))
        .where(key_column == key, placement_in_scope(scope))
    )
    return session.execute(query).first() is not None


def covers(session: Session, viewer: Viewer, other: Viewer, day: date) -> bool:
    """Say whether all that `other` sees on `day` is in the scope of `viewer`."""
    own, others = scope_of(session, viewer, day), scope_of(session, other, day)
    if own.is_whole_district:
        return True
    if own.beat_ids is not None or own.root_ids is None or others.root_ids is None:
        return False
    return others.root_ids <= set(session.scalars(subtree(own.root_ids, day)))


REACH = Reach(officer_name, holds_row, covers)
