"""Changing the land: draft, look at the impact, approve, apply or discard, revert."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import shapely
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.areas.change_kinds import areas_named, asked_of
from gis_service.areas.land_record import timelines_of
from gis_service.areas.periods import Timeline, Version
from gis_service.areas.reach import reach_of
from gis_service.areas.tables import AreaAncestry, AreaLevel, ChangeState, LandChange
from gis_service.changes.carrying_out import CarriedOut, carry_out, put_back
from gis_service.changes.faults import new_faults, told
from gis_service.changes.impact import Impact, measure
from gis_service.changes.succession import take_back_units
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import rehearsal, transaction
from gis_service.teams.following import parts_of, restore_parts
from gis_service.teams.scope import scope_of
from gis_service.texts import T


def draft_change(
    engine: Engine, viewer: Viewer, payload: Mapping[str, Any], mode: Mode, day: date, *, note: str | None = None
) -> LandChange:
    """Put down what should change, and from which day; nothing else happens.

    Parameters
    ----------
    payload
        One of `areas.change_kinds`.
    mode
        A correction (the record was wrong: the past is rewritten) or a change (the world changed on `day`).

    Raises
    ------
    NotPermittedError
        The role may not, or an area lies outside the viewer's part of the district.
    InvalidInputError
        It cannot be understood.
    """
    viewer.require(Permission.DRAFT_LAND_CHANGE)
    asked = asked_of(dict(payload))
    with transaction(engine) as session:
        _require_reach(session, viewer, day, areas_named(asked))
        change = LandChange(
            kind=asked.kind,
            mode=mode.value,
            day=day,
            payload=asked.model_dump(mode="json"),
            note=note,
            state=ChangeState.DRAFT.value,
            author=viewer.name[:100],
            author_id=viewer.account_id,
            drafted_at=_now(),
        )
        session.add(change)
        session.flush()
        record(session, viewer, "draft_land_change", "land_change", change.id, after=_told(change))
    return change


def impact_of(engine: Engine, settings: Settings, viewer: Viewer, change_id: int) -> Impact:
    """What a draft or an approved change would move; nothing is written.

    Raises
    ------
    NotPermittedError, NotFoundError, ConflictError
        The viewer may not; there is none in the viewer's part of the district; it is applied or discarded.
    InvalidInputError
        The land does not allow it.
    """
    viewer.require(Permission.SEE_LAND)
    with rehearsal(engine) as session:
        change = _change(session, viewer, change_id)
        _require_state(change, ChangeState.DRAFT, ChangeState.APPROVED)
        reach = reach_of(session, viewer, change.day)
        found = measure(session, settings, change.day, lambda: _carry_out(session, settings, change))
        return found if reach is None else found.within(reach)


def approve_change(engine: Engine, viewer: Viewer, change_id: int, *, accepted_reason: str | None = None) -> LandChange:
    """Agree to somebody else's draft; with a reason also to the topology faults that it brings.

    The shell of the server may approve by itself: whoever has it has the database anyway, and the trail tells.
    """
    viewer.require(Permission.APPROVE_LAND_CHANGE)
    with transaction(engine) as session:
        change = _change(session, viewer, change_id)
        _require_state(change, ChangeState.DRAFT)
        is_author = viewer.account_id == change.author_id if change.author_id else viewer.name == change.author
        if is_author and not viewer.everything:
            raise NotPermittedError(T("A second person decides: nobody approves the own request."))
        change.state, change.approved_by, change.decided_at = ChangeState.APPROVED.value, viewer.name[:100], _now()
        change.accepted_reason = None if accepted_reason is None else check_reason(accepted_reason)
        record(session, viewer, "approve_land_change", "land_change", change.id, after=_told(change))
    return change


def discard_change(engine: Engine, viewer: Viewer, change_id: int) -> LandChange:
    """Drop a change that is not applied."""
    viewer.require(Permission.DRAFT_LAND_CHANGE)
    with transaction(engine) as session:
        change = _change(session, viewer, change_id)
        _require_state(change, ChangeState.DRAFT, ChangeState.APPROVED)
        change.state, change.decided_at = ChangeState.DISCARDED.value, _now()
        record(session, viewer, "discard_land_change", "land_change", change.id, after=_told(change))
    return change


def apply_change(engine: Engine, settings: Settings, viewer: Viewer, change_id: int) -> CarriedOut:
    """Carry an approved change out: land, ancestry, beats and the affected addresses, all in one transaction.

    Raises
    ------
    ConflictError
        It is not approved.
    InvalidInputError
        The land does not allow it, or topology faults come with it that nobody accepted.
    """
    viewer.require(Permission.APPLY_LAND_CHANGE)
    with transaction(engine) as session:
        hold_alone(session, "land")
        change = _change(session, viewer, change_id)
        _require_state(change, ChangeState.APPROVED)
        compounds = _compounds_named(session, change)
        parts = parts_of(session, compounds)
        done = _carry_out(session, settings, change)
        if change.accepted_reason is None:
            _refuse_faults(session, settings, viewer, change.day, done)
        done.succession.refuse_landless()
        change.undo = {
            "units": done.succession.undo,
            "before": _packed(done.before),
            "after": _packed(done.after),
            "compounds": compounds,
            "parts": parts,
            "parts_after": parts_of(session, _with_founded(compounds, done.before)),
        }
        change.state, change.decided_at = ChangeState.APPLIED.value, _now()
        record(
            session,
            viewer,
            "apply_land_change",
            "land_change",
            change.id,
            after={
                **_told(change),
                "areas": len(done.after),
                "addresses": done.rewriting.written,
                **done.rewriting.told(),
            },
        )
    return done


def revert_change(engine: Engine, settings: Settings, viewer: Viewer, change_id: int, reason: str) -> CarriedOut:
    """Take an applied change back, as a correction: it never was; versions, beats and placements are as before it.

    Raises
    ------
    ConflictError
        It is not applied, or one of its areas, or a beat in them, has changed since.
    """
    viewer.require(Permission.APPLY_LAND_CHANGE)
    said = check_reason(reason)
    with transaction(engine) as session:
        hold_alone(session, "land")
        change = _change(session, viewer, change_id)
        _require_state(change, ChangeState.APPLIED)
        undo = change.undo or {}
        then, made = _unpacked(undo["before"]), _unpacked(undo["after"])
        now = timelines_of(session, list(made))
        if any(not _same(now[area_id], made[area_id]) for area_id in made):
            raise ConflictError(T("An area of this change has changed since: revert the later change first."))
        concerned = _with_founded(undo["compounds"], then)
        if parts_of(session, concerned) != undo.get("parts_after", parts_of(session, concerned)):
            raise ConflictError(T("The beats there have changed since, such as by a plan: take that back first."))
        session.execute(delete(AreaAncestry).where(AreaAncestry.change_id == change.id))
        take_back_units(session, undo.get("units", ()))
        restore_parts(session, concerned, undo["parts"])
        change = _change(session, viewer, change_id)
        done = put_back(session, settings, _known_rows(then, now), now, source=f"revert of change {change.id}")
        change.state, change.decided_at = ChangeState.REVERTED.value, _now()
        record(
            session,
            viewer,
            "revert_land_change",
            "land_change",
            change.id,
            after={"reason": said, "addresses": done.rewriting.written, **done.rewriting.told()},
        )
    return done


def land_changes(session: Session, viewer: Viewer, state: ChangeState | None = None) -> list[LandChange]:
    """Changes in the viewer's part of the district, the newest first."""
    query = select(LandChange).order_by(LandChange.id.desc())
    found = session.scalars(query if state is None else query.where(LandChange.state == state.value)).all()
    return [change for change in found if _is_within_reach(session, viewer, change)]


def land_change(session: Session, viewer: Viewer, change_id: int) -> LandChange:
    """One change in the viewer's part of the district."""
    return _change(session, viewer, change_id, lock=False)


def _change(session: Session, viewer: Viewer, change_id: int, *, lock: bool = True) -> LandChange:
    change = session.get(LandChange, change_id, with_for_update=lock or None)
    if change is None or not _is_within_reach(session, viewer, change):
        raise NotFoundError(T("There is no such change of the land in your part of the district."))
    return change


def _is_within_reach(session: Session, viewer: Viewer, change: LandChange) -> bool:
    reach = reach_of(session, viewer, change.day)
    named = areas_named(asked_of(change.payload))
    return reach is None or (bool(named) and set(named) <= reach)


def _require_reach(session: Session, viewer: Viewer, day: date, named: list[int]) -> None:
    reach = reach_of(session, viewer, day)
    if reach is not None and (not named or not set(named) <= reach):
        raise NotPermittedError(T("An area of this change lies outside your part of the district."))


def _require_state(change: LandChange, *states: ChangeState) -> None:
    if change.state not in states:
        raise ConflictError(T("This change of the land is {state}.", state=change.state))


def _carry_out(session: Session, settings: Settings, change: LandChange) -> CarriedOut:
    return carry_out(
        session,
        settings,
        asked_of(change.payload),
        Mode(change.mode),
        change.day,
        change_id=change.id,
        note=change.note,
    )


def _compounds_named(session: Session, change: LandChange) -> list[int]:
    """The compounds whose beats may have to go over."""
    named = areas_named(asked_of(change.payload))
    sources = select(AreaAncestry.from_area_id).where(AreaAncestry.to_area_id.in_(named))
    known = {*named, *session.scalars(sources)}
    timelines = timelines_of(session, known)
    return sorted(area_id for area_id, held in timelines.items() if held and held[0].level == AreaLevel.COMPOUND)


def _with_founded(compounds: Collection[int], before: Mapping[int, Timeline]) -> list[int]:
    """The compounds whose beats go over, and the areas that there were not before."""
    return [*compounds, *(area_id for area_id in before if not before[area_id])]


def _refuse_faults(session: Session, settings: Settings, viewer: Viewer, day: date, done: CarriedOut) -> None:
    found = new_faults(session, settings, day, dict(done.before), dict(done.after))
    if found.empty:
        return
    faults = told(session, scope_of(session, viewer, day), found)
    raise InvalidInputError(T("The change would leave {count} overlaps, gaps or overhangs.", count=len(found)), faults)


def _told(change: LandChange) -> dict[str, object]:
    names = ("kind", "mode", "day", "state", "note", "accepted_reason")
    return {name: getattr(change, name) for name in names}


def _packed(timelines: Mapping[int, Timeline]) -> dict[str, list[dict[str, Any]]]:
    """Timelines as JSON, borders as WKB."""
    return {
        str(area_id): [
            {
                "level": version.level,
                "code": version.code,
                "name": version.name,
                "kind": version.kind,
                "parent_id": version.parent_id,
                "border": None if version.border is None else shapely.to_wkb(version.border, hex=True),
                "since": version.since.isoformat(),
                "until": None if version.until is None else version.until.isoformat(),
            }
            for version in timeline
        ]
        for area_id, timeline in timelines.items()
    }


def _unpacked(packed: Mapping[str, list[dict[str, Any]]]) -> dict[int, list[Version]]:
    return {
        int(area_id): [
            Version(
                **{name: said[name] for name in ("level", "code", "name", "kind", "parent_id")},
                area_id=int(area_id),
                border=None if said["border"] is None else shapely.from_wkb(said["border"]),
                since=date.fromisoformat(said["since"]),
                until=None if said["until"] is None else date.fromisoformat(said["until"]),
            )
            for said in timeline
        ]
        for area_id, timeline in packed.items()
    }


def _same(one: Timeline, other: Timeline) -> bool:
    return len(one) == len(other) and all(
        (a.since, a.until) == (b.since, b.until) and a.says_the_same(b) for a, b in zip(one, other, strict=True)
    )


def _known_rows(then: Mapping[int, Timeline], now: Mapping[int, Timeline]) -> dict[int, list[Version]]:
    """Former versions that still stand, though for another time, keep where they came from."""
    rows = {(version.area_id, version.since): version for timeline in now.values() for version in timeline}
    found: dict[int, list[Version]] = {}
    for area_id, timeline in then.items():
        found[area_id] = []
        for version in timeline:
            row = rows.get((area_id, version.since))
            still = row is not None and row.says_the_same(version)
            found[area_id].append(replace(version, row_id=row.row_id) if row is not None and still else version)
    return found


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
