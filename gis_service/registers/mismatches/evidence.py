"""What each register says of the person of a mismatch: packed to be sealed, and masked to be shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from gis_service.access.personal import mask_id_number, mask_name, mask_phone

RECORD_COLUMNS: Final = {
    "police": "police_record_id",
    "village": "village_record_id",
    "grid": "grid_record_id",
    "other": "other_record_id",
}
"""Whose record → the column of `layers.reconciliation.classify` that names it; `other` is the second of a duplicate."""

FIELDS: Final = ("source_key", "name", "id_number", "phone", "birth_year", "address_text", "from_on", "left_on")
_MASKS: Final[dict[str, Callable[[str | None], str | None]]] = {
    "name": mask_name,
    "id_number": mask_id_number,
    "phone": mask_phone,
}

Sides = dict[str, dict[str, Any]]


def pack(people: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """The evidence of each mismatch as JSON: for each register that has the person, what its record says.

    Parameters
    ----------
    people
        PEOPLE frame, with `source_key` and `address_text` (the text as the register writes it) where known.
    found
        From `layers.reconciliation.classify`.
    """
    concerned = pd.concat([found[column] for column in RECORD_COLUMNS.values()]).dropna().unique()
    records = _records(people.loc[people.index.isin(concerned)])
    columns = {name: found[column].tolist() for name, column in RECORD_COLUMNS.items()}
    return [
        json.dumps(
            {name: records[ids[row]] for name, ids in columns.items() if not pd.isna(ids[row])},
            ensure_ascii=False,
            sort_keys=True,
        )
        for row in range(len(found))
    ]


def _records(people: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    shown = pd.DataFrame(index=people.index)
    for field in FIELDS:
        column = people[field] if field in people.columns else pd.Series(None, index=people.index, dtype="object")
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.dt.strftime("%Y-%m-%d")
        shown[field] = column.astype(object).where(column.notna(), None)
    rows = shown.to_dict("index")
    return {key: {str(name): value for name, value in row.items()} for key, row in rows.items()}


def unpacked(packed: str | None) -> Sides:
    """The evidence as it was packed; not for showing."""
    sides: Sides = {} if packed is None else json.loads(packed)
    return sides


def masked(sides: Sides) -> Sides:
    """The evidence as it may be shown: names, identity numbers and phones masked."""
    return {
        register: {name: _MASKS[name](value) if name in _MASKS else value for name, value in record.items()}
        for register, record in sides.items()
    }


def differing(sides: Sides) -> set[str]:
    """The fields in which the records differ, before they are masked."""
    return {field for field in FIELDS[1:] if len({str(record.get(field)) for record in sides.values()}) > 1}
