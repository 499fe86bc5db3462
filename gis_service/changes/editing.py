"""From what somebody draws to a change of the land that can be drafted: neighbours follow, nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.change_kinds import border_of
from gis_service.areas.queries import areas
from gis_service.areas.reach import reach_of
from gis_service.areas.tables import AreaLevel
from gis_service.changes.completing import Undrawn, drawn_by, undrawn_split
from gis_service.errors import InvalidInputError, NotFoundError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.boxes import Box
from gis_service.teams.scope import scope_of
from gis_service.texts import T
from layers.editing import (
    DrawingError,
    LineDoesNotCutError,
    NotTogetherError,
    Path,
    SwallowedError,
    TooManyVerticesError,
    area_m2,
    fitted,
    merged,
    reshaped,
    split_by_line,
)
from layers.frames import LONLAT

#: ground below this is nothing that somebody has drawn, square metres
_NOTHING_M2 = 1.0
#: degrees around what is drawn within which areas are at hand
_NEAR_DEG = 1e-6


@dataclass(frozen=True, eq=False)
class Proposal:
    """What an edit would make of the land, as a draft of a change can ask for it.

    Attributes
    ----------
    asked : payload for `actions.draft_change`; new areas have an empty code and name that a person fills in.
    borders : lon-lat, one row an area as it would be: `area_id` (Int64, NA = new), `code`, `name`, `m2_before`,
        `m2_after`.
    moved : `from_id`, `to_id` (Int64), `from_name`, `to_name`, `area_m2`.
    notes : what was done beside what was drawn.
    """

    asked: dict[str, Any]
    borders: gpd.GeoDataFrame
    moved: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"from_id": [], "to_id": [], "area_m2": []}))
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Surveying:
    """Who draws on which day, and what of the land is within reach."""

    session: Session
    settings: Settings
    viewer: Viewer
    day: date

    def area(self, area_id: int, level: AreaLevel | None = None) -> gpd.GeoDataFrame:
        """One area in scope, as a frame of one row."""
        found = areas(self.session, scope_of(self.session, self.viewer, self.day), only=[area_id])
        if found.empty or (level is not None and found["level"].iloc[0] != level):
            raise NotFoundError(T("There is no such area in your part of the district on that day."))
        return found

    def around(self, shapes: Iterable[shapely.Geometry]) -> gpd.GeoDataFrame:
        """The land of every level around shapes, whoever it belongs to: not for showing."""
        west, south, east, north = shapely.total_bounds(list(shapes)).tolist()
        box: Box = (west - _NEAR_DEG, south - _NEAR_DEG, east + _NEAR_DEG, north + _NEAR_DEG)
        return areas(self.session, Scope(self.day, None), box=box)

    def m2(self, shapes: Iterable[shapely.Geometry]) -> list[float]:
        """Areas in square metres."""
        given = np.array(list(shapes), dtype=object)
        return area_m2(given, self.settings.metric_crs).tolist() if len(given) else []

    def require_reach(self, area_ids: Iterable[int], moved_m2: float) -> None:
        """Refuse what would take or give ground outside the viewer's part."""
        reach = reach_of(self.session, self.viewer, self.day)
        if reach is not None and not set(area_ids) <= reach:
            raise NotPermittedError(
                T(
                    "{area_m2} m² would go to or come from an area outside your part of the district.",
                    area_m2=f"{moved_m2:,.0f}",
                )
            )


def propose_reshape(
    at: Surveying, area_id: int, border: Mapping[str, Any], moves: list[Path] | None = None
) -> Proposal:
    """Give an area another border; neighbours and the areas above and below follow.

    Raises
    ------
    NotPermittedError, NotFoundError, InvalidInputError
        The role may not, or the edit reaches beyond the own part; there is no such area; it cannot be drawn like that.
    """
    at.viewer.require(Permission.DRAFT_LAND_CHANGE)
    old = at.area(area_id)
    drawn = _drawn(at, border)
    land = at.around([drawn, *old.geometry])
    try:
        edited = reshaped(land, area_id, drawn, at.settings.metric_crs, moves or ())
    except DrawingError as error:
        raise _refused(at, land, error) from error
    if edited.borders.empty:
        raise InvalidInputError(T("The border is where it was."))
    at.require_reach(edited.borders.index.tolist(), float(edited.moved["area_m2"].sum()))
    changed = land.loc[edited.borders.index]
    before, after = at.m2(changed.geometry), at.m2(edited.borders)
    ids, codes = changed.index.tolist(), changed["code"].tolist()
    borders = _borders(zip(ids, codes, changed["name"].tolist(), before, after, edited.borders, strict=True))
    names = land["name"]
    moved = edited.moved.assign(from_name=edited.moved["from_id"].map(names), to_name=edited.moved["to_id"].map(names))
    payload = {
        "kind": "redraw",
        "borders": [
            {"area_id": int(changed_id), "border": _wire(shape)} for changed_id, shape in edited.borders.items()
        ],
    }
    return Proposal(payload, borders, moved)


def propose_split(at: Surveying, area_id: int, line: Path) -> Proposal:
    """Cut an area by a line; an area that has children is cut along them, each going where most of it lies.

    Raises
    ------
    NotPermittedError, NotFoundError, InvalidInputError
        As for `propose_reshape`.
    """
    at.viewer.require(Permission.DRAFT_LAND_CHANGE)
    old = at.area(area_id)
    at.require_reach([area_id], 0.0)
    try:
        parts = split_by_line(old.geometry.iloc[0], line)
    except DrawingError as error:
        raise _refused(at, old, error) from error
    undrawn = undrawn_split(at.session, area_id, at.day)
    if undrawn is not None and undrawn.area_id == area_id:
        return _drawn_split(at, undrawn, parts)
    below = areas(at.session, Scope(at.day, None), parent=area_id)
    children: list[list[int]] = [[] for _ in parts]
    notes: list[str] = []
    if len(below):
        shares = np.array([shapely.area(shapely.intersection(below.geometry.to_numpy(), part)) for part in parts])
        for child, part in zip(below.index.tolist(), shares.argmax(axis=0).tolist(), strict=True):
            children[part].append(child)
        if not all(children):
            raise InvalidInputError(T("Each part of the split needs at least one of the areas inside."))
        parts = [merged_along(below, own) for own in children]
        notes.append(str(T("The line follows the borders of the areas inside: each goes where most of it lies.")))
    m2 = at.m2(parts)
    keeps = int(np.argmax(m2))
    codes = _fresh_codes(at, old, len(parts) - 1)
    row, fresh = old.iloc[0], iter(codes)
    asked_parts: list[dict[str, Any]] = [
        {
            "area_id": area_id if place == keeps else None,
            "code": row["code"] if place == keeps else next(fresh),
            "name": row["name"] if place == keeps else "",
            "border": None if len(below) and place != keeps else _wire(part),
            "children": own,
        }
        for place, (part, own) in enumerate(zip(parts, children, strict=True))
    ]
    before = at.m2(old.geometry)[0]
    borders = _borders(
        (part["area_id"], part["code"], part["name"], before if part["area_id"] else 0.0, after, shape)
        for part, after, shape in zip(asked_parts, m2, parts, strict=True)
    )
    return Proposal({"kind": "split", "area_id": area_id, "parts": asked_parts}, borders, notes=tuple(notes))


def _drawn_split(at: Surveying, undrawn: Undrawn, pieces: list[shapely.Geometry]) -> Proposal:
    """The parts of a split that has waited for its map, in the order of their codes from west to east."""
    if len(pieces) != len(undrawn.parts):
        counts = {"count": len(undrawn.parts), "pieces": len(pieces)}
        raise InvalidInputError(T("The split has {count} parts, and the line makes {pieces}.", **counts))
    from_west = sorted(pieces, key=lambda piece: piece.centroid.x)
    drawn = {part_id: _wire(piece) for (part_id, _code, _name), piece in zip(undrawn.parts, from_west, strict=True)}
    rows = zip(undrawn.parts, at.m2(from_west), from_west, strict=True)
    borders = _borders((part_id, code, name, 0.0, m2, piece) for (part_id, code, name), m2, piece in rows)
    note = str(T("The split waits for its map: its parts take their borders."))
    return Proposal(drawn_by(undrawn, drawn), borders, notes=(note,))


def merged_along(below: gpd.GeoDataFrame, area_ids: list[int]) -> shapely.Geometry:
    """The ground of some children together."""
    return shapely.union_all(below.geometry.loc[area_ids].to_numpy())


def propose_merge(at: Surveying, area_ids: list[int]) -> Proposal:
    """Make neighbours one; it goes on as the largest of them.

    Raises
    ------
    NotPermittedError, NotFoundError, InvalidInputError
        As for `propose_reshape`; or they have different parents or do not touch.
    """
    at.viewer.require(Permission.DRAFT_LAND_CHANGE)
    chosen = pd.concat([at.area(area_id) for area_id in dict.fromkeys(area_ids)])
    at.require_reach(chosen.index.tolist(), 0.0)
    if len(chosen) == 1:
        raise InvalidInputError(T("Choose at least two areas."))
    if len(chosen[["level", "parent_id"]].drop_duplicates()) != 1:
        raise InvalidInputError(T("Only areas of one parent are merged: move them first."))
    try:
        whole = merged(chosen.geometry.tolist())
    except DrawingError as error:
        raise _refused(at, gpd.GeoDataFrame(chosen), error) from error
    m2 = at.m2(chosen.geometry)
    keeps = int(np.argmax(m2))
    heir = chosen.iloc[keeps]
    into = {"area_id": int(chosen.index[keeps]), "code": heir["code"], "name": heir["name"]}
    borders = _borders([(into["area_id"], into["code"], into["name"], m2[keeps], at.m2([whole])[0], whole)])
    return Proposal({"kind": "merge", "area_ids": chosen.index.tolist(), "into": into}, borders)


def propose_new(at: Surveying, level: AreaLevel, border: Mapping[str, Any]) -> Proposal:
    """Fit a new area between those that are there; drawn inside one of them, it is split off from that one.

    Raises
    ------
    NotPermittedError, NotFoundError, InvalidInputError
        As for `propose_reshape`; or several areas have that ground.
    """
    at.viewer.require(Permission.DRAFT_LAND_CHANGE)
    drawn = _drawn(at, border)
    land = at.around([drawn])
    siblings = land[land["level"].eq(level)]
    free = fitted(drawn, siblings)
    free_m2 = at.m2([free])[0]
    if free_m2 <= _NOTHING_M2:
        return _split_off(at, siblings, drawn)
    holder = land[land["level"].eq(level.parent or "") & land.geometry.contains(free.representative_point())]
    if level.parent is not None and holder.empty:
        raise InvalidInputError(T("A new area lies inside one of the level above."))
    parent_id = int(holder.index[0]) if len(holder) else None
    at.require_reach([] if parent_id is None else [parent_id], free_m2)
    code = _next_codes(areas(at.session, Scope(at.day, None), parent=parent_id)["code"], 1)[0] if parent_id else ""
    taken_m2 = at.m2([drawn])[0] - free_m2
    note = T("{area_m2} m² that other areas have were left to them.", area_m2=f"{taken_m2:,.0f}")
    asked = {
        "kind": "create",
        "level": level.value,
        "code": code,
        "name": "",
        "parent_id": parent_id,
        "border": _wire(free),
    }
    borders = _borders([(None, code, "", 0.0, free_m2, free)])
    return Proposal(asked, borders, notes=(str(note),) if taken_m2 > _NOTHING_M2 else ())


def _split_off(at: Surveying, siblings: gpd.GeoDataFrame, drawn: shapely.Geometry) -> Proposal:
    """A new area out of the one that it was drawn in."""
    shares = pd.Series(at.m2(shapely.intersection(siblings.geometry.to_numpy(), drawn)), index=siblings.index)
    holders = shares[shares > _NOTHING_M2]
    if len(holders) != 1:
        raise InvalidInputError(T("Several areas have this ground: draw inside one of them, or reshape one."))
    area_id = int(holders.index[0])
    old = at.area(area_id)
    at.require_reach([area_id], float(holders.iloc[0]))
    whole = old.geometry.iloc[0]
    try:
        pieces = split_by_line(whole, list(shapely.get_parts(drawn)[0].exterior.coords))
    except LineDoesNotCutError as error:
        raise _refused(at, siblings, SwallowedError(area_id)) from error
    is_new = shapely.contains(drawn, shapely.point_on_surface(pieces))
    new, rest = (shapely.union_all(np.array(pieces, dtype=object)[chosen]) for chosen in (is_new, ~is_new))
    if len(areas(at.session, Scope(at.day, None), parent=area_id)):
        raise InvalidInputError(T("An area with others inside is split by a line."))
    row, code = old.iloc[0], _fresh_codes(at, old, 1)[0]
    parts: list[dict[str, Any]] = [
        {"area_id": area_id, "code": row["code"], "name": row["name"], "border": _wire(rest)},
        {"area_id": None, "code": code, "name": "", "border": _wire(new)},
    ]
    left, cut = at.m2([rest, new])
    borders = _borders(
        [
            (area_id, row["code"], row["name"], at.m2([whole])[0], left, rest),
            (None, code, "", 0.0, cut, new),
        ]
    )
    note = str(T("Drawn inside {name}: it is split off from it.", name=row["name"]))
    return Proposal({"kind": "split", "area_id": area_id, "parts": parts}, borders, notes=(note,))


def _borders(rows: Iterable[tuple[int | None, str, str, float, float, shapely.Geometry]]) -> gpd.GeoDataFrame:
    ids, codes, names, before, after, shapes = zip(*rows, strict=True)
    columns = {"area_id": pd.array(ids, dtype="Int64"), "code": codes, "name": names}
    return gpd.GeoDataFrame(columns | {"m2_before": before, "m2_after": after}, geometry=list(shapes), crs=LONLAT)


def _drawn(at: Surveying, border: Mapping[str, Any]) -> shapely.Geometry:
    shape = border_of(dict(border), at.settings.upload_max_vertices)
    if shape is None:
        raise InvalidInputError(T("A border is a GeoJSON Polygon or MultiPolygon."))
    return shape


def _refused(at: Surveying, land: gpd.GeoDataFrame, error: DrawingError) -> InvalidInputError:
    """What could not be drawn, in the words of the field."""
    match error:
        case SwallowedError(area_id=area_id):
            reach = reach_of(at.session, at.viewer, at.day)
            seen = reach is None or area_id in reach
            name = land["name"].get(area_id, "") if seen else str(T("an area outside your part"))
            return InvalidInputError(T("{name} would lose all its ground: rename or merge it instead.", name=name))
        case LineDoesNotCutError():
            return InvalidInputError(T("The line does not cut the area in two: begin and end it outside."))
        case NotTogetherError():
            return InvalidInputError(T("These areas do not share a border; only neighbours are merged."))
        case TooManyVerticesError():
            return InvalidInputError(T("So many borders are not edited at once: edit smaller areas, or import them."))
        case _:
            return InvalidInputError(T("The border crosses itself: {reason}", reason=str(error)))


def _wire(shape: shapely.Geometry) -> dict[str, Any]:
    """A border as it is stored, to the last bit."""
    return dict(shapely.geometry.mapping(shape))


def _fresh_codes(at: Surveying, old: gpd.GeoDataFrame, count: int) -> list[str]:
    parent = old["parent_id"].iloc[0]
    beside = old if pd.isna(parent) else areas(at.session, Scope(at.day, None), parent=int(parent))
    return _next_codes(beside["code"], count)


def _next_codes(codes: pd.Series, count: int) -> list[str]:
    """Codes that follow the highest; empty where codes are no numbers of one length."""
    if codes.empty or not codes.str.fullmatch(r"\d+").all() or codes.str.len().min() != codes.str.len().max():
        return [""] * count
    last, width = int(codes.max()), len(codes.iloc[0])
    return [str(last + step).zfill(width) for step in range(1, count + 1)]
