"""Grades of rentals and suspected group rentals, counted on fingers."""

import pandas as pd
import pytest

from layers.rental_grades import GroupRentalLimits, Rule, grade, suspicion

LIMITS = GroupRentalLimits(min_area_m2=4.0, max_persons_per_room=2.0, rooms=10, beds=10)
RULES = [Rule("small", "area_per_person_m2", "below", 4, 40), Rule("many", "rooms", "at_least", 10, 30)]
EDGES = {"yellow": 30, "orange": 40, "red": 70}


def rentals(*rows: tuple[float | None, int, int, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["usable_area_m2", "residents", "rooms", "beds"])
    return frame.astype({"usable_area_m2": "Float64"})


@pytest.mark.parametrize(
    ("row", "triggers"),
    [
        ((40.0, 10, 5, 9), []),
        ((39.9, 10, 5, 9), ["low_area"]),
        ((100.0, 11, 5, 9), ["crowded_rooms"]),
        ((200.0, 2, 10, 2), ["many_rooms"]),
        ((200.0, 2, 9, 10), ["many_beds"]),
        ((None, 3, 0, 2), ["crowded_rooms"]),
        ((None, 0, 0, 0), []),
    ],
)
def test_group_rental_is_suspected_beyond_each_limit_and_not_at_it(
    row: tuple[float | None, int, int, int], triggers: list[str]
) -> None:
    found = suspicion(rentals(row), LIMITS).iloc[0]
    limits = ["low_area", "crowded_rooms", "many_rooms", "many_beds"]
    assert [name for name in limits if found[name]] == triggers
    assert bool(found["suspected"]) == bool(triggers)


def test_the_points_of_the_rules_sum_to_the_score_and_the_score_decides_the_grade() -> None:
    factors = pd.DataFrame(
        {"area_per_person_m2": [9.0, 9.0, 3.9, 3.9, None], "rooms": [9, 10, 9, 10, 10]}, index=list("abcde")
    )
    graded, points = grade(factors, RULES, EDGES)
    assert graded["grade"].tolist() == ["green", "yellow", "orange", "red", "yellow"]
    assert graded["score"].tolist() == [0, 30, 40, 70, 30] == points.sum(axis=1).tolist()
    assert points.to_numpy().tolist()[3] == [40, 30]


def test_what_is_not_known_and_edges_that_fall_are_refused() -> None:
    factors = pd.DataFrame({"rooms": [1]})
    with pytest.raises(ValueError, match="not known"):
        grade(factors, RULES, EDGES)
    with pytest.raises(ValueError, match="rise"):
        grade(factors, RULES[1:], {"yellow": 40, "orange": 40, "red": 70})
