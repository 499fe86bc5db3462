from typing import Any

import mapbox_vector_tile
import numpy as np
import pandas as pd
import pytest

from layers.tiles import EXTENT, encode_points, tile_bounds

Z, X, Y = 14, 13725, 6758  # in Zhenhai
WEST, SOUTH, EAST, NORTH = tile_bounds(Z, X, Y)


def decoded(tile: bytes) -> dict[str, Any]:
    """What an independent reader finds in the tile, y down as on the wire."""
    read: dict[str, Any] = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})
    return read


def at(right: float, down: float) -> tuple[float, float]:
    """Degrees of a place in the tile, in shares of its side (near enough linear at this zoom)."""
    return WEST + right * (EAST - WEST), NORTH + down * (SOUTH - NORTH)


def test_the_whole_world_is_one_tile_at_zoom_0() -> None:
    assert tile_bounds(0, 0, 0) == pytest.approx((-180.0, -85.0511287798, 180.0, 85.0511287798))
    assert tile_bounds(1, 1, 0) == pytest.approx((0.0, 0.0, 180.0, 85.0511287798))


def test_points_are_placed_right_and_down_from_the_north_west() -> None:
    lon, lat = np.transpose([at(0.25, 0.125), at(0.75, 0.5)])
    layer = decoded(encode_points(Z, X, Y, lon, lat, [7, 300_000_000_000], layer="addresses"))["addresses"]
    assert layer["extent"] == EXTENT == 4096
    assert layer["version"] == 2
    assert [feature["id"] for feature in layer["features"]] == [7, 300_000_000_000]
    assert [feature["geometry"]["type"] for feature in layer["features"]] == ["Point", "Point"]
    assert np.allclose(
        [feature["geometry"]["coordinates"] for feature in layer["features"]], [[1024, 512], [3072, 2048]], atol=1
    )


def test_properties_keep_their_types_and_missing_ones_are_left_out() -> None:
    lon, lat = np.transpose([at(0.1, 0.1), at(0.2, 0.2), at(0.3, 0.3)])
    properties: dict[str, Any] = {
        "state": pd.Categorical(["assigned", "unresolved", "assigned"]),
        "beat_id": pd.array([12, None, -3], dtype="Int64"),
        "unresolved": np.array([False, True, False]),
        "distance_m": np.array([0.5, np.nan, 2.0]),
        "road": pd.Series(["石塘路", None, "胜利路"]),
        "nothing": pd.array([None, None, None], dtype="Int64"),
    }
    layer = decoded(encode_points(Z, X, Y, lon, lat, [1, 2, 3], properties, layer="addresses"))["addresses"]
    assert [feature["properties"] for feature in layer["features"]] == [
        {"state": "assigned", "beat_id": 12, "unresolved": False, "distance_m": 0.5, "road": "石塘路"},
        {"state": "unresolved", "unresolved": True},
        {"state": "assigned", "beat_id": -3, "unresolved": False, "distance_m": 2.0, "road": "胜利路"},
    ]


def test_what_a_tile_cannot_hold_is_refused() -> None:
    lon, lat = at(0.5, 0.5)
    with pytest.raises(TypeError, match="not date"):
        encode_points(Z, X, Y, [lon], [lat], [1], {"on": pd.Series(pd.to_datetime(["2026-11-22"]))}, layer="a")


def test_a_point_on_an_edge_is_in_one_tile_and_points_elsewhere_in_none() -> None:
    lon = [WEST, EAST, (WEST + EAST) / 2, np.nan, 0.0]
    lat = [(SOUTH + NORTH) / 2] * 2 + [NORTH + 1e-5, np.nan, 0.0]
    here, east, north = (
        [f["id"] for f in decoded(encode_points(Z, x, y, lon, lat, [1, 2, 3, 4, 5], layer="a"))["a"]["features"]]
        for x, y in ((X, Y), (X + 1, Y), (X, Y - 1))
    )
    assert (here, east, north) == ([1], [2], [3])


def test_an_empty_tile_is_a_layer_without_features() -> None:
    assert decoded(encode_points(Z, X, Y, [], [], [], {"state": pd.Categorical([])}, layer="a"))["a"]["features"] == []
