"""What a page or a file does with what somebody else wrote: where it leads to, and what a spreadsheet would run."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import Engine, update

from gis_service.areas.tables import AreaVersion
from gis_service.storage.engine import transaction
from tests.integration.board import PASSWORD, Board
from tests.integration.conftest import SignIn

pytestmark = pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
PAGE = {"Accept": "text/html"}
FORMULAS = ("=HYPERLINK('http://elsewhere.example','x')", "+1+1", "-1+1", "@SUM(1)", "\t=1+1")


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "javascript:alert(1)",
        "x",
        "\t//x",
    ],
)
def test_signing_in_leads_nowhere_but_into_the_service(service: FastAPI, board: Board, target: str) -> None:
    with TestClient(service, follow_redirects=False) as client:
        form = {"login": "planner", "password": PASSWORD, "next": target}
        answer = client.post("/sign-in", data=form, headers=PAGE)
        own = client.post("/sign-in", data={**form, "next": "/teams?as_of=2026-11-01"}, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert own.headers["location"] == "/teams?as_of=2026-11-01"


def test_the_auditor_exports_what_the_page_filters(board: Board, signed_in: SignIn) -> None:
    for login in ("planner", "commander"):
        signed_in(login)
    auditor = signed_in("auditor")
    shown = auditor.get("/audit", params={"actor": "planner", "since": "2020-01-01"}, headers=PAGE).text
    assert "登录" in shown, "acts are said in words"
    link = re.search(r'href="(/api/v1/audit\.csv[^"]*)"', shown)
    assert link
    rows = list(csv.DictReader(io.StringIO(auditor.get(html.unescape(link[1])).text.lstrip("\ufeff"))))
    assert {row["actor"] for row in rows} == {"planner"}


@pytest.mark.parametrize("formula", FORMULAS)
def test_an_export_holds_no_formula(engine: Engine, board: Board, signed_in: SignIn, formula: str) -> None:
    with transaction(engine) as session:
        session.execute(update(AreaVersion).where(AreaVersion.code == "N11").values(name=formula))
    planner = signed_in("planner")
    text = planner.get("/exports/areas.csv").text.lstrip("\ufeff")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert f"'{formula}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
    sheet = load_workbook(io.BytesIO(planner.get("/exports/areas.xlsx").content))["areas"]
    found = [cell for row in sheet.iter_rows() for cell in row if cell.value == formula]
    assert [cell.data_type for cell in found] == ["s"]


def test_people_are_told_on_a_page_what_is_wrong_even_when_nobody_has_foreseen_it(
    service: FastAPI, engine: Engine, board: Board, signed_in: SignIn
) -> None:
    session = signed_in("planner")
    with TestClient(service, raise_server_exceptions=False, headers={"accept-language": "zh-CN"}) as client:
        client.cookies = session.cookies
        refused = client.get("/planning/posts", params={"recruits": "many"}, headers=PAGE)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE notice_read")
        failed = client.get("/notices", headers=PAGE)
        told = client.get("/api/v1/notices", headers=PAGE)
    assert refused.status_code == 422
    assert "recruits" in refused.text
    assert "<h1>" in refused.text
    assert failed.status_code == 500
    assert "<h1>服务出错" in failed.text
    assert "notice_read" not in failed.text
    assert "script-src 'self'" in failed.headers["content-security-policy"]
    assert (told.status_code, told.headers["content-type"]) == (500, "application/problem+json")
