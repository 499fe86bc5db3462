"""Borders as tiles, read back by an independent reader."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.border_pyramid import BorderPyramid
from layers.frames import LONLAT, NotLonLatError
from layers.tiles import tile_bounds
from tests.unit.test_tiles import EAST, NORTH, SOUTH, WEST, X, Y, Z, at, decoded


def areas(*polygons: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": [f"村{i}" for i in range(len(polygons))], "kind": [None] * len(polygons)},
        geometry=list(polygons),
        crs=LONLAT,
        index=pd.Index(range(100, 100 + len(polygons)), name="area_id"),
    )


def test_polygons_keep_holes_and_are_cut_just_outside_the_tile() -> None:
    (west, north), (east, south) = at(0.25, 0.25), at(0.5, 0.5)
    around = shapely.box(WEST - 1, SOUTH - 1, EAST + 1, NORTH + 1) - shapely.box(west, south, east, north)
    far = shapely.box(0.0, 0.0, 1.0, 1.0)
    features = decoded(BorderPyramid(areas(around, far), ["name", "kind"]).tile(Z, X, Y, layer="areas"))["areas"][
        "features"
    ]
    assert [(feature["id"], feature["properties"]) for feature in features] == [(100, {"name": "村0"})]
    shape = shapely.geometry.shape(features[0]["geometry"])
    assert shape.bounds == (-64.0, -64.0, 4160.0, 4160.0)
    assert shape.interiors[0].bounds == pytest.approx((1024, 1024, 2048, 2048), abs=1)


def test_rings_turn_as_the_specification_says() -> None:
    ring = shapely.box(*at(0.2, 0.4), *at(0.4, 0.2)) - shapely.box(*at(0.25, 0.35), *at(0.35, 0.25))
    island = shapely.box(*at(0.6, 0.8), *at(0.8, 0.6))
    tile = BorderPyramid(areas(shapely.MultiPolygon([ring, island])), ["name"]).tile(Z, X, Y, layer="areas")
    [feature] = decoded(tile)["areas"]["features"]
    # exterior rings clockwise on the screen: positive by the surveyor's formula where y runs down
    signs = [
        [shapely.LinearRing(corners).is_ccw for corners in polygon] for polygon in feature["geometry"]["coordinates"]
    ]
    assert signs == [[True, False], [True]]
    assert shapely.geometry.shape(feature["geometry"]).area == pytest.approx(4096**2 * (0.04 - 0.01 + 0.04), rel=0.01)


def test_polygon_properties_keep_their_types() -> None:
    square = shapely.box(*at(0.2, 0.4), *at(0.4, 0.2))
    frame = areas(square, square).assign(migrants=[3, 3], load=[0.5, None], met=[True, False])
    columns = ["name", "migrants", "load", "met"]
    features = decoded(BorderPyramid(frame, columns).tile(Z, X, Y, layer="areas"))["areas"]["features"]
    assert [feature["properties"] for feature in features] == [
        {"name": "村0", "migrants": 3, "load": 0.5, "met": True},
        {"name": "村1", "migrants": 3, "met": False},
    ]


def test_polygons_of_less_than_a_unit_are_left_out() -> None:
    speck = shapely.Point(*at(0.5, 0.5)).buffer(1e-9)
    assert decoded(BorderPyramid(areas(speck)).tile(Z, X, Y, layer="areas"))["areas"]["features"] == []


def test_polygons_in_metres_are_refused() -> None:
    with pytest.raises(NotLonLatError):
        BorderPyramid(areas(shapely.box(*tile_bounds(Z, X, Y))).to_crs("EPSG:4549"))


def test_land_without_areas_is_a_layer_without_features() -> None:
    assert decoded(BorderPyramid(areas().iloc[:0], ["name"]).tile(Z, X, Y, layer="areas"))["areas"]["features"] == []


def ragged(count: int) -> list[shapely.Polygon]:
    """Neighbours across a tile whose common borders are far more ragged than a pixel shows."""
    random = np.random.default_rng(20261123)
    down = np.linspace(0.1, 0.9, 400)
    lines = [[at(right + wave, y) for y, wave in zip(down, random.normal(0, 2e-4, 400), strict=True)] for right in
             np.linspace(0.1, 0.9, count + 1)]  # fmt: skip
    return [shapely.Polygon([*left, *right[::-1]]) for left, right in itertools.pairwise(lines)]


@pytest.mark.parametrize(("z", "share"), [(Z, 0.5), (Z - 3, 0.1)])
def test_simplified_neighbours_keep_one_common_border(z: int, share: float) -> None:
    x, y = X >> (Z - z), Y >> (Z - z)
    land = ragged(6)
    features = decoded(BorderPyramid(areas(*land)).tile(z, x, y, layer="areas"))["areas"]["features"]

    shapes = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features])
    assert len(shapes) == 6
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.get_num_coordinates(shapes).sum() < share * shapely.get_num_coordinates(land).sum()


@pytest.mark.parametrize("z", [Z - 6, Z - 1, Z, Z + 3])
def test_a_ring_that_crosses_itself_is_drawn_as_valid_pieces(z: int) -> None:
    bow = shapely.Polygon([at(0.2, 0.2), at(0.8, 0.8), at(0.8, 0.2), at(0.2, 0.8)])
    beside = shapely.box(*at(0.85, 0.8), *at(0.95, 0.2))
    x, y = (X << (z - Z), Y << (z - Z)) if z >= Z else (X >> (Z - z), Y >> (Z - z))
    tile = BorderPyramid(areas(bow, beside)).tile(z, x, y, layer="areas")
    for feature in decoded(tile)["areas"]["features"]:
        assert shapely.geometry.shape(feature["geometry"]).is_valid
