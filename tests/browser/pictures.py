"""The pictures of docs/images, taken in Chromium: `python -m tests.browser.pictures http://127.0.0.1:8080 var/demo`.

The address is that of a running demo, the folder where its accounts are written down. The first steps are those of an
empty service that is started for it.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from gis_service.access.accounts import create_account, create_first_administrator, grant_area
from gis_service.access.audit import attach_audit
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.api.dependencies import today_here
from gis_service.storage.engine import open_engine, transaction
from gis_service.storage.schema import upgrade_schema
from tests.browser.conftest import CHROMIUM, PROJECT, served, site_settings

IMAGES: Final = PROJECT / "docs" / "images"
DESK: Final = (1440, 900)
SHEET_DPI: Final = 80
PIN: Final = "294715"
READY: Final = "html[data-ready=all]"


def beside(page: Page) -> None:
    page.wait_for_selector(READY, state="attached")
    page.locator("#cc-beside").select_option("difficulty")
    page.wait_for_function("() => commandCentre.second()?.shown?.length")


def unlocked(page: Page) -> None:
    page.locator("#pin").fill(PIN)
    page.keyboard.press("Enter")
    page.wait_for_selector(".place")


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")


def ready(page: Page) -> None:
    page.wait_for_selector(READY, state="attached")


#: file, account, path, size, colours, what is done before the picture is taken
SCREENS: Final[tuple[tuple[str, str, str, tuple[int, int], str, Callable[[Page], None]], ...]] = (
    ("command", "planner", "/command", DESK, "light", ready),
    ("command-beside", "planner", "/command", DESK, "light", beside),
    ("wall", "planner", "/command?wall=1", (1920, 1080), "dark", ready),
    ("overview", "planner", "/", DESK, "light", settled),
    ("coverage", "planner", "/maps/coverage", DESK, "light", settled),
    ("hotspots", "planner", "/maps/hotspots", DESK, "light", settled),
    ("phone", "officer", "/field", (360, 740), "light", unlocked),
)


def signed_in(browser: Browser, address: str, login: str, password: str, size: tuple[int, int], scheme: str) -> Page:
    """A page of somebody who has signed in."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN",
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(60_000)
    answer = context.request.post(f"{address}/api/v1/sign-in", data={"login": login, "password": password})
    assert answer.ok, answer.text()
    return context.new_page()


def take(page: Page, name: str) -> None:
    """Wait until nothing moves, and keep what is seen."""
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.context.close()


@contextmanager
def empty_service() -> Iterator[tuple[str, str, str]]:
    """Address, account and password of a service that holds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        settings = site_settings(Path(folder))
        engine = open_engine(settings)
        attach_audit(engine, Vault.load_or_create(settings), settings)
        upgrade_schema(engine)
        password = "a long enough password"
        create_first_administrator(engine, settings, SHELL, "admin", "方志强", password)
        made = create_account(engine, settings, SHELL, "planner", "周静", Role.PLANNER, password=password)
        grant_area(engine, SHELL, made.account_id, None, today_here())
        with transaction(engine) as session:
            session.query(Account).update({"must_change_password": False})
        with served(settings) as address:
            yield address, "planner", password
        engine.dispose()


def main(address: str, folder: Path) -> None:
    """Take every picture anew."""
    with (folder / "logins.csv").open(encoding="utf-8", newline="") as file:
        passwords = {row["login"]: row["password"] for row in csv.DictReader(file)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, login, path, size, scheme, prepare in SCREENS:
            page = signed_in(browser, address, login, passwords[login], size, scheme)
            page.goto(f"{address}{path}")
            prepare(page)
            take(page, name)
        page = signed_in(browser, address, "leader", passwords["leader"], DESK, "light")
        page.goto(f"{address}/sheets")
        link = page.locator("a[href*='/sheets/squads/']").first.get_attribute("href")
        sheet = page.context.request.get(f"{address}{link}").body()
        subprocess.run(
            ["pdftoppm", "-png", "-r", str(SHEET_DPI), "-singlefile", "-", str(IMAGES / "sheet-squad")],
            input=sheet,
            check=True,
        )
        page.context.close()
        with empty_service() as (empty, login, password):
            page = signed_in(browser, empty, login, password, (1366, 768), "light")
            page.goto(f"{empty}/start")
            take(page, "first-steps")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
