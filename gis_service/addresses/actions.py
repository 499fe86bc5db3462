"""What changes placements: assigning addresses to areas, beats and so officers; writing only what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.placing import PLACEMENT_DTYPES, place
from gis_service.addresses.queries import address_points, count_unresolved
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel, AreaVersion
from gis_service.errors import InvalidInputError
from gis_service.settings import Settings
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import transaction
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import beat_parts
from gis_service.texts import T, Text

Progress = Callable[[int, int, Text], None]

#: what must be equal for a placement to be left as it is
COMPARED = [column for column in PLACEMENT_DTYPES if column != "suggested_distance_m"]


@dataclass(frozen=True)
class Assignment:
    """What an assignment found and wrote."""

    day: date
    addresses: int
    written: int
    unchanged: int
    kept_overrides: int
    counts: dict[str, int]


def assign_addresses(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    progress: Progress | None = None,
) -> Assignment:
    """Place every address as the land and the beats stand on `day`, in one transaction.

    Only placements that differ are written: the old one ends on `day` and a new one begins (or is corrected when it
    began on `day`). An address without any placement gets one from the day its land is known from. Overrides stay.

    Raises
    ------
    NotPermittedError
        The role may not assign, or the scope is not the whole district.
    InvalidInputError
        There are no compounds to place addresses in.
    """
    viewer.require(Permission.ASSIGN_ADDRESSES)
    report = progress or (lambda _done, _total, _text: None)
    with transaction(engine) as session:
        everything = Scope(day, None)
        report(0, 4, T("Reading land and beats"))
        compounds = areas(session, everything, levels=[AreaLevel.COMPOUND])
        if compounds.empty:
            raise InvalidInputError(T("There are no compounds on {day}: import areas first.", day=day))
        names = area_names(session, everything, levels=[AreaLevel.VILLAGE])
        villages = pd.Series(names.index, index=names["code"])
        villages = villages[~villages.index.duplicated()]
        parts = beat_parts(session, everything)
        report(1, 4, T("Reading addresses"))
        points = address_points(session)
        report(2, 4, T("Locating {count} addresses", count=len(points)))
        placed = place(points, compounds, villages, parts, settings.metric_crs)
        report(3, 4, T("Writing what changed"))
        written, kept = _write(session, placed, day)
        counts = count_unresolved(session, everything)
        outcome = Assignment(day, len(points), written, len(points) - written - kept, kept, counts)
        record(
            session,
            viewer,
            action="assign_addresses",
            object_kind="placement",
            object_id=str(day),
            result="done",
            after={"written": written, **counts},
        )
    report(4, 4, T("Done"))
    return outcome


def _write(session: Session, placed: pd.DataFrame, day: date) -> tuple[int, int]:
    """Write the placements that differ from those in force on `day`; return how many, and how many overrides stayed."""
    query = select(
        Placement.id,
        Placement.address_id,
        Placement.valid_from,
        Placement.valid_to,
        Placement.override_reason,
        *(getattr(Placement, column) for column in PLACEMENT_DTYPES),
    ).where(Placement.valid_on(day))
    current = read_frame(session, query, dtypes=PLACEMENT_DTYPES, index="address_id")
    overridden = current.index[current["override_reason"].notna()]
    fresh = placed.drop(index=overridden, errors="ignore")
    before = current.reindex(fresh.index)
    same = pd.Series(before["id"].notna().to_numpy(), index=fresh.index)
    for column in COMPARED:
        old, new = before[column], fresh[column]
        same &= (old.eq(new) | (old.isna() & new.isna())).to_numpy(dtype=bool, na_value=False)
    changed = fresh[~same]
    if changed.empty:
        return 0, len(overridden)

    replaced = current.loc[current.index.intersection(changed.index)]
    begun_today = replaced.index[replaced["valid_from"].eq(day)]
    ended = replaced.index.difference(begun_today)
    for ids in _batches(replaced.loc[begun_today, "id"]):
        session.execute(delete(Placement).where(Placement.id.in_(ids)))
    for ids in _batches(replaced.loc[ended, "id"]):
        session.execute(update(Placement).where(Placement.id.in_(ids)).values(valid_to=day))
    rows = changed.reset_index()
    known_since = session.execute(select(func.min(AreaVersion.valid_from))).scalar() or day
    first = ~rows["address_id"].isin(replaced.index)
    rows["valid_from"] = pd.Series(day, index=rows.index, dtype="object").mask(first, min(known_since, day))
    until = replaced["valid_to"].reindex(rows["address_id"]).to_numpy()
    rows["valid_to"] = pd.Series(until, index=rows.index, dtype="object").where(pd.notna(until), None)
    insert_frame(session, Placement, rows)
    return len(rows), len(overridden)


def _batches(ids: pd.Series, size: int = 10_000) -> Iterator[list[int]]:
    values = ids.tolist()
    for start in range(0, len(values), size):
        yield values[start : start + size]
