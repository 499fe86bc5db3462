"""Faults of many rows, kept by the column: a hundred thousand wrong rows cost a mask, not as many objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pandas as pd

from gis_service.errors import Fault
from gis_service.texts import Text

MOST_VALUE_CHARACTERS: Final = 80


@dataclass(frozen=True)
class _Block:
    rows: pd.Index
    message: Text
    field: str | None
    shown: pd.Series | None
    remedy: Text | None
    mask: Callable[[str], str | None] | None


@dataclass
class FaultList:
    """What is wrong with the rows of one import.

    Parameters
    ----------
    places
        Index: the rows of the import; columns `file` (label) and `row` (as the user counts), from which the faults
        take where they are.
    """

    places: pd.DataFrame
    _blocks: list[_Block] = field(default_factory=list)
    _whole: list[Fault] = field(default_factory=list)

    def refuse(
        self,
        bad: pd.Series,
        message: Text,
        *,
        field: str | None = None,
        values: pd.Series | None = None,
        remedy: Text | None = None,
        mask: Callable[[str], str | None] | None = None,
    ) -> None:
        """Refuse the rows where `bad` is true; `values` (same index) are shown, through `mask` when personal."""
        rows = bad.index[bad.fillna(value=False).to_numpy(dtype=bool)]
        if len(rows):
            shown = None if values is None else values.loc[rows]
            self._blocks.append(_Block(rows, message, field, shown, remedy, mask))

    def refuse_all(self, fault: Fault) -> None:
        """Refuse the whole import."""
        self._whole.append(fault)

    @property
    def refuses_all(self) -> bool:
        """Say whether something is wrong that is no single row's fault."""
        return bool(self._whole)

    @property
    def rows(self) -> pd.Index:
        """The rows with a fault."""
        found = self.places.index[:0]
        for block in self._blocks:
            found = found.union(block.rows)
        return found

    def __len__(self) -> int:
        return len(self._whole) + sum(len(block.rows) for block in self._blocks)

    def __iter__(self) -> Iterator[Fault]:
        yield from self._whole
        for block in self._blocks:
            places = self.places.loc[block.rows]
            values = block.shown if block.shown is not None else pd.Series(None, index=block.rows, dtype=object)
            for file, row, value in zip(places["file"], places["row"], values, strict=True):
                yield Fault(block.message, file, int(row), block.field, _shown(value, block.mask), block.remedy)

    def first(self, count: int | None) -> tuple[Fault, ...]:
        """The first `count` faults in the order of the file; all of them when None."""
        in_order = sorted(self, key=lambda fault: (fault.row is not None, fault.file or "", fault.row or 0))
        return tuple(islice(in_order, count))


def _shown(value: object, mask: Callable[[str], str | None] | None) -> str | None:
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN differs from itself
        return None
    text = f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)
    text = mask(text) or "" if mask else text
    return text if len(text) <= MOST_VALUE_CHARACTERS else text[: MOST_VALUE_CHARACTERS - 1] + "…"
