"""Pages: templates, navigation and what every page is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.texts import T, Text, _
from gis_service.web import wording

HERE = Path(__file__).parent

NAVIGATION: tuple[tuple[str, Text, Permission], ...] = (
    ("/", T("Overview"), Permission.SEE_FIGURES),
    ("/field", T("My beat"), Permission.SEE_WORKLIST),
    ("/command", T("Command centre"), Permission.SEE_FIGURES),
    ("/maps/coverage", T("Coverage map"), Permission.SEE_FIGURES),
    ("/maps/hotspots", T("Rental hotspots"), Permission.SEE_FIGURES),
    ("/maps/mismatches", T("Mismatches"), Permission.SEE_FIGURES),
    ("/maps/quarter", T("Progress of the quarter"), Permission.SEE_FIGURES),
    ("/maps/beats", T("Beats"), Permission.SEE_TEAMS),
    ("/maps/addresses", T("Address map"), Permission.SEE_FIGURES),
    ("/addresses", T("Addresses"), Permission.SEE_ADDRESSES),
    ("/unresolved", T("To decide"), Permission.SEE_ADDRESSES),
    ("/changes", T("Land changes"), Permission.SEE_LAND),
    ("/land-editor", T("Edit on the map"), Permission.DRAFT_LAND_CHANGE),
    ("/land-reimport", T("Compare a new layer"), Permission.DRAFT_LAND_CHANGE),
    ("/land-repairs", T("Repairs of borders"), Permission.DRAFT_LAND_CHANGE),
    ("/topology", T("Topology"), Permission.IMPORT_LAND),
    ("/mismatches", T("Mismatch items"), Permission.SEE_REGISTERS),
    ("/rentals", T("Rentals"), Permission.SEE_REGISTERS),
    ("/quarters", T("Quarterly reconciliation"), Permission.SEE_REGISTERS),
    ("/snapshots", T("Registers handed in"), Permission.SEE_REGISTERS),
    ("/teams", T("Teams"), Permission.SEE_TEAMS),
    ("/notices", T("Notices"), Permission.SEE_TEAMS),
    ("/planning/posts", T("Posts"), Permission.SEE_PLANNING),
    ("/planning/difficulty", T("Difficulty"), Permission.SEE_PLANNING),
    ("/planning/scenarios", T("Scenarios"), Permission.SEE_PLANNING),
    ("/jobs", T("Computations"), Permission.SEE_JOBS),
    ("/sheets", T("Printed sheets"), Permission.SEE_FIGURES),
    ("/start", T("First steps"), Permission.SEE_IMPORTS),
    ("/imports", T("Import"), Permission.SEE_IMPORTS),
    ("/approvals", T("Unmasked files"), Permission.EXPORT),
    ("/accounts", T("Accounts"), Permission.MANAGE_ACCOUNTS),
    ("/audit", T("Audit trail"), Permission.READ_AUDIT),
)

#: pages that stand in a menu of the navigation, under its heading; the others stand by themselves
MENUS: dict[str, Text] = {
    "/maps/": T("Maps"),
    "/addresses": T("Addresses"),
    "/unresolved": T("Addresses"),
    "/changes": T("Land"),
    "/land-": T("Land"),
    "/topology": T("Land"),
    "/planning/": T("Planning"),
    "/jobs": T("Planning"),
    "/teams": T("Teams"),
    "/notices": T("Teams"),
    "/mismatches": T("Registers"),
    "/rentals": T("Registers"),
    "/quarters": T("Registers"),
    "/snapshots": T("Registers"),
    "/sheets": T("Data"),
    "/start": T("Data"),
    "/imports": T("Data"),
    "/approvals": T("Data"),
}

#: what does not go along to another day
_NOT_KEPT = ("as_of", "offset")


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation."""

    path: str
    label: str
    current: bool


def navigation(viewer: Viewer | None, path: str, at: Callable[[str], str]) -> list[tuple[str, list[NavItem]]]:
    """What `viewer` may open: menus as `(heading, items)`, with no heading for pages that stand by themselves."""
    menus: list[tuple[str, list[NavItem]]] = []
    for to, label, permission in NAVIGATION:
        if viewer is None or not viewer.may(permission):
            continue
        item = NavItem(at(to), str(label), current=path == to or (to != "/" and path.startswith(to)))
        heading = next((str(menu) for prefix, menu in MENUS.items() if to.startswith(prefix)), "")
        known = next((items for menu, items in menus if menu == heading and heading), None)
        if known is None:
            menus.append((heading, [item]))
        else:
            known.append(item)
    return [(heading if len(items) > 1 else "", items) for heading, items in menus]


@cache
def environment() -> Environment:
    """The templates; everything is escaped and an unknown name is an error."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["_"] = _
    env.filters.update(amount=wording.amount, load=wording.load, percent=wording.percent, code_name=wording.code_name)
    return env


def same_day(request: Request) -> Callable[[str], str]:
    """Make links lead to the day that the page shows, when one was asked for."""
    day = request.query_params.get("as_of")

    def at(path: str) -> str:
        return path if not day else f"{path}{'&' if '?' in path else '?'}{urlencode({'as_of': day})}"

    return at


def page(request: Request, template: str, viewer: Viewer | None, /, status: int = 200, **content: Any) -> HTMLResponse:
    """Render `template` for `viewer` (None = nobody is signed in)."""
    at = same_day(request)
    body = (
        environment()
        .get_template(template)
        .render(
            request=request,
            viewer=viewer,
            nav=navigation(viewer, request.url.path, at),
            at=at,
            kept=[(name, value) for name, value in request.query_params.multi_items() if name not in _NOT_KEPT],
            may_export=viewer is not None and viewer.may(Permission.EXPORT),
            role_name=wording.code_name(viewer.role.value) if viewer else "",
            csrf_token=getattr(request.state, "csrf_token", ""),
            nonce=getattr(request.state, "nonce", ""),
            **{"day": None, **content},
        )
    )
    return HTMLResponse(body, status, headers={"Cache-Control": "no-store"})


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame for a template, its index among the columns, NA as None, marks where a figure is withheld."""
    rows = pd.DataFrame(frame.drop(columns="geometry", errors="ignore")).reset_index().astype(object)
    return [
        {**{str(key): value for key, value in row.items()}, **dict.fromkeys(row.get("withheld", ()), mark)}
        for row in rows.where(rows.notna(), None).to_dict("records")
        for mark in [row.get("withheld_mark")]
    ]
