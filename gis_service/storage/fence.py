"""The second fence: on PostGIS a scoped session takes a role for which the database itself hides foreign rows.

The first fence is the filter in every query (`gis_service.areas.scope`). Were it forgotten in one, row-level security
would still answer with the own part only: for the rest of the transaction the session is the role `GIS_DATABASE_ROLE`,
which may not bypass the policies of migration 0014, and those compare with three settings of the transaction.
SpatiaLite has no such thing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gis_service.errors import NotReadyError
from gis_service.texts import T

#: execution option of an engine: the role that its scoped sessions take; empty = none
ROLE_OPTION: Final = "fence_role"
#: settings of the transaction, each an array of ids as text: areas to be seen, areas and beats whose addresses are
LAND, HOMES, BEATS = "gis.land", "gis.homes", "gis.beats"

_ROLE = text(
    "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = :role AND NOT rolsuper AND NOT rolbypassrls"
    " AND pg_has_role(session_user, oid, 'MEMBER')"
)


def has_fence(session: Session) -> bool:
    """Say whether scoped sessions of this database are fenced."""
    return bool(_role_asked(session))


def raise_fence(session: Session, land: Collection[int], homes: Collection[int], beats: Collection[int]) -> None:
    """From now to the end of its transaction the session sees and writes rows of these areas and beats only.

    Parameters
    ----------
    land
        Ids of the areas that may be seen.
    homes, beats
        An address with whatever hangs on it is seen when it was ever placed in one of these areas or beats.

    Raises
    ------
    NotReadyError
        There is no such role, or it is not ours to take, or it could bypass the policies: better nothing than all.
    """
    role = _role_asked(session)
    if not role:
        return
    quoted = session.execute(_ROLE, {"role": role}).scalar()
    if quoted is None:
        raise NotReadyError(
            T("The database role {role} is missing or not ours to take: see GIS_DATABASE_ROLE.", role=role)
        )
    for name, ids in ((LAND, land), (HOMES, homes), (BEATS, beats)):
        array = ",".join(map(str, sorted(ids)))
        session.execute(text("SELECT set_config(:name, :ids, true)"), {"name": name, "ids": f"{{{array}}}"})
    session.execute(text(f"SET LOCAL ROLE {quoted}"))


def _role_asked(session: Session) -> str:
    bind = session.get_bind()
    if bind.dialect.name != "postgresql":
        return ""
    engine: Engine = bind.engine
    role: str = engine.get_execution_options().get(ROLE_OPTION, "")
    return role
