"""What addresses are found by, kept in step with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, exists, false, func, or_, select, true, union
from sqlalchemy.orm import Session

from gis_service.addresses.tables import Address, AddressSearch
from gis_service.addresses.text.search_terms import Needle, Term, search_terms, searched_forms, tokens_of
from gis_service.storage.frames import read_frame
from gis_service.storage.token_index import Query, insert_with_tokens, settle, with_tokens

_CHUNK_ROWS: Final = 20_000
_LAST_CHARACTER: Final = "\U0010ffff"


def index_addresses(
    session: Session,
    address_ids: Collection[int] | None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Make the index say what these addresses say now (None: all of them), in the caller's transaction.

    To be called by whatever adds addresses or changes their text or code. Returns how many are indexed.
    """
    if address_ids is None:
        ids = list(session.scalars(select(Address.id).order_by(Address.id)))
        session.execute(delete(AddressSearch))
    else:
        ids = sorted(address_ids)
    written = 0
    for start in range(0, len(ids), _CHUNK_ROWS):
        chunk = ids[start : start + _CHUNK_ROWS]
        if address_ids is None:
            these = Address.id.between(chunk[0], chunk[-1])
        else:
            these = Address.id.in_(chunk)
            session.execute(delete(AddressSearch).where(AddressSearch.id.in_(chunk)))
        query = select(Address.id, func.lower(Address.code).label("code"), Address.text).where(these)
        rows = read_frame(session, query)
        forms = searched_forms(rows["text"])
        frame = rows[["id", "code"]].join(forms).assign(tokens=tokens_of(forms))
        insert_with_tokens(session, AddressSearch, frame)
        written += len(frame)
        if progress is not None:
            progress(start + len(chunk), len(ids))
    if written >= _CHUNK_ROWS:
        settle(session, AddressSearch)
    return written


def matches(session: Session, query: str) -> ColumnElement[bool]:
    """The filter for addresses that have every word of `query`, or whose code begins with it.

    To be used on `Address`. Nothing to look for (only punctuation) finds nothing.
    """
    by_code = select(AddressSearch.id).where(code_begins(query))
    terms = search_terms(query)
    if not terms:
        return Address.id.in_(by_code) if query.strip() else false()
    # one set, not `or`: a database joins with a set, but looks through two for every address
    return Address.id.in_(union(by_code, having_terms(session, select(AddressSearch.id), terms)))


def text_matches(query: str) -> ColumnElement[bool]:
    """The same filter where something else finds few addresses: each is asked for its own text, not the whole index."""
    terms = search_terms(query)
    if not terms and not query.strip():
        return false()
    found = or_(code_begins(query), has_needles(terms)) if terms else code_begins(query)
    return exists().where(AddressSearch.id == Address.id, found)


def having_terms(session: Session, query: Query, terms: list[Term], *, exact: bool = False) -> Query:
    """Narrow a query on `AddressSearch` to the rows that have every term, through the index."""
    return with_tokens(session, query, AddressSearch, wanted_tokens(terms, exact=exact)).where(
        has_needles(terms, exact=exact)
    )


def wanted_tokens(terms: list[Term], *, exact: bool = False) -> list[list[list[str]]]:
    """The tokens of an address that has the terms; `exact` wants its numbers as they were typed, whole."""
    return [
        [needle.exact.tokens(whole_last=True) if exact else needle.tokens() for needle in readings]
        for readings in terms
    ]


def has_needles(terms: list[Term], *, exact: bool = False) -> ColumnElement[bool]:
    """The filter for rows of `AddressSearch` that have every term; the tokens alone do not say where they stand."""
    return and_(true(), *(or_(*(_has(needle.exact if exact else needle) for needle in readings)) for readings in terms))


def code_begins(query: str) -> ColumnElement[bool]:
    """The filter for rows of `AddressSearch` whose code begins with `query`."""
    start = query.strip().lower()
    return and_(AddressSearch.code >= start, AddressSearch.code < start + _LAST_CHARACTER)


def _has(needle: Needle) -> ColumnElement[bool]:
    form = AddressSearch.text if needle.column == "text" else AddressSearch.initials
    return form.contains(needle.sought, autoescape=True)
