"""From what a matching found to items: new ones laid, known ones kept up, settled ones that come back opened again."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault
from gis_service.access.viewer import Viewer
from gis_service.registers.mismatches.evidence import pack
from gis_service.registers.mismatches.identity import identified
from gis_service.registers.mismatches.states import SETTLED, Side
from gis_service.registers.mismatches.tables import EventKind, MismatchEvent
from gis_service.registers.tables import Mismatch, MismatchState
from gis_service.settings import Settings
from gis_service.storage.bulk import insert_frame, update_frame
from gis_service.storage.frames import read_frame

EvidenceTimes = Mapping[tuple[int, str], datetime]
"""When what was matched of a village and a register had come in (UTC)."""

_SETTLED = frozenset(state.value for state in SETTLED)


@dataclass(frozen=True)
class Recorded:
    """How many facts are new, open still, opened again, settled still (by no newer evidence), and gone."""

    new: int = 0
    open_still: int = 0
    opened_again: int = 0
    settled_still: int = 0
    gone: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        """What two parts of a district give together."""
        return Recorded(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


def record_findings(
    session: Session,
    settings: Settings,
    viewer: Viewer,
    vault: Vault,
    people: pd.DataFrame,
    found: pd.DataFrame,
    *,
    villages: Collection[int],
    day: date,
    evidence_at: EvidenceTimes,
) -> Recorded:
    """Write the mismatches of some villages down, each fact once.

    Parameters
    ----------
    people, found
        The PEOPLE frame that was linked, and what `layers.reconciliation.classify` made of it.
    villages
        Those that were matched: an open item of theirs that is found no more has been corrected where it was to be.
    day
        Of the finding.
    evidence_at
        What somebody settled since the register that is to be corrected came in is not opened by it again; what was
        rejected is opened again only by other evidence than it was rejected on.
    """
    _adopt(session, vault, people, found)
    known = _known(session)
    sides = pack(people, found)
    who = identified(vault, known, found["fact"].tolist(), found["also_facts"].tolist(), sides)
    rows = found.reset_index(drop=True).assign(sides=sides, known_id=who["known_id"], fact=who["fact"])
    new = rows[rows["known_id"].isna()]
    _lay(session, settings, viewer, vault, new, day)
    held = rows[rows["known_id"].notna()].astype({"known_id": "int64"}).set_index("known_id")
    counts = _keep_up(session, settings, viewer, vault, known, held, day, evidence_at)
    absent = known[
        ~known.index.isin(held.index) & ~known["state"].isin(_SETTLED) & known["village_id"].isin(list(villages))
    ]
    _settle_gone(session, viewer, absent, evidence_at)
    return Recorded(len(new), counts[0], counts[1], counts[2], len(absent))


def _adopt(session: Session, vault: Vault, people: pd.DataFrame, found: pd.DataFrame) -> None:
    """Give imported items the fact that they are about: the only one of their class at their address, found once."""
    query = select(Mismatch.id, Mismatch.source_key, Mismatch.mismatch_class, Mismatch.address_id).where(
        Mismatch.fact_index.is_(None), Mismatch.address_id.is_not(None)
    )
    about = ["mismatch_class", "address_id"]
    imported = read_frame(session, query, dtypes={"address_id": "Int64"})
    facts = found.assign(sides=pack(people, found))
    single = [frame[~frame.duplicated(about, keep=False)] for frame in (imported, facts)]
    pairs = single[0].merge(single[1].drop(columns="registers"), on=about)
    if pairs.empty:
        return
    known = {bytes(index) for index in session.scalars(select(Mismatch.fact_index)) if index is not None}
    taken = [bool(known & set(vault.blind_indexes("fact", fact))) for fact in pairs["fact"]]
    pairs = pairs[~pd.Series(taken, index=pairs.index, dtype=bool) & ~pairs["fact"].duplicated(keep=False)]
    keys, told, sides = (pairs[name].tolist() for name in ("source_key", "fact", "sides"))
    frame = pd.DataFrame(
        {
            "id": pairs["id"].to_numpy(),
            "fact_sealed": _objects(vault.seal_many("mismatch", "fact", keys, told)),
            "fact_index": _objects(vault.blind_index_many("fact", told)),
            "sides_sealed": _objects(vault.seal_many("mismatch", "sides", keys, sides)),
            "at_register": pairs["at_register"].to_numpy(),
            "field": pairs["field"].where(pairs["field"].ne(""), None).to_numpy(),
            "village_id": pairs["village_id"].array,
        }
    )
    if len(frame):
        update_frame(session, Mismatch, frame)


def _known(session: Session) -> pd.DataFrame:
    """Items that carry a fact, everywhere: who moves from one village to another takes the fact along."""
    query = select(
        Mismatch.id,
        Mismatch.fact_index,
        Mismatch.source_key,
        Mismatch.state,
        Mismatch.sides_sealed,
        Mismatch.settled_at,
        Mismatch.times_opened,
        Mismatch.village_id,
        Mismatch.at_register,
    ).where(Mismatch.fact_index.is_not(None))
    frame = read_frame(session, query, dtypes={"village_id": "Int64", "times_opened": "int64"}, index="id")
    frame["settled_at"] = pd.to_datetime(frame["settled_at"])
    return frame


def _lay(session: Session, settings: Settings, viewer: Viewer, vault: Vault, new: pd.DataFrame, day: date) -> None:
    if new.empty:
        return
    keys = [f"F{secrets.token_hex(10)}" for _ in range(len(new))]
    facts, sides = new["fact"].tolist(), new["sides"].tolist()
    frame = pd.DataFrame(
        {
            "source_key": keys,
            "mismatch_class": new["mismatch_class"].to_numpy(),
            "address_id": new["address_id"].array,
            "found_on": pd.Timestamp(day),
            "state": MismatchState.OPEN.value,
            "registers": new["registers"].to_numpy(),
            "fact_sealed": _objects(vault.seal_many("mismatch", "fact", keys, facts)),
            "fact_index": _objects(vault.blind_index_many("fact", facts)),
            "sides_sealed": _objects(vault.seal_many("mismatch", "sides", keys, sides)),
            "at_register": new["at_register"].to_numpy(),
            "field": new["field"].where(new["field"].ne(""), None).to_numpy(),
            "village_id": new["village_id"].array,
            "due_on": pd.Timestamp(day + timedelta(days=settings.mismatch_due_days)),
            "last_found_on": pd.Timestamp(day),
            "times_opened": 1,
        }
    )
    ids = insert_frame(session, Mismatch, frame)
    _note(session, viewer, ids.tolist(), EventKind.FOUND, after=MismatchState.OPEN.value)


def _keep_up(
    session: Session,
    settings: Settings,
    viewer: Viewer,
    vault: Vault,
    known: pd.DataFrame,
    held: pd.DataFrame,
    day: date,
    evidence_at: EvidenceTimes,
) -> tuple[int, int, int]:
    """Keep the known items up; returns how many are open still, opened again, settled still."""
    if held.empty:
        return 0, 0, 0
    before = known.loc[held.index]
    settled = before["state"].isin(_SETTLED)
    came = _came_in(held["village_id"], held["at_register"], evidence_at)
    fresh = before["settled_at"].le(came) | before["settled_at"].isna()
    rejected = before["state"].eq(MismatchState.REJECTED.value)
    back = settled & fresh & (~rejected | _other_evidence(vault, before, held["sides"]))
    active = held[~settled | back]
    keys = before.loc[active.index, "source_key"].tolist()
    frame = pd.DataFrame(
        {
            "id": active.index,
            "last_found_on": pd.Timestamp(day),
            "address_id": active["address_id"].array,
            "village_id": active["village_id"].array,
            "registers": active["registers"].to_numpy(),
            "sides_sealed": _objects(vault.seal_many("mismatch", "sides", keys, active["sides"].tolist())),
        }
    )
    if len(frame):
        update_frame(session, Mismatch, frame)
    again = before[back]
    if len(again):
        opened = pd.DataFrame(
            {
                "id": again.index,
                "state": MismatchState.OPEN.value,
                "times_opened": again["times_opened"].to_numpy() + 1,
                "due_on": pd.Timestamp(day + timedelta(days=settings.mismatch_due_days)),
                "settled_at": pd.Series(pd.NaT, index=range(len(again)), dtype="datetime64[s]"),
            }
        )
        update_frame(session, Mismatch, opened)
        _note(
            session,
            viewer,
            again.index.tolist(),
            EventKind.FOUND_AGAIN,
            before=again["state"].tolist(),
            after=MismatchState.OPEN.value,
        )
    return int((~settled).sum()), len(again), int((settled & ~back).sum())


def _other_evidence(vault: Vault, before: pd.DataFrame, sides: pd.Series) -> pd.Series:
    sealed = [None if value is None else bytes(value) for value in before["sides_sealed"]]
    opened = vault.open_many("mismatch", "sides", before["source_key"].tolist(), sealed)
    return pd.Series(np.array(opened, dtype=object) != sides.to_numpy(dtype=object), index=before.index)


def _came_in(villages: pd.Series, registers: pd.Series, evidence_at: EvidenceTimes) -> pd.Series:
    """When the register that each fact is to be corrected in came in; the newest of all where that is not known."""
    newest = max(evidence_at.values(), default=datetime.now(UTC).replace(tzinfo=None))
    places = zip(villages.fillna(-1).astype("int64"), registers, strict=True)
    times = [evidence_at.get(place, newest) for place in places]
    return pd.Series(pd.to_datetime(times), index=villages.index, dtype="datetime64[us]")


def _settle_gone(session: Session, viewer: Viewer, gone: pd.DataFrame, evidence_at: EvidenceTimes) -> None:
    """What newer registers no longer show has been corrected where it was to be corrected."""
    if gone.empty:
        return
    after = [Side(register).corrected.value for register in gone["at_register"]]
    came = _came_in(gone["village_id"], gone["at_register"], evidence_at)
    frame = pd.DataFrame({"id": gone.index, "state": after, "settled_at": came.to_numpy()})
    update_frame(session, Mismatch, frame)
    _note(session, viewer, gone.index.tolist(), EventKind.GONE, before=gone["state"].tolist(), after=after)


def _note(
    session: Session,
    viewer: Viewer,
    ids: list[int],
    kind: EventKind,
    *,
    before: list[str] | None = None,
    after: str | list[str],
) -> None:
    frame = pd.DataFrame(
        {
            "mismatch_id": ids,
            "at": pd.Timestamp(datetime.now(UTC).replace(tzinfo=None)),
            "actor": viewer.name[:100],
            "kind": kind.value,
            "state_before": before,
            "state_after": after,
        }
    )
    insert_frame(session, MismatchEvent, frame if before is not None else frame.drop(columns="state_before"))


def _objects(values: list[Any]) -> Any:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held
