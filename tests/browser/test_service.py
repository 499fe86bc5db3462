"""The service as its users see it: real Chromium on a running service over the small demo district, no network."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, FrameLocator, Locator, Page, Position, expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SignIn = Callable[[str], Page]
AREA = "path.gm-area"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: a loaded machine draws slowly; nothing waits longer than it must
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


#: a place inside an area, from the corner of its box, where nothing else takes the click
SPOT = """(area) => {
  const box = area.getBoundingClientRect();
  const steps = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9];
  for (const down of steps) for (const right of steps) {
    const [x, y] = [box.width * right, box.height * down];
    if (document.elementFromPoint(box.left + x, box.top + y) === area) return { x, y };
  }
  return null;
}"""
#: an address of the tiles, where it is drawn on the map; null as long as there is none to be clicked
ADDRESS_IN_VIEW = """() => {
  const { layer } = gridPoints;
  const box = gridMap.map.getContainer().getBoundingClientRect();
  for (const tile of Object.values(layer._vectorTiles)) {
    const corner = tile._map && L.point(tile.getCoord().x, tile.getCoord().y).scaleBy(layer.getTileSize());
    for (const { properties, _point } of Object.values(corner ? tile._layers : {})) {
      const { x, y } = gridMap.map.latLngToContainerPoint(gridMap.map.unproject(_point.add(corner), tile.getCoord().z));
      const top = document.elementFromPoint(box.left + x, box.top + y);
      if (properties.address_id && top && top.closest(".leaflet-map-pane")) return { id: properties.address_id, x, y };
    }
  }
  return null;
}"""


def api(page: Page, site: Site, path: str) -> dict[str, Any]:
    """What the API answers whoever is signed in on `page`."""
    answer = page.context.request.get(f"{site.address}/api/v1/{path}")
    assert answer.ok, answer.text()
    found: dict[str, Any] = answer.json()
    return found


def coverage(page: Page, site: Site, level: str) -> list[dict[str, Any]]:
    """The figures of every area of a level."""
    rows: list[dict[str, Any]] = api(page, site, f"figures/coverage?level={level}&limit=1000")["items"]
    return rows


def spot_of(area: Locator) -> Position:
    """Where on an area a person would point."""
    expect(area).to_be_visible()
    found: Position | None = area.evaluate(SPOT)
    assert found, "nothing of the area can be pointed at"
    return found


def open_frame(page: Page, site: Site, kind: str) -> tuple[FrameLocator, Frame]:
    """Open a map page and wait until its areas are drawn."""
    page.goto(f"{site.address}/maps/{kind}")
    inside = page.frame_locator("main iframe")
    expect(inside.locator(AREA).first).to_be_visible()
    frame = next(frame for frame in page.frames if frame.url.endswith("/frame"))
    return inside, frame


def test_a_wrong_password_is_said_and_the_right_one_leads_to_the_page_that_was_asked_for(
    site: Site, offline_page: Page, forgiven: list[str]
) -> None:
    forgiven.append("401")
    offline_page.goto(f"{site.address}/teams")
    expect(offline_page).to_have_url(re.compile("/sign-in"))

    for password in ("not the password", site.passwords["planner"]):
        offline_page.get_by_label("账号").fill("planner")
        offline_page.get_by_label("密码").fill(password)
        offline_page.get_by_role("button", name="登录").click()
        if password == "not the password":
            expect(offline_page.get_by_role("alert")).to_have_text("登录名、密码或动态口令错误。")

    expect(offline_page).to_have_url(f"{site.address}/teams")
    expect(offline_page.get_by_role("heading", level=1)).to_have_text("队伍")


def test_the_overview_shows_the_figures_of_the_api(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    page.goto(site.address)

    [district] = coverage(page, site, "district")
    counts = api(page, site, "unresolved/counts")
    cards = page.locator(".figures li")
    expect(page.get_by_role("heading", level=1)).to_have_text(district["name"])
    expect(cards.nth(0)).to_contain_text(f"{district['migrants']:,}")
    expect(cards.nth(1)).to_contain_text(f"{district['officers_fte']:g}")
    expect(cards.nth(2)).to_contain_text(f"{district['load']:,.0f}")
    expect(cards.nth(3)).to_contain_text(f"{district['coverage']:.1%}")
    expect(cards.nth(4)).to_contain_text(f"{counts['assigned']:,} / {counts['total']:,}")
    expect(page.frame_locator(".map-box iframe").locator(AREA)).to_have_count(2)


def test_the_coverage_map_tells_its_figures_and_drills_down_to_one_compound(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    townships, *lower = (coverage(page, site, level) for level in ("township", "village", "compound"))

    def below(row: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for rows in lower for each in rows if each["parent_id"] == row["area_id"]]

    township = max(townships, key=lambda row: row["load"])
    village = max(below(township), key=lambda row: len(below(row)))
    inside, _frame = open_frame(page, site, "coverage")
    expect(inside.locator(AREA)).to_have_count(len(townships))

    drawn = inside.locator(f'{AREA}[data-area-id="{township["area_id"]}"]')
    drawn.hover(position=spot_of(drawn))
    expect(inside.locator(".gm-tip")).to_contain_text(township["name"])
    expect(inside.locator(".gm-tip")).to_contain_text(f"{township['load']:,.0f} 人/员")

    for step, children in ((township, below(township)), (village, below(village))):
        drawn = inside.locator(f'{AREA}[data-area-id="{step["area_id"]}"]')
        drawn.click(position=spot_of(drawn))
        expect(inside.locator(AREA)).to_have_count(len(children))
        expect(inside.get_by_test_id("panel").get_by_role("heading")).to_have_text(step["name"])
    compound = below(village)[0]
    drawn = inside.locator(f'{AREA}[data-area-id="{compound["area_id"]}"]')
    drawn.click(position=spot_of(drawn))
    expect(inside.get_by_test_id("panel")).to_contain_text(f"{compound['migrants']:,}")
    expect(inside.get_by_test_id("crumbs")).to_contain_text(village["name"])


@pytest.mark.parametrize(("kind", "legend"), [("hotspots", "热点"), ("mismatches", "不一致"), ("beats", "责任区")])
def test_the_other_maps_draw(site: Site, at_desk: SignIn, kind: str, legend: str) -> None:
    inside, frame = open_frame(at_desk("planner"), site, kind)

    expect(inside.get_by_test_id("legend")).to_contain_text(legend)
    assert inside.locator(AREA).count() > 1
    frame.wait_for_load_state("networkidle")


def test_address_points_come_as_tiles_and_a_click_opens_the_address(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    place = next(row for row in api(page, site, "addresses?limit=1000")["items"] if row["lon"] is not None)
    inside, frame = open_frame(page, site, "coverage")
    frame.evaluate(
        "([lat, lon]) => gridMap.map.setView([lat, lon], 18, { animate: false })", [place["lat"], place["lon"]]
    )

    inside.locator(".leaflet-control-layers-toggle").hover(force=True)
    with page.expect_response(re.compile(r"/tiles/addresses/18/.*\.mvt")) as tile:
        inside.locator(".leaflet-control-layers-overlays label", has_text="地址点").click()
    assert tile.value.ok
    found = frame.wait_for_function(ADDRESS_IN_VIEW, timeout=PATIENCE_MS).json_value()
    inside.get_by_test_id("map").click(position={"x": found["x"], "y": found["y"]})

    said = page.context.request.get(f"{site.address}/maps/address/{found['id']}").json()
    expect(inside.get_by_test_id("panel").get_by_role("heading")).to_have_text(said["title"])


def test_addresses_are_found_while_typing(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    wanted = api(page, site, "addresses?limit=1")["items"][0]["text"]
    page.goto(f"{site.address}/addresses")
    expect(page.locator("#found tbody tr")).to_have_count(50)

    page.get_by_role("searchbox").press_sequentially(wanted)

    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page.locator("#found tbody th")).to_have_text(wanted)
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_undecided_addresses_are_listed_with_reason_and_nearest_area(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    counts = api(page, site, "unresolved/counts")
    page.goto(f"{site.address}/unresolved")
    expect(page.locator("#found tbody tr")).to_have_count(counts["total"] - counts["assigned"])

    page.get_by_role("link", name=re.compile("^不在任何区域内")).click()

    expect(page.locator("#found tbody tr")).to_have_count(counts["outside"])
    row = page.locator("#found tbody tr").first
    expect(row.locator("td").nth(1)).to_have_text(re.compile(r"\S"))  # the nearest area
    expect(row.locator("td").nth(2)).to_have_text(re.compile(r"^[\d,.]+$"))  # and how far it is, metres


def test_seeing_the_service_as_an_officer_is_said_reads_only_and_stops(site: Site, at_desk: SignIn) -> None:
    page = at_desk("commander")
    page.goto(f"{site.address}/teams")
    row = page.locator("tbody tr", has_text="队员").first
    name = row.locator("th").inner_text()
    row.get_by_role("button", name="以其视角查看").click()

    banner = page.get_by_role("status").filter(has_text="只读")
    expect(banner).to_have_text(re.compile(f"commander 正以 {name} 的视角查看，只读。"))
    token = page.locator('.seen-as input[name="csrf_token"]').input_value()
    refused = page.context.request.post(f"{site.address}/api/v1/assignments", headers={"X-CSRF-Token": token})
    assert refused.status == 403
    banner.get_by_role("button", name="停止").click()
    expect(page.locator(".site-who")).to_contain_text("王建国")
    expect(banner).to_have_count(0)


def test_a_file_is_refused_with_row_field_and_remedy_and_the_right_one_is_imported(
    site: Site, at_desk: SignIn, tmp_path: Path
) -> None:
    page = at_desk("planner")
    heading = "badge_no,name,id_number,phone,form,side,birth_date,education,hired_on,left_on,exception_reason\n"

    def check(form: str) -> None:
        file = tmp_path / "officers.csv"
        file.write_text(f"{heading}33029999,新来的,,,{form},police,1999-05-06,大专,2026-01-01,,\n", encoding="utf-8")
        page.goto(f"{site.address}/imports")
        page.get_by_label("内容").select_option("officers")
        page.locator('input[type="file"]').set_input_files(file)
        page.get_by_role("button", name="检查文件").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("officers.csv")

    check("transferred")
    expect(page.get_by_role("alert")).to_contain_text("1 处错误")
    cells = page.locator("tbody tr").first
    for part in ("2", "form", "transferred", "not_transitioned"):
        expect(cells).to_contain_text(part)

    check("transitioned")
    expect(page.locator(".figures li").first).to_contain_text("1")
    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_role("status")).to_contain_text("1")
    page.goto(f"{site.address}/imports")
    expect(page.locator("tbody tr").first).to_contain_text("officers.csv")


def test_a_new_accounts_password_is_shown_once_and_has_to_be_changed(
    site: Site, at_desk: SignIn, forgiven: list[str]
) -> None:
    forgiven.append("Clear-Site-Data header")  # Chromium says that it obeys when somebody signs out
    page = at_desk("admin")
    page.goto(f"{site.address}/accounts")
    form = page.locator("form.stack")
    form.get_by_label("账号", exact=True).fill("li.wei")
    form.get_by_label("姓名").fill("李伟")
    form.get_by_label("角色").select_option("planner")
    form.get_by_role("button", name="创建账号").click()
    shown = page.get_by_role("status").locator("code")
    password = shown.inner_text()
    page.goto(f"{site.address}/accounts")
    expect(page.locator("tbody tr", has_text="li.wei")).to_contain_text("李伟")
    expect(shown).to_have_count(0)
    assert password not in page.content()

    page.get_by_role("button", name="退出").click()
    page.get_by_label("账号").fill("li.wei")
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_have_text("请先修改密码。")


def test_the_auditor_sees_that_the_trail_holds_and_filters_it(site: Site, at_desk: SignIn) -> None:
    page = at_desk("auditor")
    page.goto(f"{site.address}/audit")
    expect(page.get_by_role("status")).to_contain_text("日志完整")

    page.get_by_label("何人").fill("auditor")
    page.get_by_role("button", name="筛选").click()

    expect(page.locator("tbody tr").first).to_contain_text("登录")
    assert set(page.locator("tbody th").all_inner_texts()) == {"auditor"}


PAGES = [
    (None, ["sign-in"]),
    ("planner", ["", "addresses", "teams", "imports", "start", "notices", "planning/posts", "sheets", "jobs"]),
    ("admin", ["accounts"]),
    ("auditor", ["audit"]),
]


@pytest.mark.parametrize(("login", "paths"), PAGES, ids=[str(login) for login, _paths in PAGES])
def test_axe_finds_nothing_to_complain_of(site: Site, chromium: Browser, login: str | None, paths: list[str]) -> None:
    # only here may a script from outside the page run in it: axe itself
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    if login:
        data = {"login": login, "password": site.passwords[login]}
        assert context.request.post(f"{site.address}/api/v1/sign-in", data=data).ok
    page = context.new_page()
    for path in paths:
        page.goto(f"{site.address}/{path}")
        page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
        found = page.evaluate("values => axe.run({ runOnly: values, iframes: false })", WCAG)
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == [], path
        assert {"color-contrast", "html-has-lang"} <= {each["id"] for each in found["passes"]}
    context.close()


def test_another_day_is_kept_by_every_link_and_exported(site: Site, at_desk: SignIn) -> None:
    page = at_desk("planner")
    page.goto(f"{site.address}/")
    page.get_by_label("数据截至").fill("2026-03-01")
    page.get_by_role("button", name="查看").click()
    expect(page.locator("main")).to_contain_text("2026-03-01")

    links = page.locator("main a, .site-nav a").evaluate_all("links => links.map((link) => link.href)")
    assert len(links) > 10
    assert [link for link in links if "as_of=2026-03-01" not in link] == []
    with page.expect_download() as saved:
        page.get_by_role("link", name="导出 CSV").click()
    assert saved.value.suggested_filename == "coverage-2026-03-01.csv"
    rows = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) > len(coverage(page, site, "compound"))


def test_an_officer_with_a_phone_sees_the_own_beat_on_the_screen(site: Site, at_desk: SignIn) -> None:
    page = at_desk("officer")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(site.address)
    expect(page.frame_locator(".map-box iframe").locator(AREA).first).to_be_visible()

    for path in ("", "addresses", "teams"):
        page.goto(f"{site.address}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
        assert page.get_by_role("link", name="导出").count() == 0
