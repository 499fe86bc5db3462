"""What becomes of units whose area ends: they go over to a successor with their officers and beats, or end with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import Session

from gis_service.addresses.tables import Placement
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaVersion
from gis_service.errors import ConflictError, Fault, InvalidInputError
from gis_service.teams.tables import Beat, Posting, PostRole, Unit
from gis_service.texts import T


class Goes(StrEnum):
    """Where a unit without land goes."""

    MOVES = "moves"
    JOINS = "joins"
    ENDS = "ends"
    WITHOUT_LAND = "without_land"


@dataclass(frozen=True)
class Successor:
    """What a unit whose area ends comes to.

    Attributes
    ----------
    postings, beats : how many there are from the day on.
    goes : to a unit of its own in the successor (moves), into the unit that is there (joins), it ends with its area, or
        nobody has said where it goes and it has people or beats (without land).
    to_area_id, to_code, to_name : the successor; None where there is none.
    share : of the area's addresses that the successor has (0-1); None where nobody lives there.
    """

    unit_id: int
    code: str
    name: str
    area_id: int
    postings: int
    beats: int
    goes: Goes
    to_area_id: int | None
    to_code: str | None
    to_name: str | None
    share: float | None


@dataclass
class Succession:
    """Every unit that lost its land, and what undoing needs."""

    units: list[Successor] = field(default_factory=list)
    undo: list[dict[str, Any]] = field(default_factory=list)

    def refuse_landless(self) -> None:
        """Refuse to leave people or beats without land.

        Raises
        ------
        InvalidInputError
            A unit with officers or beats has no successor and nobody has said what becomes of it.
        """
        landless = [unit for unit in self.units if unit.goes is Goes.WITHOUT_LAND]
        faults = [
            Fault(
                T("The unit has {postings} postings and {beats} beats.", postings=unit.postings, beats=unit.beats),
                field="units",
                value=unit.code,
                remedy=T("Say to which area the unit goes, or that it ends."),
            )
            for unit in landless
        ]
        if faults:
            raise InvalidInputError(T("{count} units would be left without land.", count=len(faults)), faults)


def hand_on_units(
    session: Session,
    day: date,
    ended: Collection[int],
    heirs: Collection[tuple[int, int]],
    said: Mapping[int, str | None],
) -> Succession:
    """Let the units of areas that end on `day` go over, in the caller's transaction.

    Parameters
    ----------
    heirs
        (area, what it became).
    said
        Of single units, by id: the code of the area that it goes to, or None when it ends. Of the others, each goes to
        the heir with the most of its addresses.
    """
    succession = Succession()
    current = or_(Unit.valid_to.is_(None), Unit.valid_to > day)
    units = session.scalars(select(Unit).where(Unit.area_id.in_(sorted(ended)), current).order_by(Unit.id)).all()
    for unit in units:
        target, share = _target(session, day, unit, [heir for area, heir in heirs if area == unit.area_id], said)
        _let_go(session, day, unit, target, share, succession, ends=unit.id in said and said[unit.id] is None)
    session.flush()
    return succession


def take_back_units(session: Session, undo: Collection[Mapping[str, Any]]) -> None:
    """Put units, postings and beats back as `hand_on_units` found them.

    Raises
    ------
    ConflictError
        Somebody has been posted to the new unit, or has planned beats in it, since.
    """
    for step in undo:
        unit = session.get_one(Unit, step["unit_id"])
        unit.valid_to = _day(step["valid_to"])
        for beat_id in step["beats"]:
            session.get_one(Beat, beat_id).unit_id = unit.id
        for posting_id in step["begun"]:
            posting = session.get(Posting, posting_id)
            if posting is not None:
                session.delete(posting)
        session.flush()
        for posting_id, valid_to in step["ended"]:
            session.get_one(Posting, posting_id).valid_to = _day(valid_to)
        for said in step["removed"]:
            days = {name: _day(said[name]) for name in ("valid_from", "valid_to")}
            session.add(Posting(**{**said, **days}))
        session.flush()
        if step["founded"] is not None:
            for row in (Posting, Beat):
                if session.scalars(select(row.id).where(row.unit_id == step["founded"]).limit(1)).first() is not None:
                    raise ConflictError(T("The new unit has got people or beats since: move them first."))
            session.delete(session.get_one(Unit, step["founded"]))
    session.flush()


def _target(
    session: Session, day: date, unit: Unit, heirs: list[int], said: Mapping[int, str | None]
) -> tuple[int | None, float | None]:
    """The area that a unit goes to, and the share of its addresses there."""
    told = said.get(unit.id)
    if told is not None:
        query = select(AreaVersion.area_id).where(AreaVersion.code == told, AreaVersion.valid_on(day))
        found = session.scalars(query).first()
        if found is None:
            raise InvalidInputError(T("There is no area with code {code} on {day}.", code=told, day=day))
        return found, _shares(session, day, unit.area_id, [found]).get(found)
    if unit.id in said or not heirs:
        return None, None
    shares = _shares(session, day, unit.area_id, heirs)
    best = max(heirs, key=lambda heir: (shares.get(heir, 0.0), -heir))
    return best, shares.get(best)


def _shares(session: Session, day: date, area_id: int, heirs: list[int]) -> dict[int, float]:
    """Which share of the addresses that an area had on the eve each heir has."""
    eve = day - timedelta(days=1)
    had = select(Placement.address_id).where(
        Placement.valid_on(eve), Placement.home_area_id.in_(subtree([area_id], eve))
    )
    total = session.scalar(select(func.count()).select_from(had.subquery())) or 0
    lived_there = Placement.address_id.in_(had) if total else true()  # a correction: it never was
    counts = {
        heir: session.scalar(
            select(func.count())
            .select_from(Placement)
            .where(
                Placement.valid_on(day),
                Placement.home_area_id.in_(subtree([heir], day)),
                lived_there,
            )
        )
        or 0
        for heir in heirs
    }
    whole = total or sum(counts.values())
    return {heir: count / whole for heir, count in counts.items()} if whole else {}


def _let_go(
    session: Session, day: date, unit: Unit, target: int | None, share: float | None, made: Succession, *, ends: bool
) -> None:
    postings = session.scalars(
        select(Posting).where(Posting.unit_id == unit.id, or_(Posting.valid_to.is_(None), Posting.valid_to > day))
    ).all()
    beats = session.scalars(
        select(Beat).where(Beat.unit_id == unit.id, or_(Beat.valid_to.is_(None), Beat.valid_to > day))
    ).all()
    area = _named(session, day, target)
    there = None if target is None else _unit_of(session, day, target)
    if target is None:
        goes = Goes.ENDS if ends or not (postings or beats) else Goes.WITHOUT_LAND
    else:
        goes = Goes.MOVES if there is None else Goes.JOINS
    told = (unit.id, unit.code, unit.name, unit.area_id, len(postings), len(beats), goes, target, *area, share)
    made.units.append(Successor(*told))
    if goes is Goes.WITHOUT_LAND:
        return
    step: dict[str, Any] = {
        "unit_id": unit.id,
        "valid_to": _written(unit.valid_to),
        "founded": None,
        "beats": [beat.id for beat in beats] if target is not None else [],
        "ended": [],
        "removed": [],
        "begun": [],
    }
    if target is not None and there is None:
        there = Unit(code=_fresh_code(session, unit.code), name=unit.name, area_id=target, valid_from=day)
        there.valid_from = max(day, unit.valid_from)
        there.valid_to = unit.valid_to
        session.add(there)
        session.flush()
        step["founded"] = there.id
    begun = [_followed(session, day, posting, there, step) for posting in postings]
    for beat in beats if there is not None else ():
        beat.unit_id = there.id if there is not None else unit.id
    unit.valid_to = max(day, unit.valid_from)
    session.flush()
    session.add_all(posting for posting in begun if posting is not None)
    session.flush()
    step["begun"] = [posting.id for posting in begun if posting is not None]
    made.undo.append(step)


def _followed(
    session: Session, day: date, posting: Posting, there: Unit | None, step: dict[str, Any]
) -> Posting | None:
    """End a posting on the day, and begin it in the successor's unit."""
    begins, until, role = max(posting.valid_from, day), posting.valid_to, posting.role
    officer_id, share = posting.officer_id, posting.share
    if posting.valid_from >= day:
        names = ("id", "officer_id", "unit_id", "role", "share")
        days = {name: _written(getattr(posting, name)) for name in ("valid_from", "valid_to")}
        step["removed"].append({**{name: getattr(posting, name) for name in names}, **days})
        session.delete(posting)
    else:
        step["ended"].append([posting.id, _written(until)])
        posting.valid_to = day
    if there is None:
        return None
    led = select(Posting.id).where(
        Posting.unit_id == there.id, Posting.role == PostRole.LEADER.value, Posting.valid_on(begins)
    )
    if role == PostRole.LEADER and session.scalars(led).first() is not None:
        role = PostRole.MEMBER.value
    return Posting(officer_id=officer_id, unit_id=there.id, role=role, share=share, valid_from=begins, valid_to=until)


def _unit_of(session: Session, day: date, area_id: int) -> Unit | None:
    query = select(Unit).where(Unit.area_id == area_id, Unit.valid_on(day)).order_by(Unit.id)
    return session.scalars(query).first()


def _named(session: Session, day: date, area_id: int | None) -> tuple[str | None, str | None]:
    if area_id is None:
        return None, None
    query = select(AreaVersion.code, AreaVersion.name).where(AreaVersion.area_id == area_id, AreaVersion.valid_on(day))
    row = session.execute(query).first()
    return (None, None) if row is None else (row.code, row.name)


def _fresh_code(session: Session, code: str) -> str:
    """The code with the first free number behind it."""
    taken = set(session.scalars(select(Unit.code).where(Unit.code.startswith(code[:58], autoescape=True))))
    return next(made for number in range(2, 10_000) if (made := f"{code[:58]}-{number}") not in taken)


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)
