"""Copying a day: the units, borders, beats and areas of a part of the district, as `Inputs`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_details, areas
from gis_service.areas.tables import AreaLevel
from gis_service.errors import InvalidInputError
from gis_service.planning.difficulty import difficulty_of_areas
from gis_service.planning.inputs import HeldBeat, Inputs, Place, Unit
from gis_service.planning.units import Piece, counted, links_of, pieces_of
from gis_service.settings import Settings
from gis_service.teams.queries import beat_parts, beats, officers
from gis_service.texts import T
from layers.adjacency import adjacency
from layers.crs import to_metric

HEAVY_SHARE, TARGET_SHARE = 0.4, 0.2
"""Shares of what one officer can answer for: a compound with more is divided by buildings, into pieces of so much."""


def copy_of_day(session: Session, scope: Scope, settings: Settings, area_id: int) -> Inputs:
    """What stands on record on `scope.day` for the area and all below it.

    Raises
    ------
    NotFoundError
        The area is not in scope.
    InvalidInputError
        It has no compounds with a border.
    """
    details = area_details(session, scope, area_id)
    land = areas(session, scope, levels=[AreaLevel.COMPOUND], within=area_id)
    if land.empty:
        raise InvalidInputError(T("There are no compounds in {name} on {day}.", name=details["name"], day=scope.day))
    hard = difficulty_of_areas(session, scope, settings)
    inside = inside_of(hard, area_id)
    parents = parents_in(hard)
    pieces = pieces_in(session, scope, settings, set(land.index.tolist()))
    held = held_beats(session, scope, {piece.beat_id for piece in pieces if piece.beat_id is not None})
    position = {beat.beat_id: place for place, beat in enumerate(held)}
    middles = middles_m(land, pieces, settings)
    names: dict[int, str] = dict(zip(land.index.tolist(), land["name"].tolist(), strict=True))
    units = units_from(pieces, middles, names, parents, position)
    units_of: dict[int, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        units_of[unit.area_id].append(number)
    return Inputs(
        day=scope.day,
        area_id=area_id,
        area_name=details["name"],
        standard=settings.persons_per_officer,
        metric_crs=settings.metric_crs,
        units=tuple(units),
        edges=tuple(links_of(borders_of(land, settings), units_of, middles)),
        beats=tuple(held),
        places=tuple(
            Place(
                area_id=int(key),
                code=str(row["code"]),
                name=str(row["name"]),
                level=str(row["level"]),
                parent_id=parents[int(key)],
                multiplier=round(float(row["multiplier"]), 6),
            )
            for key, row in _rows(hard.loc[inside])
            if row["level"] != AreaLevel.COMPOUND
        ),
    )


def parents_in(tree: pd.DataFrame) -> dict[int, int | None]:
    """The area above each, None = nothing above."""
    above = tree["parent_id"].to_numpy(dtype=object)
    return {int(key): None if pd.isna(up) else int(up) for key, up in zip(tree.index.to_numpy(), above, strict=True)}


def inside_of(tree: pd.DataFrame, area_id: int) -> list[int]:
    """The area and whatever lies below it."""
    found, wave = [area_id], [area_id]
    while wave:
        wave = tree.index[tree["parent_id"].isin(wave)].tolist()
        found += wave
    return found


def units_from(
    pieces: Sequence[Piece],
    middles: np.ndarray,
    names: Mapping[int, str],
    parents: Mapping[int, int | None],
    position: Mapping[int, int],
) -> list[Unit]:
    """Units from pieces and their middles in metres; `position` is that of each beat in the inputs."""
    units = []
    for piece, (x_m, y_m) in zip(pieces, middles.tolist(), strict=True):
        village = parents.get(piece.area_id) or piece.area_id
        label = names[piece.area_id]
        if piece.buildings is not None:
            label += f"（{piece.buildings[0]}" + (f"等{len(piece.buildings)}栋）" if len(piece.buildings) > 1 else "）")
        units.append(
            Unit(
                area_id=piece.area_id,
                name=label,
                village_id=village,
                township_id=parents.get(village) or village,
                buildings=piece.buildings,
                part_id=piece.part_id,
                beat=-1 if piece.beat_id is None else position.get(piece.beat_id, -1),
                x_m=round(x_m, 1),
                y_m=round(y_m, 1),
                **piece.counts,
            )
        )
    return units


def pieces_in(
    session: Session, scope: Scope, settings: Settings, area_ids: set[int], people_on: date | None = None
) -> list[Piece]:
    """What becomes units of some compounds, by area id; `people_on` as in `counted`."""
    rows = counted(session, scope, area_ids, people_on)
    parts = beat_parts(session, scope)
    parts = parts[parts["area_id"].isin(area_ids)]
    on_record: dict[int, list[Piece]] = defaultdict(list)
    for part_id, part in _rows(pd.DataFrame(parts.drop(columns="geometry"))):
        named = part["buildings"]
        piece = Piece(int(part["area_id"]), int(part["beat_id"]), tuple(named) if named else None, int(part_id))
        on_record[piece.area_id].append(piece)
    by_area: dict[int, dict[tuple[int, int | None, str | None], dict[str, float]]] = defaultdict(dict)
    for key, row in rows.items():
        by_area[key[0]][key] = row
    heavy, target = (share * settings.persons_per_officer for share in (HEAVY_SHARE, TARGET_SHARE))
    return [
        piece
        for area_id in sorted(area_ids)
        for piece in pieces_of(area_id, on_record[area_id], by_area[area_id], heavy=heavy, target=target)
    ]


def held_beats(session: Session, scope: Scope, beat_ids: set[int]) -> list[HeldBeat]:
    """Some beats with who holds them on the scope's day, by code."""
    everything = Scope(scope.day, None)
    staff = officers(session, everything)
    staff = staff.sort_values("role")[~staff.sort_values("role").index.duplicated()]
    about = staff[["form", "side", "role"]].to_dict("index")
    found = beats(session, everything)
    found = found[found.index.isin(beat_ids)]
    held = []
    for beat_id, row in _rows(found[~found.index.duplicated()].sort_values("code")):
        officer_id = None if pd.isna(row["officer_id"]) else int(row["officer_id"])
        person = about.get(officer_id, {}) if officer_id is not None else {}
        held.append(
            HeldBeat(
                beat_id=int(beat_id),
                code=row["code"],
                name=row["name"],
                unit_id=int(row["unit_id"]),
                village_id=int(row["area_id"]),
                officer_id=officer_id,
                badge_no=row["badge_no"] if officer_id is not None else None,
                officer=row["officer"] if officer_id is not None else None,
                form=person.get("form"),
                side=person.get("side"),
                role=person.get("role"),
                share=float(row["share"]) if officer_id is not None else 0.0,
            )
        )
    return held


def _rows(frame: pd.DataFrame) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a frame with whole numbers as its index."""
    keys = [int(key) for key in frame.index.to_numpy()]
    return list(zip(keys, frame.to_dict("records"), strict=True))  # type: ignore[arg-type]  # columns are named


def middles_m(land: gpd.GeoDataFrame, pieces: list[Piece], settings: Settings) -> np.ndarray:
    """Middle of each unit in metres: of its addresses, else of its compound."""
    inner = shapely.point_on_surface(land.geometry.to_numpy())
    of_area = dict(zip(land.index.tolist(), shapely.get_coordinates(inner).tolist(), strict=True))
    lonlat = [piece.lon_lat or of_area[piece.area_id] for piece in pieces]
    points = gpd.GeoDataFrame(geometry=shapely.points(np.array(lonlat)), crs=land.crs)
    return np.asarray(shapely.get_coordinates(to_metric(points, settings.metric_crs).geometry.to_numpy()))


def borders_of(land: gpd.GeoDataFrame, settings: Settings) -> list[tuple[int, int, float]]:
    """Pairs of compounds (lon-lat) with a common border, and its metres."""
    pairs = adjacency(
        to_metric(land, settings.metric_crs),
        widest_sliver_m=settings.border_gap_m,
        shortest_border_m=settings.border_min_m,
    )
    return [(int(a), int(b), float(m)) for a, b, m in pairs[["a", "b", "shared_border_m"]].to_numpy().tolist()]
