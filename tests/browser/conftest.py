"""Real headless Chromium without a network: what a page logs, throws or asks of the outside fails its test."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, Route, sync_playwright

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.access.viewer import SHELL
from gis_service.app import create_app
from gis_service.demo.district import build_demo
from gis_service.settings import Settings
from gis_service.shell import Shell
from gis_service.storage.engine import open_engine
from tests.conftest import closed

PROJECT = Path(__file__).parents[2]
PASSWORDS = "passwords.json"
CHROMIUM = os.environ.get("GIS_TEST_CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole session."""
    if not Path(CHROMIUM).is_file():
        missing = f"no Chromium at {CHROMIUM}: install the package chromium or set GIS_TEST_CHROMIUM"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def vendor_files() -> None:
    """The pinned browser files, copied once when they are not there yet."""
    copied = subprocess.run(
        [sys.executable, "-m", "maps.vendor"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert copied.returncode == 0, copied.stderr


@dataclass
class OfflinePage:
    """A page and everything that it did which it must not do."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note what the page logs, throws or asks of the outside from now on."""
        page.on("console", lambda message: self.complaints.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", self.dismiss)

    def dismiss(self, dialog: Dialog) -> None:
        """Note a dialog, which only a script that got in would open."""
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def guard(self, route: Route, request: Request) -> None:
        """Let the page reach this machine and nothing else."""
        target = urlsplit(request.url)
        if target.scheme in {"file", "data", "blob"} or target.hostname in {"localhost", "127.0.0.1"}:
            route.continue_()
        else:
            self.complaints.append(f"asked for {request.url}")
            route.abort()


@pytest.fixture
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh profile, at the size of a wall screen, in Chinese."""
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def forgiven() -> list[str]:
    """What a test provokes on purpose: complaints with one of these parts are no fault."""
    return []


@pytest.fixture
def offline_page(browser_context: BrowserContext, vendor_files: None, forgiven: list[str]) -> Iterator[Page]:
    """A page without a network; console messages, errors, dialogs and blocked requests fail the test at its end."""
    watched = OfflinePage(browser_context.new_page())
    browser_context.route("**/*", watched.guard)
    watched.watch(watched.page)
    yield watched.page
    assert [each for each in watched.complaints if not any(part in each for part in forgiven)] == []


@dataclass(frozen=True)
class Site:
    """A running service over the small demo district: its address, and the passwords of its accounts by login."""

    address: str
    passwords: dict[str, str]
    data_dir: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, vendor_files: None) -> Iterator[Site]:
    """The service on a free port of this machine, over a copy of a demo district that is built once for the run."""
    folder = tmp_path_factory.mktemp("site")
    base = tmp_path_factory.getbasetemp()
    shutil.copytree(
        built_demo(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base), folder, dirs_exist_ok=True
    )
    passwords: dict[str, str] = json.loads((folder / PASSWORDS).read_text(encoding="utf-8"))
    with served(site_settings(folder)) as address:
        yield Site(address, passwords, folder)


def site_settings(folder: Path) -> Settings:
    """A service over the data of a folder that tests ask faster than people would."""
    return Settings(data_dir=folder, cookie_secure=False, requests_per_minute=100_000, hotspot_permutations=999)


def built_demo(run_folder: Path) -> Path:
    """The folder of a small demo district: built by the first worker of the run that asks, while the others wait."""
    folder = run_folder / "demo_site"
    with (run_folder / "demo_site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / PASSWORDS).exists():
            return folder
        settings = site_settings(folder)
        engine = open_engine(settings)
        attach_audit(engine, Vault.load_or_create(settings), settings)
        outcome = build_demo(
            Shell(settings, engine, SHELL), size="small", seed=2026, fresh=False, progress=lambda *_step: None
        )
        closed(engine)
        passwords = {login.login: login.password for login in outcome.logins}
        (folder / PASSWORDS).write_text(json.dumps(passwords), encoding="utf-8")
    return folder


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The service on a free port of this machine; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def at_desk(site: Site, offline_page: Page) -> Callable[[str], Page]:
    """Sign somebody of the demo in; the page that comes back shows nothing yet."""

    def sign_in(login: str) -> Page:
        request = offline_page.context.request
        answer = request.post(
            f"{site.address}/api/v1/sign-in", data={"login": login, "password": site.passwords[login]}
        )
        assert answer.ok, answer.text()
        return offline_page

    return sign_in
