"""What GeoParquet's metadata say: the primary geometry column and the CRS that it names."""

from __future__ import annotations

import json
from typing import Any, Final

from gis_service.errors import InvalidInputError
from gis_service.texts import T

_MOST_BYTES: Final = 2**20


def named_crs(metadata: dict[bytes, bytes]) -> tuple[str, str | None]:
    """The primary geometry column and its CRS as PROJJSON text; None when the file names none.

    The GeoParquet specification (1.1) has OGC:CRS84 as the default; an absent name is no declaration to us.

    Raises
    ------
    InvalidInputError
        The metadata are missing or make no sense.
    """
    geo = metadata.get(b"geo", b"")
    try:
        if not geo or len(geo) > _MOST_BYTES:
            raise ValueError  # noqa: TRY301 - one message for every way of not being GeoParquet
        described: dict[str, Any] = json.loads(geo)
        primary = str(described["primary_column"])
        column = described["columns"][primary]
        encoding, crs = column["encoding"], column.get("crs")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInputError(T("The file is Parquet without GeoParquet's description of the geometry.")) from error
    if encoding != "WKB":
        raise InvalidInputError(
            T("The geometry is encoded as {encoding}; only WKB is taken.", encoding=str(encoding)[:40])
        )
    return primary, None if crs is None else json.dumps(crs)
