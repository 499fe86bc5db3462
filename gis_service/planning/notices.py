"""Word to those whose work a publication changes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.viewer import Viewer
from gis_service.areas.reach import reach_of
from gis_service.jobs.running import as_message
from gis_service.planning.plans import Plan, handed_on
from gis_service.planning.tables import Notice, NoticeRead, Scenario
from gis_service.storage.engine import transaction
from gis_service.texts import T

SHOWN = 50
KEPT_DAYS = 30
"""Days after its own on which a notice is still shown."""


def notify(session: Session, scenario: Scenario, plan: Plan, day: date) -> int:
    """Tell every officer whose beat changes, and the people of every township concerned; returns how many."""
    today = plan.today
    lost: dict[int, int] = {}
    won: dict[int, int] = {}
    touched: set[int] = set()
    for each in handed_on(plan):
        touched.add(plan.inputs.units[each.unit].township_id)
        for key, counts in ((each.before, lost), (each.after, won)):
            person = None if key is None else (today.staff.get(key) or plan.staff.get(key))
            if person is not None and person.officer_id is not None:
                counts[person.officer_id] = counts.get(person.officer_id, 0) + each.addresses
    now = datetime.now(UTC)
    rows = [
        Notice(
            scenario_id=scenario.id,
            officer_id=officer_id,
            message=as_message(
                T(
                    "From {day} on your beat changes: {won} addresses more, {lost} less.",
                    day=day.isoformat(),
                    won=won.get(officer_id, 0),
                    lost=lost.get(officer_id, 0),
                )
            ),
            day=day,
            made_at=now,
        )
        for officer_id in sorted({*lost, *won})
    ]
    rows += [
        Notice(
            scenario_id=scenario.id,
            area_id=area_id,
            message=as_message(
                T("From {day} on the beats of the plan “{name}” hold.", day=day.isoformat(), name=scenario.name)
            ),
            day=day,
            made_at=now,
        )
        for area_id in sorted(touched)
    ]
    session.add_all(rows)
    session.flush()
    return len(rows)


def notices_for(session: Session, viewer: Viewer, day: date) -> list[Notice]:
    """What a viewer is to know: as the officer concerned, or as somebody of a township concerned; newest first."""
    recent = Notice.day >= day - timedelta(days=KEPT_DAYS)
    query = select(Notice).where(recent).order_by(Notice.id.desc()).limit(SHOWN)
    reach = reach_of(session, viewer, day)
    conditions: list[Any] = []
    if viewer.officer_id is not None:
        conditions.append(Notice.officer_id == viewer.officer_id)
    elif reach is None:
        conditions.append(Notice.area_id.is_not(None))
    elif reach:
        conditions.append(Notice.area_id.in_(sorted(reach)))
    return list(session.scalars(query.where(or_(*conditions)))) if conditions else []


def read_by(session: Session, viewer: Viewer, notices: Collection[Notice]) -> set[int]:
    """Which of the notices the viewer's account has read."""
    ids = [each.id for each in notices]
    query = select(NoticeRead.notice_id).where(
        NoticeRead.account_id == viewer.account_id, NoticeRead.notice_id.in_(ids)
    )
    return set(session.scalars(query))


def mark_read(engine: Engine, viewer: Viewer, day: date, notice_ids: Collection[int]) -> int:
    """Mark notices as read; returns how many were not. Those that are not for the viewer are passed over."""
    if viewer.account_id is None:
        return 0
    with transaction(engine) as session:
        own = [each for each in notices_for(session, viewer, day) if each.id in notice_ids]
        unread = sorted({each.id for each in own} - read_by(session, viewer, own))
        now = datetime.now(UTC)
        session.add_all(NoticeRead(notice_id=number, account_id=viewer.account_id, read_at=now) for number in unread)
        if unread:
            record(session, viewer, "read_notices", "notice", None, after={"notices": unread})
    return len(unread)
