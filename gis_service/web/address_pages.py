"""Addresses: search, one address, and those that wait for a decision."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.access.scope import Scope
from gis_service.addresses.queries import address, addresses
from gis_service.addresses.search import search_addresses
from gis_service.addresses.search_store import SearchedPart
from gis_service.addresses.topology import topology_findings
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_names
from gis_service.registers.figures import residents_at
from gis_service.registers.registrations.history import history_of_address
from gis_service.registers.unmasked import people_at
from gis_service.storage.kept import Kept
from gis_service.texts import T
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_ADDRESSES))])

Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Search = Annotated[str | None, Query(max_length=100)]
PAGE = 50
#: nobody leafs through more; to count them would take longer than to show them
MOST_COUNTED = 10_000


@router.get("/addresses")
def addresses_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    search: Search = None,
    area_id: RowKey | None = None,
    beat_id: RowKey | None = None,
    offset: Offset = 0,
    everything: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """Search addresses by any part of their text: as somebody types the nearest, on demand all in order of code."""
    keep = {name: value for name, value in (("area_id", area_id), ("beat_id", beat_id)) if value is not None}
    as_typed = bool(search and search.strip()) and not (keep or everything or offset)
    if as_typed:
        kept: Kept[SearchedPart] = request.app.state.search_store
        frame = search_addresses(session, scope, search or "", PAGE, kept=kept)
        total = len(frame)
    else:
        frame, total = addresses(
            session,
            scope,
            search=search,
            area_id=area_id,
            beat_id=beat_id,
            offset=offset,
            limit=PAGE,
            count_to=MOST_COUNTED,
        )
    return page(
        request,
        "addresses.html",
        viewer,
        title=str(T("Addresses")),
        lead="",
        path="/addresses",
        rows=_with_suggestions(session, scope, frame),
        total=total,
        offset=offset,
        limit=PAGE,
        search=search,
        keep=keep,
        only_nearest=as_typed and total == PAGE,
        more_than=MOST_COUNTED if total > MOST_COUNTED else None,
        pager_base=f"/addresses?{urlencode({**keep, 'search': search or '', 'everything': 'true'})}&",
        empty=str(T("No address matches; try a shorter part of it.")),
        day=scope.day,
    )


@router.get("/addresses/{address_id}")
def address_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    vault: VaultDep,
    address_id: RowKey,
) -> HTMLResponse:
    """Show one address, its place, who answers for it and who was ever registered there."""
    row = address(session, scope, address_id)
    names = area_names(session, scope)["name"]
    row["suggested_area_name"] = names.get(row["suggested_area_id"])
    residents = residents_at(session, scope, address_id)
    stays = records(history_of_address(session, scope, vault, address_id).set_index("registration_id"))
    return page(
        request,
        "address.html",
        viewer,
        row=row,
        residents=residents,
        stays=stays,
        may_register=viewer.may(Permission.KEEP_REGISTRATIONS),
        may_resolve=viewer.may(Permission.RESOLVE_ADDRESS),
        people=people_at(session, vault, scope, address_id) if viewer.may(Permission.SEE_REGISTERS) else [],
        may_unmask=viewer.may(Permission.UNMASK_PERSON),
        day=scope.day,
    )


@router.get("/topology", dependencies=[Depends(requires(Permission.SEE_LAND))])
def topology_page(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep, offset: Offset = 0
) -> HTMLResponse:
    """List the findings of the topology check, alarms first."""
    findings = topology_findings(session, scope, settings)
    names = area_names(session, scope)["name"]
    findings["area_name"] = findings["area_id"].map(names)
    findings["other_name"] = findings["other_id"].map(names)
    by_kind = findings.groupby("finding", observed=True).agg(pieces=("pieces", "sum"), m2=("area_m2", "sum"))
    return page(
        request,
        "topology.html",
        viewer,
        may_draft=viewer.may(Permission.DRAFT_LAND_CHANGE),
        alarms=int(findings["severity"].eq("alarm").sum()),
        summary=[(code_name(str(kind)), row["pieces"], f"{row['m2']:,.2f}") for kind, row in by_kind.iterrows()],
        rows=records(findings.iloc[offset : offset + PAGE]),
        offset=offset,
        limit=PAGE,
        total=len(findings),
        day=scope.day,
    )


def _with_suggestions(session: Session, scope: Scope, frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = area_names(session, scope)["name"] if frame["suggested_area_id"].notna().any() else pd.Series(dtype="str")
    return records(frame.assign(suggested_area_name=frame["suggested_area_id"].map(names)))
