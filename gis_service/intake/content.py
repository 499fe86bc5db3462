"""What a file holds before anybody gave it a meaning: layers of text columns, and geometry as it was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from gis_service.texts import Text

if TYPE_CHECKING:  # the reading process has no use for frames, and they take long to load
    import geopandas as gpd
    import pandas as pd

#: reserved columns of a layer on its way from the reading process
ROW, WKB, FLAW = "__row__", "__wkb__", "__flaw__"
#: flaws of a geometry that is none; any other flaw is the reason why it is invalid
MISSING, UNREADABLE, NOT_FINITE = "missing", "unreadable", "not finite"
NO_GEOMETRY = (MISSING, UNREADABLE, NOT_FINITE)


@dataclass(frozen=True)
class RawLayer:
    """One layer or sheet in the reading process: text columns, `ROW`, and with geometry `WKB` and `FLAW`.

    `crs` is what the file itself names, as WKT or an authority code; None when it names none.
    """

    name: str | None
    table: pa.Table
    crs: str | None = None


@dataclass(frozen=True)
class RawContent:
    """Everything that the reading process found in a file, with remarks on how it was read."""

    layers: tuple[RawLayer, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One layer or sheet of a file.

    Attributes
    ----------
    name : the layer's or sheet's name; None when the file holds but one table.
    rows : text columns as named in the file, empty cells NA; index `row`, the number that the user sees.
    geometry : on the same index, in the CRS that the file names (none when it names none); None for a table.
    flaws : on the same index, what is wrong with the geometry ("" when nothing is); None for a table.
    """

    name: str | None
    rows: pd.DataFrame
    geometry: gpd.GeoSeries | None = None
    flaws: pd.Series | None = None


@dataclass(frozen=True)
class FileContent:
    """A file that was read: its name, its fingerprint, its layers, and remarks for the user."""

    name: str
    sha256: str
    layers: tuple[Layer, ...]
    notes: tuple[Text, ...] = field(default=())
