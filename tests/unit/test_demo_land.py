"""The ground of the demo district: a tree of areas that tile each other to the last bit."""

import numpy as np
import pytest
import shapely

from gis_service.demo.curves import bend, roughen, split_evenly, stream, walk
from gis_service.demo.land import Land, settle
from gis_service.demo.plan import SMALL


@pytest.fixture(scope="module")
def land() -> Land:
    return settle(SMALL, 11)


def test_as_many_areas_grow_as_were_planned(land: Land) -> None:
    assert land.areas["level"].value_counts().to_dict() == {"compound": 60, "village": 8, "township": 2, "district": 1}
    assert land.areas["code"].is_unique


@pytest.mark.parametrize("level", ["township", "village", "compound"])
def test_areas_of_one_level_are_valid_and_share_their_borders_exactly(land: Land, level: str) -> None:
    shapes = land.areas.loc[land.areas["level"] == level, "geometry"].to_numpy()

    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)


def test_children_use_every_vertex_of_their_parent_and_fill_it(land: Land) -> None:
    areas = land.areas.set_index("code")
    for code, parent in areas[areas["level"] != "compound"].iterrows():
        children = areas.loc[areas["parent_code"] == code, "geometry"].to_numpy()
        theirs = {tuple(xy) for xy in shapely.get_coordinates(children).tolist()}

        assert {tuple(xy) for xy in shapely.get_coordinates(parent.geometry).tolist()} <= theirs
        assert shapely.normalize(shapely.coverage_union_all(children)) == shapely.normalize(parent.geometry)


def test_codes_extend_their_parents_codes(land: Land) -> None:
    digits = {"township": 6, "village": 9, "compound": 12}
    for level, shared in digits.items():
        rows = land.areas[land.areas["level"] == level]

        assert (rows["code"].str[:shared] == rows["parent_code"].str[:shared]).all()


def test_no_border_is_a_straight_voronoi_edge(land: Land) -> None:
    shapes = land.compounds["geometry"].to_numpy()
    bends = shapely.get_num_coordinates(shapes)

    assert np.median(bends) > 30


def test_the_same_seed_gives_the_same_land_and_another_seed_another(land: Land) -> None:
    again, other = settle(SMALL, 11), settle(SMALL, 12)

    assert (shapely.to_wkb(again.areas.geometry) == shapely.to_wkb(land.areas.geometry)).all()
    assert not (shapely.to_wkb(other.areas.geometry) == shapely.to_wkb(land.areas.geometry)).any()


def test_shares_add_up_and_respect_the_least() -> None:
    assert split_evenly(10, np.array([1.0, 1.0, 1.0])).tolist() == [4, 3, 3]
    assert split_evenly(7, np.array([0.0, 5.0]), at_least=2).tolist() == [2, 5]
    with pytest.raises(ValueError, match="cannot give"):
        split_evenly(3, np.array([1.0, 1.0]), at_least=2)


def test_a_curve_keeps_its_controls_and_a_rough_line_its_ends() -> None:
    controls = np.array([[0.0, 0.0], [100.0, 50.0], [200.0, 0.0]])
    rough = roughen(controls, stream(1, "rough"), 0.2, 20.0)

    assert bend(controls, 4)[[0, 4, 8]] == pytest.approx(controls)
    assert rough[[0, -1]] == pytest.approx(controls[[0, -1]])
    assert np.hypot(*np.diff(rough, axis=0).T).max() <= 20.0


def test_stations_along_a_line_look_left() -> None:
    position, normal, along = walk(np.array([[0.0, 0.0], [100.0, 0.0]]), 25.0)

    assert position[:, 0] == pytest.approx([12.5, 37.5, 62.5, 87.5])
    assert normal == pytest.approx(np.tile([0.0, 1.0], (4, 1)))
    assert along == pytest.approx([12.5, 37.5, 62.5, 87.5])
