"""What would have to give: the fewest locks, barriers and villages, by name, the least band, and what is in the way."""

from datetime import date

import numpy as np

from gis_service.planning.graphs import Rules, Within, ground_of
from gis_service.planning.inputs import Inputs, Place, Unit
from gis_service.planning.relaxing import (
    Attempt,
    obstacles_to,
    uneven_villages,
    village_loads,
    what_to_relax,
    why_none,
)
from layers.districting import BeatPlan, BeatRules, partition, repair, unit_graph

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
    assert found == {"sets": [["locks"]], "locks": [2], "barriers": [], "villages": [], "band": 0.5}


def test_one_of_two_barriers_has_to_give() -> None:
    found = asked_of([4, 2, 1, 1], [0, 1, 1, 1], Rules(band=0.3, barriers=[(0, 1), (2, 3)], locks=[1]))
    assert found["sets"] == [["barriers"], ["one_more_post"]]
    assert found["barriers"] == [(2, 3)]
    assert found["locks"] == []


def test_nothing_but_the_band_has_to_give() -> None:
    found = asked_of([2, 4, 4, 2], [0, 0, 1, 2], Rules(band=0.05))
    assert (found["band"], found["sets"]) == (0.5, [])


def inputs_of(villages: list[int], migrants: list[int]) -> Inputs:
    """A row of compounds, each in a village (101, 102, …) of township 1, 500 m apart."""
    units = [
        Unit(
            area_id=number, name=f"compound {number}", village_id=100 + village, township_id=1, buildings=None,
            part_id=None, beat=-1, migrants=people, addresses=people, rentals=0, risky_rentals=0, churn=0,
            x_m=500.0 * number, y_m=0.0,
        )
        for number, (village, people) in enumerate(zip(villages, migrants, strict=True))
    ]  # fmt: skip
    names = {1: "township", **{100 + village: f"village {village}" for village in villages}}
    places = [
        Place(area_id=key, code=str(key), name=name, level="village" if key > 1 else "township",
              parent_id=1 if key > 1 else None, multiplier=1.0)
        for key, name in names.items()
    ]  # fmt: skip
    edges = [(number, number + 1, 500.0) for number in range(len(units) - 1)]
    return Inputs(
        day=date(2026, 11, 1), area_id=1, area_name="township", standard=800, metric_crs="EPSG:4549",
        units=tuple(units), edges=tuple(edges), beats=(), places=tuple(places),
    )  # fmt: skip


def tried(inputs: Inputs, beats: int) -> Attempt:
    def attempt(asked: Rules, more: int) -> BeatPlan | None:
        ground = ground_of(inputs, asked, range(len(inputs.units)))
        try:
            return partition(ground.graph, beats + more, band=asked.band)
        except ValueError:
            return None

    return attempt


def test_villages_that_have_to_be_opened_are_the_smallest_that_do() -> None:
    inputs = inputs_of([1, 1, 2, 3, 4], [10, 10, 5, 5, 20])
    rules = Rules(within=Within.VILLAGE, band=0.5)
    ground = ground_of(inputs, rules, range(5))
    found = what_to_relax(rules, tried(inputs, 3), None, village_loads(inputs, ground))
    assert found["sets"] == [["within"], ["one_more_post"]]
    assert found["villages"] == [102, 103]
    assert why_none(inputs, ground, rules, 3, tried(inputs, 3)) == (
        "互不相连的 4 片各需一个责任区，而专管员只有 3 名；无人负责的：village 2。 "
        "可行办法：允许跨村社（village 2、village 3），或增加一个岗位。"
    )
    opened = rules.model_copy(update={"across": found["villages"]})
    assert tried(inputs, 3)(opened, 0) is not None


def test_a_village_says_how_many_officers_it_alone_needs() -> None:
    inputs = inputs_of([1, 1, 1, 2, 2, 2], [10, 10, 10, 2, 2, 2])
    rules = Rules(within=Within.VILLAGE, band=0.1)
    ground = ground_of(inputs, rules, range(6))
    [text] = [str(text) for text in uneven_villages(inputs, ground, rules, np.array([2, 2], np.int32))]
    assert text == "village 1 单独就需 4 名专管员，现有 2 名：每个责任区 15，全镇平均 9，允许 ± 10 %。"
    assert uneven_villages(inputs, ground, Rules(), np.array([2, 2], np.int32)) == []


def test_what_stands_against_the_band_is_named_with_its_figures() -> None:
    inputs = inputs_of([1] * 4, [30, 4, 3, 3])
    rules = Rules(band=0.2)
    ground = ground_of(inputs, rules, range(4))
    locks = np.array([-1, 1, 1, 1], np.int32)
    beat_rules = BeatRules(4, 0.2, locks)
    said = [str(text) for text in obstacles_to(inputs, ground, beat_rules, np.zeros(4, np.int32), list("abcd"))]
    assert said == [
        "compound 0 一处工作量就有 30，需 3 名专管员，而一个责任区最多 12：请按楼栋拆分，或放宽到 ± 200 %。"
    ]
    tight = BeatRules(2, 0.2, np.array([1, 1, -1, -1], np.int32))
    said = [str(text) for text in obstacles_to(inputs, ground, tight, np.zeros(2, np.int32), ["a", "b"])]
    assert said[-1] == "锁定在 b 的合计 34，超过上限 24：至少解除 1 处，例如 compound 0。"
