"""Borders edited on a board of squares: everything that is gained is given up, and neighbours share their corners."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import box

from layers.editing import (
    DrawingError,
    LineDoesNotCutError,
    NotTogetherError,
    SwallowedError,
    fitted,
    merged,
    reshaped,
    split_by_line,
)

METRIC = "EPSG:4549"
STEP = 0.01
WEST, SOUTH = 120.0, 30.0


def square(column: float, row: float, wide: float = 1.0, high: float = 1.0) -> shapely.Polygon:
    """A square of the board, in steps from its south-western corner."""
    corner = (WEST + column * STEP, SOUTH + row * STEP)
    return box(*corner, WEST + (column + wide) * STEP, SOUTH + (row + high) * STEP)


def at(column: float, row: float) -> tuple[float, float]:
    return (WEST + column * STEP, SOUTH + row * STEP)


def laid(rows: list[tuple[int, str, int | None, shapely.Geometry]]) -> gpd.GeoDataFrame:
    ids, levels, parents, shapes = zip(*rows, strict=True)
    frame = pd.DataFrame({"code": [str(area_id) for area_id in ids], "kind": None}, index=pd.Index(ids, name="area_id"))
    frame["name"], frame["level"] = "area " + frame["code"], list(levels)
    frame["parent_id"] = pd.Series(parents, index=frame.index, dtype="Int64")
    return gpd.GeoDataFrame(frame, geometry=list(shapes), crs="EPSG:4326")


@pytest.fixture
def board() -> gpd.GeoDataFrame:
    """Four compounds: 11 west and 12 east in village 1, 21 and 22 above them in village 2; township 9 holds both."""
    return laid(
        [
            (9, "township", None, square(0, 0, 2, 2)),
            (1, "village", 9, square(0, 0, 2, 1)),
            (2, "village", 9, square(0, 1, 2, 1)),
            (11, "compound", 1, square(0, 0)),
            (12, "compound", 1, square(1, 0)),
            (21, "compound", 2, square(0, 1)),
            (22, "compound", 2, square(1, 1)),
        ]
    )


def after(board: gpd.GeoDataFrame, borders: gpd.GeoSeries) -> gpd.GeoDataFrame:
    shapes = board.geometry.copy()
    shapes.loc[borders.index] = borders
    return board.set_geometry(shapes)


def corners(shape: shapely.Geometry) -> set[tuple[float, ...]]:
    return {tuple(point) for point in shapely.get_coordinates(shape).tolist()}


def assert_tiled(land: gpd.GeoDataFrame, whole: shapely.Geometry) -> None:
    compounds = land[land["level"] == "compound"].geometry.to_numpy()
    for position, one in enumerate(compounds):
        for other in compounds[position + 1 :]:
            assert one.intersection(other).area == 0.0
    assert shapely.union_all(compounds).symmetric_difference(whole).area < 1e-16
    for parent in land.index[land["level"] != "compound"]:
        below = land[land["parent_id"] == parent].geometry
        assert below.union_all().symmetric_difference(land.geometry[parent]).area < 1e-16


def test_a_border_pushed_into_the_neighbour_takes_its_ground_and_nothing_else(board: gpd.GeoDataFrame) -> None:
    edited = reshaped(board, 11, square(0, 0, 1.25, 1), METRIC)

    assert edited.borders.index.tolist() == [11, 12]
    assert edited.borders[11].equals(square(0, 0, 1.25, 1))
    assert edited.borders[12].equals(square(1.25, 0, 0.75, 1))
    assert edited.moved[["from_id", "to_id"]].to_numpy().tolist() == [[12, 11]]
    metres = gpd.GeoSeries([square(1, 0, 0.25, 1)], crs="EPSG:4326").to_crs(METRIC).area[0]
    assert edited.moved["area_m2"][0] == pytest.approx(metres, rel=1e-6)
    assert_tiled(after(board, edited.borders), square(0, 0, 2, 2))


def test_the_shared_border_has_the_same_vertices_to_the_last_bit(board: gpd.GeoDataFrame) -> None:
    bend = at(1.2, 0.37)
    drawn = shapely.Polygon([at(0, 0), at(1, 0), bend, at(1, 1), at(0, 1)])
    edited = reshaped(board, 11, drawn, METRIC)

    shared = edited.borders[11].intersection(edited.borders[12])
    assert bend in corners(edited.borders[11]) & corners(edited.borders[12])
    assert corners(shapely.line_merge(shared)) == {at(1, 0), bend, at(1, 1)}


def test_ground_given_up_goes_to_the_neighbour_with_the_longest_border(board: gpd.GeoDataFrame) -> None:
    edited = reshaped(board, 11, square(0, 0, 0.75, 1), METRIC)

    assert edited.borders[12].equals(square(0.75, 0, 1.25, 1))
    assert_tiled(after(board, edited.borders), square(0, 0, 2, 2))


def test_a_dragged_corner_of_four_areas_divides_what_is_given_up_among_its_neighbours(board: gpd.GeoDataFrame) -> None:
    corner = at(0.8, 0.8)
    drawn = shapely.Polygon([at(0, 0), at(1, 0), corner, at(0, 1)])
    edited = reshaped(board, 11, drawn, METRIC, moves=[(at(1, 1), corner)])

    land = after(board, edited.borders)
    assert land.geometry[12].equals(shapely.Polygon([at(1, 0), at(2, 0), at(2, 1), at(1, 1), corner]))
    assert land.geometry[21].equals(shapely.Polygon([at(0, 1), corner, at(1, 1), at(1, 2), at(0, 2)]))
    assert_tiled(land, square(0, 0, 2, 2))


def test_a_border_between_villages_moves_the_villages_too_and_not_the_township(board: gpd.GeoDataFrame) -> None:
    edited = reshaped(board, 11, square(0, 0, 1, 1.5), METRIC)

    assert edited.borders.index.tolist() == [1, 2, 11, 21]
    assert edited.borders[1].equals(shapely.union(square(0, 0, 2, 1), square(0, 1, 1, 0.5)))
    assert_tiled(after(board, edited.borders), square(0, 0, 2, 2))


def test_the_outer_edge_takes_everything_above_with_it(board: gpd.GeoDataFrame) -> None:
    edited = reshaped(board, 11, square(-0.5, 0, 1.5, 1), METRIC)

    assert edited.borders.index.tolist() == [1, 9, 11]
    assert edited.moved["from_id"].isna().all()
    assert_tiled(after(board, edited.borders), shapely.union(square(0, 0, 2, 2), square(-0.5, 0, 0.5, 1)))


def test_a_village_hands_its_gains_and_losses_down(board: gpd.GeoDataFrame) -> None:
    edited = reshaped(board, 1, square(0, 0, 2, 1.5), METRIC)

    land = after(board, edited.borders)
    assert edited.borders.index.tolist() == [1, 2, 11, 12, 21, 22]
    assert land.geometry[11].equals(square(0, 0, 1, 1.5))
    assert land.geometry[22].equals(square(1, 1.5, 1, 0.5))
    assert_tiled(land, square(0, 0, 2, 2))


def test_the_border_drawn_as_it_was_changes_nothing(board: gpd.GeoDataFrame) -> None:
    edited = reshaped(board, 11, shapely.segmentize(square(0, 0), STEP / 7), METRIC)
    assert edited.borders.empty
    assert edited.moved.empty


def test_an_area_that_would_lose_all_its_ground_is_named(board: gpd.GeoDataFrame) -> None:
    with pytest.raises(SwallowedError) as refusal:
        reshaped(board, 11, square(0, 0, 2, 1), METRIC)
    assert refusal.value.area_id == 12


def test_a_border_that_crosses_itself_is_refused(board: gpd.GeoDataFrame) -> None:
    bow = shapely.Polygon([at(0, 0), at(1, 1), at(1, 0), at(0, 1)])
    with pytest.raises(DrawingError, match="intersection"):
        reshaped(board, 11, bow, METRIC)
    with pytest.raises(DrawingError, match="intersection"):
        fitted(bow, board)


def test_an_old_gap_outside_the_edit_stays_and_one_inside_is_filled() -> None:
    land = laid(
        [
            (1, "compound", None, square(0, 0)),
            (2, "compound", None, square(1.1, 0)),
            (3, "compound", None, square(0, 1.1)),
        ]
    )
    edited = reshaped(land, 1, square(0, 0, 1.2, 1), METRIC)

    assert edited.borders.index.tolist() == [1, 2]
    assert edited.borders[2].equals(square(1.2, 0, 0.9, 1))
    assert edited.moved["from_id"].isna().sum() == 1


def test_an_old_overlap_is_settled_where_the_border_is_drawn() -> None:
    land = laid([(1, "compound", None, square(0, 0, 1.1, 1)), (2, "compound", None, square(1, 0))])
    edited = reshaped(land, 1, square(0, 0, 1.2, 1), METRIC)

    assert edited.borders[1].intersection(edited.borders[2]).area == 0.0
    assert edited.borders[2].equals(square(1.2, 0, 0.8, 1))


def test_a_line_splits_an_area_from_west_to_east() -> None:
    west, east = split_by_line(square(0, 0), [at(0.5, -1), at(0.5, 2)])
    assert west.equals(square(0, 0, 0.5, 1))
    assert east.equals(square(0.5, 0, 0.5, 1))
    assert corners(west) & corners(east) == corners(west.intersection(east))


def test_a_line_that_ends_on_the_border_cuts() -> None:
    parts = split_by_line(square(0, 0), [at(0.3, 0), at(0.5, 0.4), at(0.9, 1)])
    assert len(parts) == 2
    assert sum(part.area for part in parts) == pytest.approx(square(0, 0).area, rel=1e-12)


@pytest.mark.parametrize(
    "line", [[at(0.5, 0.2), at(0.5, 0.8)], [at(0.5, -1), at(0.5, 0.5)], [at(2, 0), at(3, 1)], [at(0, 0)]]
)
def test_a_line_that_does_not_cut_is_refused(line: list[tuple[float, float]]) -> None:
    with pytest.raises(LineDoesNotCutError):
        split_by_line(square(0, 0), line)


def test_a_part_that_lies_apart_goes_with_the_nearest() -> None:
    island = shapely.MultiPolygon([square(0, 0), square(1.5, 0, 0.2, 0.2)])
    west, east = split_by_line(island, [at(0.5, -1), at(0.5, 2)])
    assert west.equals(square(0, 0, 0.5, 1))
    assert east.geom_type == "MultiPolygon"


def test_neighbours_merge_and_strangers_do_not() -> None:
    assert merged([square(0, 0), square(1, 0), square(1, 1)]).equals(
        shapely.union_all([square(0, 0), square(1, 0, 1, 2)])
    )
    with pytest.raises(NotTogetherError):
        merged([square(0, 0), square(2, 0)])
    with pytest.raises(NotTogetherError):
        merged([square(0, 0), square(1, 1)])  # a corner is no border


def test_a_new_area_fits_between_its_siblings(board: gpd.GeoDataFrame) -> None:
    compounds = board[board["level"] == "compound"]
    new = fitted(square(1.5, 0.5, 1, 1), compounds)
    assert new.equals(square(2, 0.5, 0.5, 1))
    assert all(new.intersection(shape).area == 0.0 for shape in compounds.geometry)
    assert fitted(square(0.2, 0.2, 0.5, 0.5), compounds).is_empty


def test_the_answer_does_not_depend_on_the_order_of_the_areas(board: gpd.GeoDataFrame) -> None:
    drawn = shapely.Polygon([at(0, 0), at(1, 0), at(1.3, 0.9), at(0.7, 1.2), at(0, 1)])
    one, other = reshaped(board, 11, drawn, METRIC), reshaped(board[::-1], 11, drawn, METRIC)
    assert one.borders.index.tolist() == other.borders.index.tolist()
    assert shapely.area(one.borders.to_numpy()).tolist() == pytest.approx(
        shapely.area(other.borders.to_numpy()).tolist()
    )
