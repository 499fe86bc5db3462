"""Personal app tokens, for QGIS and scripts: shown once, kept as a hash, limited in what they may and how long."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.tables import AppToken, TokenScope, hash_of
from gis_service.access.viewer import Viewer
from gis_service.errors import InvalidInputError, NotFoundError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.texts import T

PREFIX = "gst_"


@dataclass(frozen=True, repr=False)
class NewToken:
    """A new token; its text is shown once."""

    token_id: int
    token: str
    expires_at: datetime


def create_token(
    engine: Engine, settings: Settings, viewer: Viewer, name: str, scope: TokenScope, days: int, *, now: datetime
) -> NewToken:
    """Make a token for the own account, good for `days`; business accounts only."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    if viewer.account_id is None or not viewer.role.is_business:
        raise NotPermittedError(T("Tokens are for business accounts."))
    if not 0 < days <= settings.app_token_max_days:
        raise InvalidInputError(T("A token lives 1 to {days} days.", days=settings.app_token_max_days))
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction(engine) as session:
        row = AppToken(
            token_hash=hash_of(token),
            account_id=viewer.account_id,
            name=name,
            scope=scope.value,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        session.add(row)
        session.flush()
        after = {"name": name, "scope": scope.value, "expires_at": row.expires_at}
        record(session, viewer, "create_token", "app_token", row.id, after=after)
        return NewToken(row.id, token, row.expires_at)


def revoke_token(engine: Engine, viewer: Viewer, token_id: int, *, now: datetime) -> None:
    """Stop a token: one's own, or anybody's for whoever manages accounts."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    with transaction(engine) as session:
        row = session.get(AppToken, token_id)
        if row is None or (row.account_id != viewer.account_id and not viewer.may(Permission.MANAGE_ACCOUNTS)):
            raise NotFoundError(T("There is no such token."))
        if row.revoked_at is None:
            row.revoked_at = now
            record(session, viewer, "revoke_token", "app_token", row.id, after={"name": row.name})


def own_tokens(session: Session, viewer: Viewer) -> list[AppToken]:
    """The tokens of the own account, newest first."""
    query = select(AppToken).where(AppToken.account_id == viewer.account_id).order_by(AppToken.id.desc())
    return list(session.scalars(query))
