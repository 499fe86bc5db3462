"""With what a page about people is shown: the request, a session in scope, the keys, and the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from gis_service.access.http import ScopeDep
from gis_service.access.personal import Vault
from gis_service.access.routes import VaultDep
from gis_service.access.scope import Scope
from gis_service.api.dependencies import ReadDep, TodayDep


@dataclass(frozen=True)
class Desk:
    """With what a page is shown: the request, a session in scope, the keys, and the day."""

    request: Request
    session: Session
    scope: Scope
    vault: Vault
    today: date


def desk_of(request: Request, session: ReadDep, scope: ScopeDep, vault: VaultDep, today: TodayDep) -> Desk:
    """The desk of a request."""
    return Desk(request, session, scope, vault, today)


DeskDep = Annotated[Desk, Depends(desk_of)]
