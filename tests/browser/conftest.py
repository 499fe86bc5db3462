"""Real headless Chromium without a network: what a page logs, throws or asks of the outside fails its test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, Route, sync_playwright

PROJECT = Path(__file__).parents[2]
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
def offline_page(browser_context: BrowserContext, vendor_files: None) -> Iterator[Page]:
    """A page without a network; console messages, errors, dialogs and blocked requests fail the test at its end."""
    watched = OfflinePage(browser_context.new_page())
    browser_context.route("**/*", watched.guard)
    watched.watch(watched.page)
    yield watched.page
    assert watched.complaints == []
