"""Where doors are: along roads (odd left, even right), down lanes, in natural villages' rows, in buildings.

Local metres. Every function returns a frame of door candidates: compound (position), x, y and the parts of the address.
"""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_service.demo.curves import Points, bend, noise, stream, walk
from gis_service.demo.land import Land
from gis_service.demo.place_names import road_names

_SETBACK_M = (11.0, 17.0)
_FROM_BORDER_M = 4.0
_LANE_SHARE = 0.05
_BUILDINGS = 8


def roads(land: Land, seed: int) -> list[Points]:
    """Centre lines: the towns' streets, and in every village one road past the cores of its settlements."""
    rng = stream(seed, "roads")
    lines = list(land.outline.streets)
    for _, group in land.compounds.groupby("village_code", sort=True):
        cores = group[["core_x", "core_y"]].to_numpy(dtype=float)
        heading = cores - cores.mean(axis=0)
        axis = np.linalg.svd(heading, full_matrices=False)[2][0]
        along = np.outer(heading @ axis, axis)
        bent = cores.mean(axis=0) + along + 0.35 * (heading - along)
        through = bent[np.argsort(heading @ axis)]
        half = max(len(through) // 2, 2)
        lines += [bend(stretch, 5) for stretch in (through[: half + 1], through[half:]) if len(stretch) > 1]
    sway = noise(rng, 600)
    for index in range(len(land.outline.streets), len(lines)):
        position, normal, _ = walk(lines[index], 60)
        lines[index] = position + normal * (22 * sway(position))[:, None]
    return [line for line in lines if len(line) > 1]


def frontage(land: Land, seed: int) -> pd.DataFrame:
    """Doors along roads and down the lanes that leave them."""
    rng = stream(seed, "frontage")
    lines = roads(land, seed)
    frames = []
    for name, line in zip(road_names(len(lines), rng), lines, strict=True):
        position, normal, _ = walk(line, 25)
        for side, first in ((1, 1), (-1, 2)):
            count = len(position)
            setback = rng.uniform(*_SETBACK_M, count)[:, None]
            number = first + 2 * np.arange(count)
            opens = rng.random(count) < _LANE_SHARE
            at = position + normal * (side * setback)
            frames.append(_doors(at[~opens], road=name, number=number[~opens]))
            frames.append(_lane_doors(name, position[opens], normal[opens] * side, number[opens], rng))
    return _keep_inside(pd.concat(frames, ignore_index=True), land)


def village_rows(land: Land, seed: int) -> pd.DataFrame:
    """Houses of natural villages, in bent rows round the core, numbered row by row."""
    rng = stream(seed, "village rows")
    frames = []
    rural = land.compounds[land.compounds["kind"] == "natural_village"]
    for compound, core_x, core_y, radius in rural[["core_x", "core_y", "core_radius_m"]].itertuples(name=None):
        reach = min(radius * 0.9, rng.uniform(40, 88))
        rows = np.arange(-reach, reach, 24.0)
        houses = np.arange(-reach, reach, 15.0)
        grid = np.stack(np.meshgrid(houses, rows), axis=-1).reshape(-1, 2)
        ragged = reach * (1 + 0.25 * noise(rng, 120, 8)(grid))
        grid = grid[np.hypot(grid[:, 0], grid[:, 1] * 1.3) < ragged]
        grid[:, 1] += grid[:, 0] ** 2 / (8 * reach)
        at = _turned(grid + rng.uniform(-2.5, 2.5, grid.shape), rng.uniform(0, np.pi)) + np.array([core_x, core_y])
        frames.append(_doors(at, number=np.arange(1, len(at) + 1)).assign(of=compound))
    doors = _keep_inside(pd.concat(frames, ignore_index=True), land)
    return doors[doors["compound"] == doors["of"]].drop(columns="of")


def buildings(land: Land, giants: NDArray[np.int64], seed: int) -> pd.DataFrame:
    """Residential buildings: rows that follow the town's streets, numbered from the first row to the last.

    A compound has about eight of them, the ``giants`` (positions) five times as many.
    """
    rng = stream(seed, "buildings")
    frames = []
    urban = land.compounds[land.compounds["kind"] == "residential"]
    shapes = shapely.buffer(urban["geometry"].to_numpy(), -24)
    cores = urban[["core_x", "core_y"]].to_numpy(dtype=float)
    shapes = np.where(shapely.is_empty(shapes), shapely.buffer(shapely.points(cores), 5), shapes)
    places = zip(urban.index.to_numpy(), urban["township_no"].to_numpy(), cores, shapes, strict=True)
    for compound, township, core, shape in places:
        x0, y0, x1, y1 = shape.bounds
        half = np.hypot(x1 - x0, y1 - y0) / 2
        grid = np.stack(np.meshgrid(np.arange(-half, half, 58.0), np.arange(-half, half, 36.0)), axis=-1).reshape(-1, 2)
        at = _turned(grid, land.outline.street_angles[township]) + np.array([x0 + x1, y0 + y1]) / 2
        at += rng.uniform(-3, 3, at.shape)
        at = at[shapely.contains_xy(shape, at[:, 0], at[:, 1])]
        if len(at) == 0:
            at = shapely.get_coordinates(shape.representative_point())
        count = max(3, int(_BUILDINGS * rng.lognormal(0, 0.4) * (5 if compound in giants else 1)))
        nearest = np.argsort(((at - core) ** 2).sum(axis=1), kind="stable")
        at = at[np.sort(nearest[:count])]
        frames.append(_doors(at).assign(of=compound, building=np.arange(1, len(at) + 1)))
    doors = _keep_inside(pd.concat(frames, ignore_index=True), land)
    return doors[doors["compound"] == doors["of"]].drop(columns="of")


def _turned(points: Points, angle: float) -> Points:
    cos, sin = np.cos(angle), np.sin(angle)
    turned: Points = points @ np.array([[cos, sin], [-sin, cos]])
    return turned


def _lane_doors(
    road: str, base: Points, away: Points, lane: NDArray[np.int64], rng: np.random.Generator
) -> pd.DataFrame:
    """Houses on both sides of each lane that leaves the road at ``base`` in direction ``away``."""
    houses = rng.integers(6, 17, len(base))
    which = np.repeat(np.arange(len(base)), houses)
    number = np.arange(len(which)) - np.repeat(np.cumsum(houses) - houses, houses) + 1
    depth = 22 + 14.0 * ((number + 1) // 2)
    side = np.where(number % 2 == 1, 1, -1) * rng.uniform(6, 9, len(which))
    across = np.column_stack([-away[:, 1], away[:, 0]])
    at = base[which] + away[which] * depth[:, None] + across[which] * side[:, None]
    return _doors(at, road=road, lane=lane[which], number=number)


def _doors(
    at: Points,
    *,
    road: str | None = None,
    lane: NDArray[np.int64] | None = None,
    number: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    none = np.zeros(len(at), dtype=np.int64)
    return pd.DataFrame(
        {
            "x": at[:, 0],
            "y": at[:, 1],
            "road": pd.Series([road] * len(at), dtype=object),
            "lane": none if lane is None else lane,
            "number": none if number is None else number,
            "building": none,
        }
    )


def _keep_inside(doors: pd.DataFrame, land: Land) -> pd.DataFrame:
    """Locate doors; drop those at sea and those near a border."""
    shapes = shapely.buffer(land.compounds["geometry"].to_numpy(), -_FROM_BORDER_M, quad_segs=2)
    points = shapely.points(doors[["x", "y"]].to_numpy())
    compound, door = shapely.STRtree(points).query(shapes, predicate="contains_properly")
    order = np.argsort(door, kind="stable")
    inside: pd.DataFrame = doors.iloc[door[order]].reset_index(drop=True)
    return inside.assign(compound=compound[order])
