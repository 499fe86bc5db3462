"""What the worklist of addresses is narrowed to, in its links as in its forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self
from urllib.parse import urlencode

from fastapi import Depends, Query

from gis_service.addresses.tables import Unresolved
from gis_service.web.narrowing import AreaTyped


@dataclass(frozen=True)
class Filter:
    """Which of the waiting addresses are looked at."""

    search: str = ""
    reason: str = ""
    area_id: int | None = None
    within_m: float | None = None
    offset: int = 0
    as_of: str = ""

    @property
    def unresolved(self) -> Unresolved | None:
        """The reason, when it is one."""
        return Unresolved(self.reason) if self.reason in set(Unresolved) else None

    def query(self, **other: object) -> str:
        """The filter as the query of a link; `other` replaces parts of it."""
        said = {**self.__dict__, **other}
        return urlencode({name: value for name, value in said.items() if value not in ("", None, 0)})

    @classmethod
    def said(
        cls,
        area: AreaTyped,
        search: Annotated[str, Query(max_length=100)] = "",
        reason: Annotated[str, Query(max_length=20)] = "",
        within_m: Annotated[str, Query(max_length=20)] = "",
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        as_of: Annotated[str, Query(max_length=10)] = "",
    ) -> Self:
        """As typed; what is no number filters nothing."""
        try:
            metres = float(within_m) if within_m else None
        except ValueError:
            metres = None
        metres = metres if metres is not None and 0 <= metres < 1e7 else None
        return cls(search, reason, area, metres, offset, as_of)


FilterDep = Annotated[Filter, Depends(Filter.said)]
