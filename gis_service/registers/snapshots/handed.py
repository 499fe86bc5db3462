"""The table that somebody hands in: a file, read safely in a process of its own, or rows sent by another system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gis_service.errors import InvalidInputError
from gis_service.intake.limits import Limits
from gis_service.intake.reading import read_file
from gis_service.registers.snapshots.tables import Origin
from gis_service.settings import Settings
from gis_service.texts import T


@dataclass(frozen=True)
class HandedTable:
    """Texts under the headings of the source; index: the rows as people count them."""

    name: str
    texts: pd.DataFrame
    origin: Origin


def table_of_file(settings: Settings, path: Path, name: str | None = None) -> HandedTable:
    """The first table of a file.

    Raises
    ------
    InvalidInputError, TooLargeError
        It cannot be read, or is too large.
    """
    content = read_file(path, Limits.of(settings), name=name)
    return HandedTable(content.name, content.layers[0].rows, Origin.FILE)


def table_of_records(records: Sequence[Mapping[str, str | None]]) -> HandedTable:
    """Rows as another system sends them; raises `InvalidInputError` where there are none."""
    if not records:
        raise InvalidInputError(T("There are no rows."))
    texts = pd.DataFrame.from_records([dict(record) for record in records]).astype("str")
    return HandedTable("API", texts.set_axis(pd.RangeIndex(1, len(texts) + 1)), Origin.PUSHED)
