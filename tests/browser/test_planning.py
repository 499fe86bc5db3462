"""Planning in a real browser: a scenario is made, a compound is given by hand on the map, and taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def test_a_compound_is_given_by_hand_and_taken_back(site: Site, at_desk: Callable[[str], Page]) -> None:
    page = at_desk("planner")
    page.goto(f"{site.address}/planning/scenarios")
    page.get_by_label("方案名称").fill("试算")
    page.get_by_role("button", name="新建方案").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("试算")
    compounds = page.locator("path[data-area-id]")
    expect(compounds.first).to_be_attached()
    compounds.nth(3).focus()
    page.keyboard.press("Enter")
    choice = page.locator(".plan-panel select").last
    choice.select_option(index=2)  # after “choose” and “a new beat”: the first that borders on it
    expect(page.locator(".plan-panel .good, .plan-panel .bad").first).to_be_visible()
    page.get_by_role("button", name="划给", exact=True).click()
    expect(page.locator(".steps li")).to_have_count(1)
    page.get_by_role("button", name="撤销上一步").click()
    expect(page.locator(".steps li")).to_have_count(0)


def test_a_barrier_and_a_lock_are_set_on_the_map_and_taken_back(site: Site, at_desk: Callable[[str], Page]) -> None:
    page = at_desk("planner")
    page.goto(f"{site.address}/planning/scenarios")
    page.get_by_label("方案名称").fill("约束")
    page.get_by_role("button", name="新建方案").click()
    compounds = page.locator("path[data-area-id]")
    compounds.nth(3).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="锁定在本责任区").click()
    expect(page.locator(".steps li")).to_contain_text(["锁定："])
    compounds.nth(3).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="设阻隔……").click()
    compounds.nth(4).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".steps li")).to_contain_text(["锁定：", "阻隔："])
    expect(page.locator(".mark-list li")).to_have_count(2)
    page.get_by_role("button", name="撤销上一步").click()
    expect(page.locator(".mark-list li")).to_have_count(1)


@pytest.mark.parametrize("path", ["/planning/posts?change=3", "/planning/difficulty", "/planning/scenarios", "/jobs"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_of_planning_fit_their_screen(site: Site, at_desk: Callable[[str], Page], path: str, width: int) -> None:
    page = at_desk("planner")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site.address}{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
