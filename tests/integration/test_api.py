"""The API on the small district: shapes, paging, errors, health."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gis_service.settings import Settings
from tests.integration.board import Board
from tests.integration.conftest import SignIn
from tests.integration.tiles import tile_of

DAY = {"as_of": "2026-11-01"}


def test_the_process_is_alive_and_ready(service: FastAPI) -> None:
    with TestClient(service) as client:
        assert client.get("/healthz").json()["status"] == "ok"
        ready = client.get("/readyz").json()
    assert ready["status"] == "ok"
    assert ready["database"] in {"sqlite", "postgresql"}


def test_every_answer_carries_the_id_that_the_log_has(service: FastAPI) -> None:
    with TestClient(service) as client:
        assert len(client.get("/healthz").headers["x-request-id"]) == 32


def test_an_error_is_a_problem_in_the_language_of_the_caller(signed_in: SignIn) -> None:
    answer = signed_in("planner").get("/api/v1/areas/999999", params=DAY)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["title"], body["status"]) == ("没有找到", 404)
    assert body["request_id"] == answer.headers["x-request-id"]


def test_fields_that_do_not_fit_are_named(signed_in: SignIn) -> None:
    answer = signed_in("planner").get("/api/v1/areas", params={**DAY, "level": "galaxy", "limit": 0})
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["faults"]} == {"query.level", "query.limit"}


def test_lists_come_in_pages(signed_in: SignIn) -> None:
    client = signed_in("planner")
    first = client.get("/api/v1/addresses", params={**DAY, "limit": 20}).json()
    second = client.get("/api/v1/addresses", params={**DAY, "limit": 20, "offset": 20}).json()
    assert (first["total"], len(first["items"]), len(second["items"])) == (34, 20, 14)
    assert not {row["code"] for row in first["items"]} & {row["code"] for row in second["items"]}


def test_an_address_names_its_compound_its_beat_and_its_officer(signed_in: SignIn, board: Board) -> None:
    row = signed_in("planner").get(f"/api/v1/addresses/{board.addresses['A-N21-3']}", params=DAY).json()
    assert (row["area_name"], row["village_name"], row["beat_name"], row["badge_no"]) == (
        "area N21",
        "area N2",
        "beat N2",
        "BN2",
    )


def test_borders_are_geojson(signed_in: SignIn) -> None:
    answer = signed_in("planner").get("/api/v1/areas.geojson", params={**DAY, "level": "compound"})
    assert answer.headers["content-type"] == "application/geo+json"
    features = answer.json()["features"]
    assert len(features) == 8
    assert {feature["properties"]["level"] for feature in features} == {"compound"}
    assert features[0]["geometry"]["type"] == "MultiPolygon"


def test_unresolved_addresses_say_why_and_what_is_nearest(signed_in: SignIn, board: Board) -> None:
    items = {row["code"]: row for row in signed_in("planner").get("/api/v1/unresolved", params=DAY).json()["items"]}
    assert set(items) == {"A-sea", "A-nowhere"}
    assert items["A-sea"]["unresolved"] == "outside"
    assert items["A-sea"]["suggested_area_id"] == board.areas["S11"]
    assert 9_000 < items["A-sea"]["suggested_distance_m"] < 10_500
    assert items["A-nowhere"]["unresolved"] == "no_point"


def test_a_box_narrows_addresses(signed_in: SignIn) -> None:
    client = signed_in("planner")
    inside = client.get("/api/v1/addresses", params={**DAY, "bbox": "121.6,29.9,121.61,29.91"}).json()
    assert inside["total"] == 4
    assert client.get("/api/v1/addresses", params={**DAY, "bbox": "1,2,3"}).status_code == 422


def test_a_beat_is_handed_over_and_taken_back_in_history(signed_in: SignIn, board: Board) -> None:
    client = signed_in("planner")
    order = {"badge_no": "BN2", "from_day": "2026-11-15"}
    done = client.post(f"/api/v1/beats/{board.beats['N1']}/hand-over", json=order)
    assert done.status_code == 200, done.text
    assert done.json()["badge_no"] == "BN2"
    address = f"/api/v1/addresses/{board.addresses['A-N11-0']}"
    assert client.get(address, params={"as_of": "2026-11-14"}).json()["badge_no"] == "BN1"
    assert client.get(address, params={"as_of": "2026-11-15"}).json()["badge_no"] == "BN2"
    assert client.post(f"/api/v1/beats/{board.beats['N1']}/hand-over", json=order).status_code == 409


def test_a_tile_has_points_when_near_and_counts_when_far(signed_in: SignIn) -> None:
    client = signed_in("planner")
    z, x, y = tile_of(121.605, 29.905, 16)
    near = mapbox_vector_tile.decode(client.get(f"/api/v1/tiles/addresses/{z}/{x}/{y}.mvt", params=DAY).content)
    assert {feature["properties"]["state"] for feature in near["addresses"]["features"]} == {"assigned"}
    z, x, y = tile_of(121.605, 29.905, 10)
    far = mapbox_vector_tile.decode(client.get(f"/api/v1/tiles/addresses/{z}/{x}/{y}.mvt", params=DAY).content)
    assert sum(feature["properties"]["count"] for feature in far["addresses"]["features"]) == 33
    assert client.get("/api/v1/tiles/addresses/3/9/0.mvt").status_code == 404


def test_a_tile_of_what_waits_has_nothing_else_in_it_near_or_far(signed_in: SignIn) -> None:
    client = signed_in("planner")
    waiting = {row["address_id"]: row for row in client.get("/api/v1/unresolved", params=DAY).json()["items"]}
    drawn = {number: row for number, row in waiting.items() if row["lon"] is not None}
    one = next(iter(drawn.values()))

    def features(zoom: int) -> list[dict[str, Any]]:
        z, x, y = tile_of(one["lon"], one["lat"], zoom)
        path = f"/api/v1/tiles/addresses/{z}/{x}/{y}.mvt"
        tile = client.get(path, params={**DAY, "only_unresolved": True})
        found: list[dict[str, Any]] = mapbox_vector_tile.decode(tile.content)["addresses"]["features"]
        return found

    near = [feature["properties"] for feature in features(17)]
    assert one["address_id"] in {each["address_id"] for each in near} <= set(drawn)
    assert {each["state"] for each in near} == {"unresolved"}
    assert sum(feature["properties"]["count"] for feature in features(8)) == len(drawn)


def test_a_tile_of_borders_has_the_areas_of_one_level(signed_in: SignIn, board: Board) -> None:
    z, x, y = tile_of(121.605, 29.905, 10)
    tile = signed_in("planner").get(f"/api/v1/tiles/areas/village/{z}/{x}/{y}.mvt", params=DAY)
    features = mapbox_vector_tile.decode(tile.content)["areas"]["features"]
    assert {feature["id"]: feature["properties"]["code"] for feature in features} == {
        board.areas[code]: code for code in ("N1", "N2", "S1", "S2")
    }


def test_a_tile_is_sent_once_until_somebody_changes_what_it_shows(signed_in: SignIn) -> None:
    planner, commander = signed_in("planner"), signed_in("commander")
    z, x, y = tile_of(121.605, 29.905, 10)
    path = f"/api/v1/tiles/addresses/{z}/{x}/{y}.mvt"

    def ask(client: TestClient, tag: str = "") -> tuple[int, int, str]:
        answer = client.get(path, params=DAY, headers={"If-None-Match": tag})
        body = mapbox_vector_tile.decode(answer.content)["addresses"]["features"] if answer.content else []
        return answer.status_code, sum(cell["properties"]["count"] for cell in body), answer.headers["etag"]

    status, count, tag = ask(planner)
    assert (status, count) == (200, 33)
    assert ask(planner)[:2] == (200, 33)
    assert ask(planner, tag)[:2] == (304, 0)
    # another scope has another answer, whatever tag it knows
    assert ask(commander, tag)[:2] == (200, 16)
    # an act that shows nothing new leaves the tag, another one does not
    planner.put("/api/v1/me/locale", json={"locale": "zh_CN"})
    assert ask(planner, tag)[0] == 304
    place = {"lon": 121.605, "lat": 29.905, "reason": "seen on site"}
    [nowhere] = planner.get("/api/v1/unresolved", params={"reason": "no_point"}).json()["items"]
    moved = planner.put(f"/api/v1/addresses/{nowhere['address_id']}/point", json=place)
    assert moved.status_code == 204, moved.text
    today = {"as_of": "2027-01-01"}  # from the day of the act on
    after = planner.get(path, params=today)
    assert (
        sum(c["properties"]["count"] for c in mapbox_vector_tile.decode(after.content)["addresses"]["features"]) == 34
    )
    assert ask(planner, tag)[0] == 200


def test_a_tile_travels_compressed_to_whoever_takes_it(signed_in: SignIn) -> None:
    client = signed_in("planner")
    z, x, y = tile_of(121.605, 29.905, 16)
    packed, plain = (
        client.get(f"/api/v1/tiles/addresses/{z}/{x}/{y}.mvt", params=DAY, headers={"Accept-Encoding": accepted})
        for accepted in ("gzip", "identity")
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


def test_assigning_again_over_http_writes_nothing(signed_in: SignIn) -> None:
    done = signed_in("planner").post("/api/v1/assignments", params=DAY)
    assert done.status_code == 200, done.text
    assert (done.json()["written"], done.json()["addresses"]) == (0, 34)


def test_a_file_is_checked_then_imported_then_unchanged(signed_in: SignIn, settings: Settings) -> None:
    client = signed_in("planner")
    rows = "编码,名称,区域编码,生效日期\nU-X,增设班组,N11,2026-01-01\n".encode("gb18030")
    preview = client.post("/api/v1/imports/units/preview", files={"file": ("班组.csv", rows)})
    assert preview.status_code == 200, preview.text
    assert preview.json()["counts"]["new"] == 1
    assert client.get("/api/v1/imports").json()["total"] == 0
    done = client.post("/api/v1/imports/units", files={"file": ("班组.csv", rows)})
    assert done.json()["run_id"] is not None
    again = client.post("/api/v1/imports/units", files={"file": ("班组.csv", rows)})
    assert (again.json()["counts"]["unchanged"], again.json()["run_id"]) == (1, None)
    assert list((settings.data_dir / "uploads").iterdir()) == []


def test_a_refused_file_names_row_field_and_remedy_and_writes_nothing(signed_in: SignIn) -> None:
    client = signed_in("planner")
    rows = b"code,name,area_code,valid_from\nU-Y,new,NOWHERE,2026-01-01\nU-Z,new,N11,yesterday\n"
    refused = client.post("/api/v1/imports/units", files={"file": ("units.csv", rows)})
    assert refused.status_code == 422
    faults = {(fault["row"], fault["field"]) for fault in refused.json()["faults"]}
    assert faults == {(2, "area_code"), (3, "valid_from")}
    assert all(fault["remedy"] for fault in refused.json()["faults"])
    assert client.get("/api/v1/units", params={"as_of": "2026-11-01", "limit": 1000}).json()["total"] == 15
