"""Pages of planning: posts with a map beside them, and what makes areas difficult."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.areas.tables import AreaLevel
from gis_service.errors import GridError, InvalidInputError
from gis_service.planning.bases import Base
from gis_service.planning.difficulty import published_difficulty
from gis_service.planning.posts import Aim, PostsAsked, PostsProposal
from gis_service.planning.published import published_proposal, published_staffing
from gis_service.planning.staffing import StaffingAsked
from gis_service.registers.withholding import mark
from gis_service.texts import T, Text
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name
from layers.difficulty import FACTORS

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_PLANNING))])

FACTOR_NAMES: dict[str, Text] = {
    "load": T("Migrants per officer"),
    "churn": T("Churn"),
    "group_rental_share": T("Group rentals"),
    "high_risk_rental_share": T("Red and orange rentals"),
    "mismatch_rate": T("Mismatches"),
    "public_order_cases": T("Public-order cases"),
    "staff_weakness": T("Weak staff"),
}

_PLACES = (AreaLevel.TOWNSHIP, AreaLevel.VILLAGE)


def _bounds_said(request: Request, name: str) -> dict[int, int]:
    """Whole numbers by area id that a form names `<name>.<area id>`; empty fields say nothing."""
    found = {}
    for key, value in request.query_params.items():
        kind, _, area_id = key.partition(".")
        if kind != name or not value.strip():
            continue
        if not (area_id.isdecimal() and value.strip().isdecimal() and len(value) < 8 and len(area_id) < 19):
            raise InvalidInputError(T("{value} is not a number of posts.", value=value[:20]))
        found[int(area_id)] = int(value)
    return found


def posts_asked(
    request: Request,
    level: Annotated[AreaLevel, Query()] = AreaLevel.TOWNSHIP,
    base: Annotated[Base, Query()] = Base.TODAY,
    change: Annotated[int | None, Query(ge=-100_000, le=100_000)] = None,
    aim: Annotated[Aim, Query()] = Aim.LOAD,
    accept: Annotated[float, Query(ge=0, le=10)] = 0.0,
    keep: Annotated[bool, Query()] = True,
) -> PostsAsked | None:
    """What to hand out; None when nothing is asked for."""
    if change is None:
        return None
    least, most, totals = (_bounds_said(request, name) for name in ("least", "most", "total"))
    return PostsAsked(level, None, change, base, aim, least, most, totals, keep, accept, 20)


def staffing_asked(
    level: Annotated[AreaLevel, Query()] = AreaLevel.TOWNSHIP,
    base: Annotated[Base, Query()] = Base.TODAY,
    weighted: Annotated[bool, Query()] = False,
    recruits: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> dict[str, Any]:
    """How required posts are to be shown."""
    return {"level": level, "base": base, "weighted": weighted, "recruits": recruits}


@router.get("/planning/posts")
def posts_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    shown: Annotated[dict[str, Any], Depends(staffing_asked)],
    asked: Annotated[PostsAsked | None, Depends(posts_asked)],
) -> HTMLResponse:
    """Show required posts, what is short and who pays, with a map beside; and hand out posts when asked."""
    placed = StaffingAsked(shown["base"], shown["weighted"], shown["recruits"])
    found = published_staffing(session, scope, settings, placed)
    roots = found[~found["parent_id"].isin(found.index)]
    rows = found[found["level"].eq(shown["level"])].sort_values("coverage", na_position="last")
    proposal: PostsProposal | None = None
    fault = None
    if asked is not None:
        try:
            proposal = published_proposal(session, scope, settings, asked)
        except GridError as refusal:
            fault = str(refusal)
    townships = found[found["level"].eq(AreaLevel.TOWNSHIP)]
    summed = ("migrants", "officers_fte", "required", "social", "police", "missing")
    return page(
        request,
        "posts.html",
        viewer,
        day=scope.day,
        standard=settings.persons_per_officer,
        shown=shown,
        asked=asked,
        levels=[(each.value, code_name(each)) for each in _PLACES],
        rows=records(rows),
        total={name: _together(roots, name) for name in summed},
        pays={name: _together(townships, name) for name in ("district_pays", "township_pays")},
        proposal=proposal,
        proposed=_bounded(rows, proposal) if asked is not None else None,
        fixed=[] if shown["level"] == AreaLevel.TOWNSHIP else _totals(townships),
        curve=[] if proposal is None else _curve(request, proposal),
        fault=fault,
    )


@router.get("/planning/difficulty")
def difficulty_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    level: Annotated[AreaLevel, Query()] = AreaLevel.TOWNSHIP,
) -> HTMLResponse:
    """Show how difficult areas are and what each factor contributes."""
    found = published_difficulty(session, scope, settings)
    rows = found[found["level"].eq(level)].sort_values("score", ascending=False, na_position="last")
    known = [name for name in FACTORS if settings.difficulty_weights.get(name, 0) > 0 and rows[name].notna().any()]
    unknown = [name for name in FACTORS if settings.difficulty_weights.get(name, 0) > 0 and name not in known]
    return page(
        request,
        "difficulty.html",
        viewer,
        day=scope.day,
        level=level.value,
        levels=[(each.value, code_name(each)) for each in _PLACES],
        rows=records(rows.head(200)),
        factors=[(name, str(FACTOR_NAMES[name])) for name in known],
        unknown=[str(FACTOR_NAMES[name]) for name in unknown],
    )


def _together(rows: pd.DataFrame, name: str) -> Any:
    """The sum of a column; the mark when a part of it is withheld."""
    if rows["withheld"].map(lambda names: name in names).any():
        return mark()
    return rows[name].sum(min_count=1)


def _bounded(rows: pd.DataFrame, proposal: PostsProposal | None) -> list[dict[str, Any]]:
    """The areas that get posts, with what is proposed; without a proposal only their names, to mend the bounds."""
    if proposal is None:
        return [{"area_id": key, "name": name} for key, name in zip(rows.index.tolist(), rows["name"], strict=True)]
    return records(proposal.rows.sort_values("load_before", ascending=False))


def _totals(townships: pd.DataFrame) -> list[tuple[int, str]]:
    """Townships whose number of posts may be fixed."""
    return list(zip(townships.index.tolist(), townships["name"].tolist(), strict=True))


def _curve(request: Request, proposal: PostsProposal) -> list[dict[str, object]]:
    """Points of the curve with their place in a picture of 320 × 160, and where each is chosen."""
    curve = proposal.curve
    if curve.empty:
        return []
    loads = curve["load"].astype("float64")
    if loads.min() == loads.max():
        return []  # one point is no curve: every plan fills as many posts
    width, height = float(loads.max() - loads.min()), max(int(curve["moves"].max()), 1)
    # a millionth more, so that what was cut off does not leave the point out
    shares = [float(load) / float(loads.min()) - 1 + 1e-6 for load in loads]
    return [
        {
            "x": round(44 + 260 * (float(load) - float(loads.min())) / width, 1),
            "y": round(130 - 110 * int(moves) / height, 1),
            "load": f"{float(load):,.0f}",
            "moves": int(moves),
            "href": f"{request.url.include_query_params(accept=f'{share:.6f}').query}",
        }
        for load, moves, share in zip(loads, curve["moves"], shares, strict=True)
    ]
