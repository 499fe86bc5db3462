"""Text tables: the encoding and the separator are found out, and said."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import csv as arrow_csv

from gis_service.errors import Fault, InvalidInputError, TooLargeError
from gis_service.intake.content import RawContent, RawLayer
from gis_service.intake.headings import MOST_COLUMNS, check_headings
from gis_service.intake.limits import Limits
from gis_service.texts import T, Text

#: GB18030 holds GBK and GB 2312; a byte order mark decides before anything else
ENCODINGS: Final = (("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"))
SEPARATORS: Final = (",", "\t", ";", "|")
_CHUNK_BYTES: Final = 2**20
_LONGEST_CELL: Final = 2**31 - 1
#: every cell stays text, by the names that Arrow gives to columns
_TEXTS: Final = {f"f{number}": pa.string() for number in range(MOST_COLUMNS)}
_NOT_WELL_FORMED: Final = T(
    "The table is not well formed: a row has more cells than there are headings, or a quote is not closed."
)


def read_csv(path: Path) -> RawContent:
    """Read a text table whose first line names the columns."""
    return parse_csv(path.read_bytes())


def read_csv_gz(path: Path, limits: Limits) -> RawContent:
    """Read a gzipped text table, as long as it does not unpack to more than the limits allow."""
    packed_bytes = path.stat().st_size
    most_bytes = int(min(packed_bytes * limits.max_unzip_ratio, limits.memory_bytes / 4))
    unpacked = io.BytesIO()
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                unpacked.write(chunk)
                if unpacked.tell() > most_bytes:
                    raise TooLargeError(T("The file unpacks to far more than its size; that is not taken."))
    except (OSError, EOFError) as error:
        raise InvalidInputError(T("The file is damaged: pack it again.")) from error
    return parse_csv(unpacked.getvalue())


def parse_csv(data: bytes) -> RawContent:
    """Parse a text table; every cell stays text."""
    text, encoding = decode(data)
    notes: list[Text] = [T("Read as {encoding}.", encoding=encoding)]
    if "\0" in text:
        raise InvalidInputError(T("The file holds zero bytes: it is not a text table. Export it again as CSV."))
    table = text.lstrip("\r\n")
    rows_above = len(text[: len(text) - len(table)].splitlines())
    separator = _separator(table)
    if separator != ",":
        notes.append(T("Columns are separated by {separator}.", separator="TAB" if separator == "\t" else separator))
    cells = _cells(table, separator, rows_above)
    return RawContent((RawLayer(None, check_headings(cells, rows_above)),), tuple(notes))


def text_columns(columns: Iterable[Iterable[str | None]]) -> pa.Table:
    """A table of text columns without names, empty cells null."""
    arrays = [pa.array([cell or None for cell in column], pa.string()) for column in columns]
    return pa.table(arrays, names=[str(number) for number in range(len(arrays))])


def _cells(table: str, separator: str, rows_above: int) -> pa.Table:
    """Every cell of a table, empty ones null: at once when all rows are as long, else row by row."""
    data = f"{table}\n".encode()
    if _is_open(table, separator):
        raise InvalidInputError(_NOT_WELL_FORMED)
    if not table or _may_be_open(table):
        return _row_by_row(table, separator, rows_above)
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(autogenerate_column_names=True, use_threads=False, block_size=len(data) + 1),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(column_types=_TEXTS, null_values=[""], strings_can_be_null=True),
        )
    except pa.ArrowInvalid:
        return _row_by_row(table, separator, rows_above)


def _row_by_row(table: str, separator: str, rows_above: int) -> pa.Table:
    """The same for rows of any length: short ones are filled up, one longer than the headings is refused by number."""
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.StringIO(table, newline="")
    try:
        rows = list(csv.reader(lines, delimiter=separator, strict=_may_be_open(table)))
    except csv.Error as error:
        raise InvalidInputError(_NOT_WELL_FORMED) from error
    if not rows:
        raise InvalidInputError(T("The file holds no rows."))
    wide = len(rows[0])
    for number, row in enumerate(rows, start=rows_above + 1):
        if len(row) > wide:
            raise InvalidInputError(_NOT_WELL_FORMED, [_too_long(number, len(row), wide)])
    return text_columns((row[n] if n < len(row) else None for row in rows) for n in range(wide))


def _is_open(table: str, separator: str) -> bool:
    """Say whether a cell that begins with a quote does not end with one."""
    quoted = re.compile(rf'(?:^|(?<=[\n\r{re.escape(separator)}]))"(?:[^"]++|"")*+("?)')
    return '"' in table and any(not cell[1] for cell in quoted.finditer(table))


def _may_be_open(table: str) -> bool:
    """Say whether a quote may not be closed; only a pair of them is surely."""
    return table.count('"') % 2 == 1


def decode(data: bytes) -> tuple[str, str]:
    """The text of `data` and the name of its encoding: by its mark, else UTF-8, else GB18030.

    Raises
    ------
    InvalidInputError
        It is none of them.
    """
    for encoding, mark in ENCODINGS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding.upper()
            except UnicodeDecodeError as error:
                raise InvalidInputError(
                    T("The file says that it is {encoding} and is not.", encoding=encoding)
                ) from error
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding), encoding.upper()
        except UnicodeDecodeError:
            continue
    raise InvalidInputError(T("The text is neither UTF-8 nor GBK / GB18030: export it again as UTF-8."))


def _separator(text: str) -> str:
    """The separator that cuts the first line into most columns; a comma when none cuts it."""
    first = text[: 64 * 1024].splitlines()[:1]
    counts = {separator: len(next(csv.reader(first, delimiter=separator), [])) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: counts[separator])


def _too_long(row: int, seen: int, expected: int) -> Fault:
    return Fault(
        T("{seen} cells, but {expected} headings.", seen=seen, expected=expected),
        row=row,
        remedy=T("Put cells that hold separators into quotes, or remove the surplus cells."),
    )
