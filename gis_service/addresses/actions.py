"""What changes placements: assigning addresses to areas, beats and so officers; writing only what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.data_version import data_version
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.ground import ground_on
from gis_service.addresses.placements import apply_rewriting, as_content, day_number, placements_of, placements_on
from gis_service.addresses.placing import beats_of
from gis_service.addresses.queries import address_points
from gis_service.addresses.tables import Placement, Unresolved
from gis_service.addresses.timeline import OPEN, Rewriting, same_content, settle
from gis_service.areas.tables import AreaVersion
from gis_service.errors import InvalidInputError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import BeatDuty
from gis_service.texts import T, Text

Progress = Callable[[int, int, Text], None]


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

    What is to be written is found out before that transaction, so that others can write meanwhile; should anything have
    changed by then, it is found out anew within.

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
    report = progress or _unheard
    with reading(engine) as session:
        require_whole_district(session, viewer, day)
        version = data_version(session)
        placed, in_force = _placed(session, settings, day, report)
    report(3, 4, T("Writing what changed"))
    with transaction(engine, loading=Placement) as session:
        if data_version(session) != version:
            require_whole_district(session, viewer, day)
            placed, in_force = _placed(session, settings, day, _unheard)
        fresh, kept = _differing(placed, in_force)
        done = _write(session, placed[fresh], day)
        counts = _counts(session, placed, day)
        outcome = Assignment(day, len(placed), done.written, len(placed) - done.written - kept, kept, counts)
        record(
            session,
            viewer,
            action="assign_addresses",
            object_kind="placement",
            object_id=str(day),
            result="done",
            after={"written": done.written, **counts, **done.told()},
        )
    report(4, 4, T("Done"))
    return outcome


def require_whole_district(session: Session, viewer: Viewer, day: date) -> None:
    """Refuse whoever sees a part only: addresses move between all areas.

    Raises
    ------
    NotPermittedError
    """
    if not scope_of(session, viewer, day).is_whole_district:
        raise NotPermittedError(T("Addresses are assigned by somebody who sees the whole district."))


def _placed(session: Session, settings: Settings, day: date, report: Progress) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where every address belongs on the day, and the placements in force."""
    report(0, 4, T("Reading land and beats"))
    ground = ground_on(session, day)
    if ground.compounds.empty:
        raise InvalidInputError(T("There are no compounds on {day}: import areas first.", day=day))
    report(1, 4, T("Reading addresses"))
    points = address_points(session)
    report(2, 4, T("Locating {count} addresses", count=len(points)))
    in_force = placements_on(session, day)
    located = as_content(ground.place(points, settings.metric_crs))
    return _with_overrides(located, in_force, points, ground.parts), in_force


def _unheard(_done: int, _total: int, _said: Text) -> None:
    """Nobody asks how far it is."""


def _with_overrides(
    placed: pd.DataFrame, in_force: pd.DataFrame, points: pd.DataFrame, parts: gpd.GeoDataFrame
) -> pd.DataFrame:
    """The same where nobody has overridden it; an overridden address keeps its area, and has the beat of that."""
    at = _position(placed, in_force)
    found = np.flatnonzero(at >= 0)
    overridden = found[in_force["override_reason"].ne("").to_numpy()[at[found]]]
    if not len(overridden):
        return placed
    held = in_force.iloc[at[overridden]].set_index("address_id")
    beat = beats_of(points.loc[held.index], held["area_id"].astype("Int64"), parts)
    held["beat_id"] = beat.to_numpy(dtype=np.int64, na_value=-1)
    held["unresolved"] = np.where(beat.isna(), Unresolved.NO_BEAT.value, "").astype(object)
    others = placed.drop(index=placed.index[overridden])
    both = pd.concat([others, held.reset_index()[list(placed.columns)]], ignore_index=True)
    return both.sort_values("address_id", ignore_index=True)


def _differing(placed: pd.DataFrame, in_force: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], int]:
    """Which placements differ from the one in force; and how many overrides stay as they are."""
    at = _position(placed, in_force)
    found = at >= 0
    same = np.zeros(len(placed), dtype=np.bool_)
    same[found] = same_content(in_force.iloc[at[found]], placed[found])
    return ~same, int((same & placed["override_reason"].ne("").to_numpy()).sum())


def _write(session: Session, fresh: pd.DataFrame, day: date) -> Rewriting:
    """Let placements hold from `day` for as long as those that they replace; the first ones since the land is known."""
    known_since = session.execute(select(func.min(AreaVersion.valid_from))).scalar() or day
    recorded = placements_of(session, fresh["address_id"].to_numpy(dtype=np.int64))
    today = day_number(day)
    replaced = recorded[recorded["since"].le(today) & recorded["until"].gt(today)].set_index("address_id")["until"]
    later = recorded[recorded["since"].gt(today)].groupby("address_id")["since"].min()
    earlier = recorded[recorded["until"].le(today)].groupby("address_id")["until"].max()
    address = fresh["address_id"].to_numpy()
    is_first = ~np.isin(address, replaced.index.to_numpy())
    begins = earlier.reindex(address).fillna(day_number(min(known_since, day))).to_numpy(dtype=np.int64)
    ends = pd.concat([replaced, later[~later.index.isin(replaced.index)]]).reindex(address)
    pieces = fresh.assign(since=np.where(is_first, begins, today), until=OPEN, forced=fresh["override_reason"].ne(""))
    bounded = ends.notna().to_numpy()
    pieces.loc[bounded, "until"] = ends[bounded].to_numpy(dtype=np.int64)
    rewriting = settle(recorded, pieces)
    apply_rewriting(session, rewriting)
    return rewriting


def _counts(session: Session, placed: pd.DataFrame, day: date) -> dict[str, int]:
    """What `queries.count_unresolved` would count now, from what is at hand."""
    held = session.scalars(select(BeatDuty.beat_id).where(BeatDuty.valid_on(day))).all()
    by_reason = placed["unresolved"].value_counts()
    assigned = int(placed["beat_id"].isin(list(held)).sum())
    counts = {reason.value: int(by_reason.get(reason.value, 0)) for reason in Unresolved}
    return {**counts, "no_officer": int(by_reason.get("", 0)) - assigned, "assigned": assigned, "total": len(placed)}


def _position(placed: pd.DataFrame, in_force: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Position of each address in the rows in force, -1 for none; both are ordered by address."""
    wanted, there = placed["address_id"].to_numpy(), in_force["address_id"].to_numpy()
    at = np.searchsorted(there, wanted)
    found = at < len(there)
    found[found] = there[at[found]] == wanted[found]
    return np.where(found, at, -1)
