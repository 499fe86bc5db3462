"""The pages of scenarios, as a planner, a second planner and a commander use them; the brief is one page of PDF."""

from __future__ import annotations

import re
import subprocess
from datetime import date

import pytest
from sqlalchemy import Engine, update

from gis_service.access.accounts import create_account, grant_area
from gis_service.access.permissions import Role
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.changes.actions import draft_change
from gis_service.intake.subject import Mode
from gis_service.job_kinds import JOB_KINDS
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.worker import work_off
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from tests.integration.board import PASSWORD, START, TODAY, Board
from tests.integration.conftest import SignIn

NEXT_MONTH = "2026-12-01"


@pytest.fixture
def second(engine: Engine, settings: Settings, board: Board) -> str:
    """Another planner, who has signed in before."""
    made = create_account(engine, settings, SHELL, "second", "second", Role.PLANNER, password=PASSWORD)
    grant_area(engine, SHELL, made.account_id, board.areas["D"], START)
    with transaction(engine) as session:
        session.execute(update(Account).values(must_change_password=False))
    return "second"


def test_a_plan_from_the_first_click_to_its_publication(
    engine: Engine, settings: Settings, board: Board, signed_in: SignIn, second: str
) -> None:
    planner = signed_in("planner")
    day = {"as_of": str(TODAY)}
    made = planner.post(
        "/planning/scenarios",
        params=day,
        data={"name": "增员", "area_id": board.areas["N"], "csrf_token": planner.headers["X-CSRF-Token"]},
        follow_redirects=False,
    )
    assert made.status_code == 303
    page = made.headers["location"]

    def deed(name: str, **said: object) -> str:
        answer = planner.post(f"{page}/deeds", data={"deed": name, **said}, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    step = {"kind": "mark", "mark": "lock", "units": [0]}
    assert (
        planner.post(f"/api/v1/planning{page.removeprefix('/planning')}/steps", json={"step": step}).status_code == 200
    )
    assert re.search("锁定：area N1", planner.get(page).text)
    deed("undo")
    renamed = {"kind": "rename", "area_id": board.areas["N1"], "name": "新北村"}
    change = draft_change(engine, SHELL, renamed, Mode.CHANGE, date.fromisoformat(NEXT_MONTH)).id
    assert f"第 {change} 号" in planner.get(page).text
    assert f"以区划变更为前提: 第 {change} 号" in deed("boundary", land_change_id=change)
    deed("undo")
    deed("recruits", count=2, from_day=NEXT_MONTH, people="新1 甲\n新2 乙")
    deed("draw", method="scratch", band=0.1)
    work_off(engine, settings, JOB_KINDS, JobQueue(settings))
    assert "次运行为" in planner.get(page).text
    deed("undo")
    assert "等待中" in deed("draw", band=0.1, churn=0.5, travel=2)
    work_off(engine, settings, JOB_KINDS, JobQueue(settings))
    shown = planner.get(page).text
    assert "24 → 12" in shown
    assert "甲" in shown
    assert re.search("area N1[12]由beat N1", shown)
    comparison = planner.get(f"{page}/comparison").text
    assert comparison.count("<svg") == 4
    assert "beat N1" in comparison
    brief = planner.get(f"{page}/brief.pdf")
    assert brief.content.startswith(b"%PDF")
    pages = subprocess.run(["pdftotext", "-", "-"], input=brief.content, capture_output=True, check=True).stdout
    assert pages.count(b"\f") == 1
    assert "1 : 24" in pages.decode()
    letters = planner.get(f"{page}/letters").text
    assert letters.count('class="letter"') == 4
    deed("freeze")
    other = signed_in(second)
    assert other.post(f"{page}/approval").status_code == 200
    refused = planner.post(f"{page}/publication", data={"day": str(TODAY)}, headers={"Accept": "text/html"})
    assert refused.status_code == 422
    published = planner.post(f"{page}/publication", data={"day": NEXT_MONTH})
    assert "已发布" in published.text
    assert planner.get("/api/v1/notices").json()
    assert "增员" in planner.get("/", params=day).text
    listed = planner.get("/notices", params=day).text
    unread = re.findall(r'name="notice_id" value="(\d+)"', listed)
    assert unread
    planner.post("/notices/read", params=day, data={"notice_id": unread})
    assert "已读" in planner.get("/notices", params=day).text
    assert "未读" not in planner.get("/notices", params=day).text
    assert {each["read"] for each in planner.get("/api/v1/notices", params=day).json()} == {True}
    assert "增员" not in planner.get("/", params=day).text
    reverted = planner.post(f"{page}/publication", data={"reason": "输入有误"})
    assert reverted.status_code == 200


def test_the_map_by_hand_has_units_borders_and_beats(board: Board, signed_in: SignIn) -> None:
    planner = signed_in("planner")
    order = {"name": "x", "area_id": board.areas["N"], "day": str(TODAY)}
    made = planner.post("/api/v1/planning/scenarios", json=order).json()["id"]
    data = planner.get(f"/planning/scenarios/{made}/map").json()
    assert len(data["features"]["features"]) == len(data["units"]) == 4
    assert data["edges"] == [[0, 1], [1, 2], [2, 3]]
    assert [beat["migrants"] for beat in data["beats"]] == [24, 24]
    balance = {"units": [data["units"][1]["no"]], "beat": data["units"][3]["beat"]}
    told = planner.post(f"/api/v1/planning/scenarios/{made}/balance", json=balance).json()
    assert told["addresses"] == 4


def test_a_commander_comments_and_changes_nothing(board: Board, signed_in: SignIn) -> None:
    planner, commander = signed_in("planner"), signed_in("commander")
    order = {"name": "x", "area_id": board.areas["N"], "day": str(TODAY)}
    made = planner.post("/api/v1/planning/scenarios", json=order).json()["id"]
    assert commander.get(f"/planning/scenarios/{made}").status_code == 404
    planner.post(f"/api/v1/planning/scenarios/{made}/share", json={"shared": True})
    said = commander.post(f"/planning/scenarios/{made}/comments", data={"text": "N2 太大"})
    assert "N2 太大" in said.text
    assert "plan-map" in said.text
    assert 'value="recruits"' not in said.text
    assert commander.post(f"/planning/scenarios/{made}/deeds", data={"deed": "freeze"}).status_code == 403
