"""The people of the whole district by place, kept in memory and counted anew only where an act has touched them.

Every act leaves an entry in the audit trail within its transaction. What moved placements names the areas concerned
there (`addresses.timeline.Rewriting.told`), what registered people names the registrations; after an act that says
neither, everything is counted anew.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any, Final

import pandas as pd
from sqlalchemy import ColumnElement, Engine, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.audit import Result
from gis_service.access.data_version import CHANGES_NOTHING_SHOWN, LAND_AND_PLACES_STAY
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.addresses.queries import placement_in_part
from gis_service.addresses.tables import Placement
from gis_service.registers.people import people_everywhere, people_of_part
from gis_service.registers.tables import Registration
from gis_service.storage.among import among
from gis_service.storage.engine import only_reads, reading

_OPTION: Final = "people_store"
_MOST_DAYS: Final = 6
"""Days of which people are kept: today's, and those of changes that somebody prepares."""

_MOST_ACTS: Final = 500
"""After more acts than these everything is counted anew."""

_REGISTERING: Final = frozenset({"deregister", "move_registration", "register"})
_PEOPLE_STAY: Final = (CHANGES_NOTHING_SHOWN | LAND_AND_PLACES_STAY | {
    "acknowledge_doubts", "fill_address_parts", "hand_over_beat", "sign_off_unresolved",
}) - _REGISTERING  # fmt: skip
_NOBODY_SEES: Final = -1


@dataclass(frozen=True, eq=False)
class _Counted:
    """People by place as they stood after the act of a number."""

    version: int
    people: pd.DataFrame


class PeopleStore:
    """People by place of the whole district, by day."""

    def __init__(self) -> None:
        self._days: OrderedDict[date, _Counted] = OrderedDict()
        self._lock = Lock()

    def on(self, session: Session, day: date) -> pd.DataFrame:
        """`people_by_place` of the whole district; one reader counts, others wait for it."""
        version = session.scalar(select(func.max(AuditEntry.seq))) or 0
        with self._lock:
            known = self._days.get(day)
            if known is None or known.version != version:
                known = _Counted(version, _brought_up_to_date(session, day, known, version))
                self._days[day] = known
            self._days.move_to_end(day)
            while len(self._days) > _MOST_DAYS:
                self._days.popitem(last=False)
        return known.people.copy()


def keep_people(engine: Engine) -> None:
    """Let reads on `engine` count people only where they were touched; called once, where the engine is opened."""
    engine.update_execution_options(**{_OPTION: PeopleStore()})


def people_by_place(session: Session, scope: Scope, area_ids: Collection[int] | None = None) -> pd.DataFrame:
    """Registrations by the area that sees the address and the beat that answers for it.

    `area_ids` are the areas of the scope when they are at hand already (more of them count more).

    Columns: area_id, beat_id (Int64), migrants (hold on the day), ever (on record at all), addresses.
    """
    if not scope.is_whole_district:
        inside = placement_in_part(session, scope) if area_ids is None else Placement.home_area_id.in_(sorted(area_ids))
        return people_of_part(session, scope.day, inside)
    store: PeopleStore | None = session.get_bind().engine.get_execution_options().get(_OPTION)
    if store is None or not only_reads(session):  # what is not committed yet is in no entry
        return people_everywhere(session, scope.day)
    return store.on(session, scope.day)


def count_ahead(engine: Engine, day: date) -> None:
    """Count the people of a day before somebody asks."""
    with reading(engine) as session:
        people_by_place(session, Scope(day, None))


def _brought_up_to_date(session: Session, day: date, known: _Counted | None, version: int) -> pd.DataFrame:
    homes = None if known is None else _homes_touched(session, known.version, version)
    if known is None or homes is None:
        return people_everywhere(session, day)
    if not homes:
        return known.people
    seen = sorted(homes - {_NOBODY_SEES})
    inside: ColumnElement[bool] = Placement.home_area_id.in_(seen)
    if _NOBODY_SEES in homes:
        inside = or_(inside, Placement.home_area_id.is_(None))
    stays = ~known.people["area_id"].fillna(_NOBODY_SEES).isin(homes)
    return pd.concat([known.people[stays], people_of_part(session, day, inside)], ignore_index=True)


def _homes_touched(session: Session, since: int, until: int) -> set[int] | None:
    """Areas in which acts after `since` may have changed who is counted; None when they do not say."""
    if until - since > _MOST_ACTS:
        return None
    query = select(AuditEntry.action, AuditEntry.result, AuditEntry.object_id, AuditEntry.after)
    acts = session.execute(query.where(AuditEntry.seq > since, AuditEntry.seq <= until)).all()
    if len(acts) != until - since:  # some were removed from the trail
        return None
    homes: set[int] = set()
    keys: list[str] = []
    for action, result, object_id, after in acts:
        if result != Result.DONE or action in _PEOPLE_STAY:
            continue
        told: dict[str, Any] = json.loads(after) if after else {}
        if action in _REGISTERING:
            keys += [key for key in (object_id, told.get("to")) if key is not None]
        elif "home_areas" in told:
            homes |= set(told["home_areas"])
        else:
            return None
    return homes | _homes_of(session, keys)


def _homes_of(session: Session, registrations: Sequence[str]) -> set[int]:
    """The areas that see the addresses of registrations, on whatever day."""
    if not registrations:
        return set()
    query = (
        select(Placement.home_area_id)
        .join(Registration, Registration.address_id == Placement.address_id)
        .where(among(session, Registration.source_key, sorted(set(registrations))))
        .distinct()
    )
    return {_NOBODY_SEES if home is None else home for home in session.scalars(query)}
