"""Wire format of point layers of Mapbox Vector Tiles 2.1, written by numpy for all features at once.

A message is laid out as columns: each column holds, for every feature, up to ten bytes and how many of them count.
Columns are then scattered into one buffer. See https://github.com/mapbox/vector-tile-spec/tree/master/2.1 and
https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

EXTENT: Final = 4096
"""Units of a tile's side."""

Values = npt.NDArray[np.generic] | pd.Series | pd.Categorical | pd.api.extensions.ExtensionArray
Bytes = npt.NDArray[np.uint8]
Column = tuple[Bytes, npt.NDArray[np.int64]]

_LAYER, _NAME, _FEATURE, _KEY, _VALUE, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_ID, _TAGS, _TYPE, _GEOMETRY = 0x08, 0x12, 0x18, 0x22
_STRING, _DOUBLE, _SIGNED, _BOOL = 0x0A, 0x19, 0x30, 0x38
_POINT, _MOVE_TO_ONCE = 1, 9


def point_layer(
    name: str,
    x: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64] | None,
    properties: Mapping[str, Values],
) -> bytes:
    """A tile with one layer of points at tile units (y down); a missing property value is left out of its feature."""
    values: list[bytes] = []
    tags: list[Column] = []
    known = 0
    for key, column in enumerate(properties.values()):
        codes, distinct = pd.factorize(pd.Series(column))
        given = codes >= 0
        for number in (np.full(len(codes), key), known + np.maximum(codes, 0)):
            tag, length = _varints(number)
            tags.append((tag, np.where(given, length, 0)))
        values.append(_value_table(pd.Index(distinct)))
        known += len(distinct)
    position = [_constant(_MOVE_TO_ONCE, len(x)), _varints(_zigzag(x)), _varints(_zigzag(y))]
    feature = [
        *([_constant(_ID, len(x)), _varints(ids)] if ids is not None else []),
        *(_sized(_TAGS, tags) if tags else []),
        _constant(_TYPE, len(x)),
        _constant(_POINT, len(x)),
        *_sized(_GEOMETRY, position),
    ]
    layer = b"".join(
        [
            _text(_NAME, name),
            _scattered(_sized(_FEATURE, feature)),
            *(_text(_KEY, key) for key in properties),
            *values,
            bytes([_EXTENT]) + _varint(EXTENT),
            bytes([_VERSION, 2]),
        ]
    )
    return bytes([_LAYER]) + _varint(len(layer)) + layer


def _value_table(distinct: pd.Index) -> bytes:
    """Value messages of the distinct values of one property, in order."""
    count = len(distinct)
    match pd.api.types.infer_dtype(distinct):
        case "boolean":
            value = [_constant(_BOOL, count), _varints(distinct.to_numpy(dtype=np.int64))]
        case "integer":
            value = [_constant(_SIGNED, count), _varints(_zigzag(distinct.to_numpy(dtype=np.int64)))]
        case "floating":
            doubles = distinct.to_numpy(dtype="<f8").view(np.uint8).reshape(count, 8)
            value = [_constant(_DOUBLE, count), (doubles, np.full(count, 8))]
        case "string" | "categorical" if all(isinstance(text, str) for text in distinct):
            return b"".join(_message(_VALUE, _text(_STRING, text)) for text in distinct)
        case "empty":
            return b""
        case other:
            raise TypeError(f"a tile's property holds text, whole numbers, numbers or truth, not {other}")
    return _scattered(_sized(_VALUE, value))


def _scattered(columns: Sequence[Column]) -> bytes:
    """Columns side by side, row after row, without their unused bytes."""
    lengths = np.stack([length for _, length in columns])
    row_start = np.concatenate([[0], np.cumsum(lengths.sum(axis=0))])
    buffer = np.zeros(row_start[-1], dtype=np.uint8)
    place = row_start[:-1].copy()
    for content, length in columns:
        for at in range(content.shape[1]):
            used = length > at
            buffer[place[used] + at] = content[used, at]
        place += length
    return buffer.tobytes()


def _sized(field: int, columns: Sequence[Column]) -> list[Column]:
    """Columns as one length-delimited field."""
    size: npt.NDArray[np.int64] = np.sum([length for _, length in columns], axis=0)
    return [_constant(field, len(size)), _varints(size), *columns]


def _varints(numbers: npt.NDArray[np.int64] | npt.NDArray[np.uint64]) -> Column:
    """Base-128 varints of numbers that are not negative."""
    left = numbers.astype(np.uint64)
    widest = max(1, -(-int(left.max(initial=0)).bit_length() // 7))
    septets = left[:, None] >> (np.uint64(7) * np.arange(widest, dtype=np.uint64))
    length = np.maximum((septets != 0).sum(axis=1), 1)
    more = np.arange(widest) < length[:, None] - 1
    return ((septets & np.uint64(0x7F)).astype(np.uint8) | (more * np.uint8(0x80)), length)


def _zigzag(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _constant(byte: int, count: int) -> Column:
    return np.full((count, 1), byte, dtype=np.uint8), np.ones(count, dtype=np.int64)


def _varint(number: int) -> bytes:
    content, length = _varints(np.array([number]))
    return content[0, : length[0]].tobytes()


def _message(field: int, content: bytes) -> bytes:
    return bytes([field]) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
