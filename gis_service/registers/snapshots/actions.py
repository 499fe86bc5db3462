"""Handing in a register: each side its own, for its own part of the district."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import trail_of
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.tables import Address
from gis_service.areas.queries import area_details
from gis_service.areas.tables import AreaLevel
from gis_service.errors import Fault, InvalidInputError, NotPermittedError
from gis_service.intake.columns import map_columns
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import parse
from gis_service.registers.days import check_day
from gis_service.registers.mismatches.states import Side, side_of
from gis_service.registers.snapshots.fields import FIELDS, doubt, refuse_useless, settled
from gis_service.registers.snapshots.handed import HandedTable
from gis_service.registers.snapshots.keeping import Content, keep
from gis_service.registers.snapshots.sources import columns_of, save_columns
from gis_service.registers.snapshots.tables import Origin, Snapshot
from gis_service.storage.among import among
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T

FAULTS_TOLD: Final = 200
_KEPT_FOR: Final = (AreaLevel.DISTRICT, AreaLevel.TOWNSHIP, AreaLevel.VILLAGE)


@dataclass(frozen=True)
class Handing:
    """What is said of a table that is handed in.

    Attributes
    ----------
    side : whose register it is.
    area_id : of which village, township or district it lists the people, all of them.
    taken_on : the day on which the register stood so; today when None.
    source : the system or book that it comes from; its columns are saved under this name.
    columns : from headings to fields, where names and aliases do not do; empty for those saved for the source.
    strict : whether doubtful values refuse the whole.
    """

    side: Side
    area_id: int
    taken_on: date | None = None
    source: str | None = None
    columns: Mapping[str, str] | None = None
    strict: bool = False


@dataclass(frozen=True)
class HandedIn:
    """What was kept; `doubts` are the first of the values that do not hold."""

    snapshot_id: int
    is_new: bool
    row_count: int
    doubt_count: int
    doubts: tuple[Fault, ...]


def hand_in(engine: Engine, viewer: Viewer, table: HandedTable, said: Handing, *, today: date) -> HandedIn:
    """Check a register and keep it for good, in one transaction.

    Raises
    ------
    NotPermittedError, NotFoundError
        The role may not, it is another side's register, or the area is not in the viewer's part of the district.
    InvalidInputError
        Columns are missing, or rows cannot be used; the faults name file, row, field, value and remedy.
    """
    viewer.require(Permission.HAND_IN_REGISTER)
    if side_of(viewer) not in (None, said.side):
        raise NotPermittedError(T("Each side hands in the register that it keeps."))
    taken_on = check_day(said.taken_on or today)
    if taken_on > today:
        raise InvalidInputError(T("The day lies in the future."))
    with transaction(engine) as session:
        area = area_details(session, scope_of(session, viewer, today), said.area_id)
        if area["level"] not in _KEPT_FOR:
            raise InvalidInputError(T("A register is that of a village, a township or the district."))
        columns = _columns(session, said)
        rows, doubts = _checked(session, table, columns, taken_on)
        if said.strict and len(doubts):
            raise _refused(table, doubts)
        name = table.name if table.origin is Origin.FILE else None
        content = Content(said.side, said.area_id, taken_on, rows, table.origin, said.source, name)
        ((snapshot, is_new),) = keep(session, viewer, trail_of(engine).vault, [content])
        if said.source and said.columns:
            save_columns(session, viewer, said.side, said.area_id, said.source, said.columns)
        return _told(snapshot, doubts, is_new=is_new)


def _columns(session: Session, said: Handing) -> dict[str, str]:
    """The mapping that is said, else the one saved for the source."""
    if said.columns:
        return dict(said.columns)
    return columns_of(session, said.side, said.area_id, said.source) if said.source else {}


def _checked(
    session: Session, table: HandedTable, columns: Mapping[str, str], taken_on: date
) -> tuple[pd.DataFrame, FaultList]:
    """The rows to keep, and what is doubtful in them."""
    mapping = map_columns([str(heading) for heading in table.texts.columns], FIELDS, columns)
    texts = table.texts[list(mapping.fields)].rename(columns=mapping.fields)
    places = pd.DataFrame({"file": table.name, "row": texts.index}, index=texts.index)
    faults, doubts = FaultList(places), FaultList(places)
    rows = settled(parse({field.name: field for field in FIELDS}, texts, faults))
    refuse_useless(rows, faults)
    if len(faults):
        raise _refused(table, faults)
    codes = rows["address_code"].dropna().unique().tolist()
    known = set(session.scalars(select(Address.code).where(among(session, Address.code, codes)))) if codes else set()
    return rows.assign(doubts=doubt(rows, known, taken_on, doubts)), doubts


def _refused(table: HandedTable, faults: FaultList) -> InvalidInputError:
    said = T("{file}: {faults} faults; nothing was kept.", file=table.name, faults=len(faults))
    return InvalidInputError(said, faults.first(FAULTS_TOLD))


def _told(snapshot: Snapshot, doubts: FaultList, *, is_new: bool) -> HandedIn:
    return HandedIn(snapshot.id, is_new, snapshot.row_count, len(doubts), doubts.first(FAULTS_TOLD))
