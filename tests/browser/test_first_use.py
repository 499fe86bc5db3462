"""An empty service leads a planner to the first map, with nothing but its own pages and sample files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from gis_service.access.accounts import create_account, create_first_administrator, grant_area
from gis_service.access.audit import attach_audit
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.jobs.worker import worker_beside
from gis_service.storage.engine import open_engine, transaction
from tests.browser.conftest import Site, served
from tests.conftest import Template, copied
from tests.integration.board import PASSWORD, START

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOCATED = {"areas", "addresses"}


@pytest.fixture
def empty_address(empty_spatialite: Template, tmp_path: Path, vendor_files: None) -> Iterator[str]:
    """The address of a service that holds two accounts and nothing else."""
    with copied(empty_spatialite, tmp_path, None, "") as bare:
        settings = bare.model_copy(update={"cookie_secure": False, "requests_per_minute": 100_000})
        engine = open_engine(settings)
        attach_audit(engine, Vault.load_or_create(settings), settings)
        create_first_administrator(engine, settings, SHELL, "admin", "admin", PASSWORD)
        made = create_account(engine, settings, SHELL, "planner", "planner", Role.PLANNER, password=PASSWORD)
        grant_area(engine, SHELL, made.account_id, None, START)
        with transaction(engine) as session:
            session.execute(update(Account).values(must_change_password=False))
        with worker_beside(settings), served(settings) as address:
            yield address
        engine.dispose()


def test_an_empty_service_leads_to_the_first_map(empty_address: str, offline_page: Page, tmp_path: Path) -> None:
    page = offline_page
    page.goto(f"{empty_address}/sign-in")
    page.locator("input[name=login]").fill("planner")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{empty_address}/start")
    steps = page.locator("ol.journey > li")
    expect(steps).to_have_count(6)
    expect(page.locator("li[aria-current=step] h2")).to_contain_text("导入区域")

    names = page.locator("a[download]").all_inner_texts()
    for name in names:
        with page.expect_download() as downloading:
            page.get_by_role("link", name=name, exact=True).click()
        downloading.value.save_as(tmp_path / name)
    for file in (tmp_path / name for name in names):
        page.goto(f"{empty_address}/imports?subject={file.stem}")
        page.locator("input[name=file]").set_input_files(file)
        page.locator("input[name=crs]").fill("EPSG:4326" if file.stem in LOCATED else "")
        page.get_by_role("button", name="检查文件").click()
        page.get_by_role("button", name="确认导入").click()
        expect(page.get_by_role("status")).to_contain_text(file.name)

    page.goto(f"{empty_address}/start")
    expect(page.locator("li.done-step")).to_have_count(4)
    page.get_by_role("button", name="立即分配").click()
    expect(page.get_by_role("progressbar", name="分配地址").or_(page.locator("li.done-step").nth(5))).to_be_visible()
    expect(page.locator("li.done-step")).to_have_count(6)  # the page shows itself anew when the work is done
    steps.last.get_by_role("link").click()
    expect(page.locator("#cc-panel").get_by_role("heading", level=2)).to_be_visible()
    page.goto(f"{empty_address}/maps/coverage")
    frame = page.frame_locator("iframe")
    expect(frame.locator("path.leaflet-interactive").first).to_be_attached()


def test_sheets_are_printed_for_the_own_part(site: Site, offline_page: Page) -> None:
    page = offline_page
    data = {"login": "leader", "password": site.passwords["leader"]}
    assert page.context.request.post(f"{site.address}/api/v1/sign-in", data=data).ok
    page.goto(f"{site.address}/sheets")
    for heading in ("地图", "分队图表", "责任区图表"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    for link in (page.get_by_role("link", name="PNG").first, page.locator("a[href*='/sheets/beats/']").first):
        answer = page.context.request.get(f"{site.address}{link.get_attribute('href')}")
        assert answer.ok
        assert answer.headers["content-type"] in {"image/png", "application/pdf"}
        assert answer.body()[:4] in {b"\x89PNG", b"%PDF"}
