"""Signing off what could not be decided: a quarter is finalised only where nothing waits or somebody answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import ColumnElement, Engine, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import addresses_by_id, placement_in_scope
from gis_service.addresses.tables import Placement, SignedAddress, Unresolved, UnresolvedSignOff
from gis_service.areas.queries import area_details
from gis_service.areas.scope import area_in_scope, subtree
from gis_service.areas.tables import AreaVersion
from gis_service.errors import ConflictError, NotFoundError
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import transaction
from gis_service.storage.frames import read_frame
from gis_service.teams.scope import scope_of
from gis_service.texts import T

QUARTER: Final = r"^[0-9]{4}-Q[1-4]$"
"""How a quarter is written: 2026-Q3."""


@dataclass(frozen=True)
class Clearance:
    """What of an area waits in a quarter.

    Attributes
    ----------
    waiting : addresses without a decision on the day, by reason.
    open : those of them that nobody has signed for the quarter, by reason.
    """

    waiting: dict[str, int]
    open: dict[str, int]

    @property
    def is_cleared(self) -> bool:
        """Say whether nothing waits that nobody answers for."""
        return not any(self.open.values())


def sign_off_unresolved(
    engine: Engine, viewer: Viewer, area_id: int, quarter: str, note: str, day: date
) -> UnresolvedSignOff:
    """Answer for every address in an area that waits for a decision on `day` and that nobody has signed yet.

    Raises
    ------
    NotPermittedError
        The role may not.
    NotFoundError
        There is no such area in the viewer's part of the district.
    ConflictError
        Nothing waits that is not signed already.
    """
    viewer.require(Permission.SIGN_OFF_UNRESOLVED)
    said = check_reason(note)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        area_details(session, scope, area_id)
        waiting = session.execute(
            _waiting(scope, area_id, Placement.address_id, Placement.unresolved).where(~_signed(quarter))
        ).all()
        if not waiting:
            raise ConflictError(T("Nothing waits here that is not signed already."))
        rows = pd.DataFrame([tuple(row) for row in waiting], columns=pd.Index(["address_id", "unresolved"]))
        signed = UnresolvedSignOff(
            area_id=area_id,
            quarter=quarter,
            day=day,
            counts=_by_reason(rows["unresolved"].value_counts().to_dict()),
            note=said,
            signed_by=viewer.name[:100],
            account_id=viewer.account_id,
            signed_at=datetime.now(UTC).replace(tzinfo=None),
        )
        session.add(signed)
        session.flush()
        insert_frame(session, SignedAddress, rows.assign(sign_off_id=signed.id))
        after = {"quarter": quarter, "addresses": len(rows), **signed.counts, "note": said}
        record(session, viewer, "sign_off_unresolved", "area", area_id, after=after)
    return signed


def clearance(session: Session, scope: Scope, area_id: int, quarter: str) -> Clearance:
    """What of an area in scope waits on `scope.day`, and what of that nobody has signed for the quarter.

    An address counts as signed for as long as it waits for the reason that was signed.

    Raises
    ------
    NotFoundError
        There is no such area in scope.
    """
    area_details(session, scope, area_id)
    by_reason = _waiting(scope, area_id, Placement.unresolved, func.count()).group_by(Placement.unresolved)
    waiting = {reason: int(count) for reason, count in session.execute(by_reason)}
    still = {reason: int(count) for reason, count in session.execute(by_reason.where(~_signed(quarter)))}
    return Clearance(_by_reason(waiting), _by_reason(still))


def sign_offs(
    session: Session, scope: Scope, *, quarter: str | None = None, area_id: int | None = None
) -> pd.DataFrame:
    """Sign-offs of areas in scope, the newest first: index `sign_off_id`.

    `area_id`, `code`, `name`, `quarter`, `day`, `counts` (by reason), `addresses` (signed), `note`, `signed_by`,
    `signed_at`, and `open`: addresses of the area that wait on `scope.day` and nobody has signed: above 0 it is stale.
    """
    query = (
        select(
            UnresolvedSignOff.id.label("sign_off_id"),
            UnresolvedSignOff.area_id,
            AreaVersion.code,
            AreaVersion.name,
            UnresolvedSignOff.quarter,
            UnresolvedSignOff.day,
            UnresolvedSignOff.counts,
            UnresolvedSignOff.note,
            UnresolvedSignOff.signed_by,
            UnresolvedSignOff.signed_at,
        )
        .join(
            AreaVersion,
            and_(AreaVersion.area_id == UnresolvedSignOff.area_id, AreaVersion.valid_on(UnresolvedSignOff.day)),  # type: ignore[arg-type]  # a day of its own for each row
        )
        .where(area_in_scope(scope, UnresolvedSignOff.area_id))
        .order_by(UnresolvedSignOff.id.desc())
    )
    if quarter is not None:
        query = query.where(UnresolvedSignOff.quarter == quarter)
    if area_id is not None:
        query = query.where(UnresolvedSignOff.area_id.in_(subtree([area_id], scope.day)))
    found = read_frame(session, query, index="sign_off_id")
    found["addresses"] = [sum(counts.values()) for counts in found["counts"]]
    pairs = list(zip(found["area_id"], found["quarter"], strict=True))
    still = {pair: _open(session, scope, *pair) for pair in dict.fromkeys(pairs)}
    found["open"] = [still[pair] for pair in pairs]
    return found


def signed_addresses(session: Session, scope: Scope, sign_off_id: int) -> pd.DataFrame:
    """The addresses that were signed, as `queries.addresses` shows them today; `signed_as` is the reason then.

    Raises
    ------
    NotFoundError
        There is no such sign-off in scope.
    """
    query = select(UnresolvedSignOff.id).where(
        UnresolvedSignOff.id == sign_off_id, area_in_scope(scope, UnresolvedSignOff.area_id)
    )
    if session.scalars(query).first() is None:
        raise NotFoundError(T("There is no such sign-off in your part of the district."))
    rows = session.execute(
        select(SignedAddress.address_id, SignedAddress.unresolved)
        .where(SignedAddress.sign_off_id == sign_off_id)
        .order_by(SignedAddress.address_id)
    )
    signed: dict[int, str] = {address_id: reason for address_id, reason in rows}  # noqa: C416 - rows are no pairs to mypy
    found = addresses_by_id(session, scope, list(signed))
    return found.assign(signed_as=found.index.map(signed))


def _waiting(scope: Scope, area_id: int, *columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).where(
        Placement.valid_on(scope.day),
        Placement.unresolved.is_not(None),
        Placement.home_area_id.in_(subtree([area_id], scope.day)),
        placement_in_scope(scope),
    )


def _signed(quarter: str) -> ColumnElement[bool]:
    """Placements whose address was signed for the quarter with the same reason."""
    return exists(
        select(SignedAddress.id)
        .join(UnresolvedSignOff, UnresolvedSignOff.id == SignedAddress.sign_off_id)
        .where(
            UnresolvedSignOff.quarter == quarter,
            SignedAddress.address_id == Placement.address_id,
            SignedAddress.unresolved == Placement.unresolved,
        )
    )


def _open(session: Session, scope: Scope, area_id: int, quarter: str) -> int:
    return session.scalar(_waiting(scope, area_id, func.count()).where(~_signed(quarter))) or 0


def _by_reason(counts: dict[Any, int]) -> dict[str, int]:
    return {reason.value: int(counts.get(reason.value, 0)) for reason in Unresolved}
