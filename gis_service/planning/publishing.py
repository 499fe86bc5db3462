"""Publishing a scenario: beats, parts, duties, postings and placements from a day on, all in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.orm import Session

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.replacing import place_again, points_of
from gis_service.addresses.tables import Placement
from gis_service.areas.tables import AreaVersion, ChangeState, LandChange
from gis_service.errors import ConflictError, InvalidInputError, NotPermittedError
from gis_service.planning.notices import notify
from gis_service.planning.plans import Plan, plan_of_today
from gis_service.planning.scenarios import Seen, plan_of, seen
from gis_service.planning.settling import other_than_planned, settled
from gis_service.planning.tables import Notice, Scenario, ScenarioState
from gis_service.settings import Settings
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import transaction
from gis_service.teams.following import parts_of, restore_parts
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Officer, Posting, Unit
from gis_service.texts import T


@dataclass(frozen=True)
class Published:
    """What a publication wrote."""

    day: date
    beats: int
    parts: int
    duties: int
    officers: int
    addresses: int
    notices: int


def publish(engine: Engine, settings: Settings, viewer: Viewer, scenario_id: int, day: date) -> Published:
    """Let an approved scenario hold from `day` on.

    Raises
    ------
    ConflictError
        It is not approved, beats, parts or duties have changed since its day, or a change of the land that it counts
        on does not hold on that day.
    InvalidInputError
        The day is not after that of the scenario.
    """
    viewer.require(Permission.PUBLISH_PLAN)
    with transaction(engine) as session:
        hold_alone(session, "land")
        scenario = _whole(seen(session, viewer, scenario_id, lock=True))
        if scenario.state != ScenarioState.APPROVED:
            raise ConflictError(T("This scenario is {state}.", state=scenario.state))
        if day <= scenario.day:
            raise InvalidInputError(T("A scenario is published for a day after {day}.", day=scenario.day))
        plan = plan_of(session, scenario)
        _refuse_unapplied(session, plan.boundaries, day)
        plan = settled(session, plan, day)
        _refuse_changed(session, plan, day)
        writing = _Writing(session, scenario, plan, day)
        writing.write()
        addresses = _place(session, settings, writing.compounds, day)
        notices = notify(session, scenario, plan, day)
        scenario.state, scenario.publish_on = ScenarioState.PUBLISHED.value, day
        scenario.undo = {**writing.undo, "after": parts_of(session, writing.compounds)}
        done = Published(
            day,
            beats=len(writing.undo["beats_made"]) + len(writing.undo["beats_ended"]),
            parts=writing.parts,
            duties=len(writing.undo["duties_made"]),
            officers=len(writing.undo["officers_made"]),
            addresses=addresses,
            notices=notices,
        )
        told = {"name": scenario.name, "day": day.isoformat(), "addresses": addresses, "officers": done.officers}
        record(session, viewer, "publish_scenario", "scenario", scenario.id, after=told)
    return done


def revert(engine: Engine, settings: Settings, viewer: Viewer, scenario_id: int, reason: str) -> int:
    """Take a publication back, as if it had never been; returns how many placements were written.

    Raises
    ------
    ConflictError
        It is not published, or its beats have changed since.
    """
    viewer.require(Permission.PUBLISH_PLAN)
    said = check_reason(reason)
    with transaction(engine) as session:
        hold_alone(session, "land")
        scenario = _whole(seen(session, viewer, scenario_id, lock=True))
        if scenario.state != ScenarioState.PUBLISHED:
            raise ConflictError(T("This scenario is {state}.", state=scenario.state))
        undo: dict[str, Any] = scenario.undo or {}
        day, compounds = date.fromisoformat(undo["day"]), undo["compounds"]
        if parts_of(session, compounds) != undo["after"] or _was_changed(session, undo, day):
            raise ConflictError(T("The beats have changed since the publication; put that back first."))
        restore_parts(session, compounds, undo["parts"])
        session.execute(delete(Notice).where(Notice.scenario_id == scenario_id))
        session.execute(delete(BeatDuty).where(BeatDuty.id.in_(undo["duties_made"])))
        session.execute(delete(Posting).where(Posting.id.in_(undo["postings_made"])))
        for row, name in ((BeatDuty, "duties_ended"), (Posting, "postings_ended"), (Beat, "beats_ended")):
            for row_id, until in undo[name]:
                ended = None if until is None else date.fromisoformat(until)
                session.execute(update(row).where(row.id == row_id).values(valid_to=ended))
        addresses = _place(session, settings, compounds, day)
        session.execute(delete(Beat).where(Beat.id.in_(undo["beats_made"])))
        session.execute(delete(Officer).where(Officer.id.in_(undo["officers_made"])))
        scenario = session.get_one(Scenario, scenario_id)
        scenario.state, scenario.decided_at = ScenarioState.REVERTED.value, datetime.now(UTC)
        told = {"name": scenario.name, "reason": said, "addresses": addresses}
        record(session, viewer, "revert_scenario", "scenario", scenario.id, after=told)
    return addresses


class _Writing:
    """The rows of one publication; `undo` remembers what taking it back needs."""

    def __init__(self, session: Session, scenario: Scenario, plan: Plan, day: date) -> None:
        self.session, self.scenario, self.plan, self.day = session, scenario, plan, day
        self.today = plan_of_today(plan.inputs)
        self.compounds = self._compounds()
        self.parts = 0
        names = ("beats_made", "beats_ended", "duties_made", "duties_ended", "postings_made", "postings_ended")
        self.undo: dict[str, Any] = {
            "day": day.isoformat(),
            "compounds": self.compounds,
            "parts": parts_of(session, self.compounds),
            **{name: [] for name in (*names, "officers_made")},
        }

    def write(self) -> None:
        """Beats first, then who holds them, then their parts."""
        ids = self._beats()
        officers = self._officers()
        self._duties(ids, officers)
        self._parts(ids)
        self.session.flush()

    def _compounds(self) -> list[int]:
        """Compounds of which anything goes to another beat."""
        units = self.plan.inputs.units
        pairs = zip(units, self.today.beat_of, self.plan.beat_of, strict=True)
        return sorted({unit.area_id for unit, before, after in pairs if before != after})

    def _beats(self) -> dict[str, int]:
        """Row ids by key; new beats are made, and those that the plan has no more are ended."""
        ids = {f"b{held.beat_id}": held.beat_id for held in self.plan.inputs.beats}
        used = {key for key in self.plan.beat_of if key is not None}
        for key, beat in self.plan.beats.items():
            if key in ids or key not in used:
                continue
            row = Beat(
                code=f"S{self.scenario.id}-{key[1:]}",
                name=beat.name[:200],
                unit_id=_unit_of(self.session, beat.village_id, self.day),
                valid_from=self.day,
            )
            self.session.add(row)
            self.session.flush()
            ids[key] = row.id
            self.undo["beats_made"].append(row.id)
        for key in [key for key in self.today.beats if key not in used]:
            if not _has_parts_elsewhere(self.session, ids[key], self.compounds, self.day):
                self._end(Beat, self.session.get_one(Beat, ids[key]), "beats_ended")
        return ids

    def _officers(self) -> dict[str, int]:
        """Row ids by key of those who hold a beat; recruits that are named are hired."""
        ids = {}
        for key in sorted({beat.staff for beat in self.plan.beats.values() if beat.staff}):
            person = self.plan.staff[key]
            if person.officer_id is not None:
                ids[key] = person.officer_id
            elif person.badge_no is not None:
                known = self.session.scalar(select(Officer.id).where(Officer.badge_no == person.badge_no))
                if known is None:
                    row = Officer(
                        badge_no=person.badge_no,
                        name=person.name,
                        form=person.form,
                        side=person.side,
                        hired_on=person.from_day or self.day,
                    )
                    self.session.add(row)
                    self.session.flush()
                    known = row.id
                    self.undo["officers_made"].append(known)
                ids[key] = known
        return ids

    def _duties(self, beats: dict[str, int], officers: dict[str, int]) -> None:
        for key, beat_id in beats.items():
            before = self.today.beats[key].staff if key in self.today.beats else None
            after = self.plan.beats[key].staff if key in self.plan.beats and key in self.plan.beat_of else None
            if before == after:
                continue
            if before is not None:
                query = select(BeatDuty).where(BeatDuty.beat_id == beat_id, BeatDuty.valid_on(self.day))
                for duty in self.session.scalars(query).all():
                    self._end(BeatDuty, duty, "duties_ended")
            if after is not None and after in officers:
                self._begin(beat_id, after, officers[after])
        for key in self.plan.gone:
            self._end_postings(int(key[1:]))

    def _begin(self, beat_id: int, key: str, officer_id: int) -> None:
        person = self.plan.staff[key]
        since = max(self.day, person.from_day or self.day)
        duty = BeatDuty(beat_id=beat_id, officer_id=officer_id, valid_from=since)
        self.session.add(duty)
        self.session.flush()
        self.undo["duties_made"].append(duty.id)
        unit_id = self.session.get_one(Beat, beat_id).unit_id
        current = select(Posting).where(Posting.officer_id == officer_id, Posting.valid_on(since))
        postings = self.session.scalars(current).all()
        if any(posting.unit_id == unit_id for posting in postings):
            return
        if postings and person.officer_id is not None:
            self._end_postings(officer_id)
        role = "member" if not postings else max(postings, key=lambda posting: posting.share).role
        share = min(sum(posting.share for posting in postings), 1.0) or 1.0
        posting = Posting(officer_id=officer_id, unit_id=unit_id, role=role, share=share, valid_from=since)
        self.session.add(posting)
        self.session.flush()
        self.undo["postings_made"].append(posting.id)

    def _end_postings(self, officer_id: int) -> None:
        query = select(Posting).where(Posting.officer_id == officer_id, Posting.valid_on(self.day))
        for posting in self.session.scalars(query).all():
            self._end(Posting, posting, "postings_ended")

    def _end(self, _row: type[Beat | BeatDuty | Posting], found: Beat | BeatDuty | Posting, name: str) -> None:
        self.undo[name].append([found.id, None if found.valid_to is None else found.valid_to.isoformat()])
        found.valid_to = self.day
        self.session.flush()

    def _parts(self, ids: dict[str, int]) -> None:
        """End the parts of every compound concerned, and begin those of the plan."""
        units: dict[int, list[int]] = defaultdict(list)
        for number, unit in enumerate(self.plan.inputs.units):
            units[unit.area_id].append(number)
        current = select(BeatPart).where(BeatPart.area_id.in_(self.compounds), BeatPart.valid_on(self.day))
        parts = self.session.scalars(current).all()
        copied = {part.id: self._copy(part) for part in parts}
        for part in parts:
            part.valid_to = self.day
        self.session.flush()
        for area_id in self.compounds:
            for row in self._wanted(area_id, units[area_id], ids, copied):
                self.session.add(row)
                self.parts += 1
        self.session.flush()

    def _copy(self, part: BeatPart) -> dict[str, Any]:
        return {"buildings": part.buildings, "geom": part.geom}

    def _wanted(
        self, area_id: int, numbers: list[int], ids: dict[str, int], copied: dict[int, dict[str, Any]]
    ) -> list[BeatPart]:
        units, beat_of = self.plan.inputs.units, self.plan.beat_of
        by_beat: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            key = beat_of[number]
            if key is not None:
                by_beat[key].append(number)
        everywhere = len(by_beat) == 1 and sum(map(len, by_beat.values())) == len(numbers)
        rows = []
        for key, members in by_beat.items():
            said = {"beat_id": ids[key], "area_id": area_id, "valid_from": self.day}
            if everywhere:
                rows.append(BeatPart(**said))
                continue
            kept = [units[number].part_id for number in members]
            rows += [BeatPart(**said, **copied[part_id]) for part_id in kept if part_id is not None]
            buildings = sorted({name for number in members for name in units[number].buildings or ()})
            if buildings and all(part_id is None for part_id in kept):
                rows.append(BeatPart(**said, buildings=buildings))
            elif not buildings and None in kept:
                rows.append(BeatPart(**said))
        return rows


def _refuse_changed(session: Session, plan: Plan, day: date) -> None:
    """Refuse when the beats of the land concerned are not what they were on the scenario's day.

    Of compounds that a change of the land draws anew `settled` has compared them.
    """
    inputs = plan.inputs
    compounds = sorted({unit.area_id for unit in inputs.units})
    unchanged = [area_id for area_id in compounds if area_id not in plan.outlines]
    since = or_(BeatPart.valid_from > inputs.day, BeatPart.valid_to <= day)
    fresh = select(BeatPart.id).where(
        BeatPart.area_id.in_(unchanged), since, or_(BeatPart.valid_to.is_(None), BeatPart.valid_to > inputs.day)
    )
    held = {beat.beat_id: beat.officer_id for beat in inputs.beats}
    rows = session.execute(
        select(BeatDuty.beat_id, BeatDuty.officer_id).where(BeatDuty.beat_id.in_(sorted(held)), BeatDuty.valid_on(day))
    )
    duties = {int(row.beat_id): int(row.officer_id) for row in rows}
    others = {beat_id for beat_id, officer_id in held.items() if duties.get(beat_id) != officer_id}
    gone = select(AreaVersion.area_id).where(AreaVersion.area_id.in_(compounds), AreaVersion.valid_on(day))
    if session.scalars(fresh).first() is not None or others or len(set(session.scalars(gone))) < len(compounds):
        raise other_than_planned(inputs.day)


def _refuse_unapplied(session: Session, change_ids: Collection[int], day: date) -> None:
    """Refuse while a change of the land that the plan counts on does not hold on the day."""
    for change in session.scalars(select(LandChange).where(LandChange.id.in_(sorted(change_ids)))):
        if change.state != ChangeState.APPLIED or change.day > day:
            raise ConflictError(
                T(
                    "The plan counts on land change {number}, which does not hold on {day}: have it applied first.",
                    number=change.id,
                    day=day,
                )
            )


def _was_changed(session: Session, undo: dict[str, Any], day: date) -> bool:
    """Say whether duties that the publication made were ended or handed on."""
    made = session.scalars(select(BeatDuty).where(BeatDuty.id.in_(undo["duties_made"]))).all()
    later = select(BeatDuty.id).where(
        BeatDuty.beat_id.in_(undo["beats_made"]), BeatDuty.id.not_in(undo["duties_made"]), BeatDuty.valid_from >= day
    )
    return (
        len(made) < len(undo["duties_made"])
        or any(each.valid_to for each in made)
        or (session.scalars(later).first() is not None)
    )


def _unit_of(session: Session, area_id: int, day: date) -> int:
    """The team of an area, or of the nearest area above that has one."""
    at: int | None = area_id
    while at is not None:
        unit = session.scalar(select(Unit.id).where(Unit.area_id == at, Unit.valid_on(day)).order_by(Unit.id).limit(1))
        if unit is not None:
            return unit
        at = session.scalar(select(AreaVersion.parent_id).where(AreaVersion.area_id == at, AreaVersion.valid_on(day)))
    raise ConflictError(T("No unit holds area {area_id} or anything above it.", area_id=area_id))


def _has_parts_elsewhere(session: Session, beat_id: int, compounds: Collection[int], day: date) -> bool:
    others = select(BeatPart.id).where(
        BeatPart.beat_id == beat_id, BeatPart.valid_on(day), BeatPart.area_id.not_in(sorted(compounds))
    )
    return session.scalars(others).first() is not None


def _place(session: Session, settings: Settings, compounds: list[int], day: date) -> int:
    """Place the addresses of the compounds anew from the day on."""
    query = select(Placement.address_id).where(
        Placement.area_id.in_(compounds), or_(Placement.valid_to.is_(None), Placement.valid_to > day)
    )
    ids = np.array(sorted(set(session.scalars(query))), dtype=np.int64)
    _, rewriting = place_again(session, settings.metric_crs, points_of(session, ids), day, None)
    return max(len(rewriting.begun), len(rewriting.removed))


def _whole(found: Seen) -> Scenario:
    if found.only is not None:
        raise NotPermittedError(T("This scenario reaches beyond your part of the district."))
    return found.scenario
