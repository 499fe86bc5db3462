"""The door over HTTP: cookies, CSRF, tokens, permissions, limits, headers, languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated

import httpx2
import pyotp
import pytest
from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from gis_service.access.accounts import create_account, grant_area
from gis_service.access.audit import attach_audit
from gis_service.access.audit_review import AuditFilter, stream_entries, verify_audit
from gis_service.access.http import ActingDep, ScopeDep, guards_of, install_access, requires
from gis_service.access.permissions import Permission, Role
from gis_service.access.personal import Vault
from gis_service.access.routes import router as access_router
from gis_service.access.viewer import SHELL
from gis_service.api.problems import install_problems
from gis_service.registers.reach import REACH
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.tables import metadata
from gis_service.teams.scope import scope_of
from gis_service.texts import current_locale

PASSWORD = "correct horse sofa"
YEAR_BEGIN = date(2026, 1, 1)
#: roots of two townships and a village below the first; an officer is posted to each township
LAND = [
    {"id": 1, "code": "1", "level": "district", "parent_id": None},
    {"id": 2, "code": "2", "level": "township", "parent_id": 1},
    {"id": 3, "code": "3", "level": "township", "parent_id": 1},
    {"id": 4, "code": "4", "level": "village", "parent_id": 2},
]

toys = APIRouter()


@toys.post("/acts", dependencies=[Depends(requires(Permission.RESOLVE_ADDRESS))])
def act(acting: ActingDep, note: Annotated[str, Form()] = "") -> str:
    return acting.name + note


@toys.get("/scope", dependencies=[Depends(requires(Permission.SEE_LAND))])
def see(scope: ScopeDep) -> list[int] | None:
    return None if scope.root_ids is None else sorted(scope.root_ids)


@toys.get("/locale", dependencies=[Depends(requires(Permission.SEE_OWN_ACCOUNT))])
def locale(request: Request) -> str:
    return current_locale()


#: what each route takes is worked out once
ROOMS = APIRouter()
ROOMS.include_router(access_router)
ROOMS.include_router(toys)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"requests_per_minute": 300})


@pytest.fixture
def app(engine: Engine, settings: Settings) -> FastAPI:
    app = FastAPI(routes=list(ROOMS.routes))
    app.state.settings, app.state.engine = settings, engine
    app.state.vault = Vault.load_or_create(settings)
    app.state.scope_of, app.state.reach, app.state.fence = scope_of, REACH, lambda _session, _scope: None
    install_problems(app)
    install_access(app)
    return app


@pytest.fixture
def people(app: FastAPI, engine: Engine, settings: Settings) -> dict[str, int]:
    vault: Vault = app.state.vault
    attach_audit(engine, vault, settings)
    square = "SRID=4326;MULTIPOLYGON(((121 29,122 29,122 30,121 30,121 29)))"
    with engine.begin() as connection:
        for area in LAND:
            connection.execute(insert(metadata.tables["area"]), {"id": area["id"], "level": area["level"]})
        for area in LAND:
            version = {
                "area_id": area["id"], "code": area["code"], "name": area["code"], "parent_id": area["parent_id"],
                "source": "test", "recorded_at": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None),
                "valid_from": YEAR_BEGIN, "geom": square,
            }  # fmt: skip
            connection.execute(insert(metadata.tables["area_version"]), version)
        for officer_id, area_id in ((7, 2), (8, 3)):
            badge = f"B{officer_id}"
            officer = {
                "id": officer_id, "badge_no": badge, "name": "王芳", "form": "transitioned", "side": "police",
                "phone_sealed": vault.seal("officer", badge, "phone", "13800001234"),
            }  # fmt: skip
            unit = {
                "id": area_id,
                "code": str(area_id),
                "name": "中队",
                "area_id": area_id,
                "valid_from": YEAR_BEGIN,
            }
            posting = {
                "officer_id": officer_id, "unit_id": area_id, "role": "member", "share": 1.0,
                "valid_from": YEAR_BEGIN,
            }  # fmt: skip
            connection.execute(insert(metadata.tables["officer"]), officer)
            connection.execute(insert(metadata.tables["unit"]), unit)
            connection.execute(insert(metadata.tables["posting"]), posting)
    made: dict[str, int] = {}
    wanted: list[tuple[str, Role, int | None, int | None]] = [
        ("planner", Role.PLANNER, None, None),
        ("commander", Role.COMMANDER, 2, None),
        ("steward", Role.STEWARD, 4, None),
        ("officer", Role.OFFICER, None, 7),
        ("admin", Role.ADMINISTRATOR, None, None),
        ("auditor", Role.AUDITOR, None, None),
    ]
    for login, role, held, of_officer in wanted:
        account = create_account(engine, settings, SHELL, login, login, role, officer_id=of_officer, password=PASSWORD)
        made[login] = account.account_id
        if role.is_business and role is not Role.OFFICER:
            grant_area(engine, SHELL, account.account_id, held, YEAR_BEGIN)
    with engine.begin() as connection:
        connection.execute(metadata.tables["account"].update().values(must_change_password=False))
    return made


@pytest.fixture
def anonymous(app: FastAPI, people: dict[str, int]) -> Iterator[TestClient]:
    with TestClient(app, base_url="https://grid.local") as client:
        yield client


def signed_in(app: FastAPI, login: str) -> TestClient:
    client = TestClient(app, base_url="https://grid.local", headers={"Accept-Language": "en"})
    answer = client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return client


@pytest.fixture
def commander(app: FastAPI, people: dict[str, int]) -> TestClient:
    return signed_in(app, "commander")


def detail(answer: httpx2.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


# cookies and CSRF


def test_the_session_cookie_is_bound_to_host_and_https_and_hidden_from_scripts(anonymous: TestClient) -> None:
    answer = anonymous.post("/api/v1/sign-in", json={"login": "planner", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_without_a_session_there_is_nothing(anonymous: TestClient) -> None:
    for answer in (
        anonymous.get("/api/v1/me"),
        anonymous.get("/scope", headers={"Cookie": "__Host-session=nonsense"}),
        anonymous.get("/scope", headers={"Authorization": "Bearer gst_nonsense"}),
        anonymous.post("/acts", headers={"Authorization": "Basic eDp5"}),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_password_and_an_unknown_login_answer_alike(anonymous: TestClient) -> None:
    answers = [
        anonymous.post("/api/v1/sign-in", json={"login": login, "password": "wrong horse sofa"}).json()
        for login in ("planner", "nobody")
    ]
    for answer in answers:
        answer.pop("request_id")
    assert answers[0] == answers[1]
    assert answers[0]["status"] == 401


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ü"])
def test_what_changes_something_needs_the_token_of_this_session(commander: TestClient, token: str | None) -> None:
    del commander.headers["X-CSRF-Token"]
    headers = {} if token is None else {b"X-CSRF-Token": token.encode()}
    answer = commander.post("/acts", headers=headers)
    assert answer.status_code == 403
    assert "out of date" in detail(answer)


def test_the_token_may_come_in_a_form(commander: TestClient) -> None:
    token = commander.headers.pop("X-CSRF-Token")
    assert commander.post("/acts", data={"csrf_token": token, "note": "!"}).json() == "commander!"
    assert commander.post("/acts", data={"csrf_token": token + "x"}).status_code == 403


def test_the_token_of_another_session_is_not_taken(app: FastAPI, commander: TestClient) -> None:
    other = signed_in(app, "commander")
    assert commander.post("/acts", headers={"X-CSRF-Token": other.headers["X-CSRF-Token"]}).status_code == 403
    assert commander.post("/acts").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_make_the_browser_act(commander: TestClient, headers: dict[str, str]) -> None:
    assert commander.post("/acts", headers=headers).status_code == 403
    sign_in = commander.post("/api/v1/sign-in", json={"login": "officer", "password": PASSWORD}, headers=headers)
    assert sign_in.status_code == 403


def test_our_own_pages_can(commander: TestClient) -> None:
    headers = {"Origin": "https://grid.local", "Sec-Fetch-Site": "same-origin"}
    assert commander.post("/acts", headers=headers).status_code == 200


def test_signing_out_ends_it_on_the_server(commander: TestClient) -> None:
    cookie = commander.cookies["__Host-session"]
    assert commander.post("/api/v1/sign-out").status_code == 204
    assert "__Host-session" not in commander.cookies
    assert commander.get("/api/v1/me", headers={"Cookie": f"__Host-session={cookie}"}).status_code == 401


# permissions and scope


def test_every_route_says_who_may_or_that_it_is_open(app: FastAPI) -> None:
    guards = guards_of(app)
    assert len(guards) > 30
    assert [guard.path for guard in guards if not guard.permissions and not guard.is_open] == []
    assert sorted(guard.path for guard in guards if guard.is_open) == [
        "/api/v1/oidc/callback", "/api/v1/oidc/start", "/api/v1/sign-in"
    ]  # fmt: skip


def test_the_api_description_tells_the_permissions(app: FastAPI) -> None:
    assert app.openapi()["paths"]["/api/v1/audit"]["get"]["x-permissions"] == ["read_audit"]


def test_a_refusal_by_role_is_in_the_trail(app: FastAPI, engine: Engine, people: dict[str, int]) -> None:
    answer = signed_in(app, "steward").get("/api/v1/accounts")
    assert answer.status_code == 403
    with reading(engine) as session:
        entry = [*stream_entries(session, AuditFilter(action="manage_accounts"))][-1]
        assert (entry.actor, entry.result, entry.object_id) == ("steward", "refused", "/api/v1/accounts")
        assert entry.source_ip == "testclient"


@pytest.mark.parametrize(
    ("login", "seen"), [("planner", None), ("commander", [2]), ("steward", [4]), ("officer", []), ("admin", 403)]
)
def test_each_sees_the_own_part(app: FastAPI, people: dict[str, int], login: str, seen: object) -> None:
    answer = signed_in(app, login).get("/scope")
    assert (answer.json() if answer.status_code == 200 else answer.status_code) == seen


def test_me_says_what_one_may(commander: TestClient) -> None:
    me = commander.get("/api/v1/me").json()
    assert (me["login"], me["role"], me["area_ids"]) == ("commander", "commander", [2])
    assert "view_as" in me["permissions"]
    assert "manage_accounts" not in me["permissions"]


def test_no_two_answers_hold_the_same_token_and_each_is_good(commander: TestClient) -> None:
    tokens = [commander.get("/api/v1/me").json()["csrf_token"] for _ in range(3)]
    assert len({*tokens, commander.headers["X-CSRF-Token"]}) == 4
    for token in tokens:
        assert commander.post("/acts", headers={"X-CSRF-Token": token}).status_code == 200


def test_a_given_password_is_changed_before_anything_else(app: FastAPI, people: dict[str, int]) -> None:
    admin = signed_in(app, "admin")
    made = admin.post("/api/v1/accounts", json={"login": "new", "display_name": "新", "role": "planner"}).json()
    granted = admin.post(
        f"/api/v1/accounts/{made['account_id']}/areas", json={"area_id": None, "valid_from": "2026-01-01"}
    )
    assert granted.status_code == 201
    client = TestClient(app, base_url="https://grid.local")
    session = client.post("/api/v1/sign-in", json={"login": "new", "password": made["one_time_password"]}).json()
    client.headers["X-CSRF-Token"] = session["csrf_token"]
    assert session["must_change_password"]
    assert client.get("/scope").status_code == 403
    change = {"old": made["one_time_password"], "new": "another sofa horse"}
    assert client.post("/api/v1/me/password", json=change).status_code == 204
    assert client.get("/scope").status_code == 200


def test_the_administrator_manages_accounts_over_http(app: FastAPI, people: dict[str, int]) -> None:
    admin = signed_in(app, "admin")
    listed = admin.get("/api/v1/accounts").json()
    assert listed["total"] == 6
    steward = next(item for item in listed["items"] if item["login"] == "steward")
    assert steward["areas"][0]["area_id"] == 4
    assert admin.patch(f"/api/v1/accounts/{steward['account_id']}", json={"disabled": True}).status_code == 204
    assert admin.delete(f"/api/v1/accounts/areas/{steward['areas'][0]['grant_id']}").status_code == 204
    assert admin.post(f"/api/v1/accounts/{people['auditor']}/reset-password").status_code == 403
    auditor = {"login": "two", "display_name": "x", "role": "auditor"}
    assert admin.post("/api/v1/accounts", json=auditor).status_code == 403
    assert admin.get("/api/v1/audit").status_code == 403


# second factor and tokens


def test_the_second_factor_over_http(app: FastAPI, commander: TestClient) -> None:
    secret = commander.post("/api/v1/me/second-factor").json()["secret"]
    totp = pyotp.TOTP(secret)
    code = totp.at(datetime.now(UTC), counter_offset=-1)
    assert commander.post("/api/v1/me/second-factor/confirm", json={"code": code}).status_code == 204
    client = TestClient(app, base_url="https://grid.local", headers={"Accept-Language": "en"})
    form = {"login": "commander", "password": PASSWORD}
    assert "second factor" in detail(client.post("/api/v1/sign-in", json=form))
    assert client.post("/api/v1/sign-in", json={**form, "code": totp.now()}).status_code == 200
    assert client.post("/api/v1/sign-in", json={**form, "code": totp.now()}).status_code == 401


def test_a_token_works_without_cookie_and_csrf_and_no_further_than_its_scope(
    app: FastAPI, commander: TestClient
) -> None:
    reader = commander.post("/api/v1/me/tokens", json={"name": "QGIS"}).json()
    writer = commander.post("/api/v1/me/tokens", json={"name": "script", "scope": "write", "days": 1}).json()
    script = TestClient(app, base_url="https://grid.local")
    read = {"Authorization": f"Bearer {reader['token']}"}
    write = {"Authorization": f"bearer {writer['token']}"}
    assert script.get("/scope", headers=read).json() == [2]
    assert script.post("/acts", headers=read).status_code == 403
    assert script.post("/acts", headers=write).json() == "commander"
    assert script.post("/api/v1/view-as", json={"officer_id": 7}, headers=write).status_code == 403
    listed = commander.get("/api/v1/me/tokens").json()
    assert [token["name"] for token in listed] == ["script", "QGIS"]
    assert "token" not in listed[0]
    assert commander.delete(f"/api/v1/me/tokens/{reader['token_id']}").status_code == 204
    assert script.get("/scope", headers=read).status_code == 401


# viewing as, unmasking


def test_viewing_as_reaches_officers_in_scope_only_and_changes_nothing(app: FastAPI, commander: TestClient) -> None:
    assert commander.post("/api/v1/view-as", json={"officer_id": 8}).status_code == 404
    assert commander.post("/api/v1/view-as", json={"officer_id": 7}).status_code == 204
    me = commander.get("/api/v1/me").json()
    assert (me["role"], me["officer_id"], me["read_only"], me["seen_by"]) == ("officer", 7, True, "commander")
    assert commander.post("/acts").status_code == 403
    assert commander.post("/api/v1/me/tokens", json={"name": "x"}).status_code == 403
    assert commander.post("/api/v1/view-as/stop").status_code == 204
    assert commander.get("/api/v1/me").json()["role"] == "commander"


def test_unmasking_asks_for_scope_and_reason(app: FastAPI, engine: Engine, commander: TestClient) -> None:
    form = {"table": "officer", "row": "B7", "field": "phone", "reason": "核实投诉电话"}
    assert commander.post("/api/v1/persons/unmask", json=form).json() == {"value": "13800001234"}
    assert commander.post("/api/v1/persons/unmask", json={**form, "row": "B8"}).status_code == 404
    assert commander.post("/api/v1/persons/unmask", json={**form, "reason": " "}).status_code == 422
    assert commander.post("/api/v1/persons/unmask", json={**form, "table": "account"}).status_code == 404
    assert signed_in(app, "steward").post("/api/v1/persons/unmask", json=form).status_code == 403
    assert verify_audit(engine).holds


def test_an_approval_over_http_needs_two(app: FastAPI, commander: TestClient) -> None:
    asked = commander.post("/api/v1/export-approvals", json={"subject": "registrations", "reason": "季度核对"}).json()
    url = f"/api/v1/export-approvals/{asked['approval_id']}/decision"
    assert commander.post(url, json={"approve": True}).status_code == 403
    planner = signed_in(app, "planner")
    assert [row["state"] for row in planner.get("/api/v1/export-approvals").json()] == ["asked"]
    assert planner.post(url, json={"approve": True}).status_code == 204
    assert planner.post(url, json={"approve": True}).status_code == 409


# the auditor


def test_the_auditor_reads_filters_exports_and_verifies(app: FastAPI, commander: TestClient) -> None:
    commander.post("/api/v1/export-approvals", json={"subject": "=cmd|' /C calc'!A0", "reason": "季度核对"})
    auditor = signed_in(app, "auditor")
    page = auditor.get("/api/v1/audit", params={"actor": "commander", "limit": 2}).json()
    assert [item["actor"] for item in page["items"]] == ["commander"] * page["total"]
    assert auditor.get("/api/v1/audit", params={"until": "2020-01-01T00:00:00Z"}).json()["total"] == 0
    assert auditor.get("/api/v1/audit", params={"since": "2020-01-01T00:00:00"}).status_code == 422
    lines = auditor.get("/api/v1/audit.csv").content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("seq,at,actor")
    assert lines[-1].split(",")[6] == "export_audit"
    verdict = auditor.get("/api/v1/audit/verdict").json()
    assert verdict["holds"]
    assert verdict["entries"] == len(lines) - 1
    assert auditor.get("/scope").status_code == 403


# limits, headers, languages


def test_sign_ins_from_one_address_are_limited_and_others_are_not(app: FastAPI, commander: TestClient) -> None:
    client = TestClient(app, base_url="https://grid.local", client=("10.0.0.9", 5000))
    statuses = [
        client.post("/api/v1/sign-in", json={"login": f"no{n}", "password": "x"}).status_code for n in range(31)
    ]
    assert statuses == [401] * 30 + [429]
    assert int(client.post("/api/v1/sign-in", json={"login": "x", "password": "x"}).headers["retry-after"]) >= 1
    assert commander.get("/scope").status_code == 200


def test_requests_of_one_account_are_limited(commander: TestClient) -> None:
    statuses = {commander.get("/api/v1/me").status_code for _request in range(300)}
    assert statuses == {200}
    assert commander.get("/api/v1/me").status_code == 429


def test_responses_defend_the_browser(commander: TestClient) -> None:
    one, other = commander.get("/api/v1/me").headers, commander.get("/nowhere").headers
    policy = one["content-security-policy"]
    assert "default-src 'none'" in policy
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in script
    assert "'nonce-" in script
    assert policy != other["content-security-policy"]
    assert one["x-content-type-options"] == "nosniff"
    assert one["x-frame-options"] == "SAMEORIGIN"
    assert one["referrer-policy"] == "same-origin"
    assert one["cache-control"] == "no-store"
    assert one["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    for directive in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'self'"):
        assert directive in policy.split("; ")


def test_a_body_without_an_account_is_small(anonymous: TestClient) -> None:
    big = {"login": "x", "password": "x" * 2**20}
    assert anonymous.post("/api/v1/sign-in", json=big).status_code == 413
    files = {"file": ("x.csv", b"x" * 2**20)}
    assert anonymous.post("/acts", files=files).status_code == 413


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "zh_CN"),
        ({"Accept-Language": "en-GB,en;q=0.9,zh;q=0.8"}, "en"),
        ({"Accept-Language": "de,zh-TW;q=0.5,en;q=0.4"}, "zh_CN"),
        ({"Accept-Language": "de"}, "zh_CN"),
        ({"Accept-Language": ";;,q=x, en;q=zero,*"}, "zh_CN"),
        ({"Accept-Language": "en", "Cookie": "locale=zh_CN"}, "zh_CN"),
        ({"Accept-Language": "zh", "Cookie": "locale=en"}, "en"),
        ({"Accept-Language": "zh", "Cookie": "locale=../../etc"}, "zh_CN"),
    ],
)
def test_the_language_is_the_one_asked_for(anonymous: TestClient, headers: dict[str, str], expected: str) -> None:
    texts = {"en": "Please sign in.", "zh_CN": "请先登录。"}
    assert detail(anonymous.get("/api/v1/me", headers=headers)) == texts[expected]


def test_the_language_of_the_account_wins(commander: TestClient) -> None:
    assert commander.get("/locale").json() == "en"
    assert commander.put("/api/v1/me/locale", json={"locale": "zh_CN"}).status_code == 204
    assert commander.get("/locale").json() == "zh_CN"
