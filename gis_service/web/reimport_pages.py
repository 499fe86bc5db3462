"""A layer of areas delivered anew, for people: beside the land on record, chosen from, and drafted as one change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, SettingsDep
from gis_service.api.problems import status_of
from gis_service.areas.queries import areas
from gis_service.areas.tables import AreaLevel
from gis_service.changes.comparing import Comparison, Found, Said, compare_layer
from gis_service.changes.reimport_routes import Day
from gis_service.changes.reimporting import Rule, draft_reimport, said_of
from gis_service.errors import GridError, InvalidInputError
from gis_service.intake.report import fault_cells, fault_headings
from gis_service.intake.routes import Columns, Crs, FileSent, options_of, owner_of
from gis_service.intake.subject import ImportOptions, Mode
from gis_service.intake.uploads import Upload, drop_upload, find_upload, keep_upload
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.scope import scope_of
from gis_service.texts import T
from gis_service.web.change_pages import Refusal
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import page, records
from maps.compare import compared
from maps.page import script_json

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])

ROWS_SHOWN: Final = 400
"""Areas that are listed, to be decided one by one; many are decided by a filter."""

MOST_SINGLE: Final = 5 * ROWS_SHOWN
MOST_RULES: Final = 30
Word = Annotated[str, Form(max_length=40)]

MOST_VERTICES: Final = 60_000
"""So many corners of borders are drawn on the two maps; of more the least different areas are left out."""

FAULTS_SHOWN: Final = 100
AROUND: Final = 0.1
_ORDER: Final = [each.value for each in (Found.MISSING, Found.NEW, Found.CHANGED, Found.CORRECTED, Found.UNCHANGED)]
_SAID: Final = TypeAdapter(dict[str, Said])
_RULE: Final = TypeAdapter(Rule)
_MODE: Final = TypeAdapter(Mode | None)


@dataclass(frozen=True)
class Reading:
    """How the file is read and what is said of it, as typed."""

    day: date
    crs: str
    columns: str
    mode: str

    def options(self, name: str) -> ImportOptions:
        """As the comparison takes it."""
        try:
            mode = _MODE.validate_python(self.mode or None)
        except ValidationError as error:
            raise InvalidInputError(T("The day or the reason of the change is not acceptable.")) from error
        return options_of(name, self.crs, self.columns, None, self.day, mode)


@dataclass(frozen=True)
class Choice:
    """What is said of single areas (`codes` and `said` go together), of many at once, and of all that the file lacks.

    Attributes
    ----------
    rules : of many, one after the other, as `written` writes them.
    shown : whose rows the page lists.
    """

    codes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    shown: Rule = field(default_factory=Rule)
    end_missing: bool = False
    note: str = ""

    @property
    def by_code(self) -> dict[str, Said]:
        """What is said of each single area that anything is said of."""
        try:
            told = {code: said for code, said in zip(self.codes, self.said, strict=True) if said}
            return _SAID.validate_python(told)
        except ValueError as error:
            raise InvalidInputError(T("Say of an area: correction, change, or leave it.")) from error


def _reading(
    day: Day, crs: Crs = None, columns: Columns = None, mode: Annotated[str, Form(max_length=20)] = ""
) -> Reading:
    return Reading(day, crs or "", columns or "", mode)


def _choice(
    codes: Annotated[list[str] | None, Form(max_length=MOST_SINGLE)] = None,
    said: Annotated[list[str] | None, Form(max_length=MOST_SINGLE)] = None,
    rules: Annotated[list[str] | None, Form(max_length=MOST_RULES)] = None,
    *,
    many_found: Word = "",
    many_level: Word = "",
    many_least: Word = "",
    many_most: Word = "",
    many_said: Word = "",
    act: Word = "",
    end_missing: Annotated[bool, Form()] = False,
    note: Annotated[str, Form(max_length=500)] = "",
) -> Choice:
    """As typed, after what the button does with it: add a rule (`say`), drop the n-th (`drop-2`), or only show."""
    kept = [_rule(written) for written in rules or ()]
    shown = _rule(f"{many_found}|{many_level}|{many_least}|{many_most}|{many_said}")
    if act == "say":
        kept.append(shown)
    elif act.startswith("drop-") and act[5:].isdecimal():
        kept = [rule for place, rule in enumerate(kept) if place != int(act[5:])]
    return Choice(tuple(codes or ()), tuple(said or ()), tuple(kept), shown, end_missing, note)


def _rule(written: str) -> Rule:
    """A rule as the page carries it along: class, level, least and most per cent, what is said."""
    try:
        found, level, least, most, said = (part.strip() or None for part in written.split("|"))
        return _RULE.validate_python(
            {"found": found, "level": level, "least_percent": least, "most_percent": most, "said": said}
        )
    except ValueError as error:
        raise InvalidInputError(T("Say which areas: a class, a level, percentages from 0 on.")) from error


def written(rule: Rule) -> str:
    """The other way round."""
    parts = (rule.found, rule.level, rule.least_percent, rule.most_percent, rule.said)
    return "|".join("" if part is None else f"{part:g}" if isinstance(part, float) else str(part) for part in parts)


ReadingDep = Annotated[Reading, Depends(_reading)]
ChoiceDep = Annotated[Choice, Depends(_choice)]


@router.get("/land-reimport")
def reimport_page(request: Request, scope: ScopeDep, viewer: ViewerDep) -> HTMLResponse:
    """Ask for the file."""
    return page(request, "reimport.html", viewer, compared_day=scope.day, refusal=None, headings=(), faults=[])


@router.post("/land-reimport/comparison")
def compare(
    request: Request, engine: EngineDep, settings: SettingsDep, acting: ActingDep, file: FileSent, how: ReadingDep
) -> HTMLResponse:
    """Show the layer beside the record; nothing is written."""
    upload = keep_upload(settings, owner_of(acting), file.filename or "", file.file)
    try:
        found = compare_layer(engine, settings, acting, upload.path, how.options(upload.name))
    except GridError as error:
        drop_upload(settings, upload)
        return _asked_again(request, acting, how, error)
    return _compared(request, engine, settings, acting, upload, how, found, Choice())


@router.post("/land-reimport")
def draft(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    ticket: Annotated[str, Form(max_length=64)],
    how: ReadingDep,
    choice: ChoiceDep,
    act: Word = "",
) -> Response:
    """Draft the one change that the choice comes to; or only show what would be said of many areas at once."""
    upload = find_upload(settings, owner_of(acting), ticket)
    options = how.options(upload.name)
    if act or choice.rules:
        found = compare_layer(engine, settings, acting, upload.path, options)
    if act:
        return _compared(request, engine, settings, acting, upload, how, found, choice)
    try:
        said = said_of(found, choice.rules, choice.by_code) if choice.rules else choice.by_code
        made = draft_reimport(
            engine,
            settings,
            acting,
            upload.path,
            options,
            said,
            end_missing=choice.end_missing,
            note=choice.note.strip() or None,
        )
    except GridError as error:
        found = compare_layer(engine, settings, acting, upload.path, options)
        refusal = Refusal("reimport", error, choice.note)
        return _compared(request, engine, settings, acting, upload, how, found, choice, refusal)
    if made.change is None:
        nothing = InvalidInputError(T("Nothing is left to draft: every area stays as it is on record."))
        refusal = Refusal("reimport", nothing, choice.note)
        return _compared(request, engine, settings, acting, upload, how, made.comparison, choice, refusal)
    drop_upload(settings, upload)
    return RedirectResponse(f"/changes/{made.change.id}", status_code=303)


def _asked_again(request: Request, viewer: Viewer, how: Reading, error: GridError) -> HTMLResponse:
    faults = error.faults if isinstance(error, InvalidInputError) else ()
    return page(
        request,
        "reimport.html",
        viewer,
        status=status_of(error),
        compared_day=how.day,
        refusal=str(error),
        headings=fault_headings(),
        faults=[fault_cells(fault) for fault in faults[:FAULTS_SHOWN]],
    )


def _compared(
    request: Request,
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    upload: Upload,
    how: Reading,
    found: Comparison,
    choice: Choice,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    differing = _differing(found)
    listed = differing[choice.shown.fits(found.table).reindex(differing.index)]
    rows = records(listed.head(ROWS_SHOWN))
    told = dict(zip(choice.codes, choice.said, strict=False))
    for row in rows:
        row["key"] = row["code"] or row["old_code"]
        row["said"] = told.get(row["key"], "")
        row["heir_names"] = "、".join(str(found.table.loc[heir, "name"]) for heir in row["heirs"])
    keys = {row["key"] for row in rows}
    drawn = _drawn(found, listed.index)
    return page(
        request,
        "reimport_compared.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        found=found,
        rows=rows,
        differing=len(differing),
        listed=len(listed),
        rows_left=len(listed) - len(rows),
        elsewhere=[(code, said) for code, said in told.items() if said and code not in keys],
        undrawn=len(listed) - int(drawn["area_id"].nunique()),
        classes=[(each.value, found.counts[each.value]) for each in Found if each is not Found.UNCHANGED],
        levels=[str(level) for level in differing["level"].unique()],
        rules=[(rule, written(rule), int(rule.fits(found.table).sum())) for rule in choice.rules],
        comparison=script_json(_maps(engine, settings, viewer, found, drawn)) if len(drawn) else None,
        headings=fault_headings(),
        faults=[fault_cells(fault) for fault in found.faults[:FAULTS_SHOWN]],
        ticket=upload.ticket,
        how=how,
        choice=choice,
        refusal=refusal,
    )


def _differing(found: Comparison) -> pd.DataFrame:
    """What is not unchanged: missing and new areas first, then by the share of the ground that differs."""
    table = found.table[found.table["found"].ne(Found.UNCHANGED.value)]
    rank = table["found"].map({value: place for place, value in enumerate(_ORDER)})
    keys = pd.DataFrame({"rank": rank, "share": -table["difference_share"].astype("float64").fillna(0.0)})
    order = keys.sort_values(["rank", "share"], kind="stable").index
    return table.loc[order].assign(difference_percent=100 * table["difference_share"].astype("float64"))


def _drawn(found: Comparison, order: pd.Index) -> gpd.GeoDataFrame:
    """The borders that the two maps show, one row a border and side, until there are too many corners."""
    table = found.table
    named = pd.DataFrame(
        {"code": table["code"].fillna(table["old_code"]), "name": table["name"].fillna(table["old_name"])}
    )
    sides = [("before", found.old), ("after", found.new)]
    corners = sum(
        pd.Series(shapely.get_num_coordinates(side.to_numpy()), side.index).reindex(order, fill_value=0)
        for _, side in sides
    )
    kept = order[(np.cumsum(np.asarray(corners)) <= MOST_VERTICES)]
    parts = []
    for when, side in sides:
        shapes = side[side.index.isin(kept) & side.notna()]
        parts.append(
            gpd.GeoDataFrame(named.loc[shapes.index], geometry=shapes, crs="EPSG:4326")
            .assign(when=when)
            .rename_axis("area_id")
            .reset_index()
        )
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs="EPSG:4326")


def _maps(
    engine: Engine, settings: Settings, viewer: Viewer, found: Comparison, drawn: gpd.GeoDataFrame
) -> dict[str, Any]:
    """Both maps, with the land on record around what differs."""
    west, south, east, north = (float(value) for value in drawn.total_bounds)
    wide, high = (east - west) * AROUND, (north - south) * AROUND
    shown = found.table.loc[drawn["area_id"]]
    levels = [AreaLevel(level) for level in shown["level"].unique()]
    with reading(engine) as session:
        scope = scope_of(session, viewer, found.day)
        ground = areas(session, scope, levels=levels, box=(west - wide, south - high, east + wide, north + high))
        base_maps = Drawing(session, scope, settings).base_maps
    ground = gpd.GeoDataFrame(ground[~ground.index.isin(shown["area_id"].dropna())])
    # the maps call areas by their numbers in the comparison: a new one has no other
    nothing = gpd.GeoDataFrame({"label": []}, geometry=[], crs=drawn.crs)
    return compared(drawn, ground.set_index(-1 - np.arange(len(ground))), nothing, base_maps)
