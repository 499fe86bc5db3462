"""Search as you type: the addresses in scope that have what was typed, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pandas as pd
from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import addresses_by_id
from gis_service.addresses.search_index import code_begins, having_terms
from gis_service.addresses.search_store import Form, SearchedPart, part_in_memory
from gis_service.addresses.tables import AddressSearch, Placement
from gis_service.addresses.text.search_terms import Term, nearness, reading_order, search_terms
from gis_service.areas.scope import subtree
from gis_service.storage.kept import Kept
from gis_service.storage.token_index import Query

_RANKED: Final = 200
"""How many matches are ranked. When there are more, those whose numbers are exact are among them."""


class _Source(Protocol):
    """Where the searched forms of a scope are looked up."""

    def coded(self, beginning: str, most: int) -> list[int]: ...

    def having(self, terms: list[Term], *, exact: bool, most: int) -> Iterable[Form]: ...


def search_addresses(
    session: Session, scope: Scope, query: str, limit: int = 20, *, kept: Kept[SearchedPart]
) -> pd.DataFrame:
    """Find addresses in scope by any parts of their text, by pinyin initials, or by the beginning of their code.

    Words apart by spaces must all be found. First come addresses whose numbers are the ones typed (18号 before 118号,
    and before 180号), then by the text, 2号 before 10号. Of very many matches some are shown; fewer than `limit` rows
    are all that there are. `kept` keeps the texts of parts of the district (`search_store.search_store`).

    Returns
    -------
    The frame of `addresses`, the nearest first, at most `limit` rows.
    """
    terms = search_terms(query)
    part = part_in_memory(session, scope, kept)
    source: _Source = _Index(session, scope, _checked(session, scope)) if part is None else part
    first = source.coded(query, limit) if query.strip() else []
    found: dict[int, tuple[int, str]] = {}
    for exact in _readings(terms):
        if len(found) < limit:
            rows = source.having(terms, exact=exact, most=max(limit, _RANKED))
            found |= {
                address_id: (nearness(text, initials, terms), reading_order(text))
                for address_id, text, initials in rows
            }
    nearest = [address_id for address_id in sorted(found, key=found.__getitem__) if address_id not in first]
    return addresses_by_id(session, scope, [*first, *nearest][:limit])


def _readings(terms: list[Term]) -> tuple[bool, ...]:
    """What to ask, one after the other until there is enough: where numbers may go on, whole ones come first."""
    if not terms:
        return ()
    may_go_on = any(needle.sought[0].isdigit() or needle.sought[-1].isdigit() for term in terms for needle in term)
    return (True, False) if may_go_on else (False,)


@dataclass(frozen=True)
class _Index:
    """The index of the database, for the whole district or a wide part of it."""

    session: Session
    scope: Scope
    #: a filter for placements that the database does not begin with
    checked: ColumnElement[bool]

    def coded(self, beginning: str, most: int) -> list[int]:
        query = select(AddressSearch.id).where(code_begins(beginning)).order_by(AddressSearch.code)
        return list(self.session.scalars(self._placed(query).limit(most)))

    def having(self, terms: list[Term], *, exact: bool, most: int) -> Iterable[Form]:
        query: Query = select(AddressSearch.id, AddressSearch.text, AddressSearch.initials)
        found = self._placed(having_terms(self.session, query, terms, exact=exact)).limit(most)
        return [(row.id, row.text, row.initials) for row in self.session.execute(found)]

    def _placed(self, query: Any) -> Any:
        placed = and_(Placement.address_id == AddressSearch.id, Placement.valid_on(self.scope.day))
        return query.join(Placement, placed).where(self.checked)


def _checked(session: Session, scope: Scope) -> ColumnElement[bool]:
    """The scope as ids: the database then knows how much it is. What is shown passes the scope's own filter."""
    if scope.is_whole_district:
        return true()
    if scope.beat_ids is not None:
        return (Placement.beat_id + 0).in_(sorted(scope.beat_ids))
    return (Placement.home_area_id + 0).in_(list(session.scalars(subtree(scope.root_ids or (), scope.day))))
