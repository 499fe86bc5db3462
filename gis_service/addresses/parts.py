"""The parts of addresses that come as a text only: taken apart by the names of the own gazetteer, and kept.

What is imported is taken apart with its import (`with_parts`); what stands there without parts, on demand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine, and_, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.actions import require_whole_district
from gis_service.addresses.tables import Address
from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.parse import parse, roads_seen, stored_parts
from gis_service.areas.queries import area_names
from gis_service.intake.subject import Circumstances
from gis_service.storage.bulk import table_of, update_frame
from gis_service.storage.columns import read_columns
from gis_service.storage.engine import transaction

FEWEST_OF_A_ROAD: Final = 3
"""A name is a road's when so many addresses have it before a number."""

_PARTS: Final = ("road", "lane", "number", "building", "unit", "room")


@dataclass(frozen=True)
class PartsFilled:
    """What taking texts apart came to: addresses without parts, those that have some now, texts wholly understood."""

    addresses: int
    filled: int
    understood: int


def fill_parts(
    engine: Engine, viewer: Viewer, day: date, progress: Callable[[int, int], None] | None = None
) -> PartsFilled:
    """Give addresses without any part the parts that their text says; what came with parts stays as it came.

    Beats by building and the lists of a compound's buildings go by them. A part that the table cannot hold is left out.

    Raises
    ------
    NotPermittedError
        The role may not write addresses, or the scope is not the whole district.
    """
    viewer.require(Permission.IMPORT_ADDRESSES)
    with transaction(engine) as session:
        require_whole_district(session, viewer, day)
        bare = _without_parts(session)
        if bare.empty:
            return PartsFilled(0, 0, 0)
        parts, kept = _taken_apart(session, day, bare["text"])
        some = kept[kept.notna().any(axis=1)]
        update_frame(session, Address, some.reset_index(names="id"), progress=progress)
        outcome = PartsFilled(len(bare), len(some), int(parts["rest"].eq("").sum()))
        record(session, viewer, "fill_address_parts", "address", None, after=asdict(outcome))
    return outcome


def with_parts(circumstances: Circumstances, rows: pd.DataFrame, replaced: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of a file that gives no parts, with those that their text says; to be written with them.

    Changed rows, beside those that they replace: their parts follow the text when they said what the old text did, or
    when there were none; others were given by somebody, and stay.
    """
    if not {*_PARTS}.isdisjoint(rows.columns) or "text" not in rows.columns:
        return rows
    if replaced is None:
        return rows.join(_taken_apart(circumstances.session, circumstances.today, rows["text"])[1])
    texts = pd.concat([rows["text"], replaced["text"]], keys=["new", "old"])
    _, kept = _taken_apart(circumstances.session, circumstances.today, texts)
    before = replaced[list(_PARTS)]
    follows = before.fillna("").eq(kept.loc["old"].fillna("")).all(axis=1) | before.isna().all(axis=1)
    return rows.join(before.mask(follows, kept.loc["new"]))


def _taken_apart(session: Session, day: date, texts: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `parse` says of texts, and of that what the table holds; roads are known, or seen in the texts."""
    roads = [road for road in session.scalars(select(Address.road).distinct()) if road]
    gazetteer = Gazetteer.from_areas(area_names(session, Scope(day, None)), roads)
    parts = parse(texts, gazetteer.with_roads(roads_seen(texts, gazetteer, FEWEST_OF_A_ROAD)))
    return parts, _that_fit(stored_parts(parts)[list(_PARTS)])


def _without_parts(session: Session) -> pd.DataFrame:
    """Texts of the addresses that have no part: index `id`, `text`."""
    query = select(Address.id, Address.text).where(and_(*(getattr(Address, name).is_(None) for name in _PARTS)))
    rows: pd.DataFrame = read_columns(session, query, {"id": pa.int64(), "text": pa.string()}).to_pandas()
    return rows.set_index("id")


def _that_fit(parts: pd.DataFrame) -> pd.DataFrame:
    """The parts as the table holds them, missing where they are too long for it."""
    columns = table_of(Address).c
    widths = {name: _width(columns[name].type) for name in _PARTS}
    return pd.DataFrame({name: parts[name].where(parts[name].str.len().le(widths[name])) for name in _PARTS})


def _width(kind: Any) -> int:
    width: int = kind.length
    return width
