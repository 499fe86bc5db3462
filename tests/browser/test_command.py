"""The command centre in real Chromium: drilling down, comparing, alerts, search, the table, and a day on the wall."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_service import AXE, WCAG, api, coverage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SignIn = Callable[[str], Page]
READY = "html[data-ready=all]"
#: what a person sees of the first map: the names of its areas and what is said of them
SHOWN = "() => commandCentre.first.shown.map(({ feature }) => [feature.properties.name, feature.properties.value])"
#: what a wall shows: the place and the indicator
ON_THE_WALL = (
    "() => ['#cc-panel h2', '#cc-first .cc-head strong'].map((each) => document.querySelector(each).innerText)"
)
#: the areas of a map whose middle, or whose name, the legend or the heading covers
UNDER_THE_KEYS = """() => {
  const { map, shown, keys, head } = VIEW;
  const box = map.getContainer().getBoundingClientRect();
  const covers = [...keys.children, head].map((each) => each.getBoundingClientRect());
  return shown.map(({ feature }) => feature.properties).filter(({ at: [lat, lon] }) => {
    const { x, y } = map.latLngToContainerPoint([lat, lon]).add([box.left, box.top]);
    return covers.some(({ left, right, top, bottom }) => left < x && x < right && top < y && y < bottom);
  }).map(({ name }) => name);
}"""
#: where an area lies on the screen
PLACE = """(id) => {
  const { map, levels } = commandCentre.first;
  const shape = [...levels.values()].map(({ byId }) => byId.get(id)).find(Boolean);
  const [lat, lon] = shape.feature.properties.at;
  const { x, y } = map.latLngToContainerPoint([lat, lon]);
  const box = map.getContainer().getBoundingClientRect();
  return [box.left + x, box.top + y];
}"""


def open_command(page: Page, site: Site, query: str = "") -> None:
    page.goto(f"{site.address}/command{query}")
    page.wait_for_selector(READY, state="attached")


def shown(page: Page) -> dict[str, str]:
    return dict(page.evaluate(SHOWN))


def test_one_drills_from_the_district_to_the_buildings_of_a_compound(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    townships, villages, compounds = (coverage(page, site, level) for level in ("township", "village", "compound"))
    open_command(page, site)
    assert shown(page) == {row["name"]: f"{row['load']:,.0f} 人/员" for row in townships}
    panel = page.locator("#cc-panel")

    township = townships[0]
    village = next(row for row in villages if row["parent_id"] == township["area_id"])
    compound = next(row for row in compounds if row["parent_id"] == village["area_id"] and row["migrants"])
    for step in (township, village, compound):
        page.mouse.click(*page.evaluate(PLACE, step["area_id"]))
        expect(panel.get_by_role("heading", level=2)).to_have_text(step["name"])
        expect(panel.locator(".cc-figures")).to_contain_text(f"{step['migrants']:,}")

    expect(page.locator("#cc-crumbs button")).to_have_text(
        [coverage(page, site, "district")[0]["name"], township["name"], village["name"], compound["name"]]
    )
    homes = api(page, site, f"addresses?area_id={compound['area_id']}&limit=1000")["items"]
    rows = panel.get_by_role("region", name="楼幢清单").locator("tbody tr")
    counts = [int(text) for text in rows.locator("td:nth-child(2)").all_inner_texts()]
    assert sum(counts) == len(homes)
    page.locator("#cc-crumbs button").first.click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(coverage(page, site, "district")[0]["name"])


def test_every_indicator_has_a_legend_a_source_and_a_table(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    open_command(page, site)
    page.get_by_role("button", name="表格").click()
    for button in page.locator("#cc-indicators button").all():
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#cc-first .cc-head strong")).to_have_text(button.inner_text())
        expect(page.locator("#cc-first .cc-head span")).to_have_text(re.compile(r"\d{4}-\d\d-\d\d · \S+"))
        expect(page.locator("#cc-rows tbody tr")).to_have_count(len(shown(page)))
        assert page.locator("#cc-first .cc-legend li").count() >= 2
    expect(page.locator("#cc-levels [aria-pressed=true]")).to_have_text("小区/自然村")  # beats are made of compounds


def test_two_days_lie_side_by_side_and_move_as_one(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    open_command(page, site)
    page.locator("#cc-beside").select_option("-3")
    second = page.locator("#cc-second")
    expect(second.locator(".cc-head span")).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d"))
    days = [page.locator(f"#cc-{which} .cc-head span").inner_text()[:10] for which in ("first", "second")]
    assert days[0] > days[1]

    page.locator("#cc-first").hover()
    page.mouse.wheel(0, -300)
    page.wait_for_function("() => commandCentre.first.map.getZoom() === commandCentre.second().map.getZoom()")
    one, other = (
        page.evaluate(f"() => {which}.map.getCenter()") for which in ("commandCentre.first", "commandCentre.second()")
    )
    assert (one["lat"], one["lng"]) == pytest.approx((other["lat"], other["lng"]), abs=1e-4)


def test_two_indicators_side_by_side_have_values_of_their_own(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    open_command(page, site)
    page.locator("#cc-beside").select_option("mismatches")
    expect(page.locator("#cc-second .cc-head strong")).to_have_text("数据不一致")
    one, other = shown(page), dict(page.evaluate(SHOWN.replace("commandCentre.first", "commandCentre.second()")))
    assert set(one) == set(other)
    assert all("人/员" in value for value in one.values())
    assert not any("人/员" in value for value in other.values())
    for view in ("commandCentre.first", "commandCentre.second()"):
        assert page.evaluate(UNDER_THE_KEYS.replace("VIEW", view)) == []


def test_what_waits_for_a_decision_is_seen_as_points_alone(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    open_command(page, site)
    drawn = [row for row in api(page, site, "unresolved?limit=1000")["items"] if row["lon"] is not None]
    with page.expect_response(re.compile(r"/tiles/addresses/\d+/\d+/\d+\.mvt\?.*only_unresolved=true")) as tile:
        page.locator("#cc-points").select_option("waiting")
    assert tile.value.ok
    expect(page.locator("#cc-first .cc-point-key li")).to_have_text(["待处理地址"])
    page.wait_for_function(
        """(wanted) => Object.values(commandCentre.points.layer?._vectorTiles ?? {})
            .flatMap((tile) => Object.values(tile._layers))
            .reduce((sum, { properties }) => sum + (properties.count ?? 1), 0) === wanted""",
        arg=len(drawn),
    )
    assert "points=waiting" in page.url

    page.locator("#cc-points").select_option("")
    expect(page.locator(".cc-point-key").first).to_be_hidden()


def test_the_months_slide(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    open_command(page, site)
    before = page.locator("#cc-panel .cc-figures").inner_text()

    page.locator("#cc-month").press("Home")
    page.locator("#cc-month").dispatch_event("change")

    day = page.locator("#cc-day").inner_text()
    assert day < page.locator("#cc-first").evaluate(
        "() => JSON.parse(document.getElementById('cc-data').textContent).day"
    )
    expect(page.locator("#cc-panel .note").first).to_contain_text(day)
    expect(page.locator("#cc-panel .cc-figures")).not_to_have_text(before)


def test_an_alert_leads_to_its_place_and_a_search_finds_area_and_address(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    open_command(page, site)
    alert = page.locator("#cc-alerts li button").first
    name = alert.evaluate("(button) => button.firstChild.textContent")
    alert.click()
    heading = page.locator("#cc-panel").get_by_role("heading", level=2)
    expect(heading).to_have_text(name)

    village = coverage(page, site, "village")[1]["name"]
    page.get_by_role("combobox", name="区域或地址").fill(village)
    expect(page.get_by_role("option").first).to_contain_text(village)
    page.keyboard.press("Enter")
    expect(heading).to_have_text(village)

    home = next(row for row in api(page, site, "addresses?limit=200")["items"] if row["area_id"])
    page.get_by_role("combobox", name="区域或地址").fill(home["text"])
    page.get_by_role("option", name=home["text"]).first.click()
    expect(heading).to_have_text(home["area_name"])


def test_a_phone_is_masked_until_whoever_may_asks_for_it(site: Site, at_desk: SignIn) -> None:
    page = at_desk("commander")
    open_command(page, site)
    people = page.locator(".cc-people li")
    assert re.search(r"1\d\d\*{4}\d{4}", people.first.inner_text())
    assert not re.search(r"1\d{10}", page.locator("#cc-panel").inner_text())

    people.first.get_by_role("button", name="显示并拨打").click()

    expect(people.first.locator("a[href^='tel:']")).to_have_text(re.compile(r"^1\d{10}$"))


@pytest.mark.parametrize("login", ["planner", "leader", "officer"])
def test_axe_finds_nothing_to_complain_of(site: Site, at_desk: SignIn, login: str) -> None:
    page = at_desk(login)
    page.set_viewport_size({"width": 1366, "height": 768})
    open_command(page, site)
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    found = page.evaluate("values => axe.run({ runOnly: values })", WCAG)
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (3840, 2160), (390, 844)])
def test_the_page_fits_the_screen(site: Site, at_desk: SignIn, width: int, height: int) -> None:
    page = at_desk("planner")
    page.set_viewport_size({"width": width, "height": height})
    open_command(page, site)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width > 1100:
        assert page.evaluate("document.documentElement.scrollHeight") <= height


def weight(devtools: CDPSession) -> dict[str, float]:
    """Heap and nodes after the rubbish is gone."""
    for _ in range(2):
        devtools.send("HeapProfiler.collectGarbage")
    return {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}


def test_a_day_on_the_wall_leaves_the_page_as_heavy_as_an_hour(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    page.set_viewport_size({"width": 1280, "height": 720})  # sizes are looked at above; here it is time
    page.clock.install()
    page.goto(f"{site.address}/command?wall=1")
    page.wait_for_selector(READY, state="attached")
    expect(page.locator("html")).to_have_class("wall")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    seen: set[tuple[str, str]] = set()

    def let_pass(hours: int) -> None:
        # every five minutes one look for newer data and one turn
        for _ in range(hours * 12):
            page.clock.fast_forward(280_000)
            page.wait_for_function("() => !commandCentre.wall.busy")
            page.clock.run_for(20_000)
            page.wait_for_function("() => !commandCentre.wall.busy")
            place, indicator = page.evaluate(ON_THE_WALL)
            seen.add((place, indicator))

    today = page.evaluate("() => commandCentre.given.day")
    page.evaluate("() => { commandCentre.given.day = '2026-01-31'; return commandCentre.go({ day: '2026-01-31' }); }")
    expect(page.locator("#cc-first .cc-head span")).to_contain_text("2026-01-31")
    let_pass(2)
    expect(page.locator("#cc-first .cc-head span")).to_contain_text(today)  # midnight is no reason to show yesterday
    before = weight(devtools)
    let_pass(22)
    after = weight(devtools)

    assert len({place for place, _indicator in seen}) >= 3
    assert len({indicator for _place, indicator in seen}) >= 3
    assert int(page.evaluate("() => document.documentElement.dataset.refreshed")) >= 24 * 12
    assert after["Nodes"] <= before["Nodes"] * 1.1
    assert after["JSEventListeners"] <= before["JSEventListeners"] * 1.1
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] * 1.25
