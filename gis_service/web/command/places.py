"""What the panel says of one area: figures with their sources, its people, twelve months, one week, the next step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import pandas as pd
from sqlalchemy import String, and_, func, literal_column, select
from sqlalchemy.orm import Session

from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault, mask_phone
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import count_unresolved, placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.queries import area_details, area_names, lineage
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaLevel
from gis_service.registers.people import registered_on
from gis_service.registers.published import published_coverage, published_mismatches, published_rentals
from gis_service.registers.tables import Registration
from gis_service.registers.withholding import looks_across_townships, mark
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import officers
from gis_service.teams.tables import Beat, BeatDuty, Officer
from gis_service.texts import T
from gis_service.web.command.alerts import published_overdue
from gis_service.web.command.figures import shared
from gis_service.web.command.series import WEEK, month_days, stock_by_month, week_of
from gis_service.web.rendering import records
from gis_service.web.wording import CODE_NAMES, amount, load, percent

PEOPLE_SHOWN: Final = 12

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Who asks about which area."""

    session: Session
    scope: Scope
    settings: Settings
    viewer: Viewer
    vault: Vault
    area_id: int


def place_answer(asked: Asked) -> dict[str, Any]:
    """Everything that the panel shows of an area.

    Raises
    ------
    NotFoundError
        There is no such area in scope.
    """
    area = area_details(asked.session, asked.scope, asked.area_id)
    figures = _row(shared(published_coverage, asked.session, asked.scope, asked.settings), asked.area_id)
    waiting = count_unresolved(asked.session, asked.scope, asked.area_id)
    overdue = _row(shared(published_overdue, asked.session, asked.scope, asked.settings), asked.area_id)["overdue"]
    return {
        "id": asked.area_id,
        "code": area["code"],
        "name": area["name"],
        "level": area["level"],
        "as_of": asked.scope.day.isoformat(),
        "lineage": [[step, name] for step, _code, name in lineage(asked.session, asked.area_id, asked.scope)],
        "figures": _figures(asked, figures, waiting, overdue),
        **_people(asked),
        "trend": _trend(asked),
        "changes": _changes(asked),
        "next": _next_step(asked, figures, waiting, overdue),
    }


def _row(published: pd.DataFrame, area_id: int) -> Row:
    """One area's figures, with the mark in place of those that are withheld."""
    row: Row = records(published.loc[[area_id]])[0]
    return row


def _figures(
    asked: Asked, figures: dict[str, Any], waiting: dict[str, int], overdue: int | str
) -> list[dict[str, str]]:
    rentals = _row(shared(published_rentals, asked.session, asked.scope, asked.settings), asked.area_id)
    found = _row(shared(published_mismatches, asked.session, asked.scope, asked.settings), asked.area_id)
    teams, people, both = T("postings, beats"), T("registrations"), T("registrations, postings, beats")
    undecided = waiting["total"] - waiting["assigned"] - waiting["no_officer"]
    rows = (
        (T("load per officer"), load(figures["load"]), both),
        (T("registered migrants"), amount(figures["migrants"]), people),
        (T("Officers on duty / required"), f"{amount(figures['officers_fte'])} / {amount(figures['required'])}", teams),
        (T("coverage of the standard"), percent(figures["coverage"]), both),
        (
            T("Suspected group rentals"),
            f"{amount(rentals['group_rentals'])} / {amount(rentals['rentals'])}",
            T("rentals"),
        ),
        (T("Inspections overdue"), amount(overdue), T("rentals")),
        (T("Unsettled mismatches"), amount(found["mismatches"]), T("mismatches")),
        (
            T("addresses with one officer"),
            f"{amount(waiting['assigned'])} / {amount(waiting['total'])}",
            T("addresses"),
        ),
        (T("addresses that wait for a decision"), amount(undecided), T("addresses")),
    )
    return [{"caption": str(caption), "text": text, "source": str(source)} for caption, text, source in rows]


def _people(asked: Asked) -> dict[str, Any]:
    """Leaders first; phones masked, with the badge that whoever may unmask asks by."""
    if not asked.viewer.may(Permission.SEE_TEAMS):
        return {"people": [], "people_total": 0}
    inside = area_names(asked.session, asked.scope, within=asked.area_id).index
    staff = officers(asked.session, asked.scope)
    staff = staff[staff["area_id"].isin(inside)].reset_index()
    staff = staff.assign(own=staff["area_id"].eq(asked.area_id), leads=staff["role"].eq("leader"))
    staff = staff.sort_values(["own", "leads", "badge_no"], ascending=[False, False, True])
    staff = staff.drop_duplicates("officer_id")
    shown = staff.head(PEOPLE_SHOWN)
    sealed = dict(
        asked.session.execute(
            select(Officer.badge_no, Officer.phone_sealed).where(Officer.badge_no.in_(shown["badge_no"].tolist()))
        ).all()
    )
    badges = shown["badge_no"].tolist()
    phones = asked.vault.open_many("officer", "phone", badges, [sealed.get(badge) for badge in badges])
    people = [
        {
            "badge": badge, "name": name, "role": str(CODE_NAMES[role]), "unit": unit, "beats": int(beats),
            "phone": mask_phone(phone),
        }
        for badge, name, role, unit, beats, phone in zip(
            badges, shown["name"], shown["role"], shown["unit_name"], shown["beats"], phones, strict=True
        )
    ]  # fmt: skip
    return {
        "people": people,
        "people_total": len(staff),
        "may_unmask": asked.viewer.may(Permission.UNMASK_PERSON),
    }


def _trend(asked: Asked) -> dict[str, Any] | None:
    """Registered migrants on the first day of each month, at the addresses that are the area's today."""
    counts = stock_by_month(asked.session, asked.scope, asked.settings, asked.area_id)
    if counts is None:
        return None
    return {"days": [day.isoformat() for day in month_days(asked.scope.day)], "migrants": counts}


def _changes(asked: Asked) -> list[dict[str, Any]]:
    """What is different from a week ago; `count` is None where it is withheld, and `text` stands instead."""
    day = asked.scope.day
    week = week_of(asked.session, asked.scope, asked.settings, asked.area_id)
    inside = area_names(asked.session, asked.scope, within=asked.area_id).index

    def posted(on: date) -> int:
        staff = officers(asked.session, replace(asked.scope, day=on))
        return int(staff.loc[staff["area_id"].isin(inside)].index.nunique())

    rows = (
        (T("New registrations"), week["begun"], 0),
        (T("Deregistrations"), week["ended"], 0),
        (T("New mismatches"), week["found"], 1),
        (T("Officers posted"), posted(day) - posted(day - WEEK), -1),
    )
    said = mark()
    return [
        {"caption": str(caption), "count": count, "text": said if count is None else "", "worse": worse}
        for caption, count, worse in rows
    ]


def _next_step(asked: Asked, figures: Row, waiting: dict[str, int], overdue: int | str) -> dict[str, str]:
    """The one thing to do first, and where."""
    undecided = waiting["total"] - waiting["assigned"] - waiting["no_officer"]
    at = f"as_of={asked.scope.day.isoformat()}"
    page = f"/areas/{asked.area_id}?{at}"
    if figures["status"] == "uncovered":
        text = T("Post an officer here: {count} migrants have none.", count=amount(figures["migrants"]))
        return {"text": str(text), "href": page}
    if waiting["no_officer"]:
        return {"text": str(T("Give {count} addresses an officer.", count=amount(waiting["no_officer"]))), "href": page}
    if undecided:
        text = T("Decide where {count} addresses belong.", count=amount(undecided))
        return {"text": str(text), "href": f"/unresolved?{at}"}
    if isinstance(overdue, int) and overdue:
        return {"text": str(T("Have {count} overdue rentals inspected.", count=amount(overdue))), "href": page}
    if figures["status"] == "short":
        return {"text": str(T("Plan {count} more posts.", count=amount(figures["short"]))), "href": page}
    return {"text": str(T("Nothing is due here.")), "href": page}


def buildings_answer(session: Session, scope: Scope, area_id: int) -> dict[str, Any]:
    """The buildings of a compound in scope: addresses, registered migrants and who answers for them.

    How many live in a building is nothing to be shown across townships: most have a few only.

    Raises
    ------
    NotFoundError
        There is no such area in scope.
    """
    area = area_details(session, scope, area_id)
    residents = (
        select(Registration.address_id, func.count().label("migrants"))
        .where(registered_on(scope.day))
        .group_by(Registration.address_id)
        .subquery()
    )
    nothing = literal_column("''", String)  # one text in all clauses: PostgreSQL compares them as they are written
    building = func.coalesce(Address.building, Address.number, nothing)
    road = func.coalesce(Address.road, nothing)
    query = (
        select(
            building.label("building"),
            road.label("road"),
            func.count().label("addresses"),
            func.coalesce(func.sum(residents.c.migrants), 0).label("migrants"),
            func.min(Officer.name).label("officer"),
            func.min(Address.id).label("address_id"),
        )
        .select_from(Address)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .outerjoin(residents, residents.c.address_id == Address.id)
        .outerjoin(Beat, Beat.id == Placement.beat_id)
        .outerjoin(BeatDuty, and_(BeatDuty.beat_id == Beat.id, BeatDuty.valid_on(scope.day)))
        .outerjoin(Officer, Officer.id == BeatDuty.officer_id)
        .where(placement_in_scope(scope), Placement.home_area_id.in_(subtree([area_id], scope.day)))
        .group_by(building, road)
        .order_by(road, building)
        .limit(500)
    )
    rows = read_frame(session, query)
    said = mark() if looks_across_townships(session, scope) else None
    return {
        "id": area_id,
        "name": area["name"],
        "level": AreaLevel(area["level"]).value,
        "as_of": scope.day.isoformat(),
        "buildings": [
            {
                "building": f"{row['road']}{row['building']}" or str(T("without a number")),
                "addresses": int(row["addresses"]),
                "migrants": int(row["migrants"]) if said is None else None,
                "text": said or "",
                "officer": row["officer"] or "—",
                "address_id": int(row["address_id"]),
            }
            for row in records(rows)
        ],
    }
