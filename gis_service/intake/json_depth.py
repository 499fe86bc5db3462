"""How deep a JSON document nests, found without parsing it: parsers recurse, and a hostile document lets them fall."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from gis_service.errors import InvalidInputError
from gis_service.texts import T

_CHUNK_BYTES: Final = 2**24
_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
_CRS_MEMBER: Final = re.compile(rb'"crs"\s*:\s*\{')


def check_json(data: bytes, max_depth: int) -> bool:
    """Refuse a document that nests deeper than `max_depth`.

    Returns
    -------
    Whether the outermost object has a `crs` member that is an object.

    Raises
    ------
    InvalidInputError
    """
    plain = _ESCAPED.sub(b"__", data) if b"\\" in data else data
    candidates = np.array([match.start() for match in _CRS_MEMBER.finditer(plain)], dtype=np.int64)
    inside_text, depth, names_crs = False, 0, False
    for start in range(0, len(plain), _CHUNK_BYTES):
        chunk = np.frombuffer(plain, np.uint8, min(_CHUNK_BYTES, len(plain) - start), start)
        quotes = np.logical_xor.accumulate(chunk == ord('"')) ^ inside_text
        opening = ((chunk == ord("{")) | (chunk == ord("["))) & ~quotes
        closing = ((chunk == ord("}")) | (chunk == ord("]"))) & ~quotes
        depths = depth + np.cumsum(opening.astype(np.int32) - closing.astype(np.int32), dtype=np.int32)
        if depths.max(initial=0) > max_depth:
            raise InvalidInputError(T("The JSON nests deeper than {depth} levels.", depth=max_depth))
        here = candidates[(candidates >= start) & (candidates < start + len(chunk))] - start
        names_crs |= bool((depths[here] == 1).any())
        inside_text, depth = bool(quotes[-1]), int(depths[-1])
    return names_crs
