"""What stands on each sheet: frames joined for one unit, one beat, one township."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import geopandas as gpd
import pandas as pd
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.queries import area_details, area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.errors import NotFoundError
from gis_service.registers.figures import let_on
from gis_service.registers.people import registered_on
from gis_service.registers.published import (
    published_beat_loads,
    published_counts,
    published_coverage,
    published_mismatches,
    published_rentals,
)
from gis_service.registers.rentals.queries import inspection_due_days
from gis_service.registers.tables import Registration, Rental
from gis_service.registers.withholding import all_shown, is_small, looks_across_townships, withhold
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import beat_parts, officers
from gis_service.texts import T
from gis_service.web.command.alerts import published_overdue
from gis_service.web.command.indicators import SHOWN_BY, Indicator
from gis_service.web.command.summing import summed_each
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import records
from layers.crs import to_metric
from maps.legend import Legend, LegendClass
from maps.sheet import Sheet, draw_sheet

NAMED_BY_COLOUR: Final = 2
ADDRESSES_PRINTED: Final = 2000
"""Addresses on one beat sheet; how many there are in all is said."""


def map_svg(
    drawing: Drawing,
    indicator: Indicator,
    level: AreaLevel,
    within: int | None,
    *,
    width_mm: float,
    height_mm: float,
) -> str:
    """One indicator over the areas of `level` inside `within`, as SVG.

    Raises
    ------
    NotFoundError
        There is no such land in scope.
    """
    land = _metric(drawing, areas(drawing.session, drawing.scope, levels=[level], within=within))
    shown = SHOWN_BY[indicator](drawing)
    classes = shown.classes.loc[land.index]
    values = shown.texts.reindex(land.index).fillna("—").astype(str)
    legend, labels = shown.legend, land["name"].str.cat(values, sep="\n")
    if indicator is Indicator.BEATS:
        legend, is_named = _beats_legend(shown.legend, values, classes)
        labels = land["name"] if is_named else labels
    sheet = Sheet(areas=land, classes=classes, legend=legend, labels=labels)
    note = str(T("As of {day}; source: {source}", day=drawing.scope.day, source=shown.source))
    title = shown.legend.title
    return draw_sheet(sheet, title=title, note=note, width_mm=width_mm, height_mm=height_mm, texts=drawing.texts)


def _beats_legend(legend: Legend, officers: pd.Series, classes: pd.Series) -> tuple[Legend, bool]:
    """The legend of beats, with the officers' names where a colour has one or two; and whether it has them."""
    named = officers.groupby(classes).unique()
    present = tuple(each for each in legend.classes if each.key in named.index)
    if named.map(len).max() > NAMED_BY_COLOUR:
        return replace(legend, classes=present), False
    told = tuple(replace(each, label="、".join(sorted(named[each.key]))) for each in present)
    return replace(legend, classes=told), True


def squad_content(drawing: Drawing, area_id: int) -> dict[str, Any]:
    """A3 of a village's squad: its map with beats, its people, what each answers for."""
    area = _area(drawing, area_id, AreaLevel.VILLAGE)
    inside = area_names(drawing.session, drawing.scope, within=area_id).index
    held = published_beat_loads(drawing.session, drawing.scope, drawing.settings)
    held = held[held["area_id"].isin(inside)].sort_values("code")
    staff = officers(drawing.session, drawing.scope)
    staff = staff[staff["area_id"].isin(inside)].reset_index().drop_duplicates("officer_id")
    return {
        "area": area,
        "day": drawing.scope.day,
        "figures": _figures(drawing, area_id),
        "map": map_svg(drawing, Indicator.BEATS, AreaLevel.COMPOUND, area_id, width_mm=250, height_mm=222),
        "officers": records(staff),
        "beats": records(held),
    }


def beat_content(drawing: Drawing, beat_id: int) -> dict[str, Any]:
    """A4 of one beat: its land, its addresses and the inspections that are due.

    Raises
    ------
    NotFoundError
        There is no such beat in scope.
    """
    session, scope = drawing.session, drawing.scope
    held = published_beat_loads(session, scope, drawing.settings)
    if beat_id not in held.index:
        raise NotFoundError(T("There is no such beat in your part of the district on that day."))
    beat = records(held.loc[[beat_id]])[0]
    rows = _published(drawing, _addresses(session, scope, beat_id), "migrants")
    due = _published(drawing, due_inspections(session, scope, drawing.settings, beat_id), "residents")
    return {
        "beat": beat,
        "day": scope.day,
        "map": _beat_map(drawing, beat_id),
        "addresses": records(rows.head(ADDRESSES_PRINTED)),
        "total": len(rows),
        "due": records(due),
    }


def bulletin_content(drawing: Drawing, area_id: int) -> dict[str, Any]:
    """A township's month: totals, how the villages rank, two maps."""
    area = _area(drawing, area_id, AreaLevel.TOWNSHIP)
    figures = published_coverage(drawing.session, drawing.scope, drawing.settings)
    villages = figures[figures["parent_id"].eq(area_id).fillna(value=False)]
    movement = _movement(drawing)
    totals = records(movement.loc[[area_id]])[0]
    rows = [{**row, **_counts_of(moved)} for row, moved in zip(
        records(villages), records(movement.loc[villages.index]), strict=True
    )]  # fmt: skip
    by_load = villages["load"].rank(ascending=False, na_option="bottom", method="first").tolist()
    return {
        "area": area,
        "day": drawing.scope.day,
        "month": drawing.scope.day.strftime("%Y-%m"),
        "figures": _figures(drawing, area_id),
        "begun": totals["begun"],
        "ended": totals["ended"],
        "villages": [row for _place, row in sorted(zip(by_load, rows, strict=True), key=lambda pair: pair[0])],
        "watched": _watched(drawing, villages),
        "rate_per": drawing.settings.rate_per,
        "maps": [
            map_svg(drawing, indicator, AreaLevel.VILLAGE, area_id, width_mm=180, height_mm=100)
            for indicator in (Indicator.LOAD, Indicator.MISMATCHES)
        ],
    }


def _watched(drawing: Drawing, villages: pd.DataFrame) -> list[dict[str, Any]]:
    """What waits in each village, as the reader may see it; most unsettled mismatches per head first."""
    session, scope, settings = drawing.session, drawing.scope, drawing.settings
    columns = (
        (published_mismatches(session, scope, settings), ["mismatches"]),
        (published_rentals(session, scope, settings), ["rentals", "group_rentals"]),
        (published_overdue(session, scope, settings), ["overdue"]),
    )
    rows = records(villages)
    for frame, names in columns:
        for row, more in zip(rows, records(frame.loc[villages.index]), strict=True):
            row.update({name: more[name] for name in names})
    for row in rows:
        found, people = row["mismatches"], row["migrants"]
        known = not isinstance(found, str) and not isinstance(people, str) and found is not None and people
        row["rate"] = found * settings.rate_per / people if known else found if isinstance(found, str) else None
    return sorted(rows, key=lambda row: -row["rate"] if isinstance(row["rate"], float) else 1.0)


def _movement(drawing: Drawing) -> pd.DataFrame:
    """`month_movement` as the reader may see it: who came and who left go together."""
    moved = month_movement(drawing.session, drawing.scope)
    return published_counts(drawing.session, drawing.scope, drawing.settings, moved)


def _counts_of(moved: dict[str, Any]) -> dict[str, Any]:
    return {name: moved[name] for name in ("begun", "ended")}


def _published(drawing: Drawing, rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Counts of single dwellings: small ones are withheld across townships; there is no sum of theirs beside them."""
    if not looks_across_townships(drawing.session, drawing.scope):
        return all_shown(rows)
    return withhold(rows, {name: is_small(rows[name], drawing.settings)})


def due_inspections(session: Session, scope: Scope, settings: Settings, beat_id: int) -> pd.DataFrame:
    """Rentals of a beat by the day on which they are due, earliest first: address, grade, rooms, residents, due_on."""
    last = func.coalesce(Rental.inspected_on, Rental.let_from)
    query = (
        select(
            Address.text,
            Rental.grade,
            Rental.rooms,
            Rental.residents,
            Rental.inspected_on,
            last.label("last"),
        )
        .select_from(Rental)
        .join(Address, Address.id == Rental.address_id)
        .join(Placement, and_(Placement.address_id == Rental.address_id, Placement.valid_on(scope.day)))
        .where(let_on(scope.day), placement_in_scope(scope), Placement.beat_id == beat_id)
        .order_by(Address.code)
    )
    rows = read_frame(session, query)
    days = rows["grade"].map(inspection_due_days(settings))
    rows["due_on"] = [
        last + timedelta(days=int(after)) if pd.notna(after) else None
        for last, after in zip(rows["last"], days, strict=True)
    ]
    soon = scope.day + timedelta(days=7)
    due = rows[[on is not None and on <= soon for on in rows["due_on"]]]
    return due.sort_values("due_on", kind="stable")


def month_movement(session: Session, scope: Scope) -> pd.DataFrame:
    """Registrations `begun` and `ended` per area since the first of the month, added up the tree."""
    first = scope.day.replace(day=1)
    parts = {
        name: case((and_(column >= first, column <= scope.day), 1), else_=0)
        for name, column in (("begun", Registration.registered_on), ("ended", Registration.deregistered_on))
    }
    query = (
        select(Placement.home_area_id.label("area_id"), *(func.sum(part).label(name) for name, part in parts.items()))
        .select_from(Registration)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(scope.day)))
        .where(
            or_(Registration.registered_on >= first, Registration.deregistered_on >= first), placement_in_scope(scope)
        )
        .group_by(Placement.home_area_id)
    )
    counted = read_frame(session, query, dtypes={"area_id": "Int64", "begun": "int64", "ended": "int64"})
    return summed_each(session, scope, counted)


def _addresses(session: Session, scope: Scope, beat_id: int) -> pd.DataFrame:
    residents = (
        select(Registration.address_id, func.count().label("migrants"))
        .where(registered_on(scope.day))
        .group_by(Registration.address_id)
        .subquery()
    )
    query = (
        select(Address.code, Address.text, func.coalesce(residents.c.migrants, 0).label("migrants"))
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .outerjoin(residents, residents.c.address_id == Address.id)
        .where(placement_in_scope(scope), Placement.beat_id == beat_id)
        .order_by(Address.code)
    )
    return read_frame(session, query)


def _beat_map(drawing: Drawing, beat_id: int) -> str:
    parts = beat_parts(drawing.session, drawing.scope)
    own = set(parts.loc[parts["beat_id"].eq(beat_id), "area_id"])
    names = area_names(drawing.session, drawing.scope)
    villages = names["parent_id"].reindex(sorted(own)).dropna().unique()
    land = areas(drawing.session, drawing.scope, levels=[AreaLevel.COMPOUND])
    land = _metric(drawing, land[land["parent_id"].isin(villages) | land.index.isin(own)])
    is_own = pd.Series(land.index.isin(own), index=land.index)
    legend = Legend(
        str(T("Beats")),
        "",
        (LegendClass("own", str(T("This beat")), "#56b4e9"), LegendClass("other", str(T("Others")), "#f0f0ec")),
    )
    sheet = Sheet(
        areas=land,
        classes=is_own.map({True: "own", False: "other"}),
        legend=legend,
        labels=land["name"],
        marked=frozenset(land.index[is_own].tolist()),
    )
    note = str(T("As of {day}; source: {source}", day=drawing.scope.day, source=T("beats, postings")))
    return draw_sheet(sheet, title=str(T("Beats")), note=note, width_mm=180, height_mm=105, texts=drawing.texts)


def _metric(drawing: Drawing, land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if land.empty:
        raise NotFoundError(T("There is nothing to draw in your part of the district on that day."))
    return to_metric(land, drawing.settings.metric_crs)


def _area(drawing: Drawing, area_id: int, level: AreaLevel) -> dict[str, Any]:
    area = area_details(drawing.session, drawing.scope, area_id)
    if area["level"] != level:
        raise NotFoundError(T("There is no such area in your part of the district on that day."))
    return area


def _figures(drawing: Drawing, area_id: int) -> dict[str, Any]:
    figures = published_coverage(drawing.session, drawing.scope, drawing.settings)
    found: dict[str, Any] = records(figures.loc[[area_id]])[0]
    return found


def printed_on(day: date) -> str:
    """The line at the foot of every sheet."""
    return str(T("As of {day}; internal, to be kept safe", day=day))
