"""The second fence: on PostGIS a scoped session takes a role for which the database itself hides foreign rows.

The first fence is the filter in every query (`gis_service.areas.scope`). Were it forgotten in one, row-level security
would still answer with the own part only: for the rest of the transaction the session is the role `GIS_DATABASE_ROLE`,
which may not bypass the policies (`gis_service.storage.fence_standing`), and those compare with three settings of the
transaction. SpatiaLite has no such thing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, Text, bindparam, cast, func, select, table, text
from sqlalchemy.orm import Session

from gis_service.errors import NotReadyError
from gis_service.texts import T

#: execution option of an engine: the role that its scoped sessions take; empty = none
ROLE_OPTION: Final = "fence_role"
#: settings of the transaction, each an array of ids as text: the own areas, those with the ones above them, and the
#: areas and beats whose addresses are seen
OWN, LAND, HOMES, BEATS = "gis.own", "gis.land", "gis.homes", "gis.beats"

#: in `Session.info` once the fence has been raised
_RAISED: Final = "fence_raised"

#: the role, when it is one that we may take and that may not bypass policies
ROLE_TO_TAKE: Final = (
    "rolname = :role AND NOT rolsuper AND NOT rolbypassrls AND pg_has_role(session_user, oid, 'MEMBER')"
)


def role_asked(engine: Engine) -> str:
    """The role that scoped sessions of an engine take; empty when there is no fence."""
    if engine.dialect.name != "postgresql":
        return ""
    role: str = engine.get_execution_options().get(ROLE_OPTION, "")
    return role


def has_fence(session: Session) -> bool:
    """Say whether scoped sessions of this database are fenced."""
    return bool(role_asked(session.get_bind().engine))


def fencing(own: Select[Any], land: Select[Any], *, by_beat: bool) -> Select[Any]:
    """The statement that raises the fence: one question to the database, made once and kept (making it takes longer).

    Parameters
    ----------
    own, land
        Find the ids of the own areas, and of those whose names may be seen.
    by_beat
        An address, with whatever hangs on it, is seen when it was ever placed in one of the beats that `raise_fence` is
        given, and not when it was placed in one of the own areas.
    """
    own_ids = _ids_of(own)
    return (
        select(
            func.set_config(OWN, own_ids, True),
            func.set_config(LAND, _ids_of(land), True),
            func.set_config(HOMES, "{}" if by_beat else own_ids, True),
            func.set_config(BEATS, bindparam("beats", type_=Text), True),
            func.set_config("role", text("rolname"), True),
        )
        .select_from(table("pg_roles"))
        .where(text(ROLE_TO_TAKE))
    )


def raise_fence(session: Session, statement: Select[Any], beats: Collection[int], **parameters: Any) -> None:
    """From now to the end of its transaction the session sees and writes rows of these areas and beats only.

    `parameters` are those of the queries in `statement`.

    Raises
    ------
    NotReadyError
        There is no such role, or it is not ours to take, or it could bypass the policies: better nothing than all.
    """
    role = role_asked(session.get_bind().engine)
    if not role:
        return
    listed = f"{{{','.join(map(str, sorted(beats)))}}}"
    if session.connection().execute(statement, {**parameters, "role": role, "beats": listed}).first() is None:
        raise no_role(role)
    session.info[_RAISED] = True


def is_fenced(session: Session) -> bool:
    """Say whether the fence was raised: only then do views made for scoped sessions (`FencedView`) hold anything."""
    return _RAISED in session.info


def _ids_of(query: Select[Any]) -> ColumnElement[str]:
    """The ids that a query finds, as the settings hold them."""
    return cast(func.array(query.scalar_subquery()), Text)


def no_role(role: str) -> NotReadyError:
    """What is said when the fence cannot be raised."""
    said = T("The database role {role} is missing or not ours: `gis-service db status` tells what to do.", role=role)
    return NotReadyError(said)
