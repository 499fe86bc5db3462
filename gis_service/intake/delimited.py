"""Text tables: the encoding and the separator are found out, and said."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from gis_service.errors import Fault, InvalidInputError, TooLargeError
from gis_service.intake.content import ROW, RawContent, RawLayer
from gis_service.intake.headings import check_headings
from gis_service.intake.limits import Limits
from gis_service.texts import T, Text

#: GB18030 holds GBK and GB 2312; a byte order mark decides before anything else
ENCODINGS: Final = (("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"))
SEPARATORS: Final = (",", "\t", ";", "|")
_CHUNK_BYTES: Final = 2**20


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
    try:
        cells = pd.read_csv(
            io.StringIO(table),
            sep=separator,
            header=None,
            dtype="str",
            keep_default_na=False,
            skip_blank_lines=False,
            na_values=[""],
        )
    except pd.errors.EmptyDataError as error:
        raise InvalidInputError(T("The file holds no rows.")) from error
    except pd.errors.ParserError as error:
        raise _ragged(str(error), rows_above) from error
    frame = check_headings(cells, rows_above)
    return RawContent((RawLayer(None, to_arrow(frame)),), tuple(notes))


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """Text columns and the index (as `ROW`), for the way out of the reading process."""
    table = pa.Table.from_pandas(frame.astype("str"), preserve_index=False)
    return table.append_column(ROW, pa.array(frame.index, pa.int64()))


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


def _ragged(message: str, rows_above: int) -> InvalidInputError:
    """Turn the parser's words into ours; it names the line that has more cells than the headings."""
    numbers = [int(word) for word in message.replace(",", " ").split() if word.isdigit()]
    text = T("The table is not well formed: a row has more cells than there are headings, or a quote is not closed.")
    if len(numbers) < 3:
        return InvalidInputError(text)
    expected, line, seen = numbers[:3]
    fault = Fault(
        T("{seen} cells, but {expected} headings.", seen=seen, expected=expected),
        row=rows_above + line,
        remedy=T("Put cells that hold separators into quotes, or remove the surplus cells."),
    )
    return InvalidInputError(text, [fault])
