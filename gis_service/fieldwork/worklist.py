"""What an officer has to do: visits due, in the order in which they press and in the order of a walk."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import pandas as pd
import pyproj
from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.tables import AreaVersion
from gis_service.fieldwork.rules import URGENCY, order_of_urgency, working_days_after
from gis_service.fieldwork.tables import SETTLING, Visit, VisitKind
from gis_service.registers.people import registered_on
from gis_service.registers.rentals.queries import inspection_due_days, rental_in_scope
from gis_service.registers.tables import Mismatch, MismatchState, Registration, Rental, RentalGrade
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame

_DANGEROUS: Final = (RentalGrade.ORANGE.value, RentalGrade.RED.value)
_TASK_COLUMNS: Final = ["address_id", "why", "since", "due_on", "grade"]


def tasks_due(session: Session, scope: Scope, settings: Settings, *, until: date) -> pd.DataFrame:
    """
    Visits in scope that are due by `until`, the most pressing first.

    Returns
    -------
    `address_id` (int64), `why` (one of `fieldwork.rules.URGENCY`), `since` (what the due day counts from), `due_on`
    (dates), `grade` (of a rental), `overdue_days` (int64, negative while there is time), and of the address: `text`,
    `area_id`, `area_name`, `lon`, `lat` (degrees, NaN without a point).
    """
    found = [
        _rentals_due(session, scope, settings),
        _arrivals(session, scope, settings),
        _mismatches(session, scope, settings),
    ]
    tasks = pd.concat([frame for frame in found if len(frame)] or [_no_tasks()], ignore_index=True)
    due = tasks[[day <= until for day in tasks["due_on"]]].sort_values("due_on", kind="stable")
    tasks = due.drop_duplicates(["address_id", "why"])  # of two rentals in one house the one that is due first
    ordered = order_of_urgency(tasks, scope.day)
    return ordered.join(_addresses(session, scope, ordered["address_id"]), on="address_id").reset_index(drop=True)


def todays_walk(
    tasks: pd.DataFrame, settings: Settings, *, start_lonlat: tuple[float, float] | None = None
) -> pd.DataFrame:
    """
    Take as many of the most pressing addresses as fit a day and put them into walking order.

    Parameters
    ----------
    tasks
        `tasks_due`.
    start_lonlat
        Where the officer stands, in degrees; None: the walk begins at whichever address is best.

    Returns
    -------
    The tasks of these addresses with `stop` (1, 2, … in walking order; one number for all tasks at an address), those
    without a point last.
    """
    from layers.walking import walking_order

    chosen = tasks["address_id"].drop_duplicates().head(settings.worklist_addresses)
    today = tasks[tasks["address_id"].isin(chosen)]
    places = today.drop_duplicates("address_id").set_index("address_id")[["lon", "lat"]].astype(float)
    on_map = places.dropna()
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", settings.metric_crs, always_xy=True)
    x_m, y_m = to_metric.transform(on_map["lon"].to_numpy(), on_map["lat"].to_numpy())
    start_m = None if start_lonlat is None else to_metric.transform(*start_lonlat)
    walk = [*on_map.index[walking_order(x_m, y_m, start_m=start_m)], *places.index[places["lon"].isna()]]
    stops = pd.Series(range(1, len(walk) + 1), index=walk, dtype="int64")
    return today.assign(stop=today["address_id"].map(stops)).sort_values("stop", kind="stable").reset_index(drop=True)


def _no_tasks() -> pd.DataFrame:
    return pd.DataFrame({"address_id": pd.Series(dtype="int64"), **{name: [] for name in _TASK_COLUMNS[1:]}})


def _last_visits(scope: Scope, kind: VisitKind) -> Any:
    """The last visit of a kind at each address until the end of the scope's day."""
    return (
        select(Visit.address_id, func.max(Visit.made_at).label("visited_at"))
        .where(
            Visit.kind == kind.value,
            Visit.outcome.in_([outcome.value for outcome in SETTLING]),
            Visit.made_at < scope.day + timedelta(days=1),
        )
        .group_by(Visit.address_id)
        .subquery()
    )


def _rentals_due(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    query = rental_in_scope(scope).add_columns(
        Rental.address_id, Rental.grade, Rental.inspected_on, func.coalesce(Rental.inspected_on, Rental.let_from)
    )
    frame = read_frame(session, query)
    frame.columns = pd.Index(["address_id", "grade", "inspected_on", "since"])
    days = inspection_due_days(settings)
    frame["due_on"] = [
        day + timedelta(days=days[grade]) for day, grade in zip(frame["since"], frame["grade"], strict=True)
    ]
    frame["why"] = frame["grade"].isin(_DANGEROUS).map({True: URGENCY[0], False: URGENCY[3]})
    return frame[_TASK_COLUMNS]


def _arrivals(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Whoever was registered lately at an address where nobody has been since."""
    visits = _last_visits(scope, VisitKind.REGISTRATION)
    first = scope.day - timedelta(days=settings.new_arrival_days)
    query = _at_addresses(
        scope, Registration.address_id, func.max(Registration.registered_on).label("since"), Registration
    ).where(registered_on(scope.day), Registration.registered_on > first)
    query = (
        query.outerjoin(visits, visits.c.address_id == Registration.address_id)
        .group_by(Registration.address_id, visits.c.visited_at)
        .having(_not_visited(visits, func.max(Registration.registered_on)))
    )
    frame = read_frame(session, query)
    if len(frame):
        due = working_days_after(frame["since"], settings.new_arrival_working_days)
        frame["due_on"] = [day.date() for day in due]
    return frame.assign(why=URGENCY[1], grade=None).reindex(columns=_TASK_COLUMNS)


def _mismatches(session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Where the registers disagree about somebody and nobody has looked since."""
    visits = _last_visits(scope, VisitKind.DWELLING_CHECK)
    query = _at_addresses(scope, Mismatch.address_id, func.max(Mismatch.found_on).label("since"), Mismatch).where(
        Mismatch.state.in_([MismatchState.OPEN.value, MismatchState.CONFIRMED.value]), Mismatch.found_on <= scope.day
    )
    query = (
        query.outerjoin(visits, visits.c.address_id == Mismatch.address_id)
        .group_by(Mismatch.address_id, visits.c.visited_at)
        .having(_not_visited(visits, func.max(Mismatch.found_on)))
    )
    frame = read_frame(session, query)
    period = timedelta(days=settings.mismatch_visit_days)
    frame["due_on"] = [day + period for day in frame["since"]]
    return frame.assign(why=URGENCY[2], grade=None)[_TASK_COLUMNS]


def _not_visited(visits: Any, since: Any) -> Any:
    return func.coalesce(visits.c.visited_at < since, True)


def _at_addresses(scope: Scope, address_id: Any, since: Any, table: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(address_id.label("address_id"), since)
        .select_from(table)
        .join(Placement, and_(Placement.address_id == address_id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope))
    )


def _addresses(session: Session, scope: Scope, address_ids: pd.Series) -> pd.DataFrame:
    query = (
        select(
            Address.id.label("address_id"),
            Address.text,
            Placement.area_id,
            AreaVersion.name.label("area_name"),
            func.ST_X(Address.geom).label("lon"),
            func.ST_Y(Address.geom).label("lat"),
        )
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .outerjoin(AreaVersion, and_(AreaVersion.area_id == Placement.area_id, AreaVersion.valid_on(scope.day)))
        .where(placement_in_scope(scope), Address.id.in_(address_ids.drop_duplicates().tolist()))
    )
    return read_frame(
        session, query, dtypes={"lon": "float64", "lat": "float64", "area_id": "Int64"}, index="address_id"
    )
