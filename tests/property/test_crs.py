from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from layers.gcj02 import (
    ROUND_TRIP_M,
    SHIFTED_EXTENT,
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

Conversion = Callable[[npt.ArrayLike, npt.ArrayLike], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]

METRES_PER_DEGREE = 111_320.0
WEST, SOUTH, EAST, NORTH = SHIFTED_EXTENT
# a shift moves nothing across the edge of the extent from further inside than this
MARGIN_DEG = 0.05


@pytest.mark.parametrize(
    ("there", "back"),
    [(wgs84_to_gcj02, gcj02_to_wgs84), (gcj02_to_bd09, bd09_to_gcj02), (wgs84_to_bd09, bd09_to_wgs84)],
    ids=["GCJ-02", "BD-09 of GCJ-02", "BD-09"],
)
@given(
    lon=hnp.arrays(np.float64, 20, elements=st.floats(WEST + MARGIN_DEG, EAST - MARGIN_DEG)),
    lat=hnp.arrays(np.float64, 20, elements=st.floats(SOUTH + MARGIN_DEG, NORTH - MARGIN_DEG)),
)
def test_there_and_back_again_returns_within_a_millimetre(
    there: Conversion, back: Conversion, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]
) -> None:
    lon_back, lat_back = back(*there(lon, lat))
    assert np.hypot(lon_back - lon, lat_back - lat).max() * METRES_PER_DEGREE < ROUND_TRIP_M


@given(lon=st.floats(WEST, EAST), lat=st.floats(SOUTH, NORTH))
def test_a_place_is_shifted_alike_alone_and_among_others(lon: float, lat: float) -> None:
    alone = gcj02_to_wgs84(lon, lat)
    among = gcj02_to_wgs84([100.0, lon, 121.5], [30.0, lat, 29.9])
    assert np.allclose(alone, [among[0][1], among[1][1]], rtol=0.0, atol=ROUND_TRIP_M / METRES_PER_DEGREE)
