"""Points in the order of tiles: nothing is lost, nothing counted twice, and counts are those of a plain grid."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from layers.point_pyramid import PointPyramid
from layers.tiles import encode_points
from tests.unit.test_tiles import EAST, NORTH, SOUTH, WEST, X, Y, Z, at, decoded

Floats = npt.NDArray[np.float64]


def features(tile: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = decoded(tile)["a"]["features"]
    return found


@pytest.fixture
def scattered() -> tuple[Floats, Floats]:
    random = np.random.default_rng(20261123)
    return random.uniform(WEST, EAST, 2000), random.uniform(SOUTH, NORTH, 2000)


def pyramid(lon: npt.ArrayLike, lat: npt.ArrayLike, states: list[str] | None = None) -> PointPyramid:
    count = np.size(lon)
    return PointPyramid(lon, lat, np.arange(1, count + 1), states or ["assigned"] * count)


@pytest.mark.parametrize("z", [10, 14, 16, 19, 22])
def test_points_are_those_of_the_plain_encoder(scattered: tuple[Floats, Floats], z: int) -> None:
    lon, lat = scattered
    x, y = (X << (z - Z), Y << (z - Z)) if z >= Z else (X >> (Z - z), Y >> (Z - z))
    expected = features(encode_points(z, x, y, lon, lat, np.arange(1, 2001), layer="a"))
    found = features(pyramid(lon, lat).points(z, x, y, layer="a"))

    assert sorted(each["id"] for each in found) == [each["id"] for each in expected]
    places = {each["id"]: each["geometry"]["coordinates"] for each in expected}
    for each in found:
        assert np.abs(np.subtract(each["geometry"]["coordinates"], places[each["id"]])).max() <= 1


def test_a_point_carries_its_id_and_its_state() -> None:
    lon, lat = np.transpose([at(0.25, 0.125), at(0.75, 0.5)])
    made = PointPyramid(lon, lat, [7, 300_000_000_000], ["unresolved", "assigned"])

    found = features(made.points(Z, X, Y, layer="a", id_key="address_id"))

    assert {each["id"]: each["properties"] for each in found} == {
        7: {"address_id": 7, "state": "unresolved"},
        300_000_000_000: {"address_id": 300_000_000_000, "state": "assigned"},
    }


def test_a_point_on_an_edge_is_in_one_tile_and_one_without_a_place_in_none() -> None:
    lon = [WEST, EAST, (WEST + EAST) / 2, np.nan, 0.0]
    lat = [(SOUTH + NORTH) / 2] * 2 + [NORTH + 1e-5, np.nan, 89.0]
    made = pyramid(lon, lat)
    here, east, north = (
        [each["id"] for each in features(made.points(Z, x, y, layer="a"))] for x, y in ((X, Y), (X + 1, Y), (X, Y - 1))
    )
    assert (here, east, north, len(made)) == ([1], [2], [3], 3)


@pytest.mark.parametrize("cell_px", [4, 16, 64, 256])
def test_counts_are_those_of_a_plain_grid(scattered: tuple[Floats, Floats], cell_px: int) -> None:
    lon, lat = scattered
    made = pyramid(lon, lat)
    points = features(made.points(Z, X, Y, layer="a"))
    cell = cell_px * 16  # tile units
    expected = Counter(tuple(np.floor_divide(each["geometry"]["coordinates"], cell)) for each in points)

    found = features(made.counts(Z, X, Y, layer="a", cell_px=cell_px))

    places = [tuple(np.floor_divide(each["geometry"]["coordinates"], cell)) for each in found]
    counted = dict(zip(places, (each["properties"]["count"] for each in found), strict=True))
    assert counted == dict(expected)


@pytest.mark.parametrize("z", [0, 1, 9, 13])
def test_every_point_is_counted_once_over_all_tiles(scattered: tuple[Floats, Floats], z: int) -> None:
    x, y = X >> (Z - z), Y >> (Z - z)
    made = pyramid(*scattered)
    tiles = {(x + right, y + down) for right in (-1, 0, 1) for down in (-1, 0, 1)}
    counts = [
        each["properties"]["count"]
        for column, row in tiles
        if 0 <= column < 2**z and 0 <= row < 2**z
        for each in features(made.counts(z, column, row, layer="a"))
    ]
    assert sum(counts) == 2000


def test_cells_lie_at_the_mean_of_their_points() -> None:
    lon, lat = np.transpose([at(0.01, 0.01), at(0.03, 0.03), at(0.9, 0.9)])
    first, second = features(pyramid(lon, lat).counts(Z, X, Y, layer="a"))
    assert [first["properties"], second["properties"]] == [{"count": 2}, {"count": 1}]
    assert np.allclose(first["geometry"]["coordinates"], [82, 82], atol=1)


def test_no_points_make_empty_tiles() -> None:
    empty = pyramid([], [])
    assert features(empty.points(Z, X, Y, layer="a")) == features(empty.counts(Z, X, Y, layer="a")) == []


def test_cells_that_do_not_fill_a_tile_are_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        pyramid([], []).counts(Z, X, Y, layer="a", cell_px=48)
