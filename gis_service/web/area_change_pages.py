"""Changing one area without a map: another name, code or parent, its end, its parts, a new area inside it; dated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

import pandas as pd
from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import AsOf, EngineDep, SettingsDep
from gis_service.api.problems import status_of
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_details, area_names, lineage
from gis_service.areas.tables import AreaLevel
from gis_service.changes.actions import draft_change
from gis_service.changes.completing import Undrawn, borders_in_file, drawn_by, undrawn_split
from gis_service.changes.editing import Surveying, propose_new
from gis_service.errors import InvalidInputError
from gis_service.intake.routes import owner_of
from gis_service.intake.subject import ImportOptions, Mode
from gis_service.intake.uploads import drop_upload, keep_upload
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.queries import units
from gis_service.teams.scope import scope_of
from gis_service.texts import T, Text
from gis_service.web.change_pages import Refusal
from gis_service.web.rendering import page, records
from gis_service.web.typed_borders import border_typed
from gis_service.web.wording import code_name
from layers.frames import KINDS

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])

#: what can be asked of an area by a form, in the order of the page
FORMS: Final[dict[str, Text]] = {
    "rename": T("Another name"),
    "recode": T("Another code"),
    "move": T("Another parent"),
    "split": T("Split by what lies in it"),
    "draw": T("Its map"),
    "create": T("A new area in it"),
    "retire": T("It ends"),
}
MOST_PARTS: Final = 4
MOST_CHILDREN: Final = 400
ENDS: Final = "-"
"""Said of a unit that ends with its area."""

Short = Annotated[str, Form(max_length=200)]
Many = Annotated[list[str] | None, Form(max_length=MOST_CHILDREN)]


@dataclass(frozen=True)
class Typed:
    """What the form says; lists that go together are of one length."""

    kind: str
    name: str = ""
    code: str = ""
    parent_id: str = ""
    area_kind: str = ""
    corners: str = ""
    drawn: tuple[str, ...] = ()
    part_names: tuple[str, ...] = ()
    part_codes: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    unit_goes: tuple[str, ...] = ()
    mode: str = Mode.CHANGE.value
    note: str = ""


def _typed(
    kind: Annotated[str, Form(max_length=20)],
    *,
    name: Short = "",
    code: Short = "",
    parent_id: Short = "",
    area_kind: Short = "",
    corners: Annotated[str, Form(max_length=200_000)] = "",
    drawn: Annotated[list[Annotated[str, Field(max_length=200_000)]] | None, Form(max_length=100)] = None,
    part_names: Many = None,
    part_codes: Many = None,
    children: Many = None,
    part_of: Many = None,
    units: Many = None,
    unit_goes: Many = None,
    mode: Annotated[Mode, Form()] = Mode.CHANGE,
    note: Annotated[str, Form(max_length=500)] = "",
) -> Typed:
    return Typed(
        kind,
        name.strip(),
        code.strip(),
        parent_id,
        area_kind,
        corners,
        tuple(drawn or ()),
        tuple(part_names or ()),
        tuple(part_codes or ()),
        tuple(children or ()),
        tuple(part_of or ()),
        tuple(units or ()),
        tuple(unit_goes or ()),
        mode.value,
        note,
    )


TypedDep = Annotated[Typed, Depends(_typed)]


@router.get("/areas/{area_id}/change")
def area_change_page(
    request: Request,
    engine: EngineDep,
    viewer: ViewerDep,
    day: AsOf,
    area_id: RowKey,
    kind: Annotated[str, Query(max_length=20)] = "rename",
) -> HTMLResponse:
    """Ask what should become of an area."""
    return _form(request, engine, viewer, day, area_id, Typed(kind if kind in FORMS else "rename"))


@router.post("/areas/{area_id}/change")
def draft(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    area_id: RowKey,
    day: Annotated[date, Form()],
    typed: TypedDep,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Draft what the form asks for; then it is looked at, approved and applied as any other change."""
    try:
        if typed.kind == "draw":
            payload: Mapping[str, Any] = _completed(engine, settings, acting, day, area_id, typed, file)
        else:
            payload = _payload(engine, settings, acting, day, area_id, typed)
        change = draft_change(engine, acting, payload, Mode(typed.mode), day, note=typed.note.strip() or None)
    except InvalidInputError as error:
        return _form(request, engine, acting, day, area_id, typed, Refusal("form", error))
    return RedirectResponse(f"/changes/{change.id}", status_code=303)


def _payload(
    engine: Engine, settings: Settings, viewer: Viewer, day: date, area_id: int, typed: Typed
) -> Mapping[str, Any]:
    """What `draft_change` takes."""
    with reading(engine) as session:
        area = area_details(session, scope_of(session, viewer, day), area_id)
        if typed.kind not in _offered(area):
            raise InvalidInputError(T("Choose what should become of the area."))
        if typed.kind == "create":
            return _founded(Surveying(session, settings, viewer, day), area, typed)
    asked: dict[str, Any] = {"kind": typed.kind, "area_id": area_id}
    match typed.kind:
        case "rename":
            return asked | {"name": typed.name}
        case "recode":
            return asked | {"code": typed.code}
        case "move":
            if not typed.parent_id.isdecimal():
                raise InvalidInputError(T("Choose the new parent."))
            return asked | {"parent_id": int(typed.parent_id), "code": typed.code or None}
        case "split":
            return asked | {"parts": _parts(typed)}
        case _:
            goes = zip(typed.units, typed.unit_goes, strict=False)
            told = [
                {"unit_id": int(unit), "area_code": None if where == ENDS else where}
                for unit, where in goes
                if where and unit.isdecimal()
            ]
            return asked | {"units": told}


def _completed(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    area_id: int,
    typed: Typed,
    file: UploadFile | None,
) -> dict[str, Any]:
    """The borders of the parts of a split: as typed, and what the file has."""
    with reading(engine) as session:
        area_details(session, scope_of(session, viewer, day), area_id)
        undrawn = undrawn_split(session, area_id, day)
    if undrawn is None:
        raise InvalidInputError(T("Choose what should become of the area."))
    told = zip(undrawn.parts, typed.drawn, strict=False)
    borders = {part[0]: border_typed(text) for part, text in told if text.strip()}
    if file is None or not file.filename:
        return drawn_by(undrawn, borders)
    upload = keep_upload(settings, owner_of(viewer), file.filename, file.file)
    try:
        options = ImportOptions(valid_from=day, file_name=upload.name)
        return drawn_by(undrawn, borders | borders_in_file(engine, settings, viewer, upload.path, options, undrawn))
    finally:
        drop_upload(settings, upload)


def _parts(typed: Typed) -> list[dict[str, Any]]:
    """The parts that are named, each with the children that go to it."""
    chosen = list(zip(typed.children, typed.part_of, strict=False))
    return [
        {
            "code": code.strip(),
            "name": name.strip(),
            "children": [int(child) for child, part in chosen if part == str(number) and child.isdecimal()],
        }
        for number, (name, code) in enumerate(zip(typed.part_names, typed.part_codes, strict=False), start=1)
        if name.strip() or code.strip()
    ]


def _founded(at: Surveying, area: Mapping[str, Any], typed: Typed) -> dict[str, Any]:
    """A new area in this one, fitted between those that are there."""
    level = AreaLevel(area["level"]).child
    if level is None:
        raise InvalidInputError(T("Choose what should become of the area."))
    asked = propose_new(at, level, border_typed(typed.corners)).asked
    new = asked if asked["kind"] == "create" else asked["parts"][1]
    if asked["kind"] == "create" and asked["parent_id"] != area["area_id"]:
        raise InvalidInputError(T("These corners do not lie in {name}.", name=area["name"]))
    new |= {"name": typed.name, "code": typed.code or new["code"], "area_kind": typed.area_kind or None}
    return asked


def _offered(area: Mapping[str, Any], undrawn: Undrawn | None = None) -> list[str]:
    """What can be asked of an area of this level."""
    level = AreaLevel(area["level"])
    left_out = {"create"} if level.child is None else set()
    left_out |= {"draw"} if undrawn is None else {"split"}
    left_out |= {"move", "retire", "split"} if level.parent is None else set()
    return [kind for kind in FORMS if kind not in left_out]


def _form(
    request: Request,
    engine: Engine,
    viewer: Viewer,
    day: date,
    area_id: int,
    typed: Typed,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    with reading(engine) as session:
        scope = scope_of(session, viewer, day)
        area = area_details(session, scope, area_id)
        undrawn = undrawn_split(session, area_id, day)
        offered = _offered(area, undrawn)
        kind = typed.kind if typed.kind in offered else offered[0]
        level = AreaLevel(area["level"])
        steps = lineage(session, area_id, scope)
        names = area_names(session, scope)
        choices = _choices(session, scope, names, area, kind)
    child = level.child
    return page(
        request,
        "area_change.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        area=area,
        level_name=code_name(level),
        lineage=steps,
        forms=[(value, str(FORMS[value])) for value in offered],
        kind=kind,
        undrawn=undrawn,
        typed=typed,
        refusal=refusal,
        child_level_name=code_name(child) if child else "",
        child_kinds=sorted(KINDS[child.value]) if child else [],
        most_parts=MOST_PARTS,
        ends=ENDS,
        changed_day=day,
        **choices,
    )


def _choices(
    session: Session, scope: Scope, names: pd.DataFrame, area: Mapping[str, Any], kind: str
) -> dict[str, list[dict[str, Any]]]:
    """What the selects offer: parents, siblings, children, units whose land it is."""
    found: dict[str, list[dict[str, Any]]] = {"parents": [], "siblings": [], "children": [], "units_held": []}
    above = AreaLevel(area["level"]).parent
    beside = names["level"].eq(area["level"]) & names.index.to_series().ne(area["area_id"])
    if kind == "move" and above is not None:
        parents = names["level"].eq(above.value) & names.index.to_series().ne(area["parent_id"])
        found["parents"] = records(names[parents])
    if kind == "split":
        inside = names["parent_id"].eq(area["area_id"]).fillna(value=False)
        found["children"] = records(names[inside].head(MOST_CHILDREN))
    if kind == "retire":
        held = units(session, scope)
        found["units_held"] = records(held[held["area_id"].eq(area["area_id"])])
        found["siblings"] = records(names[beside])
    return found
