"""The officer's phone in real Chromium: a visit in two taps, and a day on which the network goes and comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SignIn = Callable[[str], Page]
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PIN = "294715"
expect.set_options(timeout=30_000)


def unlock(page: Page) -> None:
    """Type the PIN and wait for the day's list."""
    page.locator("#pin").fill(PIN)
    page.keyboard.press("Enter")
    expect(page.locator(".place").first).to_be_visible()


def open_tab(page: Page, tab: str) -> None:
    page.locator("#tabs button").nth(("today", "map", "all", "waiting").index(tab)).click()


def visits(page: Page, site: Site) -> Any:
    answer = page.context.request.get(f"{site.address}/api/v1/field/today")
    assert answer.ok, answer.text()
    return {(task["address_id"], task["why"]) for task in answer.json()["items"]}


def test_a_visit_takes_two_taps_and_is_sent(site: Site, at_desk: SignIn) -> None:
    page = at_desk("officer")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site.address}/field")
    unlock(page)
    before = visits(page, site)
    page.locator(".place").first.click()
    boxes = [button.bounding_box() for button in page.locator(".outcomes button").all()]
    assert all(box and box["height"] >= 44 and 740 / 2 < box["y"] < 740 - 64 for box in boxes)  # where the thumb is
    page.locator(".outcomes button").first.click()
    expect(page.locator("#toast")).to_contain_text("已记录")
    expect(page.locator("#toast")).to_contain_text("已发送 1 条")
    assert len(before - visits(page, site)) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_was_recorded_can_be_taken_back(site: Site, at_desk: SignIn) -> None:
    page = at_desk("officer")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site.address}/field")
    unlock(page)
    before = visits(page, site)
    stops = page.locator(".place").count()
    page.locator(".place").first.click()
    page.locator(".outcomes button").first.click()
    page.locator("#toast button").click()
    expect(page.locator(".place")).to_have_count(stops)
    open_tab(page, "waiting")
    expect(page.locator(".empty")).to_be_visible()
    assert visits(page, site) == before


def test_without_a_network_records_wait_sealed_and_are_sent_later(
    site: Site, at_desk: SignIn, forgiven: list[str]
) -> None:
    forgiven += ["ERR_INTERNET_DISCONNECTED"]
    page = at_desk("officer")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site.address}/field")
    unlock(page)
    before = visits(page, site)
    page.wait_for_function(
        "navigator.serviceWorker.controller !== null || navigator.serviceWorker.ready.then(() => true)"
    )
    page.wait_for_function("caches.match('/field').then(Boolean)")

    page.context.set_offline(True)
    page.reload()
    unlock(page)
    page.locator(".place").first.click()
    page.locator(".outcomes button").first.click()
    expect(page.locator("#state")).to_contain_text("本机暂存 1 条")
    page.reload()
    unlock(page)
    open_tab(page, "waiting")
    expect(page.locator(".kept")).to_have_count(1)
    kept = page.evaluate(KEPT)
    assert "outcome" not in kept
    assert "浙江省" not in kept

    page.context.set_offline(False)
    page.get_by_role("button", name="立即发送").click()
    expect(page.locator("#all-sent")).to_be_visible()
    expect(page.locator(".receipts .kept.recorded")).to_contain_text("回执号")
    assert len(before - visits(page, site)) == 1


#: everything that the device has on its disk, as text
KEPT = """() => new Promise((resolve) => {
  const request = indexedDB.open("field", 1);
  request.onsuccess = () => {
    const stores = [...request.result.objectStoreNames];
    const reading = request.result.transaction(stores);
    const found = [];
    const text = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
      ? new TextDecoder().decode(value)
      : value && typeof value === "object" ? Object.values(value).map(text).join(" ") : String(value);
    for (const name of stores) {
      const all = reading.objectStore(name).getAll();
      all.onsuccess = () => found.push(...all.result.map(text));
    }
    reading.oncomplete = () => resolve(found.join("\\n"));
  };
})"""


def test_the_wrong_pin_opens_nothing(site: Site, at_desk: SignIn) -> None:
    page = at_desk("officer")
    page.goto(f"{site.address}/field")
    page.locator("#pin").fill("123456")
    page.keyboard.press("Enter")
    expect(page.locator("#pin-fault")).to_contain_text("连续")
    unlock(page)
    page.reload()
    page.locator("#pin").fill("111222")
    page.keyboard.press("Enter")
    expect(page.locator("#pin-fault")).to_contain_text("不正确")
    expect(page.locator(".place")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(site: Site, chromium: Browser, scheme: Any) -> None:
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, locale="zh-CN", bypass_csp=True, color_scheme=scheme
    )
    page = context.new_page()
    answer = context.request.post(
        f"{site.address}/api/v1/sign-in", data={"login": "officer", "password": site.passwords["officer"]}
    )
    assert answer.ok
    page.goto(f"{site.address}/field")
    unlock(page)
    for tab in ("today", "all", "waiting"):
        open_tab(page, tab)
        page.add_script_tag(path=AXE)
        found = page.evaluate("values => axe.run({ runOnly: values })", WCAG)
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    open_tab(page, "today")
    page.locator(".place").first.click()
    found = page.evaluate("values => axe.run({ runOnly: values })", WCAG)
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    context.close()
