"""The searched texts of one part of the district in memory, read once for each version of the data.

Whoever sees a part only would search the texts of the whole district through the index and drop nearly all of what it
finds, or look through the own part in the database: either takes longer than somebody types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from gis_service.access.data_version import LAND_AND_PLACES_STAY
from gis_service.access.freshness import etag
from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_part
from gis_service.addresses.tables import AddressSearch, Placement
from gis_service.addresses.text.search_terms import Needle, Term
from gis_service.storage.columns import read_columns
from gis_service.storage.kept import Kept

MOST_OF_A_PART: Final = 60_000
"""A part with more addresses is searched through the index: a township has fewer."""

MOST_TEXTS: Final = 500_000
"""Texts kept of all parts together, about 150 bytes each."""

_TYPES: Final = {"id": pa.int64(), "code": pa.string(), "text": pa.string(), "initials": pa.string()}
_FORMS: Final = (AddressSearch.id, AddressSearch.code, AddressSearch.text, AddressSearch.initials)

Form = tuple[int, str, str]
"""An address's id, its text and its initials, as they are searched."""


@dataclass(frozen=True, eq=False)
class SearchedPart:
    """The searched forms of the addresses of a part, in the order of their codes; None where they are too many."""

    forms: pa.Table | None

    def __len__(self) -> int:
        return 0 if self.forms is None else len(self.forms)

    def coded(self, beginning: str, most: int) -> list[int]:
        """Ids of the addresses whose code begins so, in the order of the codes."""
        mask = pc.starts_with(self._form("code"), pattern=beginning.strip().lower())
        return [int(number) for number in self._form("id").to_numpy()[_set_in(mask)[:most]]]

    def having(self, terms: list[Term], *, exact: bool, most: int) -> Iterator[Form]:
        """Addresses that have every term; `exact` wants its numbers as they were typed, whole."""
        found = _set_in(reduce(pc.and_, (self._having_one(term, exact=exact) for term in terms)))[:most]
        columns = (self._form(name).take(pa.array(found)).to_pylist() for name in ("id", "text", "initials"))
        return zip(*columns, strict=True)

    def _having_one(self, term: Term, *, exact: bool) -> pa.ChunkedArray:
        return reduce(pc.or_, (self._having_needle(needle, exact=exact) for needle in term))

    def _having_needle(self, needle: Needle, *, exact: bool) -> pa.ChunkedArray:
        if not exact:
            return pc.match_substring(self._form(needle.column), pattern=needle.sought)
        sought = needle.exact.sought
        if not sought[-1].isdigit():
            return pc.match_substring(self._form(needle.column), pattern=sought)
        return pc.match_substring_regex(self._form(needle.column), pattern=f"{re.escape(sought)}(?:[^0-9]|$)")

    def _form(self, name: str) -> pa.ChunkedArray:
        if self.forms is None:
            msg = "a part of the district that is too large to be kept is searched through the index"
            raise LookupError(msg)
        return self.forms[name]


def search_store() -> Kept[SearchedPart]:
    """Parts by key: version of the data and scope."""
    return Kept(MOST_TEXTS, len)


def part_in_memory(session: Session, scope: Scope, kept: Kept[SearchedPart]) -> SearchedPart | None:
    """The searched texts of a scope; None when it is too large to be kept."""
    if scope.is_whole_district:
        return None
    key = etag(session, scope, "searched texts", besides=LAND_AND_PLACES_STAY)
    part = kept.get(key, lambda: _read(session, scope))
    return None if part.forms is None else part


def _read(session: Session, scope: Scope) -> SearchedPart:
    placed = and_(Placement.address_id == AddressSearch.id, Placement.valid_on(scope.day))
    in_part = placement_in_part(session, scope)
    some = select(Placement.id).where(Placement.valid_on(scope.day), in_part).limit(MOST_OF_A_PART + 1).subquery()
    if (session.scalar(select(func.count()).select_from(some)) or 0) > MOST_OF_A_PART:
        return SearchedPart(None)
    query = select(*_FORMS).join(Placement, placed).where(in_part).order_by(AddressSearch.code)
    return SearchedPart(read_columns(session, query, _TYPES))


def _set_in(mask: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Positions where a mask is set."""
    return np.flatnonzero(mask.to_numpy())
