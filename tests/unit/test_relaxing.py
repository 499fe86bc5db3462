"""What would have to give: the fewest locks and barriers, by name, and the least band."""

import numpy as np

from gis_service.planning.explaining import what_to_relax
from gis_service.planning.graphs import Rules
from layers.districting import BeatPlan, repair, unit_graph

PATH = [(0, 1), (1, 2), (2, 3)]


def asked_of(loads: list[int], today: list[int], rules: Rules) -> dict[str, object]:
    """What has to give for these loads on a path of four units, tried as the planner's worker tries it."""

    def attempt(asked: Rules, more: int) -> BeatPlan | None:
        graph = unit_graph(loads, PATH, barriers=asked.barriers)
        locks = np.array([today[unit] if unit in asked.locks else -1 for unit in range(4)])
        try:
            return repair(graph, today, beats=max(today) + 1 + more, band=asked.band, locks=locks)
        except ValueError:
            return None

    drawn = attempt(rules, 0)
    assert drawn is None or not drawn.within_band
    return what_to_relax(rules, attempt, drawn)


def test_one_of_three_locks_has_to_give() -> None:
    found = asked_of([1, 1, 1, 1], [0, 0, 0, 1], Rules(band=0.05, locks=[0, 1, 2]))
    assert found == {"sets": [["locks"]], "locks": [2], "barriers": [], "band": 0.5}


def test_one_of_two_barriers_has_to_give() -> None:
    found = asked_of([4, 2, 1, 1], [0, 1, 1, 1], Rules(band=0.3, barriers=[(0, 1), (2, 3)], locks=[1]))
    assert found["sets"] == [["barriers"], ["one_more_post"]]
    assert found["barriers"] == [(2, 3)]
    assert found["locks"] == []


def test_nothing_but_the_band_has_to_give() -> None:
    found = asked_of([2, 4, 4, 2], [0, 0, 1, 2], Rules(band=0.05))
    assert (found["band"], found["sets"]) == (0.5, [])
