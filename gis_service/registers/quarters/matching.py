"""Matching the registers of some villages for a quarter: who is who, what differs, and the items that come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.audit import trail_of
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from gis_service.jobs.kinds import Watch
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
from gis_service.storage.engine import reading, transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T, Text
from layers.frames import REGISTERS

if TYPE_CHECKING:
    from layers.linkage import Linkage

_HANDED_IN: Final = (Side.VILLAGE, Side.GRID)
_ATTEMPTS: Final = 3
"""How often a township is compared anew because a register came in meanwhile."""


@dataclass(frozen=True)
class Waiting:
    """A village that was not matched, as a register of it has not been handed in for the quarter."""

    village_id: int
    name: str
    registers: tuple[Side, ...]


@dataclass(frozen=True)
class Matchable:
    """What can be matched: by township the villages that have all registers; and the villages that wait for one."""

    townships: dict[str, tuple[int, ...]]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True)
class MatchedQuarter:
    """What a matching gave: what was recorded, how many villages were matched, and those that wait for a register.

    `stopped`: somebody stopped it; townships that were not reached are as they were.
    """

    recorded: Recorded
    villages: int
    waiting: tuple[Waiting, ...]
    stopped: bool = False


class Unwatched:
    """Nobody looks on: nothing is told, nothing stops."""

    def report(self, done: float, said: Text | None = None, best: Mapping[str, Any] | None = None) -> None:
        """Say nothing."""

    def cancelled(self) -> bool:
        """Go on."""
        return False


def matchable(
    engine: Engine, viewer: Viewer, quarter: Quarter, *, today: date, area_id: int | None = None
) -> Matchable:
    """What of an area (of the viewer's part of the district) can be matched.

    Raises
    ------
    NotPermittedError, NotFoundError, ConflictError
        The role may not; there is no village in the viewer's part of the district; a quarter is not open, or closed.
    InvalidInputError
        No village has all its registers; the faults name what is missing.
    """
    viewer.require(Permission.LEAD_QUARTER)
    with reading(engine) as session:
        scope = scope_of(session, viewer, today)
        if area_id is not None:
            area_details(session, scope, area_id)
        villages = area_names(session, scope, levels=[AreaLevel.VILLAGE], within=area_id)
        if villages.empty:
            raise NotFoundError(T("There is no village in this part of the district."))
        asked = [int(key) for key in villages.index]
        require_matchable(session, quarter, asked)
        waiting = _waiting(villages["name"], standing(session, quarter, asked, min(today, quarter.last)))
        if len(waiting) == len(asked):
            raise _nothing_handed_in(waiting)
        names = area_names(session, Scope(today, None), levels=[AreaLevel.TOWNSHIP])["name"]
    ready = villages.drop(index=[each.village_id for each in waiting])
    townships = {
        str(names.get(int(str(parent)), "")): tuple(int(key) for key in own.index)
        for parent, own in ready.groupby("parent_id", sort=True)
    }
    return Matchable(townships, waiting)


def match_quarter(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    quarter: Quarter,
    *,
    today: date,
    area_id: int | None = None,
    watch: Watch | None = None,
) -> MatchedQuarter:
    """Match the snapshots of every village of an area that has the quarter open, township by township.

    The police side is what was handed in for it, else the registrations of the service, kept as a snapshot now. The
    other villages of the township are matched along, so that whoever moved next door is one person; only what is found
    of the villages asked for is recorded. What is found of a township is written in one transaction: whoever stops or
    kills it leaves each township as it was or as it is to be.

    Raises
    ------
    NotPermittedError, NotFoundError, InvalidInputError, ConflictError
        As `matchable`; or registers kept coming in while they were compared.
    """
    watch = watch or Unwatched()
    ready = matchable(engine, viewer, quarter, today=today, area_id=area_id)
    recorded, villages = Recorded(), 0
    for number, (township, own) in enumerate(ready.townships.items()):
        work = _Township(engine, settings, viewer, quarter, township, own, min(today, quarter.last))
        done = work.match(watch, number, len(ready.townships))
        if done is None:
            return MatchedQuarter(recorded, villages, ready.waiting, stopped=True)
        recorded, villages = recorded + done, villages + len(own)
    return MatchedQuarter(recorded, villages, ready.waiting)


@dataclass(frozen=True)
class _Township:
    """The villages of one township that are matched together."""

    engine: Engine
    settings: Settings
    viewer: Viewer
    quarter: Quarter
    name: str
    villages: tuple[int, ...]
    day: date

    def match(self, watch: Watch, number: int, of: int) -> Recorded | None:
        """Compare outside of any transaction, then write all at once; None when somebody stopped it before that."""
        from layers.linkage import link
        from layers.reconciliation import classify

        def told(share: float, said: Text) -> None:
            watch.report((number + share) / of, said)

        for _attempt in range(_ATTEMPTS):
            told(0.0, T("{township}: keeping the own registry", township=self.name))
            with transaction(self.engine) as session:
                around = neighbours(session, self.villages, self.day)
                chosen = _with_own_registry(session, self.viewer, self.quarter, around, self.day)
            told(0.25, T("{township}: reading the registers", township=self.name))
            with reading(self.engine) as session:
                people = people_of(session, trail_of(self.engine).vault, chosen, self.day)
            if watch.cancelled():
                return None
            told(0.5, T("{township}: finding who is who among {count} records", township=self.name, count=len(people)))
            linkage = link(people)
            found = classify(people, linkage, as_of=pd.Timestamp(self.day))
            told(0.75, T("{township}: writing what was found", township=self.name))
            if watch.cancelled():
                return None
            with transaction(self.engine) as session:
                hold_alone(session, "match")
                if chosen.equals(standing(session, self.quarter, around, self.day)):
                    return self._write(session, people, chosen, linkage, found)
        raise ConflictError(T("Registers of {township} kept coming in; match again.", township=self.name))

    def _write(
        self, session: Session, people: pd.DataFrame, chosen: pd.DataFrame, linkage: Linkage, found: pd.DataFrame
    ) -> Recorded:
        """Keep the links, and write what differs down as items."""
        ours = found[found["village_id"].isin(list(self.villages))].reset_index(drop=True)
        links = keep_links(session, self.quarter, people, linkage, self.villages)
        recorded = record_findings(
            session,
            self.settings,
            self.viewer,
            trail_of(self.engine).vault,
            people,
            ours,
            villages=self.villages,
            day=self.day,
            evidence_at=_received(chosen),
        )
        figures = _figures(people, ours, self.villages, recorded, chosen, links)
        note_matched(session, self.viewer, self.quarter, self.villages, figures)
        return recorded


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
    """The villages whose own list or grid workers' list is not there; the police side the service has itself."""
    there = set(zip(chosen["village_id"], chosen["register"], strict=True))
    lacks = {
        int(village): tuple(side for side in _HANDED_IN if (village, side.value) not in there)
        for village in names.index
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
