"""One record that somebody types, by the same rules as a row of an import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

from gis_service.errors import InvalidInputError
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import Field, parse
from gis_service.texts import T

Value = str | int | float | date | None


def checked(fields: Iterable[Field], said: Mapping[str, Value]) -> dict[str, Value]:
    """The values of `said` in their written form: texts settled, days as `date`, numbers as numbers, nothing as None.

    Raises
    ------
    InvalidInputError
        A value breaks the rule of its field, or a required one is missing; the faults name the fields.
    """
    known = {field.name: field for field in fields}
    texts = pd.DataFrame({name: [_text(said.get(name))] for name in known}, dtype="str")
    faults = FaultList(pd.DataFrame({"file": [""], "row": [1]}))
    rows = parse(known, texts, faults)
    if len(faults):
        raise InvalidInputError(T("Some fields are missing or not acceptable."), faults.first(None))
    return {name: _plain(rows[name].iloc[0]) for name in known}


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _plain(value: object) -> Value:
    if value is None or pd.isna(value):  # type: ignore[call-overload]  # one cell
        return None
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value if isinstance(value, str) else value.item() if hasattr(value, "item") else value  # type: ignore[return-value]  # numpy's number
