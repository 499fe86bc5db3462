"""Posts and difficulty over HTTP: what each area needs, who pays, and posts handed out with their certificate."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from gis_service.access.http import ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import Limit, Offset, Page, RowKey, Withheld, items_of
from gis_service.areas.tables import AreaLevel
from gis_service.planning.bases import Base
from gis_service.planning.difficulty import published_difficulty
from gis_service.planning.posts import Aim, PostsAsked
from gis_service.planning.published import published_proposal, published_staffing
from gis_service.planning.staffing import StaffingAsked
from layers.difficulty import FACTORS

router = APIRouter(
    prefix="/api/v1/planning", tags=["planning"], dependencies=[Depends(requires(Permission.SEE_PLANNING))]
)

Level = Annotated[AreaLevel, Query(description="The level to list.")]
Posts = Annotated[int, Field(ge=0, le=1_000_000)]


class StaffingItem(BaseModel):
    """Posts of an area: `required` by itself, `allotted` so that parts add up, its two sides, and who pays."""

    area_id: int
    code: str
    name: str
    parent_id: int | None
    migrants: int | None
    base: float | None
    officers_fte: float | None
    load: float | None
    required: int | None
    short: float | None
    surplus: float | None
    coverage: float | None
    status: str
    allotted: int | None
    social: int | None
    police: int | None
    difficulty: float | None
    multiplier: float
    missing: int | None
    district_pays: int | None
    township_pays: int | None
    withheld: Withheld


class DifficultyItem(BaseModel):
    """Difficulty of an area among those of its level, 0-100, and the points that each factor contributes."""

    area_id: int
    code: str
    name: str
    parent_id: int | None
    score: float | None
    known: float
    multiplier: float
    contributions: dict[str, float]


class AreaPosts(BaseModel):
    """Fewest and most posts of one area; equal ones lock it."""

    area_id: RowKey
    least: Posts = 0
    most: Posts | None = None


class TownshipPosts(BaseModel):
    """A township whose number of posts is fixed."""

    area_id: RowKey
    posts: Posts


class PostsOrder(BaseModel):
    """Posts to hand out (`change` above 0) or take away (below 0), and what binds them."""

    level: AreaLevel = AreaLevel.TOWNSHIP
    within: RowKey | None = None
    change: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    base: Base = Base.TODAY
    aim: Aim = Aim.LOAD
    bounds: Annotated[list[AreaPosts], Field(max_length=10_000)] = []
    township_totals: Annotated[list[TownshipPosts], Field(max_length=1000)] = []
    keep: bool = True
    accept: Annotated[float, Field(ge=0, le=10)] = 0.0
    points: Annotated[int, Field(ge=2, le=100)] = 20


class PostsRow(BaseModel):
    """One area's posts today and in the proposal."""

    area_id: int
    code: str
    name: str
    demand: int | None
    today: int
    posts: int
    change: int
    load_before: float | None
    load_after: float | None
    withheld: Withheld


class CurvePoint(BaseModel):
    """The fewest posts filled anew for a worst load of `load`, `delta` above the least."""

    load: float
    delta: float
    moves: int


class PostsAnswer(BaseModel):
    """A plan of posts; `certificate` says why its least worst load cannot be lower."""

    posts: int
    least_worst_load: float | None
    posts_below: int | None
    certificate: str
    worst_load: float | None
    moves: int
    rows: list[PostsRow]
    curve: list[CurvePoint]


@router.get("/staffing")
def list_staffing(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    level: Level,
    base: Annotated[Base, Query(description="What posts are counted on.")] = Base.TODAY,
    weighted: Annotated[bool, Query(description="Place posts by base times difficulty.")] = False,
    recruits: Annotated[int, Query(ge=0, le=100_000, description="Posts that the district pays.")] = 0,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[StaffingItem]:
    """List required posts, shortfall, sides and payers per area of one level."""
    found = published_staffing(session, scope, settings, StaffingAsked(base, weighted, recruits))
    rows = found[found["level"].eq(level)]
    return Page(items=items_of(StaffingItem, rows, offset, limit), total=len(rows), offset=offset, limit=limit)


@router.get("/difficulty")
def list_difficulty(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, level: Level, offset: Offset = 0, limit: Limit = 100
) -> Page[DifficultyItem]:
    """List the difficulty of the areas of one level with what each factor contributes."""
    found = published_difficulty(session, scope, settings)
    rows = found[found["level"].eq(level)].sort_values("score", ascending=False, na_position="last")
    points = rows[[f"contribution_{name}" for name in FACTORS]].set_axis(list(FACTORS), axis=1).astype("float64")
    rows = rows.assign(contributions=pd.Series(points.to_dict("records"), index=rows.index, dtype="object"))
    return Page(items=items_of(DifficultyItem, rows, offset, limit), total=len(rows), offset=offset, limit=limit)


@router.post("/posts")
def hand_out_posts(session: ReadDep, scope: ScopeDep, settings: SettingsDep, order: PostsOrder) -> PostsAnswer:
    """Hand out posts so that the worst load is the least possible; computes and writes nothing."""
    found = published_proposal(session, scope, settings, asked_of(order))
    least, chosen = found.least, found.chosen
    return PostsAnswer(
        posts=found.posts,
        least_worst_load=None if least.worst_load is None else float(least.worst_load),
        posts_below=least.posts_below,
        certificate=str(found.certificate),
        worst_load=None if chosen.worst_load is None else float(chosen.worst_load),
        moves=found.moves,
        rows=items_of(PostsRow, found.rows),
        curve=[
            CurvePoint(load=float(load), delta=float(delta), moves=int(moves))
            for load, delta, moves in found.curve[["load", "delta", "moves"]].to_numpy().tolist()
        ],
    )


def asked_of(order: PostsOrder) -> PostsAsked:
    """The order as `planning.posts` takes it."""
    return PostsAsked(
        level=order.level,
        within=order.within,
        change=order.change,
        base=order.base,
        aim=order.aim,
        least={bound.area_id: bound.least for bound in order.bounds},
        most={bound.area_id: bound.most for bound in order.bounds if bound.most is not None},
        township_totals={fixed.area_id: fixed.posts for fixed in order.township_totals},
        keep=order.keep,
        accept=order.accept if np.isfinite(order.accept) else 0.0,
        points=order.points,
    )
