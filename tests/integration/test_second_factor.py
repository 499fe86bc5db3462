"""Who must have a second factor gets nowhere without one: neither pages nor API, neither session nor token."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import get_args

import pyotp
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from gis_service.access.audit import Result
from gis_service.access.http import guards_of
from gis_service.access.permissions import PERMISSIONS, Permission, Role
from gis_service.access.second_factor import is_due
from gis_service.access.tables import Account, AuditEntry, TokenScope
from gis_service.access.tokens import create_token
from gis_service.access.viewers import viewer_of_account
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from tests.integration.board import PASSWORD, Board
from tests.integration.conftest import SignIn

#: nothing here depends on the database
pytestmark = pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
OWN = {Permission.SEE_OWN_ACCOUNT, Permission.CHANGE_OWN_ACCOUNT}
PAGE = {"accept": "text/html"}
DEFAULT = Settings.model_fields["second_factor_roles"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"second_factor_roles": DEFAULT.default})


def test_by_default_those_need_one_whose_reach_is_the_whole_district(settings: Settings) -> None:
    assert settings.second_factor_roles == DEFAULT.default
    assert set(DEFAULT.default) == {Role.ADMINISTRATOR, Role.AUDITOR, Role.PLANNER}
    assert set(get_args(get_args(DEFAULT.annotation)[0])) == set(Role), "every role can be named"


def test_without_it_no_route_but_those_of_the_own_account_is_open(service: FastAPI, signed_in: SignIn) -> None:
    planner = signed_in("planner")
    assert planner.get("/api/v1/me").json()["must_set_up_second_factor"]
    closed: set[Permission] = set()
    for guard in guards_of(service):
        asked = {each for each in guard.permissions if Role.PLANNER in PERMISSIONS[each]} - OWN - closed
        if not asked:
            continue  # every route has its guard (test_route_matrix.py): one of each permission will do
        path = re.sub(r"{\w+(:path)?}", "1", guard.path)
        answer = planner.request(min(guard.methods), path, headers={"accept": "application/json"})
        assert answer.status_code == 403, (guard.path, answer.text)
        assert "动态口令" in answer.json()["detail"], guard.path
        closed |= asked
    assert len(closed) > 20
    assert signed_in("commander").get("/api/v1/areas").status_code == 200, "a role that is not named needs none"


def test_neither_does_a_token_open_anything_before(
    engine: Engine, settings: Settings, board: Board, service: FastAPI
) -> None:
    now = datetime.now(UTC)
    with reading(engine) as session:
        planner = viewer_of_account(session, board.accounts["planner"], now)
    assert planner is not None
    made = create_token(engine, settings, planner, "QGIS", TokenScope.WRITE, 7, now=now)
    with TestClient(service, headers={"authorization": f"Bearer {made.token}"}) as client:
        assert client.get("/api/v1/areas").status_code == 403
        assert client.get("/api/v1/me").status_code == 403
        assert client.post("/api/v1/me/second-factor").status_code == 403, "whoever has the token sets up no factor"


def test_it_is_set_up_on_a_page_and_ends_what_began_without_it(
    engine: Engine, service: FastAPI, signed_in: SignIn
) -> None:
    other = signed_in("planner")
    with TestClient(service, headers={"accept-language": "zh-CN", **PAGE}) as planner:
        form = {"login": "planner", "password": PASSWORD, "next": "/quarters"}
        begun = planner.post("/sign-in", data=form, follow_redirects=False)
        assert begun.headers["location"] == "/me/second-factor"
        sent_back = planner.get("/quarters", follow_redirects=False)
        assert (sent_back.status_code, sent_back.headers["location"]) == (303, "/me/second-factor")
        csrf = {"csrf_token": _csrf_of(planner.get("/me/second-factor").text)}
        shown = planner.post("/me/second-factor", data=csrf).text
        assert "<svg" in shown
        (secret,) = re.findall(r"<code>([A-Z2-7 ]+)</code>", shown)
        totp = pyotp.TOTP(secret.replace(" ", ""))
        wrong = planner.post("/me/second-factor/confirm", data={**csrf, "code": "000000"})
        assert wrong.status_code == 422
        assert planner.get("/quarters", follow_redirects=False).status_code == 303, "not before a code was entered"
        right = planner.post("/me/second-factor/confirm", data={**csrf, "code": totp.now()}, follow_redirects=False)
        assert right.status_code == 303
        assert planner.get("/quarters").status_code == 200
        assert other.get("/api/v1/me").status_code == 401, "a session that began without it has ended"
        later = totp.at(datetime.now(UTC) + timedelta(seconds=30))
        again = planner.post("/sign-in", data={**form, "code": later}, follow_redirects=False)
        assert again.headers["location"] == "/quarters"
    with reading(engine) as session:
        trail = session.execute(select(AuditEntry.action, AuditEntry.result).where(AuditEntry.actor == "planner")).all()
    assert ("start_second_factor", Result.DONE) in trail
    assert ("confirm_second_factor", Result.DONE) in trail
    assert (Permission.SEE_REGISTERS, Result.REFUSED) in trail


def test_who_comes_through_the_identity_provider_is_asked_there(
    engine: Engine, settings: Settings, board: Board
) -> None:
    of_planner = select(Account).where(Account.login == "planner")
    with reading(engine) as session:
        assert is_due(session.scalars(of_planner).one(), settings)
    with transaction(engine) as session:
        session.execute(update(Account).where(Account.login == "planner").values(password_hash=None))
    with reading(engine) as session:
        assert not is_due(session.scalars(of_planner).one(), settings)


def _csrf_of(page: str) -> str:
    (token,) = {str(found) for found in re.findall(r'name="csrf_token" value="([^"]+)"', page)}
    return token
