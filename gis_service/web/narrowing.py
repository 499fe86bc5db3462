"""Narrowing a page to one area: what the address line says, and the places that its select offers."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from fastapi import Depends, Query

from gis_service.areas.tables import AreaLevel


def area_typed(area_id: Annotated[str, Query(max_length=20)] = "") -> int | None:
    """The area asked for; what is no number narrows nothing."""
    return int(area_id) if area_id.isdecimal() and 0 < int(area_id) < 2**63 else None


AreaTyped = Annotated[int | None, Depends(area_typed)]


def places_inside(names: pd.DataFrame) -> list[tuple[int, str]]:
    """Townships and villages (of `area_names`) as id and name."""
    above = names[names["level"].isin([AreaLevel.TOWNSHIP.value, AreaLevel.VILLAGE.value])]
    return list(zip(above.index.tolist(), above["name"].tolist(), strict=True))
