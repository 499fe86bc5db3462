"""Posts handed out to areas (or taken away): the least worst load with its certificate, and what it costs in moves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError
from gis_service.planning.bases import Base
from gis_service.planning.staffing import StaffingAsked, staffing
from gis_service.settings import Settings
from gis_service.texts import T, Text
from layers.apportion import largest_remainder
from layers.posts import PostPlan, PostsError, PostsProblem, fewest_moves, hand_out, moves_curve
from layers.shortfall import hand_out_by_shortfall


class Aim(StrEnum):
    """What is to be as small as can be."""

    LOAD = "load"
    WEIGHTED_LOAD = "weighted_load"
    SHORTFALL = "shortfall"
    """the worst number of posts short, times difficulty"""


@dataclass(frozen=True)
class PostsAsked:
    """What is to be handed out, and what binds it.

    Attributes
    ----------
    level
        Townships or villages (or compounds) get the posts.
    within
        Only areas under this one; None = all in scope.
    change
        Posts more (or, below 0, less) than today.
    least, most
        Fewest and most posts by area id; equal ones lock an area.
    township_totals
        Posts of the townships whose number is fixed.
    keep
        Nobody loses a post that is filled today.
    accept
        Share above the least worst load that is accepted for fewer moves.
    """

    level: AreaLevel
    within: int | None
    change: int
    base: Base
    aim: Aim
    least: dict[int, int]
    most: dict[int, int]
    township_totals: dict[int, int]
    keep: bool
    accept: float
    points: int


@dataclass(frozen=True)
class PostsProposal:
    """A plan of posts, the certificate of its worst load, and the curve of moves against worst load.

    `rows`: index `area_id`; code, name, demand (int64), today, posts, change (Int64), load_before, load_after
    (demand per post). `curve`: `layers.posts.moves_curve`, empty when there is no finite load.
    """

    rows: pd.DataFrame
    posts: int
    least: PostPlan
    chosen: PostPlan
    curve: pd.DataFrame
    moves: int
    certificate: Text


def propose_posts(session: Session, scope: Scope, settings: Settings, asked: PostsAsked) -> PostsProposal:
    """Hand out today's posts and `asked.change` more (or less).

    Raises
    ------
    NotFoundError
        An area named is not in scope.
    InvalidInputError
        There is no area of that level, or today's staff is less than is to be taken away.
    ConflictError
        The bounds leave no plan; the text says by how many posts.
    """
    figures = staffing(session, scope, settings, StaffingAsked(asked.base))
    rows = _rows(session, scope, figures, asked)
    today = _whole_posts(rows["officers_fte"])
    total = int(today.sum()) + asked.change
    if total < 0:
        raise InvalidInputError(T("There are only {count} posts to take away from.", count=int(today.sum())))
    wanted = rows["base"].to_numpy(dtype=float, na_value=0.0)
    if asked.aim is Aim.WEIGHTED_LOAD:
        wanted = wanted * rows["multiplier"].to_numpy(dtype=float)
    demand = pd.Series(np.rint(wanted).astype(np.int64), index=rows.index, name="demand")
    _known(figures, demand.index, asked)
    try:
        problem = _problem(session, scope, rows, today, demand, total, asked)
        if asked.aim is Aim.SHORTFALL:
            return _by_shortfall(rows, today, demand, total, problem)
        least = hand_out(problem)
        curve, chosen = _few_moves(problem, today, least, asked)
    except PostsError as refusal:
        said = T(
            "{posts} posts do not fit: the bounds need {least} at least and take {most} at most.",
            posts=refusal.posts,
            least=refusal.least,
            most=refusal.most,
        )
        way = _way_out(rows["name"], asked, lambda tried: _problem(session, scope, rows, today, demand, total, tried))
        raise ConflictError(said if way is None else T("{problem} {way}", problem=str(said), way=str(way))) from refusal
    told, moves = _told(rows, today, demand, chosen.posts)
    return PostsProposal(told, total, least, chosen, curve, moves, certificate_of(least, total, told["name"]))


def _by_shortfall(
    rows: pd.DataFrame, today: pd.Series, demand: pd.Series, total: int, problem: PostsProblem
) -> PostsProposal:
    """The proposal with the least worst shortfall times difficulty; it has no curve of moves against loads."""
    required, weight = rows["required"].fillna(0).astype("int64"), rows["multiplier"].fillna(1.0).astype("float64")
    plan = hand_out_by_shortfall(problem, required, weight)
    fixed = plan.posts.to_numpy(dtype=np.int64)
    loads = hand_out(replace(problem, floor=fixed, ceiling=fixed))
    told, moves = _told(rows, today, demand, plan.posts)
    no_curve = pd.DataFrame({"load": [], "delta": [], "moves": []})
    if plan.worst_area is None:
        said = T("Nobody is short of the standard.")
    else:
        about = {"name": str(rows["name"].loc[plan.worst_area]), "short": plan.short, "worst": round(plan.worst, 2)}
        said = (
            T("{name} is {short} posts short ({worst} times difficulty) and has all that it may have.", **about)
            if plan.posts_below is None
            else T(
                "{name} is {short} posts short ({worst} times difficulty), the worst. Strictly below that, {needed} "
                "posts would be needed; there are {posts}.",
                **about,
                needed=plan.posts_below,
                posts=total,
            )
        )
    return PostsProposal(told, total, loads, loads, no_curve, moves, said)


def _told(rows: pd.DataFrame, today: pd.Series, demand: pd.Series, posts: pd.Series) -> tuple[pd.DataFrame, int]:
    """The rows of a proposal, and how many posts are filled anew."""
    told = rows[["code", "name"]].assign(demand=demand, today=today.astype("Int64"), posts=posts)
    told["change"] = told["posts"] - told["today"]
    for name, column in (("load_before", "today"), ("load_after", "posts")):
        held = told[column].astype("Float64")
        told[name] = told["demand"].astype("Float64") / held.where(held > 0)
    return told, int(told["change"].clip(lower=0).sum())


def _way_out(names: pd.Series, asked: PostsAsked, problem_of: Callable[[PostsAsked], PostsProblem]) -> Text | None:
    """The fewest bounds that have to give so that the posts fit, by the names of their areas; None when none helps."""
    from layers.conflicts import smallest_relaxation

    bounds = [("least", area_id) for area_id in asked.least] + [("most", area_id) for area_id in asked.most]

    def feasible(kept: Collection[tuple[str, int]]) -> bool:
        least = {area_id: posts for area_id, posts in asked.least.items() if ("least", area_id) in kept}
        most = {area_id: posts for area_id, posts in asked.most.items() if ("most", area_id) in kept}
        try:
            problem_of(replace(asked, least=least, most=most))
        except (PostsError, InvalidInputError):
            return False
        return True

    try:
        relaxed, _ = smallest_relaxation(bounds, feasible)
    except ValueError:
        return T("It fits when posts of today may move.") if asked.keep and asked.change < 0 else None
    said = [
        T("the floor of {name} ({posts})", name=str(names[area_id]), posts=asked.least[area_id])
        if kind == "least"
        else T("the ceiling of {name} ({posts})", name=str(names[area_id]), posts=asked.most[area_id])
        for kind, area_id in relaxed
    ]
    return T("It fits without {bounds}.", bounds="、".join(map(str, said))) if said else None


def certificate_of(plan: PostPlan, posts: int, names: pd.Series) -> Text:
    """Why no plan has a lower worst load, in a sentence."""
    if plan.worst_area is None:
        return T("Nobody asks for a post.")
    name = str(names.loc[plan.worst_area])
    if plan.worst_load is None:
        return T("{name} has demand and gets no post: there are too few for one each, or none is allowed.", name=name)
    load = round(float(plan.worst_load), 1)
    if plan.binding == "ceiling":
        return T("The worst load is {load} at {name}, which has all the posts that it may have.", load=load, name=name)
    return T(
        "The worst load is {load} at {name}. Strictly below that, {needed} posts would be needed; there are {posts}.",
        load=load,
        name=name,
        needed=plan.posts_below,
        posts=posts,
    )


def _rows(session: Session, scope: Scope, figures: pd.DataFrame, asked: PostsAsked) -> pd.DataFrame:
    rows = figures[figures["level"].eq(asked.level)]
    if asked.within is not None:
        area_details(session, scope, asked.within)
        rows = rows.loc[rows.index.intersection(area_names(session, scope, within=asked.within).index)]
    if rows.empty:
        raise InvalidInputError(T("There is no area of this level in your part of the district."))
    return rows.sort_index()


def _whole_posts(officers_fte: pd.Series) -> pd.Series:
    """Today's posts as whole numbers with today's total: an officer who serves two areas counts in one of them."""
    fte = officers_fte.fillna(0).astype("float64").round(9)
    total = int(np.ceil(fte.sum() - 1e-6))
    posts = largest_remainder(total, fte.to_numpy()) if total else np.zeros(len(fte), dtype=np.int64)
    return pd.Series(posts, index=fte.index, name="today")


def _known(figures: pd.DataFrame, areas: pd.Index, asked: PostsAsked) -> None:
    for area_id in {*asked.least, *asked.most} - set(areas):
        raise NotFoundError(T("Area {area_id} is not among those that get posts.", area_id=area_id))
    townships = figures.index[figures["level"].eq(AreaLevel.TOWNSHIP)]
    for area_id in set(asked.township_totals) - set(townships):
        raise NotFoundError(T("There is no township {area_id} in your part of the district.", area_id=area_id))


def _problem(
    session: Session,
    scope: Scope,
    rows: pd.DataFrame,
    today: pd.Series,
    demand: pd.Series,
    total: int,
    asked: PostsAsked,
) -> PostsProblem:
    floors = today.astype("int64") if asked.keep else today.astype("int64") * 0
    for area_id, most in asked.most.items():
        floors[area_id] = min(int(floors[area_id]), most)
    for area_id, least in asked.least.items():
        floors[area_id] = least
    township_of = _township_of(session, scope, rows)
    totals = {key: posts for key, posts in asked.township_totals.items() if key in set(township_of.dropna())}
    try:
        return PostsProblem.of(
            demand,
            total,
            floors=floors,
            ceilings=pd.Series(asked.most, dtype="int64") if asked.most else None,
            townships=township_of if totals else None,
            township_totals=pd.Series(totals, dtype="int64") if totals else None,
        )
    except PostsError:
        raise
    except ValueError as refusal:
        raise InvalidInputError(T("These posts cannot be handed out: {reason}", reason=str(refusal))) from refusal


def _township_of(session: Session, scope: Scope, rows: pd.DataFrame) -> pd.Series:
    names = area_names(session, scope)
    at = pd.Series(rows.index, index=rows.index, dtype="Int64")
    for _ in range(len(AreaLevel)):
        level = at.map(names["level"])
        higher = level.isin([AreaLevel.VILLAGE, AreaLevel.COMPOUND])
        at = at.mask(higher, at.map(names["parent_id"]))
    return at.where(at.map(names["level"]).eq(AreaLevel.TOWNSHIP))


def _few_moves(
    problem: PostsProblem, today: pd.Series, least: PostPlan, asked: PostsAsked
) -> tuple[pd.DataFrame, PostPlan]:
    if least.worst_load is None:
        return pd.DataFrame({"load": [], "delta": [], "moves": []}), least
    curve = moves_curve(problem, today, points=asked.points)
    accepted = least.worst_load * (1 + Fraction(asked.accept).limit_denominator(10**6))
    return curve, fewest_moves(problem, today, load=accepted)
