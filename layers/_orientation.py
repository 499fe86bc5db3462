"""On which side of a line does a point lie? Exact for float64 coordinates, and never "on it" when that is not wanted.

A float filter decides all but nearly collinear cases; the rest is summed exactly in floating-point expansions (Shewchuk
1997, Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates). Exactness needs products that
neither overflow nor underflow, which holds for coordinates that are 0 or between ``SMALLEST`` and ``LARGEST``.

Ties are broken by shifting the points that are asked about, all of them, by (e, e^2) for an infinitely small e > 0
(Edelsbrunner & Mücke 1990, Simulation of Simplicity). That is the half-open rule: of two areas that share an edge the
one on its right owns it, on a horizontal edge the upper one; so a boundary point of a tiling has exactly one owner.
"""

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled

FloatArray = npt.NDArray[np.float64]

SMALLEST = 2.0**-200
LARGEST = 2.0**200

_SPLITTER = 2.0**27 + 1.0
_FILTER = (3.0 + 16.0 * 2.0**-53) * 2.0**-53


@compiled
def orientation(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """1 when p lies left of the line from a to b, -1 when right of it, 0 when exactly on it."""
    one = (ax - px) * (by - py)
    other = (ay - py) * (bx - px)
    determinant = one - other
    doubt = _FILTER * (abs(one) + abs(other))
    if determinant > doubt:
        return 1
    if determinant < -doubt:
        return -1
    if one == 0.0 and other == 0.0:
        return 0
    return _exact_orientation(ax, ay, bx, by, px, py)


@compiled
def side_of_shifted(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """1 or -1: the side of line a-b on which p + (e, e^2) lies. Points a and b must differ."""
    side = orientation(ax, ay, bx, by, px, py)
    return side if side != 0 else shifted_off(ax, ay, bx, by)


@compiled
def shifted_off(ax: float, ay: float, bx: float, by: float) -> int:
    """1 or -1: the side of line a-b to which a point on it moves under the shift by (e, e^2)."""
    if ay != by:
        return 1 if ay > by else -1
    return 1 if bx > ax else -1


@compiled
def parted_by_shifted(rx: float, ry: float, px: float, py: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a and b lie on different sides of the line r-p after r and p are both shifted by (e, e^2)."""
    return _side_of_shifted_line(rx, ry, px, py, ax, ay) != _side_of_shifted_line(rx, ry, px, py, bx, by)


@compiled
def _side_of_shifted_line(rx: float, ry: float, px: float, py: float, ax: float, ay: float) -> int:
    side = orientation(rx, ry, px, py, ax, ay)
    if side != 0:
        return side
    if py != ry:
        return 1 if py > ry else -1
    return 1 if rx > px else -1


@compiled
def _exact_orientation(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    total = np.zeros(16)
    left_x = _difference(ax, px)
    left_y = _difference(by, py)
    right_x = _difference(bx, px)
    right_y = _difference(ay, py)
    size = 0
    for i in range(2):
        for j in range(2):
            size = _add_product(total, size, left_x[i], left_y[j])
            size = _add_product(total, size, -right_y[i], right_x[j])
    for k in range(size - 1, -1, -1):  # the largest component that is not zero has the sign of the whole
        if total[k] != 0.0:
            return 1 if total[k] > 0.0 else -1
    return 0


@compiled
def _difference(a: float, b: float) -> tuple[float, float]:
    """Exact difference as rounded value and remainder."""
    value = a - b
    b_part = a - value
    a_part = value + b_part
    return value, (a - a_part) + (b_part - b)


@compiled
def _add_product(total: FloatArray, size: int, a: float, b: float) -> int:
    """Add the exact product of a and b to the expansion; return its new size."""
    value = a * b
    scaled = _SPLITTER * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = _SPLITTER * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    remainder = a_low * b_low - (((value - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return _add_term(total, _add_term(total, size, remainder), value)


@compiled
def _add_term(total: FloatArray, size: int, term: float) -> int:
    """Shewchuk's GROW-EXPANSION: components stay in increasing magnitude and do not overlap."""
    carry = term
    for k in range(size):
        value = carry + total[k]
        from_total = value - carry
        total[k] = (carry - (value - from_total)) + (total[k] - from_total)
        carry = value
    total[size] = carry
    return size + 1
