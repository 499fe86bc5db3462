"""Doubts that somebody has looked into: acknowledged with a reason, and open again as soon as the facts are others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Final

import pandas as pd
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.doubts import Doubt, doubtful_addresses
from gis_service.addresses.placements import batches
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.resolving import stale_overrides
from gis_service.addresses.tables import AcknowledgedDoubt, Placement
from gis_service.areas.queries import area_details
from gis_service.errors import NotFoundError
from gis_service.settings import Settings
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T

_SEEN: Final[dict[str, tuple[str, ...]]] = {
    Doubt.FAR.value: ("text", "other_id", "distance_m"),
    Doubt.DUPLICATE.value: ("text", "other_id", "other_text"),
    Doubt.STALE.value: ("area_id", "found_area_id", "area_ended", "override_reason"),
}
"""What somebody looks at who judges a doubt; metres count as whole ones."""

_COLUMNS: Final = (
    "doubt", "code", "text", "distance_m", "other_id", "other_text", "other_beyond", "home_area_id", "facts",
)  # fmt: skip


def doubts_of(session: Session, settings: Settings, scope: Scope, area_id: int | None = None) -> pd.DataFrame:
    """Every doubt about addresses in scope (inside an area), open or acknowledged.

    Returns
    -------
    `doubts.doubtful_addresses`, then decisions by hand that have gone out of date (`resolving.stale_overrides`, without
    another address); with `facts`, and of acknowledged ones `acknowledged_by` and `acknowledged_reason` (else None).
    Another address beyond the scope is not named: `other_beyond` says that there is one.

    Raises
    ------
    TooLargeError
        There are more addresses than are looked through at once: choose a smaller area.
    """
    found = doubtful_addresses(session, settings, scope, area_id)
    stale = stale_overrides(session, settings, scope, area_id).assign(doubt=Doubt.STALE.value)
    stale = stale.assign(
        distance_m=pd.array([pd.NA] * len(stale), dtype="Float64"),
        other_id=pd.array([pd.NA] * len(stale), dtype="Int64"),
        other_text=None,
    )
    known = [frame.assign(facts=_facts(frame)) for frame in (found, stale) if len(frame)] or [found.assign(facts="")]
    told = pd.concat([_within(session, scope, frame)[list(_COLUMNS)] for frame in known])
    answered = _acknowledged(session, told.index.unique().tolist())
    keys = list(zip(told.index, told["doubt"], told["facts"], strict=True))
    answers = [answered.get(key, (None, None)) for key in keys]
    said = pd.DataFrame(answers, columns=["acknowledged_by", "acknowledged_reason"], dtype="object")
    return pd.concat([told, said.set_axis(told.index)], axis=1)


def open_doubts(session: Session, settings: Settings, scope: Scope, area_id: int) -> dict[str, int]:
    """How many doubts about addresses of an area nobody has acknowledged, by kind; raises as `doubts_of`."""
    found = doubts_of(session, settings, scope, area_id)
    counts = found.loc[found["acknowledged_by"].isna(), "doubt"].value_counts().to_dict()
    return {doubt.value: int(counts.get(doubt.value, 0)) for doubt in Doubt}


def acknowledge_doubts(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    reason: str,
    *,
    area_id: int | None = None,
    doubt: Doubt | None = None,
    address_ids: Collection[int] | None = None,
) -> int:
    """Answer for doubts as they are on `day`; returns how many.

    Parameters
    ----------
    area_id, doubt, address_ids
        Only inside this area, only of this kind, only of these addresses; all must hold.

    Raises
    ------
    NotPermittedError
        The role may not.
    NotFoundError
        There is no such area in the viewer's part of the district, or no open doubt that fits.
    TooLargeError
        There are more addresses than are looked through at once: choose a smaller area.
    """
    viewer.require(Permission.SIGN_OFF_UNRESOLVED)
    said = check_reason(reason)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        if area_id is not None:
            area_details(session, scope, area_id)
        found = doubts_of(session, settings, scope, area_id)
        chosen = found[found["acknowledged_by"].isna()]
        if doubt is not None:
            chosen = chosen[chosen["doubt"].eq(doubt.value)]
        if address_ids is not None:
            chosen = chosen[chosen.index.isin(list(address_ids))]
        if chosen.empty:
            raise NotFoundError(T("No open doubt in your part of the district fits."))
        rows = chosen[["doubt", "facts"]].rename_axis("address_id").reset_index()
        insert_frame(
            session,
            AcknowledgedDoubt,
            rows.assign(
                day=pd.Timestamp(day),
                reason=said,
                acknowledged_by=viewer.name[:100],
                account_id=pd.array([viewer.account_id] * len(rows), dtype="Int64"),
                acknowledged_at=pd.Timestamp(datetime.now(UTC).replace(tzinfo=None)),
            ),
        )
        counts = {str(kind): int(count) for kind, count in chosen["doubt"].value_counts().items()}
        one = int(chosen.index[0]) if len(chosen) == 1 else None
        after = {"reason": said, "area_id": area_id, **counts}
        record(session, viewer, "acknowledge_doubts", "address", one, after=after)
    return len(chosen)


def _within(session: Session, scope: Scope, found: pd.DataFrame) -> pd.DataFrame:
    """The same without other addresses that lie beyond the scope."""
    others = found["other_id"].dropna().astype("int64").unique().tolist()
    seen: set[int] = set()
    for ids in batches(others):
        query = select(Placement.address_id).where(Placement.address_id.in_(ids), Placement.valid_on(scope.day))
        seen.update(session.scalars(query.where(placement_in_scope(scope))))
    beyond = found["other_id"].notna() & ~found["other_id"].isin(seen)
    return found.assign(
        other_id=found["other_id"].mask(beyond), other_text=found["other_text"].mask(beyond), other_beyond=beyond
    )


def _facts(found: pd.DataFrame) -> list[str]:
    """A digest of what each doubt rests on."""
    rounded = found.assign(distance_m=found["distance_m"].round()).astype(object)
    rows = rounded.where(rounded.notna(), None).to_dict("records")
    seen = ([str(row[name]) for name in _SEEN[str(row["doubt"])]] for row in rows)
    return [hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32] for facts in seen]


def _acknowledged(session: Session, address_ids: list[int]) -> dict[tuple[int, str, str], tuple[str, str]]:
    """Who answers for what, and why; the newest reason counts."""
    row = AcknowledgedDoubt
    found: dict[tuple[int, str, str], tuple[str, str]] = {}
    for ids in batches(address_ids):
        query = select(row.address_id, row.doubt, row.facts, row.acknowledged_by, row.reason)
        for address_id, doubt, facts, person, reason in session.execute(
            query.where(row.address_id.in_(ids)).order_by(row.id)
        ):
            found[address_id, doubt, facts] = (person, reason)
    return found
