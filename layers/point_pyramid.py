"""Points in the order of a quadtree, so that every vector tile is one run of them.

Web Mercator positions become whole numbers of 32 bits along each axis (under a centimetre), whose bits are interleaved
(G. M. Morton, 1966). In that order a tile of any zoom level is one run, found by two binary searches, and so is every
cell of a grid inside it. Nothing is measured here: Web Mercator is only where tiles are drawn.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from layers._mvt import EXTENT, CodedColumn, each_its_own, point_layer
from layers.tiles import TILE_PX

__all__ = ["PointPyramid"]

_BITS: Final = 32
_EXTENT_BITS: Final = EXTENT.bit_length() - 1
_SPREAD: Final = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
"""How the bits of a 32-bit number move apart: shift, then keep (H. S. Warren, Hacker's Delight, 7-2)."""

Whole = npt.NDArray[np.uint64]


class PointPyramid:
    """Points with a whole id and a word each, ready to be cut into tiles.

    Parameters
    ----------
    lon, lat : degrees, EPSG:4326, shape (n,); points without coordinates or beyond Web Mercator are left out.
    ids : whole numbers ≥ 0, no two alike, shape (n,).
    states : a word per point, shape (n,).
    """

    def __init__(self, lon: npt.ArrayLike, lat: npt.ArrayLike, ids: npt.ArrayLike, states: npt.ArrayLike) -> None:
        across = (np.asarray(lon, dtype=np.float64) + 180.0) / 360.0
        with np.errstate(invalid="ignore"):
            down = (1.0 - np.arcsinh(np.tan(np.radians(np.asarray(lat, dtype=np.float64)))) / np.pi) / 2.0
            drawn = np.flatnonzero((across >= 0) & (across < 1) & (down >= 0) & (down < 1))
        x, y = (np.floor(share[drawn] * 2.0**_BITS).astype(np.uint64) for share in (across, down))
        code = _spread(x) | (_spread(y) << np.uint64(1))
        order = np.argsort(code, kind="stable")
        self._code, self._x, self._y = code[order], x[order], y[order]
        self._ids = np.asarray(ids, dtype=np.int64)[drawn][order]
        self._states = CodedColumn.of(np.asarray(states, dtype=object)[drawn][order])

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._code)

    def points(self, z: int, x: int, y: int, *, layer: str, id_key: str = "id", state_key: str = "state") -> bytes:
        """A tile (XYZ scheme, y down) with one feature per point: its id, also as property `id_key`, and `state_key`.

        A point lies in exactly one tile of a zoom level: west and north edges are the tile's own.
        """
        run = self._run(z, x, y)
        ids = self._ids[run]
        right, lower = _units(self._x[run], z), _units(self._y[run], z)
        return point_layer(layer, right, lower, ids, {id_key: each_its_own(ids), state_key: self._states.among(run)})

    def counts(self, z: int, x: int, y: int, *, layer: str, cell_px: int = 16) -> bytes:
        """A tile with one feature per square cell of `cell_px` pixels, at the mean of its points, with their `count`.

        Raises
        ------
        ValueError
            `cell_px` is no power of two up to the tile's side.
        """
        if cell_px not in (1 << bit for bit in range(TILE_PX.bit_length())):
            raise ValueError(f"cells are a power of two of pixels wide, up to {TILE_PX}, not {cell_px}")
        run = self._run(z, x, y)
        depth = min(z + (TILE_PX // cell_px).bit_length() - 1, _BITS)
        cell = self._code[run] >> np.uint64(2 * (_BITS - depth)) if depth else np.zeros_like(self._code[run])
        start = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])) if cell.size else np.empty(0, dtype=np.int64)
        count = np.diff(start, append=cell.size)
        if cell.size:
            right, lower = (np.add.reduceat(axis[run], start) // count.astype(np.uint64) for axis in (self._x, self._y))
        else:
            right, lower = self._x[run], self._y[run]
        return point_layer(layer, _units(right, z), _units(lower, z), None, {"count": count})

    def _run(self, z: int, x: int, y: int) -> slice:
        """Where the points of a tile lie."""
        tile = int(_spread(np.array([x], dtype=np.uint64))[0]) | int(_spread(np.array([y], dtype=np.uint64))[0]) << 1
        free = 2 * (_BITS - z)
        first = np.searchsorted(self._code, np.uint64(tile << free), side="left")
        last = np.searchsorted(self._code, np.uint64((tile << free) | ((1 << free) - 1)), side="right")
        return slice(int(first), int(last))


def _spread(axis: Whole) -> Whole:
    """Each bit of a 32-bit number at twice its place."""
    spread = axis
    for shift, kept in _SPREAD:
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(kept)
    return spread


def _units(axis: Whole, z: int) -> npt.NDArray[np.int64]:
    """Units of the tile of zoom `z` that a position lies in, from its west or north edge."""
    spare = _BITS - z - _EXTENT_BITS
    shifted = axis >> np.uint64(spare) if spare >= 0 else axis << np.uint64(-spare)
    units: npt.NDArray[np.int64] = (shifted & np.uint64(EXTENT - 1)).astype(np.int64)
    return units
