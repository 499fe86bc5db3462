import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.frames import NotMetricError
from layers.neighbours import contiguity, hexagon_neighbours, hexagons

METRIC = "EPSG:4549"


def squares(**boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        geometry=[shapely.box(*box) for box in boxes.values()],
        index=[int(name[1:]) for name in boxes],
        crs=METRIC,
    )


def neighbours_of(graph: object) -> dict[int, list[int]]:
    return {area: graph[area][graph[area] > 0].index.tolist() for area in graph.unique_ids}  # type: ignore[attr-defined, index]


QUARTER = {"a1": (0, 0, 10, 10), "a2": (10, 0, 20, 10), "a3": (0, 10, 10, 20), "a4": (10, 10, 20, 20)}


@pytest.mark.parametrize(("gap_m", "min_border_m"), [(0, 0.5), (0.1, 0.5)])
def test_a_border_in_common_counts_and_a_corner_does_not(gap_m: float, min_border_m: float) -> None:
    found = contiguity(squares(**QUARTER), gap_m=gap_m, min_border_m=min_border_m, islands_nearest=1)
    assert neighbours_of(found.graph) == {1: [2, 3], 2: [1, 4], 3: [1, 4], 4: [2, 3]}
    assert found.bridged.tolist() == []


def test_a_sliver_between_two_areas_is_bridged_only_within_the_gap() -> None:
    areas = squares(a1=(0, 0, 10, 10), a2=(10.05, 0, 20, 10))
    assert neighbours_of(contiguity(areas, gap_m=0.1, min_border_m=1, islands_nearest=0).graph) == {1: [2], 2: [1]}
    assert neighbours_of(contiguity(areas, gap_m=0.01, min_border_m=1, islands_nearest=0).graph) == {1: [], 2: []}


def test_an_island_is_joined_to_its_nearest_areas_and_reported() -> None:
    areas = squares(a7=(40, 0, 50, 10), a2=(10, 0, 20, 10), a1=(0, 0, 10, 10), a3=(100, 0, 110, 10))
    found = contiguity(areas, gap_m=0, min_border_m=1, islands_nearest=1)
    assert neighbours_of(found.graph) == {1: [2], 2: [1, 7], 3: [7], 7: [2, 3]}
    assert found.bridged.tolist() == [3, 7]


def test_an_area_alone_in_the_world_has_no_neighbour() -> None:
    found = contiguity(squares(a1=(0, 0, 1, 1)), gap_m=0, min_border_m=0.1, islands_nearest=2)
    assert neighbours_of(found.graph) == {1: []}
    assert found.bridged.tolist() == []


def test_degrees_and_gaps_wider_than_the_border_asked_for_are_refused() -> None:
    with pytest.raises(NotMetricError):
        contiguity(
            squares(a1=(0, 0, 1, 1)).set_crs(4326, allow_override=True), gap_m=0, min_border_m=1, islands_nearest=1
        )
    with pytest.raises(ValueError, match="min_border_m > 2"):
        contiguity(squares(a1=(0, 0, 1, 1)), gap_m=1, min_border_m=2, islands_nearest=1)


def points(*places: tuple[float, float]) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapely.points(places), crs=METRIC)


def test_a_point_is_in_the_hexagon_whose_centre_is_nearest() -> None:
    rng = np.random.default_rng(5)
    places = gpd.GeoSeries(shapely.points(rng.uniform(-500, 500, (2_000, 2))), crs=METRIC)
    cells, cell_ids = hexagons(places, size_m=100)
    centres = shapely.centroid(cells.geometry.to_numpy())
    nearest = cells.index[shapely.STRtree(centres).nearest(places.to_numpy())]
    assert (cell_ids.to_numpy() == nearest).all()
    assert cells["points"].sum() == 2_000


def test_a_cell_is_as_wide_as_asked_and_regular() -> None:
    cells, _ = hexagons(points((0, 0)), size_m=100)
    west, south, east, north = cells.total_bounds
    assert (east - west, north - south) == (100, pytest.approx(200 / 3**0.5))
    assert cells.area.iloc[0] == pytest.approx(100**2 * 3**0.5 / 2)
    assert cells[["q", "r"]].to_numpy().tolist() == [[0, 0]]


def test_neighbouring_cells_share_their_border_to_the_last_bit() -> None:
    x, y = np.meshgrid(np.arange(0, 1_000, 40) + 512_345.6, np.arange(0, 1_000, 40) + 3_312_345.6)
    cells, _ = hexagons(points(*zip(x.ravel(), y.ravel(), strict=True)), size_m=137.7)
    corners = shapely.get_coordinates(cells.geometry.to_numpy())
    assert len(np.unique(corners, axis=0)) == len(np.unique(corners.round(3), axis=0))


def test_six_cells_surround_a_cell_and_a_lone_cell_has_none() -> None:
    around = [(100 * np.cos(turn), 100 * np.sin(turn)) for turn in np.arange(6) * np.pi / 3]
    cells, cell_ids = hexagons(points((0, 0), *around, (5_000, 0)), size_m=100)
    found = hexagon_neighbours(cells.sample(frac=1, random_state=2))
    neighbours = neighbours_of(found.graph)
    assert sorted(neighbours[cell_ids[0]]) == sorted(cell_ids[1:7])
    assert neighbours[cell_ids[7]] == []
    assert {len(neighbours[cell_id]) for cell_id in cell_ids[1:7]} == {3}


def test_points_without_a_place_and_cells_without_width_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        hexagons(gpd.GeoSeries([shapely.Point()], crs=METRIC), size_m=10)
    with pytest.raises(ValueError, match="wider than 0"):
        hexagons(points((0, 0)), size_m=0)
    with pytest.raises(NotMetricError):
        hexagons(gpd.GeoSeries([shapely.Point(121, 30)], crs=4326), size_m=10)
