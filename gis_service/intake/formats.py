"""Which kinds of file are taken, known by their content *and* by their name: both must agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gis_service.errors import InvalidInputError
from gis_service.texts import T

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_ZIP: Final = b"PK\x03\x04"
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY_STARTS: Final = (_ZIP, _OLD_OFFICE, b"SQLite format 3\x00", b"\x1f\x8b", b"PAR1", b"%PDF")
_GEOPACKAGE_IDS: Final = (b"GPKG", b"GP10", b"GP11")


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes
    ----------
    name : what `read_content` in the reading process knows it by.
    endings : what its file names end with.
    driver : the one GDAL driver that may open it; None when GDAL has no part in it.
    recognises : says whether the first bytes of a file are of this kind.
    """

    name: str
    endings: tuple[str, ...]
    driver: str | None
    recognises: Callable[[bytes], bool]


def _is_text(head: bytes) -> bool:
    return head.startswith(_UTF16_MARKS) or (b"\0" not in head and not head.startswith(_BINARY_STARTS))


def _is_json(head: bytes) -> bool:
    return head.removeprefix(_UTF8_MARK).lstrip().startswith(b"{")


def _is_kml(head: bytes) -> bool:
    return head.removeprefix(_UTF8_MARK).lstrip().startswith(b"<") and b"<kml" in head


def _is_geopackage(head: bytes) -> bool:
    return head.startswith(b"SQLite format 3\x00") and head[68:72] in _GEOPACKAGE_IDS


FORMATS: Final = (
    Format("csv", (".csv", ".tsv", ".txt"), None, _is_text),
    Format("csv_gz", (".csv.gz",), None, lambda head: head.startswith(b"\x1f\x8b")),
    Format("xlsx", (".xlsx",), None, lambda head: head.startswith(_ZIP)),
    Format("geojson", (".geojson", ".json"), "GeoJSON", _is_json),
    Format("geopackage", (".gpkg",), "GPKG", _is_geopackage),
    Format("shapefile", (".zip",), "ESRI Shapefile", lambda head: head.startswith(_ZIP)),
    Format("kml", (".kml",), "LIBKML", _is_kml),
    Format("geoparquet", (".parquet", ".geoparquet"), None, lambda head: head.startswith(b"PAR1")),
)
HEAD_BYTES: Final = 4096


def format_of(path: Path, name: str) -> Format:
    """The format of the file at `path` that its owner calls `name`.

    Raises
    ------
    InvalidInputError
        The name has no ending that we take, or the content is not what the ending says.
    """
    taken = next((each for each in FORMATS if name.lower().endswith(each.endings)), None)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InvalidInputError(T("{file} is empty.", file=name))
    if taken is None:
        endings = " ".join(ending for each in FORMATS for ending in each.endings)
        raise InvalidInputError(
            T("{file}: this kind of file is not taken. Taken: {endings}", file=name, endings=endings)
        )
    if head.startswith(_OLD_OFFICE):
        raise InvalidInputError(
            T("{file} is an old or password-protected Excel file: save it as .xlsx without a password.", file=name)
        )
    if not taken.recognises(head):
        raise InvalidInputError(
            T("{file} does not hold what its ending says ({kind}): export it again.", file=name, kind=taken.name)
        )
    return taken
