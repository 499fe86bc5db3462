"""What a device takes along: the officer's beats, who lives there (masked), what is due and what is new."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault, mask_name
from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.tables import AreaVersion
from gis_service.fieldwork.tables import Visit
from gis_service.fieldwork.worklist import tasks_due, todays_walk
from gis_service.registers.people import registered_on
from gis_service.registers.rentals.queries import rental_in_scope
from gis_service.registers.tables import Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame, read_geoframe
from gis_service.teams.tables import Beat, BeatDuty, BeatPart
from layers.frames import LONLAT

#: borders of a beat on a phone: finer than a pixel at street zoom, metres
_TOLERANCE_M = 2.0


def addresses_of_beats(session: Session, scope: Scope) -> pd.DataFrame:
    """Every address in scope by `address_id`: `code`, `text`, `area_id`, `area_name`, `lon`, `lat`, `last_visit`."""
    visits = select(Visit.address_id, func.max(Visit.made_at).label("last_visit")).group_by(Visit.address_id).subquery()
    query = (
        select(
            Address.id.label("address_id"),
            Address.code,
            Address.text,
            Placement.area_id,
            AreaVersion.name.label("area_name"),
            func.ST_X(Address.geom).label("lon"),
            func.ST_Y(Address.geom).label("lat"),
            visits.c.last_visit,
        )
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .outerjoin(AreaVersion, and_(AreaVersion.area_id == Placement.area_id, AreaVersion.valid_on(scope.day)))
        .outerjoin(visits, visits.c.address_id == Address.id)
        .where(placement_in_scope(scope))
        .order_by(Address.text)
    )
    dtypes = {"lon": "float64", "lat": "float64", "area_id": "Int64"}
    return read_frame(session, query, dtypes=dtypes, index="address_id")


def residents_of_beats(session: Session, scope: Scope, vault: Vault, *, address_id: int | None = None) -> pd.DataFrame:
    """Whoever is registered in scope, names masked: `address_id`, `name`, `registered_on`; the newest first."""
    query = (
        select(Registration.address_id, Registration.source_key, Registration.name_sealed, Registration.registered_on)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope), registered_on(scope.day))
        .order_by(Registration.registered_on.desc(), Registration.id)
    )
    if address_id is not None:
        query = query.where(Registration.address_id == address_id)
    frame = read_frame(session, query)
    sealed = [bytes(value) for value in frame.pop("name_sealed")]
    names = vault.open_many("registration", "name", [str(key) for key in frame.pop("source_key")], list(sealed))
    return frame.assign(name=pd.Series([mask_name(name) for name in names], index=frame.index, dtype="object"))


def rentals_of_beats(session: Session, scope: Scope) -> pd.DataFrame:
    """Rentals let in scope: `address_id`, `grade`, `rooms`, `beds`, `residents`, `usable_area_m2`, `inspected_on`."""
    query = rental_in_scope(scope).add_columns(
        Rental.address_id,
        Rental.grade,
        Rental.rooms,
        Rental.beds,
        Rental.residents,
        Rental.usable_area_m2,
        Rental.inspected_on,
    )
    return read_frame(session, query, dtypes={"usable_area_m2": "Float64"})


def land_of_beats(session: Session, scope: Scope, metric_crs: str) -> gpd.GeoDataFrame:
    """The compounds of the beats in scope, lon-lat, borders simplified to 2 m: `beat_id`, `beat`, `area_id`, `name`."""
    query = (
        select(BeatPart.beat_id, Beat.name.label("beat"), BeatPart.area_id, AreaVersion.name)
        .join(Beat, Beat.id == BeatPart.beat_id)
        .join(AreaVersion, and_(AreaVersion.area_id == BeatPart.area_id, AreaVersion.valid_on(scope.day)))
        .where(BeatPart.valid_on(scope.day), BeatPart.beat_id.in_(sorted(scope.beat_ids or ())))
        .order_by(BeatPart.id)
    )
    land = read_geoframe(session, query, AreaVersion.geom)
    land["geometry"] = land.to_crs(metric_crs).geometry.simplify(_TOLERANCE_M).to_crs(LONLAT)
    land["geometry"] = shapely.set_precision(land.geometry.to_numpy(), 1e-6)
    return land


def new_in_assignment(session: Session, scope: Scope, since_days: int) -> list[dict[str, Any]]:
    """What came to the beats in scope within the last days: duties begun and compounds added, with the day."""
    first = scope.day - timedelta(days=since_days)
    beats = sorted(scope.beat_ids or ())
    duties = select(Beat.name, BeatDuty.valid_from).join(Beat, Beat.id == BeatDuty.beat_id)
    begun = session.execute(
        duties.where(BeatDuty.beat_id.in_(beats), BeatDuty.valid_on(scope.day), BeatDuty.valid_from > first)
    )
    added = session.execute(
        select(AreaVersion.name, BeatPart.valid_from)
        .join(AreaVersion, and_(AreaVersion.area_id == BeatPart.area_id, AreaVersion.valid_on(scope.day)))
        .where(
            BeatPart.beat_id.in_(beats),
            BeatPart.valid_on(scope.day),
            BeatPart.valid_from > first,
            or_(BeatPart.valid_to.is_(None), BeatPart.valid_to > scope.day),
        )
    )
    news = [("beat", name, day) for name, day in begun] + [("compound", name, day) for name, day in added]
    return [{"what": what, "name": name, "since": day} for what, name, day in sorted(news, key=lambda new: new[2])]


def taken_along(session: Session, scope: Scope, settings: Settings, vault: Vault, *, now: datetime) -> dict[str, Any]:
    """Everything that a device needs without a network, as plain values; to be forgotten at `expires_at`."""
    tasks = todays_walk(tasks_due(session, scope, settings, until=scope.day), settings)
    land = land_of_beats(session, scope, settings.metric_crs)
    return {
        "day": scope.day,
        "made_at": now,
        "expires_at": now + timedelta(hours=settings.offline_hours),
        "tasks": _rows(tasks.drop(columns=["text", "area_name", "lon", "lat"])),
        "addresses": _rows(addresses_of_beats(session, scope).reset_index()),
        "residents": _rows(residents_of_beats(session, scope, vault)),
        "rentals": _rows(rentals_of_beats(session, scope)),
        "land": land.to_geo_dict(drop_id=True),
        "news": new_in_assignment(session, scope, settings.assignment_news_days),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object)
    return [
        {str(key): value for key, value in row.items()} for row in plain.where(plain.notna(), None).to_dict("records")
    ]
