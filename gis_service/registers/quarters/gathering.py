"""The people of some villages in three registers as one PEOPLE frame: the police side from the service itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault
from gis_service.access.same_value import normalise_id_number, normalise_phone
from gis_service.access.scope import Scope
from gis_service.addresses.tables import Address, Placement
from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.matching import comparable_parts, find_addresses
from gis_service.addresses.text.parse import parse
from gis_service.areas.queries import area_names
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaLevel, AreaVersion
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.lists import COLUMNS
from gis_service.registers.tables import Registration
from gis_service.storage.frames import read_frame
from layers.frames import ADDRESS_PARTS

_YEARS: Final = range(1900, 2100)


def people_of_villages(
    session: Session,
    vault: Vault,
    quarter: Quarter,
    villages: Collection[int],
    lists: Mapping[str, pd.DataFrame],
    *,
    today: date,
) -> pd.DataFrame:
    """The PEOPLE frame of some villages, with `source_key` and `address_text`.

    Parameters
    ----------
    lists
        Rows of the registers handed in, by register (`lists.read_list`); without one of the police, theirs are the
        registrations of the service that held in the quarter.
    """
    day = min(today, quarter.last)
    known, gazetteer = _addresses(session, villages, day), _gazetteer(session, day)
    frames = {**lists}
    if "police" not in frames:
        frames["police"] = _registrations(session, vault, villages, quarter, day)
    rows = pd.concat([frame.assign(register=name) for name, frame in frames.items()], ignore_index=True)
    parts = comparable_parts(parse(rows["address_text"].fillna(""), gazetteer))
    standard = comparable_parts(parse(known["text"], gazetteer))
    named = rows["address_code"].map(known.reset_index().set_index("code")["address_id"]).astype("Int64")
    stated = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    if len(villages) == 1:
        stated = stated.fillna(next(iter(villages)))
    found = find_addresses(parts, stated, standard, known["village_id"])
    people = pd.DataFrame(
        {
            "register": rows["register"].astype("str"),
            "name": rows["name"].astype("str"),
            "id_number": _each(rows["id_number"], normalise_id_number),
            "phone": _each(rows["phone"], normalise_phone),
            "address_id": named.fillna(found),
            "from_on": pd.to_datetime(rows["arrived_on"]),
            "left_on": pd.to_datetime(rows["left_on"]),
            "source_key": rows["source_key"],
            "address_text": rows["address_text"],
        }
    ).join(parts)
    people["birth_year"] = _birth_years(people["id_number"])
    people["village_id"] = people["address_id"].map(known["village_id"]).astype("Int64").fillna(stated)
    people[list(ADDRESS_PARTS)] = _standard_parts(people, standard)
    people.index = pd.RangeIndex(1, len(people) + 1, name="record_id")
    return people


def _standard_parts(people: pd.DataFrame, standard: pd.DataFrame) -> pd.DataFrame:
    """Doors of records at a known address as the standard address says them; of others as they were written."""
    held = standard.reindex(people["address_id"].fillna(-1).astype("int64")).set_axis(people.index)
    unknown = people["address_id"].isna()
    return pd.DataFrame({part: people[part].where(unknown, held[part]) for part in ADDRESS_PARTS})


def _addresses(session: Session, villages: Collection[int], day: date) -> pd.DataFrame:
    """The standard addresses of the townships of the villages: index `address_id`; code, text, village_id."""
    townships = select(AreaVersion.parent_id).where(
        AreaVersion.area_id.in_(sorted(villages)), AreaVersion.valid_on(day)
    )
    roots = [root for root in session.scalars(townships).unique() if root is not None]
    query = (
        select(Address.id.label("address_id"), Address.code, Address.text, Placement.home_area_id)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(day)))
        .where(Placement.home_area_id.in_(subtree(roots or list(villages), day)))
        .order_by(Address.id)
    )
    frame = read_frame(
        session, query, dtypes={"home_area_id": "Int64", "code": "str", "text": "str"}, index="address_id"
    )
    tree = area_names(session, Scope(day, None), levels=[AreaLevel.VILLAGE, AreaLevel.COMPOUND])
    own = pd.Series(tree.index, index=tree.index).astype("Int64")
    village = tree["parent_id"].where(tree["level"].eq(AreaLevel.COMPOUND), own)
    frame["village_id"] = frame.pop("home_area_id").map(village).astype("Int64")
    return frame


def _gazetteer(session: Session, day: date) -> Gazetteer:
    roads = session.scalars(select(Address.road).where(Address.road.is_not(None)).distinct())
    return Gazetteer.from_areas(area_names(session, Scope(day, None)), [road for road in roads if road])


def _registrations(
    session: Session, vault: Vault, villages: Collection[int], quarter: Quarter, day: date
) -> pd.DataFrame:
    """The police register as the service has it: who was registered in the villages in the quarter."""
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
    return frame[list(COLUMNS)]


def _each(texts: pd.Series, settle: Callable[[str], str]) -> pd.Series:
    """A column in the one written form of its values, each distinct text once; NA where nothing is left."""
    unique = texts.dropna().drop_duplicates()
    written = pd.Series([settle(text) or None for text in unique], index=unique.to_numpy(), dtype="str")
    return texts.map(written).astype("str")


def _birth_years(numbers: pd.Series) -> pd.Series:
    """The year that an identity number of 18 characters says."""
    year = pd.to_numeric(numbers.str[6:10].where(numbers.str.len().eq(18)), errors="coerce").astype("Int64")
    return year.where(year.isin(np.array(_YEARS)))
