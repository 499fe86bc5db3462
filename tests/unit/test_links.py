"""Squares of 100 m: borders, a river along one of them, an island and a village of its own."""

import geopandas as gpd
import pandas as pd
from shapely import LineString, box

from layers.adjacency import adjacency
from layers.links import graph_of_links, land_links


def squares(*corners: tuple[float, float]) -> gpd.GeoDataFrame:
    index = pd.RangeIndex(1, len(corners) + 1, name="area_id")
    return gpd.GeoDataFrame(geometry=[box(x, y, x + 100, y + 100) for x, y in corners], crs="EPSG:4549", index=index)


def kinds(links: pd.DataFrame) -> list[tuple[int, int, str, str]]:
    return list(links[["a", "b", "kind", "because"]].itertuples(index=False, name=None))


def test_a_river_along_a_border_bars_it_and_a_river_across_does_not() -> None:
    row = squares((0, 0), (100, 0), (200, 0))
    water = gpd.GeoDataFrame(
        {"name": ["甬江", "小浹江"]},
        geometry=[LineString([(105, -50), (105, 150)]), LineString([(-50, 50), (350, 50)])],
        crs=row.crs,
    )
    links = land_links(row, adjacency(row), barriers_metric=water)
    assert kinds(links)[0] == (1, 2, "barrier", "甬江")
    assert (2, 3, "border", "") in kinds(links)


def test_what_lies_apart_is_joined_by_the_shortest_bridge_with_its_gap() -> None:
    land = squares((0, 0), (100, 0), (350, 0), (350, 400))
    links = land_links(land, adjacency(land))
    assert kinds(links) == [(1, 2, "border", ""), (2, 3, "bridge", "apart"), (3, 4, "bridge", "apart")]
    assert links["gap_m"].tolist() == [0.0, 150.0, 300.0]
    graph = graph_of_links(pd.Series([1, 1, 1, 1], index=land.index), links)
    assert graph.territories == 1


def test_bridges_stay_inside_villages_and_so_does_the_graph() -> None:
    land = squares((0, 0), (100, 0), (300, 0), (400, 0))
    villages = pd.Series(["east", "west", "east", "west"], index=land.index)
    links = land_links(land, adjacency(land), groups=villages)
    assert (1, 3, "bridge", "apart") in kinds(links)
    assert (2, 4, "bridge", "apart") in kinds(links)
    graph = graph_of_links(pd.Series([1, 1, 1, 1], index=land.index), links, groups=villages)
    assert graph.territory.tolist() == [0, 1, 0, 1]


def test_land_that_a_barrier_parts_is_joined_only_by_a_bridge_that_a_person_adds() -> None:
    land = squares((0, 0), (100, 0))
    road = gpd.GeoDataFrame({"name": ["高速"]}, geometry=[LineString([(100, -50), (100, 150)])], crs=land.crs)
    links = land_links(land, adjacency(land), barriers_metric=road)
    loads = pd.Series([1, 1], index=land.index)
    assert kinds(links) == [(1, 2, "barrier", "高速")]
    assert graph_of_links(loads, links).territories == 2
    added = pd.concat([links, links.assign(kind="bridge", because="隧道")])
    assert graph_of_links(loads, added).territories == 1
