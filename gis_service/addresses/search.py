"""Search as you type: the addresses in scope that have what was typed, the nearest first."""

from __future__ import annotations

from typing import Final, NamedTuple

import pandas as pd
from sqlalchemy import ColumnElement, and_, case, func, select, true
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import addresses_by_id
from gis_service.addresses.search_index import code_begins, has_needles, having_terms
from gis_service.addresses.tables import AddressSearch, Placement
from gis_service.addresses.text.search_terms import Term, nearness, reading_order, search_terms
from gis_service.areas.scope import subtree
from gis_service.storage.token_index import Query

_RANKED: Final = 200
"""How many matches are ranked. When there are more, those whose numbers are exact are among them."""

_NARROW: Final = 10_000
"""A part of the district with so few addresses is looked through without the index; SpatiaLite does twice as many."""

_FORMS: Final = (AddressSearch.id, AddressSearch.text, AddressSearch.initials)


class _Reach(NamedTuple):
    """What of the district is searched: the filter for placements, and one that the database does not begin with."""

    seen: ColumnElement[bool]
    checked: ColumnElement[bool]
    narrow: bool


def search_addresses(session: Session, scope: Scope, query: str, limit: int = 20) -> pd.DataFrame:
    """Find addresses in scope by any parts of their text, by pinyin initials, or by the beginning of their code.

    Words apart by spaces must all be found. First come addresses whose numbers are the ones typed (18号 before 118号,
    and before 180号), then by the text, 2号 before 10号. Of very many matches some are shown.

    Returns
    -------
    The frame of `addresses`, the nearest first, at most `limit` rows.
    """
    terms = search_terms(query)
    reach = _reach(session, scope)
    by_code = _placed(select(*_FORMS).where(code_begins(query)).order_by(AddressSearch.code), scope, reach.checked)
    first = [row.id for row in session.execute(by_code.limit(limit))] if query.strip() else []
    found: dict[int, tuple[int, str]] = {}
    for matching in _matching(session, scope, reach, terms) if terms else ():
        if len(found) < limit:
            rows = session.execute(matching.limit(max(limit, _RANKED)))
            found |= {row.id: (nearness(row.text, row.initials, terms), reading_order(row.text)) for row in rows}
    nearest = [address_id for address_id in sorted(found, key=found.__getitem__) if address_id not in first]
    return addresses_by_id(session, scope, [*first, *nearest][:limit])


def _numbers_may_go_on(terms: list[Term]) -> bool:
    """Say whether a number at either end of a term may be part of a longer one: whole ones are then sought first."""
    return any(needle.sought[0].isdigit() or needle.sought[-1].isdigit() for term in terms for needle in term)


def _matching(session: Session, scope: Scope, reach: _Reach, terms: list[Term]) -> list[Query]:
    """What to ask, one after the other until there is enough; whole numbers come first."""
    query: Query = select(*_FORMS)
    may_go_on = _numbers_may_go_on(terms)
    if reach.narrow:  # looked through once
        found = _placed(query.where(has_needles(terms)), scope, reach.seen)
        whole = case((has_needles(terms, exact=True), 0), else_=1)
        return [found.order_by(whole) if may_go_on else found]
    readings = (True, False) if may_go_on else (False,)
    return [_placed(having_terms(session, query, terms, exact=exact), scope, reach.checked) for exact in readings]


def _placed(query: Query, scope: Scope, condition: ColumnElement[bool]) -> Query:
    placed = and_(Placement.address_id == AddressSearch.id, Placement.valid_on(scope.day))
    return query.join(Placement, placed).where(condition)


def _reach(session: Session, scope: Scope) -> _Reach:
    """Resolve the scope to ids: the database then knows how much it is. What is shown passes the scope's own filter."""
    if scope.is_whole_district:
        return _Reach(true(), true(), narrow=False)
    if scope.beat_ids is not None:
        column, ids = Placement.beat_id, sorted(scope.beat_ids)
    else:
        column, ids = Placement.home_area_id, list(session.scalars(subtree(scope.root_ids or (), scope.day)))
    seen = column.in_(ids)
    few = _NARROW * (2 if session.get_bind().dialect.name == "sqlite" else 1)
    some = select(Placement.id).where(Placement.valid_on(scope.day), seen).limit(few + 1).subquery()
    narrow = (session.scalar(select(func.count()).select_from(some)) or 0) <= few
    return _Reach(seen, (column + 0).in_(ids), narrow)
