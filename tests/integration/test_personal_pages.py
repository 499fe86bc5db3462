"""Personal data in clear: one field for a reason, a file for a second person's approval; by page, API and shell."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from typer.testing import CliRunner

from gis_service.access.approvals import ask_for_export, decide_export
from gis_service.access.audit_review import AuditFilter, stream_entries, verify_audit
from gis_service.access.tables import AuditEntry
from gis_service.access.viewers import viewer_of_account
from gis_service.cli import app
from gis_service.errors import NotPermittedError
from gis_service.registers.reach import REACH
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.integration.board import Board
from tests.integration.conftest import SignIn

PAGE = {"Accept": "text/html"}


def entries(engine: Engine, action: str) -> list[AuditEntry]:
    with reading(engine) as session:
        return [*stream_entries(session, AuditFilter(action=action))]


def form(client: TestClient, **fields: object) -> dict[str, object]:
    return {"csrf_token": client.headers["X-CSRF-Token"], **fields}


def test_people_are_masked_until_somebody_says_why(signed_in: SignIn, board: Board, engine: Engine) -> None:
    leader = signed_in("squad_leader")
    page = leader.get(f"/addresses/{board.addresses['A-N11-0']}", headers=PAGE).text
    assert "张*" in page
    assert "张三" not in page
    asked = {"table": "registration", "row": "A-N11-0-0", "field": "name"}
    refused = leader.post("/persons/unmask", data=form(leader, **asked, reason=" . "), headers=PAGE)
    assert refused.status_code == 422
    assert "张三" not in refused.text
    assert entries(engine, "unmask") == []
    shown = leader.post("/persons/unmask", data=form(leader, **asked, reason="群众投诉核实"), headers=PAGE)
    assert shown.status_code == 200
    assert "张三" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    (entry,) = entries(engine, "unmask")
    assert (entry.actor, entry.object_kind, entry.object_id) == ("squad_leader", "registration", "A-N11-0-0")
    assert "群众投诉核实" in (entry.after or "")
    assert "张三" not in (entry.after or "")


def test_a_village_cadre_sees_masks_and_no_way_behind_them(signed_in: SignIn, board: Board) -> None:
    steward = signed_in("steward")
    page = steward.get(f"/addresses/{board.addresses['A-N11-0']}", headers=PAGE).text
    assert "张*" in page
    assert "/persons/unmask" not in page
    asked = form(steward, table="registration", row="A-N11-0-0", field="name", reason="complaint")
    assert steward.post("/persons/unmask", data=asked, headers=PAGE).status_code == 403


def test_one_asks_another_approves_and_the_file_is_taken_once(signed_in: SignIn, board: Board, engine: Engine) -> None:
    leader, commander = signed_in("squad_leader"), signed_in("commander")
    said = form(leader, subject="registrations", reason="季度核对")
    assert leader.post("/approvals", data=said, headers=PAGE, follow_redirects=False).status_code == 303
    mine = leader.get("/approvals", headers=PAGE).text
    assert "季度核对" in mine
    assert "由第二人审批" in mine
    shown = commander.get("/approvals", headers=PAGE).text
    assert "squad_leader (squad_leader)" in shown, "a second person decides on somebody"
    found = re.search(r"/approvals/(\d+)/decision", shown)
    assert found
    approval = found[1]
    take = f"/approvals/{approval}/file"
    assert leader.post(take, data=form(leader), headers=PAGE).status_code == 403, "nobody has approved it"
    own = leader.post(f"/approvals/{approval}/decision", data=form(leader, approve="true"), headers=PAGE)
    assert own.status_code == 403
    decided = commander.post(
        f"/approvals/{approval}/decision", data=form(commander, approve="true"), headers=PAGE, follow_redirects=False
    )
    assert decided.status_code == 303
    assert commander.post(take, data=form(commander), headers=PAGE).status_code == 404, "it is not the commander's"
    taken = leader.post(take, data=form(leader), headers=PAGE)
    assert taken.status_code == 200
    rows = list(csv.DictReader(io.StringIO(taken.content.decode("utf-8-sig"))))
    assert len(rows) == 24, "two compounds of the village, twelve people each"
    assert {row["name"] for row in rows} == {"张三"}
    assert {row["address_code"][:4] for row in rows} == {"A-N1"}
    assert leader.post(take, data=form(leader), headers=PAGE).status_code == 403, "good for one use"
    for action in ("ask_for_export", "decide_export", "export_unmasked", "export_unmasked_file"):
        assert len(entries(engine, action)) == 1, action
    assert verify_audit(engine).holds


def test_the_api_does_the_same(signed_in: SignIn, board: Board) -> None:
    leader, commander = signed_in("squad_leader"), signed_in("commander")
    asked = leader.post("/api/v1/export-approvals", json={"subject": "officers", "reason": "quarterly check"})
    approval = asked.json()["approval_id"]
    nothing = leader.post("/api/v1/export-approvals", json={"subject": "account", "reason": "quarterly check"})
    assert nothing.status_code == 422
    decision = f"/api/v1/export-approvals/{approval}/decision"
    assert commander.post(decision, json={"approve": False}).status_code == 204
    assert leader.post(f"/api/v1/export-approvals/{approval}/file").status_code == 403
    asked = leader.post("/api/v1/export-approvals", json={"subject": "rentals", "reason": "quarterly check"})
    approval = asked.json()["approval_id"]
    decision = f"/api/v1/export-approvals/{approval}/decision"
    assert commander.post(decision, json={"approve": True}).status_code == 204
    answer = leader.post(f"/api/v1/export-approvals/{approval}/file")
    assert answer.status_code == 200
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["code"] for row in rows] == ["L-N11", "L-N12"]


def test_the_shell_takes_an_approved_file_and_no_other(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with reading(engine) as session:
        leader = viewer_of_account(session, board.accounts["squad_leader"], now)
        commander = viewer_of_account(session, board.accounts["commander"], now)
    assert leader
    assert commander
    approval = ask_for_export(engine, settings, leader, "registrations", "季度核对", now=now)
    out = tmp_path / "out.csv"
    options = ["--data-dir", str(settings.data_dir)]
    options += ["--database-url", settings.database_url] if settings.database_url else []
    command = [*options, "export-unmasked", str(approval), "--out", str(out)]
    with pytest.raises(NotPermittedError):
        CliRunner().invoke(app, command, catch_exceptions=False)
    assert not out.exists()
    decide_export(engine, settings, commander, REACH, approval, approve=True, now=now)
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert len(out.read_text(encoding="utf-8-sig").splitlines()) == 25, "what the leader has in scope, and a head"
