"""Matching the registers of some villages for a quarter: who is who, what differs, and the items that come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.audit import trail_of
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import Fault, InvalidInputError, NotFoundError
from gis_service.registers.mismatches.recording import Recorded, record_findings
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import note_matched, require_matchable
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.gathering import neighbours, people_of
from gis_service.registers.quarters.person_links import keep_links
from gis_service.registers.snapshots.own_registry import keep_registrations
from gis_service.registers.snapshots.queries import standing
from gis_service.registers.snapshots.tables import Origin
from gis_service.settings import Settings
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T
from layers.frames import REGISTERS
from layers.linkage import link
from layers.reconciliation import classify


@dataclass(frozen=True)
class Waiting:
    """A village that was not matched, as a register of it has not been handed in for the quarter."""

    village_id: int
    name: str
    registers: tuple[Side, ...]


@dataclass(frozen=True)
class MatchedQuarter:
    """What a matching gave: what was recorded, how many villages were matched, and those that wait for a register."""

    recorded: Recorded
    villages: int
    waiting: tuple[Waiting, ...]


def match_quarter(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    quarter: Quarter,
    *,
    today: date,
    area_id: int | None = None,
) -> MatchedQuarter:
    """Match the snapshots of every village of an area that has the quarter open, in one transaction.

    The police side is what was handed in for it, else the registrations of the service, kept as a snapshot now. The
    other villages of the township are matched along, so that whoever moved next door is one person; only what is found
    of the villages asked for is recorded.

    Raises
    ------
    NotPermittedError, NotFoundError, ConflictError
        The role may not; there is no village in the viewer's part of the district; a quarter is not open, or closed.
    InvalidInputError
        No village has all its registers; the faults name what is missing.
    """
    viewer.require(Permission.LEAD_QUARTER)
    day = min(today, quarter.last)
    with transaction(engine) as session:
        hold_alone(session, "match")
        scope = scope_of(session, viewer, today)
        if area_id is not None:
            area_details(session, scope, area_id)
        names = area_names(session, scope, levels=[AreaLevel.VILLAGE], within=area_id)["name"]
        if names.empty:
            raise NotFoundError(T("There is no village in this part of the district."))
        asked = [int(key) for key in names.index]
        require_matchable(session, quarter, asked)
        around = neighbours(session, asked, day)
        chosen = _with_own_registry(session, viewer, quarter, around, day)
        waiting = _waiting(names, chosen)
        villages = sorted(set(asked) - {each.village_id for each in waiting})
        if not villages:
            raise _nothing_handed_in(waiting)
        people = people_of(session, trail_of(engine).vault, chosen, day)
        recorded = _match(session, settings, viewer, quarter, people, chosen, villages=villages, day=day)
    return MatchedQuarter(recorded, len(villages), waiting)


def _with_own_registry(
    session: Session, viewer: Viewer, quarter: Quarter, villages: Collection[int], day: date
) -> pd.DataFrame:
    """The snapshots that hold, after the registrations of the service were kept where nobody handed in the police's."""
    chosen = standing(session, quarter, villages, day)
    by_hand = chosen[chosen["register"].eq(Side.POLICE.value) & chosen["origin"].ne(Origin.SERVICE.value)]
    own = sorted(set(villages) - {int(village) for village in by_hand["village_id"]})
    if not own:
        return chosen
    vault = trail_of(session.get_bind().engine).vault
    keep_registrations(session, viewer, vault, quarter, own, day)
    return standing(session, quarter, villages, day)


def _waiting(names: pd.Series, chosen: pd.DataFrame) -> tuple[Waiting, ...]:
    there = set(zip(chosen["village_id"], chosen["register"], strict=True))
    lacks = {
        int(village): tuple(side for side in Side if (village, side.value) not in there) for village in names.index
    }
    return tuple(Waiting(village, str(names.loc[village]), sides) for village, sides in lacks.items() if sides)


def _nothing_handed_in(waiting: Collection[Waiting]) -> InvalidInputError:
    faults = [
        Fault(
            T("{village} has not handed in its register for the quarter.", village=each.name),
            field=", ".join(each.registers),
            remedy=T("Hand it in, as a file or from another system; then match again."),
        )
        for each in waiting
    ]
    return InvalidInputError(T("No village has all its registers."), faults)


def _match(
    session: Session,
    settings: Settings,
    viewer: Viewer,
    quarter: Quarter,
    people: pd.DataFrame,
    chosen: pd.DataFrame,
    *,
    villages: Collection[int],
    day: date,
) -> Recorded:
    """Link the records, keep the links, classify what differs, and write it down as items."""
    linkage = link(people)
    links = keep_links(session, quarter, people, linkage, villages)
    found = classify(people, linkage, as_of=pd.Timestamp(day))
    ours = found[found["village_id"].isin(list(villages))].reset_index(drop=True)
    vault = trail_of(session.get_bind().engine).vault
    recorded = record_findings(
        session,
        settings,
        viewer,
        vault,
        people,
        ours,
        villages=villages,
        day=day,
        evidence_at=_received(chosen),
    )
    note_matched(session, viewer, quarter, villages, _figures(people, ours, villages, recorded, chosen, links))
    return recorded


def _received(chosen: pd.DataFrame) -> dict[tuple[int, str], datetime]:
    """When what holds of each village and register came in."""
    when = pd.to_datetime(chosen["received_at"]).dt.to_pydatetime()
    return dict(zip(zip(chosen["village_id"], chosen["register"], strict=True), when, strict=True))


def _figures(
    people: pd.DataFrame,
    found: pd.DataFrame,
    villages: Collection[int],
    recorded: Recorded,
    chosen: pd.DataFrame,
    links: Mapping[int, Mapping[str, int]],
) -> dict[int, dict[str, Any]]:
    """For each village: its snapshots, rows of each register, links, mismatches by class; and what was recorded."""
    rows = Counter(zip(people["village_id"], people["register"], strict=True))
    classes = Counter(zip(found["village_id"], found["mismatch_class"], strict=True))
    held = dict(zip(zip(chosen["village_id"], chosen["register"], strict=True), chosen["snapshot_id"], strict=True))
    return {
        village: {
            "snapshots": {name: int(held[village, name]) for name in REGISTERS},
            "rows": {name: rows[village, name] for name in REGISTERS},
            "links": dict(links.get(village, {})),
            "found": {str(kind): count for (place, kind), count in classes.items() if place == village},
            "recorded": asdict(recorded),
        }
        for village in villages
    }
