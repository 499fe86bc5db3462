"""What a field of an import may hold, and its way from text to a type: whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pandas as pd

from gis_service.intake.fault_list import FaultList
from gis_service.texts import T, Text

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2199
_CONTROL: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_DAY_FORMS: Final = (
    (r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]0?0:00(?::00(?:\.0+)?)?)?$", r"\1-\2-\3"),
    (r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"),
)


class Kind(StrEnum):
    """How the text of a field is read."""

    TEXT = "text"
    DAY = "day"
    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"


@dataclass(frozen=True)
class Form:
    """A rule for texts: `settle` brings whole columns into one written form, `wrong` finds what breaks it."""

    settle: Callable[[pd.Series], pd.Series]
    wrong: Callable[[pd.Series], pd.Series]
    message: Text
    remedy: Text


@dataclass(frozen=True)
class Field:
    """One column of an import.

    Attributes
    ----------
    name : the canonical heading.
    aliases : other headings that mean it, as people write them.
    required : whether the column must be there and filled.
    choices : for a `CHOICE`, every accepted value and the other ways of writing it.
    max_length : characters.
    minimum, maximum : of a number, both allowed.
    form : a rule beyond the kind.
    mask : for personal values, how they are shown in a fault.
    """

    name: str
    kind: Kind = Kind.TEXT
    aliases: tuple[str, ...] = ()
    required: bool = False
    choices: Mapping[str, tuple[str, ...]] | None = None
    max_length: int = 200
    minimum: float | None = None
    maximum: float | None = None
    form: Form | None = None
    mask: Callable[[str], str | None] | None = None


def parse(fields: Mapping[str, Field], texts: pd.DataFrame, faults: FaultList) -> pd.DataFrame:
    """Typed columns of `texts`, which holds columns named in `fields`; what cannot be read becomes NA and a fault.

    Returns
    -------
    `str`, `datetime64[s]`, `Int64` or `Float64` columns on the same index.
    """
    columns = {name: _parse_column(fields[name], texts[name], faults) for name in texts.columns}
    return pd.DataFrame(columns, index=texts.index)


def _parse_column(field: Field, texts: pd.Series, faults: FaultList) -> pd.Series:
    texts = texts.astype("str").str.strip()
    texts = texts.where(texts.ne(""))
    if field.required:
        faults.refuse(
            texts.isna(),
            T("The cell is empty."),
            field=field.name,
            remedy=T("Fill it in; every row needs it."),
        )
    typed = _READERS[field.kind](field, texts, faults)
    if field.kind in {Kind.INTEGER, Kind.NUMBER}:
        _refuse_out_of_range(field, typed, faults)
    return typed


def _read_text(field: Field, texts: pd.Series, faults: FaultList) -> pd.Series:
    if field.form is not None:
        texts = field.form.settle(texts)
        faults.refuse(
            texts.notna() & field.form.wrong(texts),
            field.form.message,
            field=field.name,
            values=texts,
            remedy=field.form.remedy,
            mask=field.mask,
        )
    faults.refuse(
        texts.str.len().gt(field.max_length),
        T("The text is longer than {most} characters.", most=field.max_length),
        field=field.name,
        values=texts,
        remedy=T("Shorten it."),
        mask=field.mask,
    )
    faults.refuse(
        texts.str.contains(_CONTROL, regex=True, na=False),
        T("The text holds control characters."),
        field=field.name,
        remedy=T("Type the text anew; it was copied with invisible signs."),
    )
    return texts


def _read_day(field: Field, texts: pd.Series, faults: FaultList) -> pd.Series:
    written = texts
    for pattern, form in _DAY_FORMS:
        written = written.str.replace(pattern, form, regex=True)
    days = pd.to_datetime(written, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    days = days.where(days.dt.year.between(EARLIEST_YEAR, LATEST_YEAR))
    faults.refuse(
        texts.notna() & days.isna(),
        T("This is not a day."),
        field=field.name,
        values=texts,
        remedy=T("Write days as 2026-01-31; leave an open end empty."),
    )
    return days


def _read_integer(field: Field, texts: pd.Series, faults: FaultList) -> pd.Series:
    numbers = pd.to_numeric(texts, errors="coerce").astype("Float64")
    whole = numbers.where(numbers.eq(numbers.round()) & numbers.abs().lt(2**53))
    faults.refuse(
        texts.notna() & whole.isna(),
        T("This is not a whole number."),
        field=field.name,
        values=texts,
        remedy=T("Write digits only."),
    )
    return whole.astype("Int64")


def _read_number(field: Field, texts: pd.Series, faults: FaultList) -> pd.Series:
    numbers = pd.to_numeric(texts, errors="coerce").astype("Float64")
    finite = numbers.where(numbers.abs().lt(float("inf")))
    faults.refuse(
        texts.notna() & finite.isna(),
        T("This is not a number."),
        field=field.name,
        values=texts,
        remedy=T("Write digits and a decimal point."),
    )
    return finite


def _read_choice(field: Field, texts: pd.Series, faults: FaultList) -> pd.Series:
    choices = field.choices or {}
    written = {way.casefold(): value for value, ways in choices.items() for way in (value, *ways)}
    values = texts.str.casefold().map(written).astype("str")
    shown = ", ".join(f"{value} ({ways[0]})" if ways else value for value, ways in choices.items())
    faults.refuse(
        texts.notna() & values.isna(),
        T("This value is not in the list."),
        field=field.name,
        values=texts,
        remedy=T("Use one of: {choices}", choices=shown),
    )
    return values


def _refuse_out_of_range(field: Field, numbers: pd.Series, faults: FaultList) -> None:
    low = numbers.lt(field.minimum) if field.minimum is not None else pd.Series(data=False, index=numbers.index)
    high = numbers.gt(field.maximum) if field.maximum is not None else pd.Series(data=False, index=numbers.index)
    faults.refuse(
        low | high,
        T("The number is out of range."),
        field=field.name,
        values=numbers,
        remedy=T(
            "Allowed: {low} to {high}.",
            low="-∞" if field.minimum is None else f"{field.minimum:g}",
            high="∞" if field.maximum is None else f"{field.maximum:g}",
        ),
    )


_READERS: Final = {
    Kind.TEXT: _read_text,
    Kind.DAY: _read_day,
    Kind.INTEGER: _read_integer,
    Kind.NUMBER: _read_number,
    Kind.CHOICE: _read_choice,
}
