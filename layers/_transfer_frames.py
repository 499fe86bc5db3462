"""Frames of officers and posts as groups of those who are alike, and flows back as named rows."""

from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._transfer_arcs import Arcs, CostArray, IntArray, Side
from layers._transfer_flow import Flow
from layers.frames import FrameError, require_metric

ANY: Final = ""
"""A post that asks for no particular form or side; an officer whose form or side is not known."""


class Grouped(NamedTuple):
    """Groups of both sides, the group of each row (rows in order of id), and which kinds fit."""

    officers: Side
    officer_group: npt.NDArray[np.intp]
    posts: Side
    post_group: npt.NDArray[np.intp]
    fits: npt.NDArray[np.bool_]


def checked(frame: gpd.GeoDataFrame, name: str, numbers: tuple[str, ...] = ()) -> gpd.GeoDataFrame:
    """Rows in order of id.

    Raises
    ------
    FrameError, NotMetricError
    """
    require_metric(frame)
    for column in ("unit_id", "form", "side", *numbers):
        if column not in frame:
            raise FrameError(column, f"missing for every {name}")
    if not frame.index.is_unique:
        raise FrameError("index", f"{name} ids are repeated", frame.index[frame.index.duplicated()].tolist())
    points = frame.geometry.to_numpy()
    nowhere = (shapely.get_type_id(points) != shapely.GeometryType.POINT) | shapely.is_empty(points)
    if nowhere.any():
        raise FrameError("geometry", "a point is needed", frame.index[nowhere].tolist())
    for column in numbers:
        if not (pd.api.types.is_integer_dtype(frame[column]) and (frame[column] >= 0).all()):
            raise FrameError(column, "whole numbers of 0 or more are needed")
    return frame.sort_index()


def grouped(officers: gpd.GeoDataFrame, posts: gpd.GeoDataFrame) -> Grouped:
    """Officers, and posts, of the same place, unit, form and side in one group; the order of rows changes nothing."""
    units = pd.factorize(pd.concat([officers["unit_id"], posts["unit_id"]]), sort=True)[0].astype(np.int32)
    givers, giver_of, kinds = _side(officers, units[: len(officers)], np.ones(len(officers), np.int64))
    takers, taker_of, wanted = _side(posts, units[len(officers) :], posts["posts"].to_numpy(np.int64))
    fits = np.zeros((len(kinds), len(wanted)), np.bool_)
    for row, kind in enumerate(kinds):
        fits[row] = [all(ask in (ANY, own) for own, ask in zip(kind, want, strict=True)) for want in wanted]
    return Grouped(givers, giver_of, takers, taker_of, fits)


def _side(
    frame: gpd.GeoDataFrame, unit: IntArray, number: CostArray
) -> tuple[Side, npt.NDArray[np.intp], list[tuple[str, str]]]:
    kinds = sorted(set(zip(frame["form"], frame["side"], strict=True)))
    kind = np.array([kinds.index(pair) for pair in zip(frame["form"], frame["side"], strict=True)], np.int32)
    place = shapely.get_coordinates(frame.geometry.to_numpy())
    alike = np.column_stack([place, kind, unit])
    _, first, group = np.unique(alike, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    total = np.bincount(group, weights=number, minlength=len(first)).astype(np.int64)
    side = Side(place[first, 0].copy(), place[first, 1].copy(), kind[first], unit[first].astype(np.int32), total)
    return side, group, kinds


def placed_officers(
    officers: gpd.GeoDataFrame, posts: gpd.GeoDataFrame, groups: Grouped, arcs: Arcs, flow: Flow
) -> pd.DataFrame:
    """One row per officer with a post; of those alike the smaller ids go to the post groups that come first."""
    used = flow.used > 0
    giver, taker, count = arcs.officer[used], arcs.post[used], flow.used[used]
    people = _members(groups.officer_group, giver, count)
    arc_of_person = np.repeat(np.arange(len(count)), count)
    by_post = np.lexsort((giver, taker))
    row_of_seat = np.repeat(np.arange(len(posts)), posts["posts"])
    seats = _members(groups.post_group[row_of_seat], taker[by_post], count[by_post])
    arc_of_seat = np.repeat(by_post, count[by_post])
    post_rows = np.empty(len(people), np.intp)
    post_rows[np.argsort(arc_of_person, kind="stable")] = row_of_seat[seats[np.argsort(arc_of_seat, kind="stable")]]
    from_unit = officers["unit_id"].iloc[people]
    unit = posts["unit_id"].iloc[post_rows]
    way_m = shapely.distance(officers.geometry.to_numpy()[people], posts.geometry.to_numpy()[post_rows])
    placed = pd.DataFrame(
        {
            "from_unit": from_unit.to_numpy(),
            "post_id": posts.index[post_rows],
            "unit_id": unit.to_numpy(),
            "way_m": way_m.astype(np.float64),
            "stays": _units(groups.officers, groups.officer_group[people])
            == _units(groups.posts, groups.post_group[post_rows]),
        },
        index=pd.Index(officers.index[people], name="officer_id"),
    )
    return placed.sort_index()


def _units(side: Side, group: npt.NDArray[np.intp]) -> IntArray:
    return side.unit[group]


def _members(group: npt.NDArray[np.intp], wanted: IntArray, count: CostArray) -> npt.NDArray[np.intp]:
    """Members of groups, so many for each entry of ``wanted`` (ascending), the first members first."""
    members = np.argsort(group, kind="stable")
    start = np.searchsorted(group[members], np.arange(int(group.max(initial=-1)) + 1))
    before = np.cumsum(count) - count
    first_of_group = np.searchsorted(wanted, wanted)
    within = before - before[first_of_group] if len(wanted) else before
    place = np.repeat(start[wanted] + within - before, count) + np.arange(int(count.sum()))
    return members[place]


def empty_posts(posts: gpd.GeoDataFrame, placed: pd.DataFrame) -> pd.Series:
    """Posts of each row that nobody fills, where there are any, by ``post_id``."""
    filled = placed["post_id"].value_counts().reindex(posts.index, fill_value=0)
    empty: pd.Series = (posts["posts"] - filled).rename("posts").astype(np.int64)
    return empty[empty > 0]
