"""Whether a person's record is in a viewer's scope: registrations and rentals by address, officers by their posting."""

from __future__ import annotations

from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from gis_service.access.reach import Reach
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.registers.tables import Registration, Rental
from gis_service.teams.queries import officers
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import Officer


def officer_name(session: Session, viewer: Viewer, officer_id: int, day: date) -> str | None:
    """The name of an officer who is posted, or holds a beat, in the viewer's scope."""
    staff = officers(session, scope_of(session, viewer, day))
    names = staff.loc[staff.index == officer_id, "name"]
    return None if names.empty else str(names.iloc[0])


def holds_row(session: Session, viewer: Viewer, table_name: str, row_key: str, day: date) -> bool:
    """Say whether the row of `officer`, `registration` or `rental` with this key is in the viewer's scope."""
    if table_name == "officer":
        officer_id = session.scalar(select(Officer.id).where(Officer.badge_no == row_key))
        return officer_id is not None and officer_name(session, viewer, officer_id, day) is not None
    keys = {"registration": Registration.source_key, "rental": Rental.code}
    if table_name not in keys:
        return False
    key = keys[table_name]
    placed = and_(Placement.address_id == key.class_.address_id, Placement.valid_on(day))
    query = (
        select(key).join(Placement, placed).where(key == row_key, placement_in_scope(scope_of(session, viewer, day)))
    )
    return session.execute(query.limit(1)).first() is not None


REACH = Reach(officer_name, holds_row)
