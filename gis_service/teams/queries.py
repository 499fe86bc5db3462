"""Reads of the teams: units, officers, beats and who answers for what on a day."""

from __future__ import annotations

from collections.abc import Collection

import geopandas as gpd
import pandas as pd
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.scope import area_in_scope
from gis_service.areas.tables import Area, AreaVersion
from gis_service.storage.frames import read_frame, read_geoframe
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Officer, Posting, Unit


def units(session: Session, scope: Scope) -> pd.DataFrame:
    """Units in scope: index `unit_id`; code, name, level, area_id, area_name, leader, officers_fte, officers."""
    leaders = (
        select(Posting.unit_id, func.min(Officer.name).label("leader"))
        .join(Officer, Officer.id == Posting.officer_id)
        .where(Posting.valid_on(scope.day), Posting.role == "leader")
        .group_by(Posting.unit_id)
        .subquery()
    )
    staff = (
        select(Posting.unit_id, func.sum(Posting.share).label("fte"), func.count().label("officers"))
        .where(Posting.valid_on(scope.day))
        .group_by(Posting.unit_id)
        .subquery()
    )
    query = (
        select(
            Unit.id.label("unit_id"),
            Unit.code,
            Unit.name,
            Area.level,
            Unit.area_id,
            AreaVersion.name.label("area_name"),
            leaders.c.leader,
            func.coalesce(staff.c.fte, 0.0).label("officers_fte"),
            func.coalesce(staff.c.officers, 0).label("officers"),
        )
        .join(Area, Area.id == Unit.area_id)
        .join(AreaVersion, and_(AreaVersion.area_id == Unit.area_id, AreaVersion.valid_on(scope.day)))
        .outerjoin(leaders, leaders.c.unit_id == Unit.id)
        .outerjoin(staff, staff.c.unit_id == Unit.id)
        .where(Unit.valid_on(scope.day), area_in_scope(scope, Unit.area_id))
        .order_by(Unit.code)
    )
    return read_frame(session, query, index="unit_id")


def officers(session: Session, scope: Scope) -> pd.DataFrame:
    """Officers posted to units in scope: index `officer_id`; badge_no, name, form, side, unit, role, share, beats."""
    duties = (
        select(BeatDuty.officer_id, func.count().label("beats"))
        .where(BeatDuty.valid_on(scope.day))
        .group_by(BeatDuty.officer_id)
        .subquery()
    )
    visible = area_in_scope(scope, Unit.area_id)
    if scope.beat_ids is not None:
        own = select(BeatDuty.officer_id).where(
            BeatDuty.beat_id.in_(sorted(scope.beat_ids)), BeatDuty.valid_on(scope.day)
        )
        visible = or_(visible, Officer.id.in_(own))
    query = (
        select(
            Officer.id.label("officer_id"),
            Officer.badge_no,
            Officer.name,
            Officer.form,
            Officer.side,
            Officer.birth_date,
            Unit.id.label("unit_id"),
            Unit.name.label("unit_name"),
            Unit.area_id,
            Posting.role,
            Posting.share,
            func.coalesce(duties.c.beats, 0).label("beats"),
        )
        .join(Posting, and_(Posting.officer_id == Officer.id, Posting.valid_on(scope.day)))
        .join(Unit, Unit.id == Posting.unit_id)
        .outerjoin(duties, duties.c.officer_id == Officer.id)
        .where(visible, or_(Officer.left_on.is_(None), Officer.left_on > scope.day))
        .order_by(Officer.badge_no, Posting.id)
    )
    return read_frame(session, query, index="officer_id")


def officer_by_badge(session: Session, badge_no: str) -> int | None:
    """The id of the officer with a badge number, whatever the scope: for making accounts, not for showing."""
    return session.scalar(select(Officer.id).where(Officer.badge_no == badge_no))


def beats(session: Session, scope: Scope) -> pd.DataFrame:
    """Beats in scope: index `beat_id`; code, name, unit_id, unit_name, area_id, officer_id, badge_no, officer, share.

    `officer_id` is NA for a beat that nobody holds on the day; `share` is the officer's full-time share on that day.
    """
    shares = (
        select(Posting.officer_id, func.sum(Posting.share).label("share"))
        .where(Posting.valid_on(scope.day))
        .group_by(Posting.officer_id)
        .subquery()
    )
    query = (
        select(
            Beat.id.label("beat_id"),
            Beat.code,
            Beat.name,
            Beat.unit_id,
            Unit.name.label("unit_name"),
            Unit.area_id,
            Officer.id.label("officer_id"),
            Officer.badge_no,
            Officer.name.label("officer"),
            func.coalesce(shares.c.share, 0.0).label("share"),
        )
        .join(Unit, Unit.id == Beat.unit_id)
        .outerjoin(BeatDuty, and_(BeatDuty.beat_id == Beat.id, BeatDuty.valid_on(scope.day)))
        .outerjoin(
            Officer,
            and_(Officer.id == BeatDuty.officer_id, or_(Officer.left_on.is_(None), Officer.left_on > scope.day)),
        )
        .outerjoin(shares, shares.c.officer_id == Officer.id)
        .where(Beat.valid_on(scope.day))
        .order_by(Beat.code)
    )
    if scope.beat_ids is not None:
        query = query.where(Beat.id.in_(sorted(scope.beat_ids)))
    else:
        query = query.where(area_in_scope(scope, Unit.area_id))
    return read_frame(session, query, dtypes={"officer_id": "Int64", "share": "float64"}, index="beat_id")


def beat_parts(session: Session, scope: Scope, area_ids: Collection[int] | None = None) -> gpd.GeoDataFrame:
    """What beats consist of on the day: index `beat_part_id`; beat_id, area_id, buildings, geometry (or None).

    Every part (of some compounds), whatever the scope: placing addresses needs the whole plan. Not for showing.
    """
    query = (
        select(BeatPart.id.label("beat_part_id"), BeatPart.beat_id, BeatPart.area_id, BeatPart.buildings)
        .join(Beat, Beat.id == BeatPart.beat_id)
        .where(BeatPart.valid_on(scope.day), Beat.valid_on(scope.day))
        .order_by(BeatPart.area_id, BeatPart.beat_id, BeatPart.id)
    )
    if area_ids is not None:
        query = query.where(BeatPart.area_id.in_(sorted(area_ids)))
    return read_geoframe(session, query, BeatPart.geom, index="beat_part_id")
