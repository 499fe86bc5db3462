"""The police registry as the service itself has it, kept as a snapshot of each village at the moment of a matching."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pandas as pd
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.queries import area_names
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaLevel
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.snapshots.fields import COLUMNS
from gis_service.registers.snapshots.keeping import Content, keep
from gis_service.registers.snapshots.tables import Origin, Snapshot
from gis_service.registers.tables import Registration
from gis_service.storage.frames import read_frame
from layers.identity_numbers import birth_dates


def keep_registrations(
    session: Session, viewer: Viewer, vault: Vault, quarter: Quarter, villages: Collection[int], day: date
) -> list[Snapshot]:
    """Keep who was registered in each village in the quarter, up to `day`; a village without anybody has no rows."""
    rows = _registered(session, vault, quarter, villages, day)
    of_village = dict(list(rows.groupby("village_id")))
    contents = [
        Content(
            Side.POLICE,
            village,
            day,
            _numbered(of_village.get(village, rows.iloc[:0])),
            Origin.SERVICE,
        )
        for village in sorted(villages)
    ]
    return [snapshot for snapshot, _is_new in keep(session, viewer, vault, contents)]


def _numbered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_axis(pd.RangeIndex(1, len(rows) + 1))


def _registered(session: Session, vault: Vault, quarter: Quarter, villages: Collection[int], day: date) -> pd.DataFrame:
    """Registrations that held at some time of the quarter, at addresses in the villages: `COLUMNS`, `village_id`."""
    query = (
        select(
            Registration.source_key,
            Registration.name_sealed,
            Registration.id_number_sealed,
            Registration.phone_sealed,
            Address.text.label("address_text"),
            Address.code.label("address_code"),
            Registration.registered_on.label("arrived_on"),
            Registration.deregistered_on.label("left_on"),
            Placement.home_area_id,
        )
        .join(Address, Address.id == Registration.address_id)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(day)))
        .where(
            Placement.home_area_id.in_(subtree(villages, day)),
            Registration.registered_on <= day,
            or_(Registration.deregistered_on.is_(None), Registration.deregistered_on >= quarter.first),
        )
        .order_by(Registration.source_key)
    )
    frame = read_frame(session, query)
    keys = [str(key) for key in frame["source_key"]]
    for field in ("name", "id_number", "phone"):
        sealed = [None if value is None else bytes(value) for value in frame.pop(f"{field}_sealed")]
        opened = vault.open_many("registration", field, keys, sealed)
        frame[field] = pd.Series(opened, index=frame.index, dtype="str")
    frame["birth_year"] = birth_dates(frame["id_number"]).dt.year.astype("Int64")
    for day_column in ("arrived_on", "left_on"):
        frame[day_column] = pd.to_datetime(frame[day_column])
    for absent in ("sex", "dwelling", "doubts"):
        frame[absent] = pd.Series(None, index=frame.index, dtype="str")
    frame["village_id"] = frame.pop("home_area_id").map(_villages(session, day))
    return frame[[*COLUMNS, "doubts", "village_id"]]


def _villages(session: Session, day: date) -> pd.Series:
    """The village that each village and compound belongs to."""
    tree = area_names(session, Scope(day, None), levels=[AreaLevel.VILLAGE, AreaLevel.COMPOUND])
    own = pd.Series(tree.index, index=tree.index).astype("Int64")
    return tree["parent_id"].where(tree["level"].eq(AreaLevel.COMPOUND), own)
