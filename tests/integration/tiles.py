"""Which tile a place lies in."""

from __future__ import annotations

import math


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int, int]:
    """z, x, y of the tile (XYZ scheme) that holds a lon-lat point."""
    across = (lon + 180) / 360 * 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom
    return zoom, int(across), int(down)
