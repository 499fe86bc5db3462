"""Viewing as an officer: exactly what the officer sees, nothing to change, visible to whoever looks, and recorded."""

from __future__ import annotations

from datetime import date

from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from gis_service.access.audit_review import AuditFilter, stream_entries
from gis_service.storage.engine import reading, transaction
from gis_service.teams.tables import BeatDuty
from tests.integration.board import TODAY, Board
from tests.integration.conftest import SignIn

PAGE = {"Accept": "text/html"}
DAY = {"as_of": TODAY.isoformat()}
SEEN_BY_BOTH = ("areas", "units", "officers", "beats", "addresses", "unresolved/counts", "figures/beats")


def looking_as(client: TestClient, officer_id: int) -> TestClient:
    assert client.post("/api/v1/view-as", json={"officer_id": officer_id}).status_code == 204
    return client


def addresses_seen(client: TestClient, day: date = TODAY) -> set[str]:
    answer = client.get("/api/v1/addresses", params={"as_of": day.isoformat(), "limit": 1000})
    assert answer.status_code == 200, answer.text
    return {item["code"] for item in answer.json()["items"]}


def test_the_viewer_sees_just_what_the_officer_sees(signed_in: SignIn, board: Board) -> None:
    officer, viewer = signed_in("officer"), looking_as(signed_in("commander"), board.officers["N1"])
    for path in SEEN_BY_BOTH:
        answers = [client.get(f"/api/v1/{path}", params=DAY) for client in (officer, viewer)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json(), path


def test_the_viewer_changes_nothing(signed_in: SignIn, board: Board) -> None:
    viewer = looking_as(signed_in("planner"), board.officers["N1"])
    order = {"badge_no": "BN2", "from_day": TODAY.isoformat()}
    unmasking = {"table": "registration", "row": "A-N11-0-0", "field": "name", "reason": "complaint"}
    refused = [
        viewer.post(f"/api/v1/beats/{board.beats['N1']}/hand-over", json=order),
        viewer.post("/api/v1/assignments"),
        viewer.post("/api/v1/persons/unmask", json=unmasking),
        viewer.post("/api/v1/me/tokens", json={"name": "QGIS"}),
        viewer.put("/api/v1/me/locale", json={"locale": "en"}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5


def test_every_page_says_through_whose_eyes(signed_in: SignIn, board: Board) -> None:
    viewer = looking_as(signed_in("planner"), board.officers["N1"])
    for path in ("/", "/addresses", "/teams", "/me"):
        page = viewer.get(path, headers=PAGE)
        assert page.status_code == 200
        assert 'class="seen-as"' in page.text, path
        assert "planner" in page.text
        assert "officer N1" in page.text
    token = viewer.headers["X-CSRF-Token"]
    stopped = viewer.post("/view-as/stop", data={"csrf_token": token}, headers=PAGE, follow_redirects=False)
    assert stopped.status_code == 303
    assert 'class="seen-as"' not in viewer.get("/", headers=PAGE).text


def test_begin_end_and_refusals_are_in_the_trail(signed_in: SignIn, board: Board, engine: Engine) -> None:
    viewer = looking_as(signed_in("commander"), board.officers["N1"])
    viewer.post("/api/v1/assignments")
    viewer.post("/api/v1/view-as/stop")
    with reading(engine) as session:
        trail = [
            (entry.action, entry.actor, entry.seen_by, entry.result)
            for entry in stream_entries(session, AuditFilter())
            if entry.action in ("start_view_as", "assign_addresses", "stop_view_as") and entry.actor != "shell"
        ]
    assert trail == [
        ("start_view_as", "commander", None, "done"),
        ("assign_addresses", "officer N1", "commander", "refused"),
        ("stop_view_as", "officer N1", "commander", "done"),
    ]


def test_an_officer_elsewhere_cannot_be_looked_through(signed_in: SignIn, board: Board) -> None:
    commander = signed_in("commander")
    answer = commander.post("/api/v1/view-as", json={"officer_id": board.officers["S1"]})
    assert answer.status_code == 404
    assert commander.get("/api/v1/me").json()["seen_by"] is None


def test_the_eyes_of_an_officer_do_not_reach_beyond_the_own_part(
    signed_in: SignIn, board: Board, engine: Engine
) -> None:
    """The officer held a beat of another township last year, which is none of this commander's business."""
    moved = date(2026, 1, 1)
    with transaction(engine) as session:
        session.execute(update(BeatDuty).where(BeatDuty.beat_id == board.beats["N1"]).values(valid_from=moved))
        of_n1 = {"officer_id": board.officers["N1"], "valid_to": moved}
        session.execute(update(BeatDuty).where(BeatDuty.beat_id == board.beats["S1"]).values(of_n1))
    before = date(2025, 6, 1)
    assert {code[:4] for code in addresses_seen(signed_in("officer"), before)} == {"A-S1"}
    planner = looking_as(signed_in("planner"), board.officers["N1"])
    assert {code[:4] for code in addresses_seen(planner, before)} == {"A-S1"}
    commander = looking_as(signed_in("commander"), board.officers["N1"])
    assert addresses_seen(commander, before) == set()
    assert {code[:4] for code in addresses_seen(commander)} == {"A-N1"}


def test_a_beat_in_another_township_is_not_shown(signed_in: SignIn, board: Board, engine: Engine) -> None:
    """The officer answers for something else since the commander began to look."""
    commander = looking_as(signed_in("commander"), board.officers["N1"])
    with transaction(engine) as session:
        session.execute(update(BeatDuty).where(BeatDuty.officer_id == board.officers["N1"]).values(valid_to=TODAY))
        session.execute(
            update(BeatDuty).where(BeatDuty.officer_id == board.officers["S2"]).values(officer_id=board.officers["N1"])
        )
    assert addresses_seen(commander) == set()
