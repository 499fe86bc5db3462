"""Wire format of Mapbox Vector Tiles 2.1, written by numpy for all features at once.

A message is laid out as columns: each column holds, for every feature, up to ten bytes and how many of them count.
Columns are then scattered into one buffer. See https://github.com/mapbox/vector-tile-spec/tree/master/2.1 and
https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

EXTENT: Final = 4096
"""Units of a tile's side."""

Values = npt.NDArray[np.generic] | pd.Series | pd.Categorical | pd.api.extensions.ExtensionArray
Bytes = npt.NDArray[np.uint8]
Column = tuple[Bytes, npt.NDArray[np.int64]]
Coded = tuple[npt.NDArray[np.int64], bytes, int]

_LAYER, _NAME, _FEATURE, _KEY, _VALUE, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_ID, _TAGS, _TYPE, _GEOMETRY = 0x08, 0x12, 0x18, 0x22
_STRING, _DOUBLE, _SIGNED, _BOOL = 0x0A, 0x19, 0x30, 0x38
_POINT, _POLYGON, _MOVE_TO_ONCE, _LINE_TO, _CLOSE_PATH = 1, 3, 9, 2, 15


def point_layer(
    name: str,
    x: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64] | None,
    properties: Mapping[str, Values | Coded],
) -> bytes:
    """A tile with one layer of points at tile units (y down); a missing property value is left out of its feature."""
    tags, values = _tags([column if isinstance(column, tuple) else _coded(column) for column in properties.values()])
    position = [_constant(_MOVE_TO_ONCE, len(x)), _varints(_zigzag(x)), _varints(_zigzag(y))]
    feature = [
        *([_constant(_ID, len(x)), _varints(ids)] if ids is not None else []),
        *(_sized(_TAGS, tags) if tags else []),
        _constant(_TYPE, len(x)),
        _constant(_POINT, len(x)),
        *_sized(_GEOMETRY, position),
    ]
    return _layer(name, _scattered(_sized(_FEATURE, feature)), properties, values)


@dataclass(frozen=True)
class Outlines:
    """Drawing commands of MultiPolygons: where each starts, in whole units (y down), and what comes after that place.

    What comes after is told from corner to corner, so that it is the same in every tile that holds the whole shape.
    """

    start: npt.NDArray[np.int64]
    rest: list[bytes]


@dataclass(frozen=True)
class CodedColumn:
    """A property of features: the number of each one's value (-1 for none), and the message of each value."""

    codes: npt.NDArray[np.int64]
    messages: list[bytes]

    @classmethod
    def of(cls, values: Values) -> "CodedColumn":
        """Each distinct value once.

        Raises
        ------
        TypeError
            It holds something that no tile can.
        """
        codes, distinct = pd.factorize(pd.Series(values))
        return cls(codes.astype(np.int64), _value_messages(pd.Index(distinct)))

    def among(self, chosen: npt.NDArray[np.int64] | slice) -> Coded:
        """The column of the features `chosen`, with the values that they have."""
        here = self.codes[chosen]
        used, place = np.unique(here[here >= 0], return_inverse=True)
        codes = np.full(len(here), -1)
        codes[here >= 0] = place
        return codes, b"".join([self.messages[code] for code in used.tolist()]), len(used)


def polygon_layer(
    name: str,
    drawn: Outlines,
    corner: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    properties: Mapping[str, CodedColumn],
    chosen: npt.NDArray[np.int64],
) -> bytes:
    """A tile with one layer of the features at the places `chosen`; a missing property value is left out.

    `drawn`, in the order of `chosen`, is at whole units (y down) of the same origin as the tile's north-west `corner`.
    """
    tags, values = _tags([column.among(chosen) for column in properties.values()])
    rest = np.array([len(each) for each in drawn.rest], dtype=np.int64)
    right, down = _zigzag(drawn.start - corner).T
    feature = [
        _constant(_ID, len(chosen)),
        _varints(ids[chosen]),
        *(_sized(_TAGS, tags) if tags else []),
        _constant(_TYPE, len(chosen)),
        _constant(_POLYGON, len(chosen)),
        *_sized(_GEOMETRY, [_constant(_MOVE_TO_ONCE, len(chosen)), _varints(right), _varints(down)], rest),
    ]
    heads = _rows(_sized(_FEATURE, feature, rest))
    body = b"".join([part for both in zip(heads, drawn.rest, strict=True) for part in both])
    return _layer(name, body, properties, values)


def outlines(polygons: npt.NDArray[np.object_]) -> Outlines:
    """MultiPolygons at whole units, none of them empty: exterior rings clockwise on the screen, holes the other way."""
    if not len(polygons):
        return Outlines(np.empty((0, 2), dtype=np.int64), [])
    _type, corners, (rings, parts, wholes) = shapely.to_ragged_array(
        shapely.orient_polygons(polygons, exterior_cw=False)
    )
    closing = np.zeros(len(corners), dtype=np.bool_)
    closing[rings[1:] - 1] = True  # the last corner of a ring repeats its first
    place = corners[~closing].astype(np.int64)
    size = np.diff(rings) - 1
    ring_start = np.cumsum(size) - size
    shape_start = ring_start[parts[wholes[:-1]]]
    # one row a corner: a command before it (the first: move; the second: line), the step, a command after it (the last)
    numbers = np.zeros((len(place), 4), dtype=np.uint64)
    used = np.zeros((len(place), 4), dtype=np.bool_)
    numbers[:, 1:3], used[:, 1:3] = _zigzag(np.diff(place, axis=0, prepend=0)), True
    numbers[ring_start, 0] = _MOVE_TO_ONCE
    numbers[ring_start + 1, 0] = (size.astype(np.uint64) - np.uint64(1)) << np.uint64(3) | np.uint64(_LINE_TO)
    used[ring_start, 0] = used[ring_start + 1, 0] = True
    numbers[ring_start + size - 1, 3], used[ring_start + size - 1, 3] = _CLOSE_PATH, True
    used[shape_start, :3] = False  # the first place of a shape is told apart
    content, length = _varints(numbers[used])
    written = content[np.arange(content.shape[1]) < length[:, None]].tobytes()
    per_corner = used.sum(axis=1)
    of_shape = np.add.reduceat(per_corner, shape_start)
    ends = np.cumsum(length)[np.cumsum(of_shape) - 1].tolist()
    rest = [written[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return Outlines(place[shape_start], rest)


def _tags(properties: Sequence[Coded]) -> tuple[list[Column], bytes]:
    """Which key and which value each feature has, as columns, and the table of the values."""
    tags: list[Column] = []
    known = 0
    for key, (codes, _table, count) in enumerate(properties):
        given = codes >= 0
        for tag, length in (_constant(key, len(codes)), _varints(known + np.maximum(codes, 0))):
            tags.append((tag, length * given))
        known += count
    return tags, b"".join([table for _codes, table, _count in properties])


def _layer(name: str, features: bytes, keys: Iterable[str], values: bytes) -> bytes:
    """A tile of one layer."""
    layer = _text(_NAME, name) + features + b"".join([_text(_KEY, key) for key in keys]) + values
    return _message(_LAYER, layer + bytes([_EXTENT]) + _varint(EXTENT) + bytes([_VERSION, 2]))


def each_its_own(numbers: npt.NDArray[np.int64]) -> Coded:
    """A property of whole numbers that no two features share: none is looked for twice."""
    signed = [_constant(_SIGNED, len(numbers)), _varints(_zigzag(numbers))]
    return np.arange(len(numbers)), _scattered(_sized(_VALUE, signed)), len(numbers)


def _coded(values: Values) -> Coded:
    """The number of each value (-1 for none), the table of the distinct ones, and how many they are."""
    codes, distinct = pd.factorize(pd.Series(values))
    table = pd.Index(distinct)
    texts = _texts(table)
    return codes, _scattered(_numbers(table)) if texts is None else b"".join(texts), len(table)


def _value_messages(distinct: pd.Index) -> list[bytes]:
    """Value messages of distinct values, in order."""
    texts = _texts(distinct)
    return _rows(_numbers(distinct)) if texts is None else texts


def _texts(distinct: pd.Index) -> list[bytes] | None:
    """Value messages of texts; None for anything else."""
    values = distinct.tolist()
    return [_message(_VALUE, _text(_STRING, text)) for text in values] if all(map(_is_text, values)) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _numbers(distinct: pd.Index) -> list[Column]:
    """Value messages of truth values and numbers, as columns."""
    count = len(distinct)
    match pd.api.types.infer_dtype(distinct):
        case "boolean":
            value = [_constant(_BOOL, count), _varints(distinct.to_numpy(dtype=np.int64))]
        case "integer":
            value = [_constant(_SIGNED, count), _varints(_zigzag(distinct.to_numpy(dtype=np.int64)))]
        case "floating":
            doubles = distinct.to_numpy(dtype="<f8").view(np.uint8).reshape(count, 8)
            value = [_constant(_DOUBLE, count), (doubles, np.full(count, 8))]
        case other:
            raise TypeError(f"a tile's property holds text, whole numbers, numbers or truth, not {other}")
    return _sized(_VALUE, value)


def _rows(columns: Sequence[Column]) -> list[bytes]:
    """Columns side by side without their unused bytes, row by row."""
    written = _scattered(columns)
    ends = np.cumsum(np.sum([length for _, length in columns], axis=0))
    starts = np.append(0, ends)[:-1]
    return [written[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


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


def _sized(field: int, columns: Sequence[Column], besides: npt.NDArray[np.int64] | int = 0) -> list[Column]:
    """Columns as one length-delimited field; `besides` are bytes that come after them and are written by others."""
    size: npt.NDArray[np.int64] = np.sum([length for _, length in columns], axis=0) + besides
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
    septets = bytearray()
    while number > 0x7F:
        septets.append(number & 0x7F | 0x80)
        number >>= 7
    septets.append(number)
    return bytes(septets)


def _message(field: int, content: bytes) -> bytes:
    return bytes([field]) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
