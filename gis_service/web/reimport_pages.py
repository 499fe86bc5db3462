"""A layer of areas delivered anew, for people: beside the land on record, chosen from, and drafted as one change."""

from __future__ import annotations

from dataclasses import dataclass
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
from gis_service.changes.reimporting import draft_reimport
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
"""Areas that can be decided one by one; of more the others are as suggested."""

MOST_VERTICES: Final = 60_000
"""So many corners of borders are drawn on the two maps; of more the least different areas are left out."""

FAULTS_SHOWN: Final = 100
AROUND: Final = 0.1
_ORDER: Final = [each.value for each in (Found.MISSING, Found.NEW, Found.CHANGED, Found.CORRECTED, Found.UNCHANGED)]
_SAID: Final = TypeAdapter(dict[str, Said])
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
    """What is said of single areas (`codes` and `said` go together), and of all that the file lacks."""

    codes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    end_missing: bool = False
    note: str = ""

    @property
    def by_code(self) -> dict[str, Said]:
        """What is said of each area that anything is said of."""
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
    codes: Annotated[list[str] | None, Form(max_length=ROWS_SHOWN)] = None,
    said: Annotated[list[str] | None, Form(max_length=ROWS_SHOWN)] = None,
    end_missing: Annotated[bool, Form()] = False,
    note: Annotated[str, Form(max_length=500)] = "",
) -> Choice:
    return Choice(tuple(codes or ()), tuple(said or ()), end_missing, note)


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
) -> Response:
    """Draft the one change that the choice comes to."""
    upload = find_upload(settings, owner_of(acting), ticket)
    options = how.options(upload.name)
    try:
        made = draft_reimport(
            engine,
            settings,
            acting,
            upload.path,
            options,
            choice.by_code,
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
    rows = records(differing.head(ROWS_SHOWN))
    told = dict(zip(choice.codes, choice.said, strict=False))
    for row in rows:
        row["key"] = row["code"] or row["old_code"]
        row["said"] = told.get(row["key"], "")
        row["heir_names"] = "、".join(str(found.table.loc[heir, "name"]) for heir in row["heirs"])
    drawn = _drawn(found, differing.index)
    return page(
        request,
        "reimport_compared.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        found=found,
        rows=rows,
        rows_left=len(differing) - len(rows),
        undrawn=len(differing) - int(drawn["area_id"].nunique()),
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
