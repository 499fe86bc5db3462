"""From a file's headings to the fields of a subject: by name, by a known alias, or as the caller says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.fields import Field
from gis_service.texts import T


@dataclass(frozen=True)
class ColumnMapping:
    """`fields` leads from a column of the file to a field; `ignored` are the columns that mean nothing to us."""

    fields: dict[str, str]
    ignored: tuple[str, ...]


def map_columns(
    headings: Sequence[str], fields: Iterable[Field], said: Mapping[str, str], *, given: Iterable[str] = ()
) -> ColumnMapping:
    """Decide which column of a file is which field.

    Parameters
    ----------
    headings
        Of the file.
    fields
        Of the subject.
    said
        The caller's own mapping, from a heading to a field's name; it wins over names and aliases.
    given
        Fields that come from elsewhere (a constant, the geometry) and need no column.

    Raises
    ------
    InvalidInputError
        The caller names a column or field that does not exist, two columns claim one field, or a required one is
        missing; the faults list what was found.
    """
    known = {field.name: field for field in fields}
    faults = [
        Fault(
            T("The file has no such column."),
            field=heading,
            remedy=T("Columns in the file: {found}", found=", ".join(headings)),
        )
        for heading in said
        if heading not in headings
    ]
    faults += [
        Fault(T("There is no such field."), field=name, remedy=T("Fields: {known}", known=", ".join(known)))
        for name in said.values()
        if name not in known
    ]
    by_alias = {_key(way): field.name for field in known.values() for way in (field.name, *field.aliases)}
    claimed = set(said.values())
    mapped = {heading: said.get(heading) or by_alias.get(_key(heading), "") for heading in headings}
    mapped = {
        heading: name for heading, name in mapped.items() if name in known and (heading in said or name not in claimed)
    }
    claims: dict[str, list[str]] = {}
    for heading, name in mapped.items():
        claims.setdefault(name, []).append(heading)
    faults += [
        Fault(
            T("Several columns mean the same field: {columns}.", columns=", ".join(columns)),
            field=name,
            remedy=T("Say which one counts (--map column=field)."),
        )
        for name, columns in claims.items()
        if len(columns) > 1
    ]
    missing = [field for field in known.values() if field.required and field.name not in {*claims, *given}]
    faults += [
        Fault(
            T("The column is missing."),
            field=field.name,
            remedy=T(
                "Name it {names}, or say which column it is (--map column=field). Found: {found}",
                names=" / ".join((field.name, *field.aliases)),
                found=", ".join(headings),
            ),
        )
        for field in missing
    ]
    if faults:
        raise InvalidInputError(T("The columns of the file do not fit."), faults)
    return ColumnMapping(mapped, tuple(heading for heading in headings if heading not in mapped))


def _key(heading: str) -> str:
    """What two ways of writing one heading share."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(letter for letter in folded if letter.isalnum())
