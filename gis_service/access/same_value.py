"""When two written forms are the same personal value: what a blind index is computed from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, Literal

IndexKind = Literal["id_number", "phone", "name", "fact"]

_NOT_DIGIT = re.compile(r"\D+", re.ASCII)
_COUNTRY = re.compile(r"^(?:00)?86(?=1\d{10}$)")
_BLANK_OR_DOT = re.compile(r"[\s·•‧・.]+")


def normalise_id_number(value: str) -> str:
    """Full-width forms folded, blanks removed, upper case (the check digit X)."""
    return "".join(unicodedata.normalize("NFKC", value).split()).upper()


def normalise_phone(value: str) -> str:
    """Digits only, without the country code of a mobile number."""
    return _COUNTRY.sub("", _NOT_DIGIT.sub("", unicodedata.normalize("NFKC", value)))


def normalise_name(value: str) -> str:
    """Full-width forms folded, blanks and the dots of transcribed names removed, upper case."""
    return _BLANK_OR_DOT.sub("", unicodedata.normalize("NFKC", value)).upper()


def as_written(value: str) -> str:
    """What a program wrote has one form."""
    return value


NORMALISE: Final[dict[IndexKind, Callable[[str], str]]] = {
    "id_number": normalise_id_number,
    "phone": normalise_phone,
    "name": normalise_name,
    "fact": as_written,
}
