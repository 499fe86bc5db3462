"""Matching the registers of some villages for a quarter: who is who, what differs, and the items that come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.audit import trail_of
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import InvalidInputError, NotFoundError
from gis_service.registers.mismatches.recording import Recorded, record_findings
from gis_service.registers.quarters.actions import note_matched
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.gathering import people_of_villages
from gis_service.settings import Settings
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T
from layers.frames import REGISTERS
from layers.linkage import link
from layers.reconciliation import classify


def match_people(
    session: Session,
    settings: Settings,
    viewer: Viewer,
    quarter: Quarter,
    people: pd.DataFrame,
    *,
    villages: Collection[int],
    evidence_at: datetime,
    today: date,
) -> Recorded:
    """Link the records of three registers, classify what differs, and write it down as items, in one transaction.

    Parameters
    ----------
    people
        PEOPLE frame of the villages (`layers.frames.check_people`), with `source_key` and `address_text`.
    villages
        Whose quarter it is; each has it open.
    evidence_at
        When the newest of the registers was taken (UTC).

    Raises
    ------
    ConflictError
        A village has not opened the quarter, or has closed it.
    """
    linkage = link(people)
    found = classify(people, linkage, as_of=pd.Timestamp(min(today, quarter.last)))
    ours = found[found["village_id"].isin(list(villages))].reset_index(drop=True)
    vault = trail_of(session.get_bind().engine).vault
    recorded = record_findings(
        session,
        settings,
        viewer,
        vault,
        people,
        ours,
        villages=villages,
        day=min(today, quarter.last),
        evidence_at=evidence_at,
    )
    note_matched(session, viewer, quarter, villages, _figures(people, ours, villages, recorded))
    return recorded


def _figures(
    people: pd.DataFrame, found: pd.DataFrame, villages: Collection[int], recorded: Recorded
) -> dict[int, dict[str, Any]]:
    """For each village: rows of each register, mismatches by class; and what the whole matching recorded."""
    rows = Counter(zip(people["village_id"], people["register"], strict=True))
    classes = Counter(zip(found["village_id"], found["mismatch_class"], strict=True))
    return {
        village: {
            "rows": {name: rows[village, name] for name in REGISTERS},
            "found": {str(kind): count for (place, kind), count in classes.items() if place == village},
            "recorded": asdict(recorded),
        }
        for village in villages
    }


def match_quarter(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    quarter: Quarter,
    lists: Mapping[str, pd.DataFrame],
    *,
    today: date,
    area_id: int | None = None,
) -> Recorded:
    """Match the registers of every village of an area that has the quarter open, in one transaction.

    Parameters
    ----------
    lists
        Rows of the village's and the grid workers' registers (`lists.read_list`), and of the police where they are not
        the registrations of the service.

    Raises
    ------
    NotPermittedError, NotFoundError, ConflictError
        The role may not; there is no village in the viewer's part of the district; a quarter is not open, or closed.
    InvalidInputError
        A register is missing.
    """
    viewer.require(Permission.LEAD_QUARTER)
    missing = [name for name in ("village", "grid") if name not in lists]
    if missing:
        raise InvalidInputError(T("The register is missing: {names}.", names=", ".join(missing)))
    with transaction(engine) as session:
        hold_alone(session, "match")
        scope = scope_of(session, viewer, today)
        if area_id is not None:
            area_details(session, scope, area_id)
        villages = [int(key) for key in area_names(session, scope, levels=[AreaLevel.VILLAGE], within=area_id).index]
        if not villages:
            raise NotFoundError(T("There is no village in this part of the district."))
        people = people_of_villages(session, trail_of(engine).vault, quarter, villages, lists, today=today)
        return match_people(
            session,
            settings,
            viewer,
            quarter,
            people,
            villages=villages,
            evidence_at=datetime.now(UTC).replace(tzinfo=None),
            today=today,
        )
