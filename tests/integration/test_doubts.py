"""Addresses in doubt, on both databases: far from the others of their road, or the same door twice."""

from __future__ import annotations

import pytest
from shapely import Point
from sqlalchemy import Engine, select

from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import SHELL
from gis_service.addresses import doubts
from gis_service.addresses.acknowledging import acknowledge_doubts, doubts_of, open_doubts
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.doubts import Doubt, doubtful_addresses
from gis_service.addresses.resolving import override_area
from gis_service.addresses.tables import Address
from gis_service.errors import TooLargeError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.fence import fence_session
from tests.integration.board import STEP, TODAY, Board, cells, geometry
from tests.integration.conftest import SignIn

METRES_A_DEGREE = 111_319.49


@pytest.fixture
def road(engine: Engine, settings: Settings, board: Board) -> dict[str, int]:
    """Six doors of 中官路 in N11, one of them in N22, and one of them written twice."""
    west, south, *_ = cells()["N11"].bounds
    texts = {f"R-{number}": f"中官路{number}号" for number in range(1, 7)} | {"R-again": "中官路三号"}
    east = cells()["N22"].bounds[0] + STEP / 2
    with transaction(engine) as session:
        rows = [
            Address(
                code=code,
                text=text,
                road="中官路",
                number=text[3:-1],
                stated_village_code="N2" if code == "R-6" else "N1",
                point_source="surveyed",
                geom=geometry(Point(east if code == "R-6" else west + STEP / 4, south + STEP / 3)),
            )
            for code, text in texts.items()
        ]
        session.add_all(rows)
        session.flush()
        ids = {row.code: row.id for row in rows}
    assign_addresses(engine, settings, SHELL, TODAY)
    return ids


def test_an_address_far_from_its_road_and_a_door_twice_are_in_doubt(
    engine: Engine, settings: Settings, board: Board, road: dict[str, int]
) -> None:
    with reading(engine) as session:
        found = doubtful_addresses(session, settings, Scope(TODAY, None))
    assert found["doubt"].to_dict() == {road["R-6"]: "far_from_road", road["R-again"]: "duplicate_door"}
    # from a quarter of N11 to the middle of N22: 3.25 compounds further east, at 29.91 degrees north
    assert found.loc[road["R-6"], "distance_m"] == pytest.approx(3.25 * STEP * METRES_A_DEGREE * 0.8668, rel=0.01)
    assert found.loc[road["R-again"], "other_id"] == road["R-3"]
    assert found.loc[road["R-again"], "other_text"] == "中官路3号"


def test_doubts_are_told_of_the_own_part_only(
    engine: Engine, settings: Settings, board: Board, road: dict[str, int], signed_in: SignIn
) -> None:
    with reading(engine) as session:
        inside = doubtful_addresses(session, settings, Scope(TODAY, None), board.areas["N1"])
    assert inside["doubt"].tolist() == ["duplicate_door"]
    answer = signed_in("steward").get("/api/v1/unresolved/doubtful", params={"as_of": TODAY.isoformat()})
    assert [each["code"] for each in answer.json()["items"]] == ["R-again"]
    shown = signed_in("planner").get("/unresolved/doubtful", params={"as_of": TODAY.isoformat()})
    assert shown.status_code == 200
    assert "中官路6号" in shown.text


def test_the_others_of_a_road_may_lie_in_the_next_village(
    engine: Engine, settings: Settings, board: Board, road: dict[str, int]
) -> None:
    own = Scope(TODAY, frozenset([board.areas["N2"]]))
    with reading(engine) as session:
        inside = doubts_of(session, settings, Scope(TODAY, None), board.areas["N2"])
    with reading(engine) as session:
        fence_session(session, own)
        alone = doubts_of(session, settings, own)
    assert inside["doubt"].to_dict() == alone["doubt"].to_dict() == {road["R-6"]: "far_from_road"}
    assert inside["facts"].tolist() == alone["facts"].tolist()
    assert inside["other_text"].tolist()[0] in {f"中官路{number}号" for number in range(1, 6)} | {"中官路三号"}
    assert alone[["other_id", "other_text"]].isna().all(axis=None)  # it lies beyond the scope
    assert alone["other_beyond"].all()


def test_more_than_a_township_is_not_looked_through_while_somebody_waits(
    engine: Engine, settings: Settings, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubts, "MOST_ADDRESSES", 3)
    with reading(engine) as session, pytest.raises(TooLargeError):
        doubtful_addresses(session, settings, Scope(TODAY, None))


def left(engine: Engine, settings: Settings, board: Board, area: str) -> dict[str, int]:
    with reading(engine) as session:
        counts = open_doubts(session, settings, Scope(TODAY, None), board.areas[area])
    return {kind: count for kind, count in counts.items() if count}


def test_a_doubt_is_acknowledged_and_open_again_when_its_facts_change(
    engine: Engine, settings: Settings, board: Board, road: dict[str, int]
) -> None:
    override_area(engine, settings, SHELL, road["R-1"], board.areas["N12"], "the door is round the corner", TODAY)
    assert left(engine, settings, board, "D") == {"far_from_road": 1, "duplicate_door": 1}
    with transaction(engine) as session:  # the point now lies in S11, where it did not when it was decided
        south = cells()["S11"].centroid
        session.get_one(Address, road["R-1"]).geom = geometry(south)
    everything = {"far_from_road": 1, "duplicate_door": 1, "stale_override": 1}
    assert left(engine, settings, board, "N") == everything
    assert acknowledge_doubts(engine, settings, SHELL, TODAY, "seen on site", doubt=Doubt.STALE) == 1
    assert acknowledge_doubts(engine, settings, SHELL, TODAY, "two flats, one door", address_ids=[road["R-again"]]) == 1
    assert left(engine, settings, board, "N") == {"far_from_road": 1}
    assign_addresses(engine, settings, SHELL, TODAY)
    assert left(engine, settings, board, "N") == {"far_from_road": 1}
    with transaction(engine) as session:
        session.get_one(Address, road["R-3"]).text = "中官路三号"
    assert left(engine, settings, board, "N") == {"far_from_road": 1, "duplicate_door": 1}
    with reading(engine) as session:
        trail = select(AuditEntry.object_id).where(AuditEntry.action == "acknowledge_doubts").order_by(AuditEntry.seq)
        told = session.scalars(trail).all()
    assert told == [str(road["R-1"]), str(road["R-again"])]


def test_doubts_are_acknowledged_in_the_own_part_by_whoever_answers_for_it(
    engine: Engine, settings: Settings, board: Board, road: dict[str, int], signed_in: SignIn
) -> None:
    where, query = "/unresolved/doubtful", {"as_of": TODAY.isoformat()}
    page = signed_in("steward").get(where, params=query).text
    assert "中官路三号" in page
    assert 'name="reason"' not in page
    answered = {"everything": "true", "reason": "两户一门"}
    assert signed_in("steward").post(where, params=query, data=answered).status_code == 403
    leader = signed_in("squad_leader")
    assert leader.post(where, params=query, data={"reason": "两户一门"}).status_code == 422
    assert leader.post(where, params=query, data={**answered, "reason": " "}).status_code == 422
    done = leader.post(where, params=query, data=answered)
    assert "没有未确认的疑点" in done.text  # R-6 lies elsewhere
    assert left(engine, settings, board, "D") == {"far_from_road": 1}
    assert "两户一门" in leader.get(where, params={**query, "acknowledged": "true"}).text
    order = {"reason": "一路两段", "area_id": board.areas["N2"]}
    assert leader.post("/api/v1/unresolved/doubtful/acknowledgements", params=query, json=order).status_code == 404
