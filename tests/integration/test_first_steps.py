"""First use: an empty service leads from the areas to the first map, with its own sample files, on both databases."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from gis_service.access.accounts import create_account, create_first_administrator, grant_area
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.app import create_app
from gis_service.job_kinds import JOB_KINDS
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.worker import work_off
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.web.rendering import HERE
from tests.integration.board import PASSWORD, START

SAMPLES = HERE / "static" / "samples"
LOCATED = {"areas", "addresses"}


def step_states(client: TestClient) -> list[str]:
    answer = client.get("/start")
    assert answer.status_code == 200, answer.text
    return re.findall(r'<li class="(done-step|now|later)"', answer.text)


def test_an_empty_service_leads_to_the_first_map(engine: Engine, settings: Settings, vault: Vault) -> None:
    service = create_app(settings.model_copy(update={"cookie_secure": False, "requests_per_minute": 100_000}))
    create_first_administrator(engine, settings, SHELL, "admin", "admin", PASSWORD)
    made = create_account(engine, settings, SHELL, "planner", "planner", Role.PLANNER, password=PASSWORD)
    grant_area(engine, SHELL, made.account_id, None, START)
    with transaction(engine) as session:
        session.execute(update(Account).values(must_change_password=False))
    with TestClient(service, headers={"accept-language": "en"}) as client:
        signed_in = client.post("/api/v1/sign-in", json={"login": "planner", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = signed_in.json()["csrf_token"]
        home = client.get("/", follow_redirects=False)
        assert (home.status_code, home.headers["location"]) == (303, "/start")
        assert step_states(client) == ["now", "later", "later", "later", "later", "later"]

        links = re.findall(r'href="(/static/site/samples/[^"]+)"', client.get("/start").text)
        assert {Path(link).name for link in links} == {file.name for file in SAMPLES.iterdir()}
        for link in links:
            subject = Path(link).stem
            form = {"crs": "EPSG:4326"} if subject in LOCATED else {}
            file = {"file": (Path(link).name, client.get(link).content)}
            done = client.post(f"/api/v1/imports/{subject}", data=form, files=file)
            assert done.status_code == 200, done.text
        assert step_states(client) == ["done-step"] * 4 + ["now", "later"]

        waiting = client.post("/start/assign").text
        assert "<progress" in waiting
        assert "See how far it is" in waiting  # without scripts
        assert client.post("/start/assign").status_code == 409
        assert "<progress" in client.get("/start/assignment").text
        [cancel] = re.findall(r'action="(/jobs/\d+/cancel)"', waiting)
        assert "Cancelled" in client.post(cancel).text
        work_off(engine, settings, JOB_KINDS, JobQueue(settings))
        assert step_states(client) == ["done-step"] * 4 + ["now", "later"]
        assert client.get("/start/assignment").headers["hx-refresh"] == "true"

        client.post("/start/assign")
        work_off(engine, settings, JOB_KINDS, JobQueue(settings))
        assert step_states(client) == ["done-step"] * 6
        counts = client.get("/api/v1/unresolved/counts").json()
        assert (counts["assigned"], counts["total"]) == (96, 96)
        assert client.get("/").status_code == 200


def test_an_administrator_is_led_to_the_accounts(engine: Engine, settings: Settings, vault: Vault) -> None:
    service = create_app(settings.model_copy(update={"cookie_secure": False}))
    create_first_administrator(engine, settings, SHELL, "admin", "admin", PASSWORD)
    with transaction(engine) as session:
        session.execute(update(Account).values(must_change_password=False))
    with TestClient(service, headers={"accept-language": "en"}) as client:
        client.post("/api/v1/sign-in", json={"login": "admin", "password": PASSWORD})
        assert step_states(client) == ["now"] + ["later"] * 6  # what a planner does after that is told as well
        page = client.get("/start").text
        assert 'href="/accounts"' in page
        assert 'href="/imports' not in page
