"""Rentals over HTTP: lists with reasons, one rental with its history, the rules, inspections and what is overdue."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import Instant, Limit, Offset, Page, PlainText, RowKey, Withheld, items_of
from gis_service.registers.rentals.actions import Dwelling, Remedy, inspect, keep_rental, put_right
from gis_service.registers.rentals.grading import grade_rentals
from gis_service.registers.rentals.hotspots import HotspotMeasure, published_hotspots
from gis_service.registers.rentals.queries import overdue_rectifications, rental, rentals
from gis_service.registers.rentals.rule_sets import RulesSaid, publish_rule_set, rule_sets, rules_on
from gis_service.registers.tables import RentalGrade

router = APIRouter(prefix="/api/v1", tags=["rentals"], dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
KEEP = [Depends(requires(Permission.KEEP_RENTALS))]

Count = Annotated[int, Field(ge=0, le=100_000)]


class DwellingForm(BaseModel):
    """A rental as somebody writes it down; its code names it."""

    code: Annotated[PlainText, Field(min_length=1, max_length=64)]
    address_id: RowKey
    rooms: Count
    beds: Count
    residents: Count
    let_from: date
    let_to: date | None = None
    usable_area_m2: Annotated[float | None, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = None
    landlord_name: Annotated[PlainText | None, Field(max_length=100)] = None
    landlord_phone: Annotated[PlainText | None, Field(max_length=40)] = None


class Kept(BaseModel):
    """The rental that was written."""

    rental_id: int


class RentalRow(BaseModel):
    """A rental with its grade, what speaks for a group rental, and when it is to be visited next."""

    rental_id: int
    code: str
    address_id: int
    address: str
    area_id: int | None
    beat_id: int | None
    rooms: int
    beds: int
    usable_area_m2: float | None
    residents: int
    grade: RentalGrade
    inspected_on: date | None
    let_from: date
    area_per_person_m2: float | None
    persons_per_room: float | None
    low_area: bool
    crowded_rooms: bool
    many_rooms: bool
    many_beds: bool
    suspected: bool
    due_on: date
    overdue_days: int


class _FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Grading(_FromRow):
    """A grade and why."""

    graded_on: date
    rule_set: int
    grade_before: RentalGrade
    grade: RentalGrade
    score: int
    contributions: list[dict[str, Any]]
    actor: str


class Inspection(_FromRow):
    """A visit."""

    id: int
    inspected_on: date
    inspector: str
    findings: str | None
    grade: RentalGrade


class RectificationItem(_FromRow):
    """Something to be put right."""

    id: int
    what: str
    due_on: date
    done_on: date | None
    done_note: str | None


class RentalDetails(RentalRow):
    """A rental with its landlord (masked) and its history, the newest first."""

    landlord_name: str | None
    landlord_phone: str | None
    gradings: list[Grading]
    inspections: list[Inspection]
    rectifications: list[RectificationItem]


class RemedyForm(BaseModel):
    """What is to be put right, and by when."""

    what: Annotated[PlainText, Field(min_length=1, max_length=300)]
    due_on: date | None = None


class Visit(BaseModel):
    """A visit to a rental and what it found."""

    day: date
    findings: Annotated[PlainText | None, Field(max_length=1000)] = None
    remedies: Annotated[list[RemedyForm], Field(max_length=20)] = []


class Inspected(BaseModel):
    """The visit that was written down."""

    inspection_id: int


class PutRight(BaseModel):
    """When something was put right."""

    day: date
    note: Annotated[PlainText | None, Field(max_length=300)] = None


class OverdueRectification(BaseModel):
    """What should have been put right."""

    rectification_id: int
    rental_id: int
    code: str
    address_id: int
    address: str
    grade: RentalGrade
    what: str
    due_on: date


class HotspotItem(BaseModel):
    """How a compound stands among its neighbours; null without rentals or dwellings."""

    area_id: int
    rate: float | None
    rate_adjusted: float | None
    neighbours: int | None
    gi_z: float | None
    p_sim: float | None
    q_value: float | None
    hotspot: str
    as_of: date
    source: str
    withheld: Withheld


class RuleSetForm(BaseModel):
    """A version of the rules to be published."""

    rules: RulesSaid
    valid_from: date
    note: Annotated[PlainText | None, Field(max_length=500)] = None


class RuleSetItem(_FromRow):
    """A published version of the rules."""

    number: int
    valid_from: date
    rules: RulesSaid
    note: str | None
    author: str
    recorded_at: Instant


class RulesInForce(BaseModel):
    """The rules in force; number 0 are those that the service comes with."""

    number: int
    rules: RulesSaid
    versions: list[RuleSetItem]


class Published(BaseModel):
    """The number of the version."""

    number: int


@router.get("/rentals")
def list_rentals(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    grade: Annotated[list[RentalGrade] | None, Query(description="Only of these grades.")] = None,
    suspected: Annotated[bool, Query(description="Only suspected group rentals.")] = False,
    overdue: Annotated[bool, Query(description="Only those whose inspection is overdue.")] = False,
    area_id: RowKey | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[RentalRow]:
    """List rentals in your part of the district, the worst grade first; overdue ones by how long."""
    frame, total = rentals(
        session,
        scope,
        settings,
        grades=grade,
        suspected=suspected,
        overdue=overdue,
        area_id=area_id,
        offset=offset,
        limit=limit,
    )
    return Page(items=items_of(RentalRow, frame), total=total, offset=offset, limit=limit)


@router.get("/rentals/rules")
def read_rules(session: ReadDep, scope: ScopeDep) -> RulesInForce:
    """Read the rules in force on the day and the versions there are."""
    number, rules = rules_on(session, scope.day)
    versions = [RuleSetItem.model_validate(row) for row in rule_sets(session)]
    return RulesInForce(number=number, rules=rules, versions=versions)


@router.post("/rentals/rules", status_code=201, dependencies=[Depends(requires(Permission.SET_RENTAL_RULES))])
def publish_rules(engine: EngineDep, acting: ActingDep, form: RuleSetForm) -> Published:
    """Publish another version of the rules."""
    return Published(number=publish_rule_set(engine, acting, form.rules, form.valid_from, note=form.note))


@router.post("/rentals/grading", dependencies=KEEP)
def grade_all(engine: EngineDep, acting: ActingDep, today: TodayDep) -> dict[str, int]:
    """Grade the rentals of your part of the district by the rules in force."""
    return grade_rentals(engine, acting, today=today)


@router.post("/rentals", status_code=201, dependencies=KEEP)
def write_rental(engine: EngineDep, acting: ActingDep, today: TodayDep, form: DwellingForm) -> Kept:
    """Write a rental down, or what is known about it now."""
    return Kept(rental_id=keep_rental(engine, acting, Dwelling(**form.model_dump()), today=today))


@router.get("/figures/hotspots", dependencies=[Depends(requires(Permission.SEE_FIGURES))])
def list_hotspots(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    measure: Annotated[HotspotMeasure, Query(description="What is counted.")] = HotspotMeasure.GROUP_RENTALS,
) -> list[HotspotItem]:
    """List how rentals cluster over the compounds of your part of the district."""
    found = published_hotspots(session, scope, settings, measure)
    return items_of(HotspotItem, found.rename_axis("area_id"))


@router.get("/rentals/{rental_id}")
def read_rental(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, vault: VaultDep, rental_id: RowKey
) -> RentalDetails:
    """Read one rental with its history."""
    return RentalDetails.model_validate(rental(session, scope, settings, vault, rental_id))


@router.post("/rentals/{rental_id}/inspections", status_code=201, dependencies=KEEP)
def inspect_rental(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, today: TodayDep, rental_id: RowKey, visit: Visit
) -> Inspected:
    """Write down a visit and what is to be put right."""
    remedies = [Remedy(each.what, each.due_on) for each in visit.remedies]
    made = inspect(
        engine, settings, acting, rental_id, visit.day, today=today, findings=visit.findings, remedies=remedies
    )
    return Inspected(inspection_id=made)


@router.get("/rectifications/overdue")
def list_overdue_rectifications(session: ReadDep, scope: ScopeDep, limit: Limit = 100) -> Page[OverdueRectification]:
    """List what should have been put right by now, the longest overdue first."""
    frame, total = overdue_rectifications(session, scope, limit)
    return Page(items=items_of(OverdueRectification, frame), total=total, offset=0, limit=limit)


@router.post("/rectifications/{rectification_id}/done", status_code=204, response_class=Response, dependencies=KEEP)
def say_put_right(
    engine: EngineDep, acting: ActingDep, today: TodayDep, rectification_id: RowKey, form: PutRight
) -> None:
    """Say that something was put right."""
    put_right(engine, acting, rectification_id, form.day, today=today, note=form.note)
