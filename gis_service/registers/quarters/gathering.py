"""The people of some villages in three registers as one PEOPLE frame, from the snapshots that hold for them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault
from gis_service.access.same_value import normalise_id_number, normalise_phone
from gis_service.access.scope import Scope
from gis_service.addresses.tables import Address, Placement
from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.matching import comparable_parts, find_addresses
from gis_service.addresses.text.parse import parse
from gis_service.areas.queries import area_names
from gis_service.areas.scope import subtree, townships_of
from gis_service.areas.tables import AreaLevel
from gis_service.registers.snapshots.queries import opened
from gis_service.registers.snapshots.tables import SnapshotRow
from gis_service.storage.frames import read_frame
from layers.frames import ADDRESS_PARTS

_YEARS: Final = range(1900, 2100)


def neighbours(session: Session, villages: Collection[int], day: date) -> list[int]:
    """The villages and all others of their townships: whoever moved from one to the next is found again."""
    townships = townships_of(session, villages, day)
    tree = area_names(session, Scope(day, None), levels=[AreaLevel.VILLAGE])
    return sorted({*villages, *(int(key) for key in tree.index[tree["parent_id"].isin(list(townships))])})


def people_of(session: Session, vault: Vault, chosen: pd.DataFrame, day: date) -> pd.DataFrame:
    """The PEOPLE frame of the snapshots that hold for some villages, with `source_key` and `address_text`.

    Parameters
    ----------
    chosen
        From `snapshots.queries.standing`.

    Returns
    -------
    `record_id` is the id of the `SnapshotRow`. Of a list for a whole township the people of a village that has handed
    in a newer one of its own are left out.
    """
    villages = [int(village) for village in chosen["village_id"].unique()]
    known, gazetteer = _addresses(session, villages, day), _gazetteer(session, day)
    query = select(SnapshotRow).where(SnapshotRow.snapshot_id.in_(sorted({int(n) for n in chosen["snapshot_id"]})))
    rows = opened(session, vault, query.order_by(SnapshotRow.id))
    lists = chosen.drop_duplicates("snapshot_id").set_index("snapshot_id")
    register, listed = rows["snapshot_id"].map(lists["register"]), rows["snapshot_id"].map(lists["area_id"])
    parts = comparable_parts(parse(rows["address_text"].fillna(""), gazetteer))
    standard = comparable_parts(parse(known["text"], gazetteer))
    named = rows["address_code"].map(known.reset_index().set_index("code")["address_id"]).astype("Int64")
    stated = listed.where(listed.isin(_villages_alone(session, day))).astype("Int64")
    found = find_addresses(parts, stated, standard, known["village_id"])
    people = pd.DataFrame(
        {
            "register": register.astype("str"),
            "name": rows["name"].astype("str"),
            "id_number": _each(rows["id_number"], normalise_id_number),
            "phone": _each(rows["phone"], normalise_phone),
            "address_id": named.fillna(found),
            "from_on": rows["arrived_on"],
            "left_on": rows["left_on"],
            "source_key": rows["source_key"],
            "address_text": rows["address_text"],
            "snapshot_id": rows["snapshot_id"],
        }
    ).join(parts)
    people["birth_year"] = rows["birth_year"].fillna(_birth_years(people["id_number"]))
    people["village_id"] = people["address_id"].map(known["village_id"]).astype("Int64").fillna(stated)
    people[list(ADDRESS_PARTS)] = _standard_parts(people, standard)
    people = people[_counts(people, chosen, is_own=stated.notna())]
    return people.drop(columns="snapshot_id").rename_axis("record_id")


def _counts(people: pd.DataFrame, chosen: pd.DataFrame, *, is_own: pd.Series) -> pd.Series:
    """Rows of a village's own list; of a longer one those whose village has no newer list."""
    holds = chosen.set_index(["village_id", "register"])["snapshot_id"]
    place = pd.MultiIndex.from_arrays([people["village_id"].fillna(-1).astype("int64"), people["register"]])
    newer = pd.Series(holds.reindex(place).to_numpy(), index=people.index).astype("Float64")
    return is_own | newer.isna() | newer.eq(people["snapshot_id"].astype("Float64"))


def _villages_alone(session: Session, day: date) -> list[int]:
    return [int(key) for key in area_names(session, Scope(day, None), levels=[AreaLevel.VILLAGE]).index]


def _standard_parts(people: pd.DataFrame, standard: pd.DataFrame) -> pd.DataFrame:
    """Doors of records at a known address as the standard address says them; of others as they were written."""
    held = standard.reindex(people["address_id"].fillna(-1).astype("int64")).set_axis(people.index)
    unknown = people["address_id"].isna()
    return pd.DataFrame({part: people[part].where(unknown, held[part]) for part in ADDRESS_PARTS})


def _addresses(session: Session, villages: Collection[int], day: date) -> pd.DataFrame:
    """The standard addresses of the townships of the villages: index `address_id`; code, text, village_id."""
    roots = townships_of(session, villages, day) or villages
    query = (
        select(Address.id.label("address_id"), Address.code, Address.text, Placement.home_area_id)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(day)))
        .where(Placement.home_area_id.in_(subtree(roots, day)))
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


def _each(texts: pd.Series, settle: Callable[[str], str]) -> pd.Series:
    """A column in the one written form of its values, each distinct text once; NA where nothing is left."""
    unique = texts.dropna().drop_duplicates()
    written = pd.Series([settle(text) or None for text in unique], index=unique.to_numpy(), dtype="str")
    return texts.map(written).astype("str")


def _birth_years(numbers: pd.Series) -> pd.Series:
    """The year that an identity number of 18 characters says."""
    year = pd.to_numeric(numbers.str[6:10].where(numbers.str.len().eq(18)), errors="coerce").astype("Int64")
    return year.where(year.isin(np.array(_YEARS)))
