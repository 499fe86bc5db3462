"""Points far from others of their group, on distances that can be read off."""

import numpy as np
import pandas as pd
import pytest

from layers.frames import NotMetricError
from layers.siblings import sibling_distances

METRE_DEG = 1 / 111_319.49
"""About a metre along the equator."""


def along_the_equator(*metres: float) -> pd.DataFrame:
    lon = 121.0 + np.array(metres) * METRE_DEG
    return pd.DataFrame({"lon": lon, "lat": 0.0}, index=range(10, 10 + len(metres)))


def test_the_third_nearest_of_the_road_says_how_far_an_address_is() -> None:
    points = along_the_equator(0, 10, 20, 30, 2000)
    found = sibling_distances(points, pd.Series("中正路", index=points.index), "EPSG:32651")
    assert found["distance_m"].round(-1).tolist() == [30, 20, 20, 30, 1990]
    assert found["nearest"].loc[14] == 13


def test_two_that_are_misplaced_together_do_not_vouch_for_each_other() -> None:
    points = along_the_equator(0, 10, 20, 30, 2000, 2001)
    found = sibling_distances(points, pd.Series("中正路", index=points.index), "EPSG:32651")
    assert (found["distance_m"].tail(2) > 1900).all()


def test_other_roads_do_not_count_and_few_say_nothing() -> None:
    points = along_the_equator(0, 10, 20, 30, 2000, 2010, 2020, 2030, 2040)
    roads = pd.Series(["甲"] * 4 + ["乙"] * 5, index=points.index)
    found = sibling_distances(points, roads, "EPSG:32651")
    assert found["distance_m"].head(4).isna().all()
    assert (found["distance_m"].tail(5) < 50).all()


def test_without_a_point_or_a_road_there_is_no_distance() -> None:
    points = along_the_equator(0, 10, 20, 30, 40, 50)
    points.loc[10, "lon"] = np.nan
    roads = pd.Series(["甲"] * 6, index=points.index).mask(points.index == 11)
    assert sibling_distances(points, roads, "EPSG:32651").loc[[10, 11]].isna().all(axis=None)


def test_degrees_are_not_measured_in() -> None:
    points = along_the_equator(0, 10)
    with pytest.raises(NotMetricError):
        sibling_distances(points, pd.Series("甲", index=points.index), "EPSG:4326")
