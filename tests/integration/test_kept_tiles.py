"""Tiles that are kept are given without asking anybody, and never when anything could have changed."""

from __future__ import annotations

from datetime import date
from typing import Any, Never

import mapbox_vector_tile
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from gis_service.access.freshness import KeptAnswers
from gis_service.access.scope import Scope
from gis_service.addresses.drawn_points import drawn_counts, drawn_points
from gis_service.addresses.point_store import read_pyramid
from gis_service.areas.border_store import read_borders
from gis_service.areas.drawn_borders import _statement, drawn_borders
from gis_service.areas.tables import AreaLevel
from gis_service.storage.commits import Commits
from gis_service.storage.engine import reading, transaction
from gis_service.teams.fence import fence_session
from tests.integration.board import Board
from tests.integration.conftest import SignIn
from tests.integration.tiles import tile_of

DAY = {"as_of": "2026-11-01"}
HERE = (121.605, 29.905)


def path(zoom: int, layer: str = "addresses") -> str:
    z, x, y = tile_of(*HERE, zoom)
    return f"/api/v1/tiles/{layer}/{z}/{x}/{y}.mvt"


def features(tile: bytes, layer: str) -> list[Any]:
    found = mapbox_vector_tile.decode(tile).get(layer, {"features": []})["features"]
    return sorted((f.get("id", 0), f["geometry"]["coordinates"], sorted(f["properties"].items())) for f in found)


def test_the_state_of_the_database_is_another_after_any_commit_and_only_then(engine: Engine, board: Board) -> None:
    commits = Commits(engine)
    before = commits.state()
    with reading(engine) as session:
        session.execute(text("SELECT count(*) FROM address"))
    assert before is not None
    assert commits.state() == before
    with transaction(engine) as session:
        session.execute(text("UPDATE address SET text = text WHERE id = 1"))
        assert commits.state() == before
    assert commits.state() != before


def test_a_kept_tile_is_given_without_asking_who_asks(service: FastAPI, signed_in: SignIn) -> None:
    client = signed_in("planner")
    first = [client.get(path(zoom), params=DAY) for zoom in (16, 16)]

    def asked(*_anything: object) -> Never:
        pytest.fail("somebody was asked")

    service.state.scope_of, resolver = asked, service.state.scope_of
    again = client.get(path(16), params=DAY)
    unchanged = client.get(path(16), params=DAY, headers={"If-None-Match": again.headers["etag"]})
    service.state.scope_of = resolver
    assert (again.content, again.headers["etag"]) == (first[1].content, first[1].headers["etag"])
    assert again.headers["content-security-policy"]
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_kept_tile_is_nobody_elses(signed_in: SignIn, engine: Engine) -> None:
    planner, commander = signed_in("planner"), signed_in("commander")
    for client in (planner, commander, planner, commander):
        client.get(path(10), params=DAY)
    counted = [
        sum(
            dict(tags)["count"] for _id, _place, tags in features(client.get(path(10), params=DAY).content, "addresses")
        )
        for client in (planner, commander)
    ]
    assert counted == [33, 16]
    with transaction(engine) as session:  # by hand, so that no act tells of it
        session.execute(text("UPDATE account SET disabled = TRUE WHERE login = 'commander'"))
    assert commander.get(path(10), params=DAY).status_code == 401
    planner.post("/api/v1/sign-out")
    assert planner.get(path(10), params=DAY).status_code == 401


@pytest.mark.parametrize("roots", [None, ("N",)])
def test_what_the_database_draws_is_what_is_drawn_from_memory(
    engine: Engine, board: Board, roots: tuple[str, ...] | None
) -> None:
    if engine.dialect.name != "postgresql":
        return  # SpatiaLite writes no tiles
    scope = Scope(date(2026, 11, 1), None if roots is None else frozenset(board.areas[code] for code in roots))
    with reading(engine) as session:
        fence_session(session, scope)
        points, borders = read_pyramid(session, scope), read_borders(session, scope, AreaLevel.COMPOUND)
        seen = 0
        for zoom in (0, 7, 10, 13, 15, 17, 19):
            tile = tile_of(*HERE, zoom)
            drawn = drawn_points(session, scope, *tile, layer="addresses")
            kept = points.points(*tile, layer="addresses", id_key="address_id")
            assert features(drawn, "addresses") == features(kept, "addresses")
            if zoom < 15:
                drawn = drawn_counts(session, scope, *tile, layer="addresses")
                assert features(drawn, "addresses") == features(points.counts(*tile, layer="addresses"), "addresses")
            seen += len(features(kept, "addresses"))
            if zoom > 7:
                drawn = drawn_borders(session, scope, AreaLevel.COMPOUND, *tile, layer="areas")
                both = [features(each, "areas") for each in (drawn, borders.tile(*tile, layer="areas"))]
                named = [[(number, tags) for number, _shape, tags in each] for each in both]
                assert named[0] == named[1]
        assert seen > 0


def test_borders_are_drawn_at_once_and_simplified_when_more_are_wanted(signed_in: SignIn, engine: Engine) -> None:
    client = signed_in("planner")
    tags = [client.get(path(10, "areas/village"), params=DAY).headers["etag"] for _again in range(4)]
    assert [tag.endswith('-drawn"') for tag in tags[:2]] == [engine.dialect.name == "postgresql"] * 2
    assert tags[2] == tags[3]
    assert not tags[2].endswith('-drawn"')


def test_a_tile_from_memory_asks_the_database_for_nothing(service: FastAPI, signed_in: SignIn, engine: Engine) -> None:
    client = signed_in("planner")
    for zoom in (10, 10, 11, 16):
        client.get(path(zoom), params=DAY)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(service.state.engine, "before_cursor_execute", note)
    before = service.state.kept_answers
    service.state.kept_answers = KeptAnswers(2**20)  # the tile is cut anew, from the points in memory
    tile = client.get(path(11), params=DAY)
    service.state.kept_answers = before
    event.remove(service.state.engine, "before_cursor_execute", note)
    assert tile.status_code == 200
    assert asked == []


def test_whoever_sees_a_part_draws_behind_the_fence(service: FastAPI, signed_in: SignIn) -> None:
    client = signed_in("commander")
    fenced: list[Scope] = []
    raised = service.state.fence

    def noting(session: Session, scope: Scope) -> None:
        fenced.append(scope)
        raised(session, scope)

    service.state.fence = noting
    tiles = [client.get(path(zoom), params=DAY).status_code for zoom in (9, 17)]
    service.state.fence = raised
    assert tiles == [200, 200]
    assert bool(fenced) == (service.state.engine.dialect.name == "postgresql")


def test_borders_are_drawn_from_the_column_that_the_index_is_on() -> None:
    drawn = _statement(Scope(date(2026, 11, 1), None), AreaLevel.COMPOUND, "areas")
    assert "area_version.geom AS geom" in drawn
    assert "EWKB" not in drawn
