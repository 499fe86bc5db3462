"""Repairs of boundaries: squares whose defects can be counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import box

from layers.boundaries import check_topology
from layers.frames import NotMetricError, check_areas
from layers.repair import Repair, Rules, apply_repairs, propose_repairs

METRIC = "EPSG:4549"
STEP = 0.01
WEST, SOUTH = 121.6, 29.9


def ground(west: float, east: float, south: float = 0.0, north: float = 1.0) -> shapely.Geometry:
    """A box in cells of a kilometre or so."""
    return box(WEST + west * STEP, SOUTH + south * STEP, WEST + east * STEP, SOUTH + north * STEP)


def land(*compounds: tuple[str, int, shapely.Geometry], villages: Sequence[shapely.Geometry] = ()) -> gpd.GeoDataFrame:
    """Compounds (code, village, shape) from id 100 on in villages from id 3 on (two cells wide each)."""
    drawn = villages or [ground(0, 2), ground(2, 4)]
    whole = shapely.union_all(list(drawn))
    rows: list[tuple[int, str, str, int | None, Any]] = [
        (1, "D", "district", None, whole),
        (2, "T", "township", 1, whole),
        *((3 + number, f"V{number}", "village", 2, shape) for number, shape in enumerate(drawn)),
        *(
            (100 + number, code, "compound", 3 + village, shape)
            for number, (code, village, shape) in enumerate(compounds)
        ),
    ]
    frame = gpd.GeoDataFrame(
        {
            "code": [row[1] for row in rows],
            "name": [row[1] for row in rows],
            "level": [row[2] for row in rows],
            "kind": pd.array([None] * len(rows), dtype="str"),
            "parent_id": pd.array([row[3] for row in rows], dtype="Int64"),
        },
        geometry=[row[4] for row in rows],
        index=pd.Index([row[0] for row in rows], name="area_id", dtype="int64"),
        crs="EPSG:4326",
    )
    return check_areas(frame)


WHOLE = (("a", 0, ground(0, 1)), ("b", 0, ground(1, 2)), ("c", 1, ground(2, 3)), ("d", 1, ground(3, 4)))


def with_shapes(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return land(*((code, village, shapes.get(code, shape)) for code, village, shape in WHOLE))


def repaired(areas: gpd.GeoDataFrame, repairs: Sequence[Repair]) -> gpd.GeoDataFrame:
    after = areas.copy()
    changed = apply_repairs(areas, repairs)
    after.loc[changed.index, "geometry"] = changed
    return after


def alarms(areas: gpd.GeoDataFrame) -> int:
    return int(check_topology(areas, METRIC)["severity"].eq("alarm").sum())


def cells_of(areas: gpd.GeoDataFrame, code: str) -> float:
    """How many cells an area is large."""
    return float(areas.loc[areas["code"].eq(code)].geometry.iloc[0].area / STEP**2)


def test_land_without_a_defect_needs_no_repair() -> None:
    assert propose_repairs(with_shapes(), METRIC) == []


@pytest.mark.parametrize(
    ("rule", "size_of_a"),
    [("longest_border", 1.0), ("larger", 1.2), ("smaller", 1.0), ("earlier_code", 1.2)],
)
def test_an_overlap_is_cut_by_the_rule(rule: Any, size_of_a: float) -> None:
    # a reaches into b by a fifth of a cell: three sides of that lie in b, one at a
    areas = with_shapes(a=shapely.union(ground(0, 1), ground(1, 1.5, 0.3, 0.7)))
    (repair,) = propose_repairs(areas, METRIC, Rules(overlap=rule))
    assert (repair.kind, repair.level, repair.area_ids, repair.sliver) == ("overlap", "compound", (100, 101), False)
    assert repair.moved_m2 == pytest.approx(0.2 * 1_071_000, rel=0.01)
    after = repaired(areas, [repair])
    assert cells_of(after, "a") == pytest.approx(size_of_a)
    assert cells_of(after, "a") + cells_of(after, "b") == pytest.approx(2.0)
    assert alarms(after) == 0


def test_ground_in_question_stays_with_whoever_has_the_parent_there() -> None:
    areas = with_shapes(b=ground(1, 2.5))
    for rule in ("larger", "earlier_code", "smaller"):
        after = repaired(areas, propose_repairs(areas, METRIC, Rules(overlap=rule)))
        assert [cells_of(after, "b"), cells_of(after, "c")] == pytest.approx([1.0, 1.0])
        assert alarms(after) == 0


def test_a_gap_goes_to_the_neighbour_with_the_longest_border() -> None:
    areas = with_shapes(a=shapely.difference(ground(0, 1), ground(0.9, 1, 0, 0.5)))
    (repair,) = propose_repairs(areas, METRIC)
    assert (repair.kind, repair.area_ids) == ("gap", (100,))  # 0.1 + 0.5 of its rim lie at a, 0.5 at b
    assert alarms(repaired(areas, [repair])) == 0


def test_a_sliver_is_closed_too_and_said_to_be_one() -> None:
    areas = with_shapes(a=ground(0, 1 - 1e-3))
    (repair,) = propose_repairs(areas, METRIC)
    assert (repair.kind, repair.sliver) == ("gap", False)  # a metre wide over a kilometre is no sliver
    tiny = with_shapes(a=shapely.difference(ground(0, 1), ground(1 - 1e-4, 1, 0.5, 0.50005)))
    (repair,) = propose_repairs(tiny, METRIC)
    assert (repair.kind, repair.sliver) == ("gap", True)
    assert check_topology(repaired(tiny, [repair]), METRIC).empty


def test_a_child_outside_its_parent_is_cut_back_or_the_parent_follows() -> None:
    areas = with_shapes(a=ground(-0.2, 1))
    (cut,) = propose_repairs(areas, METRIC)
    assert (cut.kind, cut.area_ids) == ("outside_parent", (100,))
    assert cells_of(repaired(areas, [cut]), "a") == pytest.approx(1.0)
    follow = propose_repairs(areas, METRIC, Rules(parents="follow"))
    assert [(each.kind, each.area_ids) for each in follow] == [
        ("parent_follows", (3,)), ("parent_follows", (2,)), ("parent_follows", (1,)),
    ]  # fmt: skip
    after = repaired(areas, follow)
    assert cells_of(after, "V0") == pytest.approx(2.2)
    assert cells_of(after, "D") == pytest.approx(4.2)
    assert alarms(after) == 0


def test_a_crossing_ring_is_read_anew() -> None:
    bow = shapely.Polygon([(WEST, SOUTH), (WEST + STEP, SOUTH + STEP), (WEST + STEP, SOUTH), (WEST, SOUTH + STEP)])
    areas = with_shapes(a=bow)
    found = propose_repairs(areas, METRIC)
    assert found[0].kind == "invalid_ring"
    after = repaired(areas, found)
    assert after.geometry.is_valid.all()
    assert alarms(after) == 0


def defective() -> gpd.GeoDataFrame:
    return with_shapes(
        a=shapely.union(ground(-0.1, 1), ground(1, 1.5, 0.3, 0.7)),
        b=shapely.difference(ground(1, 2.2), ground(1.8, 1.9, 0.4, 0.6)),
        d=shapely.difference(ground(3, 4), ground(3, 3.3, 0.9, 1)),
    )


@pytest.mark.parametrize("parents", ["keep", "follow"])
def test_all_repairs_together_leave_no_alarm_and_nothing_to_repair(parents: Any) -> None:
    areas = defective()
    assert alarms(areas) > 3
    after = repaired(areas, propose_repairs(areas, METRIC, Rules(parents=parents)))
    if parents == "keep":
        assert alarms(after) == 0
    assert propose_repairs(after, METRIC, Rules(parents=parents)) == []


def test_accepting_one_repair_leaves_the_others_as_they_were() -> None:
    areas = defective()
    found = propose_repairs(areas, METRIC)
    for chosen in found:
        rest = propose_repairs(repaired(areas, [chosen]), METRIC)
        assert chosen.key not in {each.key for each in rest}


def test_the_order_of_the_areas_does_not_matter() -> None:
    areas = defective()
    keys = [repair.key for repair in propose_repairs(areas, METRIC)]
    assert [repair.key for repair in propose_repairs(areas.sample(frac=1, random_state=1), METRIC)] == keys


def test_addresses_on_the_ground_are_counted() -> None:
    areas = with_shapes(a=shapely.union(ground(0, 1), ground(1, 1.5, 0.3, 0.7)))
    addresses = pd.DataFrame({"lon": [WEST + 1.2 * STEP, WEST + 1.7 * STEP, None], "lat": [SOUTH + 0.5 * STEP] * 3})
    (repair,) = propose_repairs(areas, METRIC, addresses=addresses)
    assert repair.addresses == 1


def test_nothing_is_measured_in_degrees() -> None:
    with pytest.raises(NotMetricError):
        propose_repairs(with_shapes(), "EPSG:4326")
