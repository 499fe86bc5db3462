"""What an answer tells of the small district: everything that it names, and what a list, a count or a tile shows.

The other side is the oracle: what the caller has in scope by the codes of `board.py` alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import mapbox_vector_tile
from httpx2 import Response
from sqlalchemy import select

from gis_service.access.permissions import PERMISSIONS, Permission
from gis_service.access.tables import ExportApproval
from gis_service.addresses.tables import Address, Placement
from gis_service.storage.engine import reading
from tests.integration.board import cells
from tests.integration.route_callers import Caller
from tests.integration.route_spots import Site

#: BD-09 is a way to write coordinates, and no badge
_CODE = r"D|[NS][12]{0,2}"
_WORDS = re.compile(
    rf"(?<![\w-])(?P<kind>area |unit |officer |beat |A-|U-|R-|L-|M-|B)(?P<code>{_CODE})(?![A-Za-z0-9]|-09)"
    rf"|(?P<road>{_CODE})(?:路|\\u8def)"
)
_KIND_OF_WORD = {"A-": "address", "U-": "unit", "R-": "beat", "L-": "address", "M-": "address", "B": "officer"}
_LINKS = re.compile(r'href="/(?P<kind>areas|addresses)/(?P<id>\d+)')
_KIND_OF_LINK = {"areas": "area", "addresses": "address"}
_KIND_OF_KEY = {
    "area_id": "area",
    "parent_id": "area",
    "home_area_id": "area",
    "suggested_area_id": "area",
    "unit_id": "unit",
    "beat_id": "beat",
    "officer_id": "officer",
    "address_id": "address",
    "asked_by": "asker",
}
#: an answer of many rows in another form than JSON
_NONCE = re.compile(r"""nonce=["'][^"']*["']""")


def named_in(site: Site, answer: Response) -> set[tuple[str, str]]:
    """Everything of the district that an answer names, by word, by link or by id: kind and code of its area."""
    if is_tile(answer):
        found = [
            (kind, properties.get(f"{kind}_id")) for properties in _features(answer) for kind in ("address", "area")
        ]
        return {(kind, site.codes[kind][key]) for kind, key in found if key is not None}
    named = {*_words_of(answer)}
    if answer.status_code < 400:
        named |= {*_links_of(site, answer)}
        named |= {*_ids_of(site, answer)}
    return named


def is_tile(answer: Response) -> bool:
    """Say whether it is a vector tile."""
    return "mapbox" in answer.headers.get("content-type", "")


def _features(answer: Response) -> list[dict[str, Any]]:
    layers = mapbox_vector_tile.decode(answer.content).values()
    return [feature["properties"] for layer in layers for feature in layer["features"]]


def _words_of(answer: Response) -> Iterator[tuple[str, str]]:
    for word in _WORDS.finditer(_NONCE.sub("", _text_of(answer))):
        kind = word["kind"]
        yield ("address", word["road"]) if kind is None else (_KIND_OF_WORD.get(kind, kind.strip()), word["code"])


def _text_of(answer: Response) -> str:
    """What a reader reads, of a PDF too."""
    if "pdf" not in answer.headers.get("content-type", ""):
        return str(answer.text)
    return subprocess.run(
        ["pdftotext", "-", "-"], input=answer.content, capture_output=True, check=True
    ).stdout.decode()


def _links_of(site: Site, answer: Response) -> Iterator[tuple[str, str]]:
    for link in _LINKS.finditer(answer.text):
        kind = _KIND_OF_LINK[link["kind"]]
        yield kind, site.codes[kind][int(link["id"])]


def _ids_of(site: Site, answer: Response) -> Iterator[tuple[str, str]]:
    for key, value in _members(json_of(answer)):
        kind = _KIND_OF_KEY.get(key)
        if kind is not None and isinstance(value, int) and value in site.codes[kind]:
            yield kind, site.codes[kind][value]


def json_of(answer: Response) -> Any:
    """The body of a JSON answer; None of any other."""
    return answer.json() if "json" in answer.headers.get("content-type", "") and answer.content else None


def _members(body: Any) -> Iterator[tuple[str, Any]]:
    values = body if isinstance(body, list) else []
    if isinstance(body, dict):
        yield from body.items()
        values = list(body.values())
    for value in values:
        yield from _members(value)


def is_empty(answer: Response) -> bool:
    """Say whether a list, a layer, a tile or a page of rows has none."""
    if is_tile(answer):
        return not _features(answer)
    body = json_of(answer)
    if body is None:
        return not _LINKS.search(answer.text)
    return not (body["features"] if "features" in body else body["items"]) and body.get("total", 0) == 0


def shown_by(kind: str, answer: Response) -> Any:
    """Which things of `kind` an answer shows (ids, or codes of areas), or how many."""
    body = json_of(answer)
    if kind == "count":
        return sum(cell["count"] for cell in _features(answer)) if is_tile(answer) else body["total"]
    if kind == "staff":
        return {code for thing, code in _words_of(answer) if thing == "officer"}
    if kind == "compound":
        if is_tile(answer):
            return {feature["code"] for feature in _features(answer)}
        return {code for thing, code in _words_of(answer) if thing == "area" and code in cells()}
    if kind == "asker":
        return {row["asked_by"] for row in body}
    return _rows_of(kind, answer)


def _rows_of(kind: str, answer: Response) -> set[int]:
    body = json_of(answer)
    key = "address" if kind == "waiting" else kind
    if body is None:
        return {int(link["id"]) for link in _LINKS.finditer(answer.text) if _KIND_OF_LINK[link["kind"]] == key}
    return {row[f"{key}_id"] for row in body["items"]}


def in_scope(kind: str, caller: Caller, site: Site, *, with_point: bool) -> Any:
    """The same by the oracle; `with_point` counts only addresses that a tile can show."""
    if kind in ("address", "waiting", "count"):
        addresses = _addresses_in_scope(caller, site, waiting=kind == "waiting", with_point=with_point)
        return len(addresses) if kind == "count" else addresses
    if kind == "staff":
        return {code for code in site.board.officers if caller.has("officer", code)}
    if kind == "compound":
        return {code for code in cells() if caller.has("area", code)}
    if kind == "asker":
        return _askers_in_scope(caller, site)
    if kind == "beat" and caller.is_officer:
        return {site.board.beats[caller.sees or ""]}  # the one held, and none that lies beside it
    return {key for key, code in site.codes[kind].items() if caller.has(kind, code)}


def _addresses_in_scope(caller: Caller, site: Site, *, waiting: bool, with_point: bool) -> set[int]:
    with reading(site.engine) as session:
        undecided = set(session.scalars(select(Placement.address_id).where(Placement.unresolved.is_not(None))))
        pointed = set(session.scalars(select(Address.id).where(Address.geom.is_not(None))))
    found = {key for key, code in site.codes["address"].items() if caller.has("address", code)}
    if caller.is_officer:
        found -= undecided  # what is not decided is in no beat
    if waiting:
        found &= undecided
    return found & pointed if with_point else found


def _askers_in_scope(caller: Caller, site: Site) -> set[int]:
    own = site.board.accounts[caller.login]
    decides = caller.role in PERMISSIONS[Permission.APPROVE_EXPORT] and not caller.may_only_look
    with reading(site.engine) as session:
        asked = set(session.scalars(select(ExportApproval.asked_by)))
    # whoever asks and is of no township of the board has been granted nothing
    return {key for key in asked if key == own or (decides and caller.has("asker", site.codes["asker"].get(key, "-")))}
