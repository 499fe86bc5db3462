from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.adjacency import adjacency
from layers.frames import NotMetricError


def areas(*polygons: shapely.Geometry) -> gpd.GeoDataFrame:
    index = pd.Index(range(1, len(polygons) + 1), name="area_id")
    return gpd.GeoDataFrame(geometry=list(polygons), crs="EPSG:4549", index=index)


def borders(*polygons: shapely.Geometry) -> dict[tuple[int, int], float]:
    table = adjacency(areas(*polygons))
    assert table.dtypes.astype(str).to_dict() == {"a": "int64", "b": "int64", "shared_border_m": "float64"}
    return {(a, b): border_m for a, b, border_m in table.itertuples(index=False)}


def test_four_squares_border_on_their_neighbours_and_not_across_the_corner() -> None:
    south_west, south_east = shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)
    north_west, north_east = shapely.box(0, 10, 10, 20), shapely.box(10, 10, 20, 20)
    expected = {(1, 2): 10, (1, 3): 10, (2, 4): 10, (3, 4): 10}
    assert borders(south_west, south_east, north_west, north_east) == pytest.approx(expected)


def test_a_border_may_be_divided_differently_on_both_sides() -> None:
    assert borders(shapely.box(0, 0, 10, 30), shapely.box(10, 5, 20, 15), shapely.box(10, 15, 20, 40)) == (
        pytest.approx({(1, 2): 10, (1, 3): 15, (2, 3): 10})
    )


@pytest.mark.parametrize("shift_m", [0.04, -0.04])
def test_slivers_do_not_part_neighbours(shift_m: float) -> None:
    assert borders(shapely.box(0, 0, 10, 10), shapely.box(10 + shift_m, 0, 20, 10)) == (
        pytest.approx({(1, 2): 10}, abs=0.1)
    )


def test_a_path_between_areas_parts_them() -> None:
    assert borders(shapely.box(0, 0, 10, 10), shapely.box(10.06, 0, 20, 10)) == {}


def test_short_borders_are_touches() -> None:
    assert borders(shapely.box(0, 0, 10, 10), shapely.box(10, 9.5, 20, 20)) == {}


def test_an_enclave_borders_along_the_hole_and_parts_add_up() -> None:
    around = shapely.box(0, 0, 30, 30) - shapely.box(10, 10, 20, 20)
    inside_and_beside = shapely.MultiPolygon([shapely.box(10, 10, 20, 20), shapely.box(30, 0, 40, 30)])
    assert borders(around, inside_and_beside) == pytest.approx({(1, 2): 70})


def test_borders_that_part_at_an_angle_are_too_long_by_little() -> None:
    wedge = shapely.Polygon([(10, 0), (20, 0), (20, 10)])
    assert borders(shapely.box(0, -10, 10, 0), wedge) == {}
    assert borders(shapely.box(10, -10, 20, 0), wedge)[1, 2] == pytest.approx(10, abs=0.06)


def test_nothing_and_one_area_have_no_borders() -> None:
    assert borders() == {}
    assert borders(shapely.box(0, 0, 10, 10)) == {}


def test_degrees_are_refused() -> None:
    with pytest.raises(NotMetricError):
        adjacency(areas(shapely.box(0, 0, 1, 1)).set_crs("EPSG:4326", allow_override=True))


@pytest.mark.real_data
def test_keelungs_compounds_border_as_their_lines_intersect(real_data: Path) -> None:
    compounds = gpd.read_file(real_data / "keelung" / "areas.gpkg", layer="compound").to_crs("EPSG:3826")
    compounds.index = compounds.index.rename("area_id")
    outlines = shapely.boundary(compounds.geometry.to_numpy())
    first, second = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    first, second = first[first < second], second[first < second]
    exact_m = shapely.length(shapely.intersection(outlines[first], outlines[second]))
    exact = pd.Series(exact_m, index=pd.MultiIndex.from_arrays([first, second], names=["a", "b"]))
    found = adjacency(compounds).set_index(["a", "b"])["shared_border_m"]
    assert set(found.index) == set(exact[exact >= 1.0].index)
    assert np.abs(found - exact.loc[found.index]).max() < 1.0


@pytest.mark.real_data
def test_keelungs_townships_border_across_their_slivers(real_data: Path) -> None:
    townships = gpd.read_file(real_data / "keelung" / "areas.gpkg", layer="township").to_crs("EPSG:3826")
    compounds = gpd.read_file(real_data / "keelung" / "areas.gpkg", layer="compound").to_crs("EPSG:3826")
    points = compounds.geometry.representative_point().to_numpy()
    compound, township = shapely.STRtree(townships.geometry.to_numpy()).query(points, predicate="intersects")
    township_of = pd.Series(township, index=compound)
    fine = adjacency(compounds)
    fine["a"], fine["b"] = fine["a"].map(township_of), fine["b"].map(township_of)
    across = fine[fine["a"] != fine["b"]]
    across = across.assign(a=across[["a", "b"]].min(axis=1), b=across[["a", "b"]].max(axis=1))
    expected = across.groupby(["a", "b"])["shared_border_m"].sum()
    found = adjacency(townships).set_index(["a", "b"])["shared_border_m"]
    assert set(found.index) == set(expected.index)
    assert found.to_numpy() == pytest.approx(expected.loc[found.index].to_numpy(), rel=0.01)
