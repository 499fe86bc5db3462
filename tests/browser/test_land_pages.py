"""Changing the land and deciding addresses in real Chromium: steward, commander and planner on the board of squares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import Engine

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.access.viewer import SHELL
from gis_service.changes.actions import apply_change, approve_change, draft_change
from gis_service.intake.subject import Mode
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine
from gis_service.storage.schema import upgrade_schema
from tests.browser.conftest import served
from tests.browser.test_service import AXE, PATIENCE_MS, WCAG
from tests.integration.board import PASSWORD, Board, lay_board
from tests.integration.test_reimport import changed_rows, write
from tests.integration.test_repairs import spoil

#: one test goes on where another ended, so they stay in one process
pytestmark = [pytest.mark.browser, pytest.mark.slow]

Desk = Callable[[str], Page]


@dataclass(frozen=True)
class Ground:
    """A running service over the eight squares: where it answers, and what is behind it."""

    address: str
    engine: Engine
    settings: Settings
    board: Board


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, vendor_files: None) -> Iterator[Ground]:
    """For this module alone: its tests change the land."""
    folder = tmp_path_factory.mktemp("board")
    settings = Settings(data_dir=folder, cookie_secure=False, requests_per_minute=100_000)
    engine = open_engine(settings)
    upgrade_schema(engine)
    vault = Vault.load_or_create(settings)
    attach_audit(engine, vault, settings)
    board = lay_board(engine, settings, vault)
    with served(settings) as running:
        yield Ground(running, engine, settings, board)
    engine.dispose()


@pytest.fixture
def address(ground: Ground) -> str:
    """Where the service answers."""
    return ground.address


@pytest.fixture
def desk(address: str, offline_page: Page) -> Desk:
    """Sign somebody in on the same page; whoever sat there before goes."""
    offline_page.set_viewport_size({"width": 1280, "height": 900})

    def sit_down(login: str) -> Page:
        data = {"login": login, "password": PASSWORD}
        answer = offline_page.context.request.post(f"{address}/api/v1/sign-in", data=data)
        assert answer.ok, answer.text()
        return offline_page

    return sit_down


def edit(page: Page, address: str, name: str, tool: str) -> None:
    """Open the editor, choose an area from the list and take a tool."""
    page.goto(f"{address}/land-editor")
    expect(page.locator("#map[data-ready]")).to_be_attached()
    page.locator("#area").select_option(label=f"area {name} {name}")
    button = page.get_by_role("button", name=tool)
    expect(button).to_be_enabled()
    button.click()


def rightmost(handles: Locator) -> Locator:
    """The handle that lies furthest east."""
    boxes = [handle.bounding_box() for handle in handles.all()]
    places = [box["x"] if box else -1.0 for box in boxes]
    return handles.nth(places.index(max(places)))


def drag(page: Page, handle: Locator, right: float, down: float) -> None:
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up()


def test_a_steward_drafts_a_commander_approves_a_planner_applies_and_reverts(
    address: str, desk: Desk, forgiven: list[str]
) -> None:
    forgiven.append("422")  # a reason that is none is refused
    page = desk("steward")
    edit(page, address, "N11", "调整边界")
    # a corner is added in the middle of the border to N12, and dragged into it
    rightmost(page.locator(".land-between")).click()
    added = rightmost(page.locator(".land-corner:focus"))
    drag(page, added, 60, 10)
    told = page.locator("#told")
    expect(told).to_contain_text("由area N12划归area N11")
    expect(page.locator("#live")).to_contain_text("%")
    said = told.inner_text()
    page.keyboard.press("Control+z")
    expect(told).not_to_have_text(said)
    page.keyboard.press("Control+y")
    expect(told).to_have_text(said, use_inner_text=True)
    # by keyboard ten metres further: another figure
    rightmost(page.locator(".land-corner")).focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(told).not_to_have_text(said, use_inner_text=True)
    page.locator("input[name=note]").fill("按新修道路调整")
    page.get_by_role("button", name="存为草稿").click()

    expect(page).to_have_url(re.compile(r"/changes/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("调整边界")
    expect(page.locator("main")).to_contain_text("按新修道路调整")
    expect(page.locator("#compare[data-ready] path").first).to_be_attached()
    expect(page.get_by_role("button", name="同意")).to_have_count(0)
    shared = page.get_by_label("分享链接").input_value()

    page = desk("commander")
    page.goto(shared)
    page.get_by_role("button", name="同意").click()
    expect(page.locator("h1 .tag")).to_have_text("已同意")

    page = desk("planner")
    page.goto(shared)
    page.locator("summary", has_text="执行").click()
    page.get_by_role("button", name="确认执行").click()
    expect(page.locator("h1 .tag")).to_have_text("已生效")
    page.locator("summary", has_text="撤回").click()
    page.locator("input[name=reason]").fill("x")
    page.get_by_role("button", name="确认撤回").click()
    expect(page.get_by_role("alert")).to_be_visible()  # a reason of one letter is none
    page.locator("input[name=reason]").fill("道路未修")
    page.get_by_role("button", name="确认撤回").click()
    expect(page.locator("h1 .tag")).to_have_text("已撤回")
    page.goto(f"{address}/changes?state=reverted")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_two_maps_move_together(address: str, desk: Desk) -> None:
    page = desk("planner")
    page.goto(f"{address}/changes")
    page.locator("tbody a").first.click()
    expect(page.locator("#compare[data-ready]")).to_be_attached()
    page.evaluate("landMaps[0].panBy([80, 40], { animate: false })")
    centres = page.evaluate("landMaps.map((map) => map.getCenter())")
    assert centres[0] == pytest.approx(centres[1])


def test_ground_of_others_is_refused_with_square_metres(address: str, desk: Desk, forgiven: list[str]) -> None:
    forgiven.append("403")
    page = desk("steward")
    edit(page, address, "N12", "调整边界")
    expect(page.locator(".land-corner.fixed")).to_have_count(3)
    drag(page, rightmost(page.locator(".land-corner")), 70, 0)
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"有 [\d,]+ m² 会划给辖区外"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_corner_more_is_dragged_to_the_edge_of_the_map_and_undone(address: str, desk: Desk) -> None:
    page = desk("planner")
    edit(page, address, "S12", "调整边界")
    drag(page, rightmost(page.locator(".land-between")), 150, 0)
    expect(page.locator("#proposal")).to_contain_text("由area S21划归area S12")
    expect(page.locator(".land-corner")).to_have_count(5)
    page.get_by_role("button", name="撤消").click()
    expect(page.locator(".land-corner")).to_have_count(4)


def test_a_planner_splits_by_a_line_and_types_it(address: str, desk: Desk) -> None:
    page = desk("planner")
    edit(page, address, "S21", "拆分")
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    page.mouse.click(middle, box["y"] + 8)
    page.mouse.click(middle, box["y"] + box["height"] - 8)
    page.keyboard.press("Enter")
    parts = page.locator("#parts fieldset")
    expect(parts).to_have_count(2)
    page.keyboard.press("Escape")
    # the same without a mouse
    page.get_by_role("button", name="拆分").click()
    page.locator("summary", has_text="改为输入").click()
    page.locator("#typed").fill("121.623, 29.8\n121.623, 29.95")
    page.get_by_role("button", name="采用这些顶点").click()
    expect(parts).to_have_count(2)
    west = parts.first.locator("input")  # the smaller part, west of the line: the eastern one goes on as S21
    expect(west.nth(0)).to_have_value("")
    west.nth(0).fill("新小区")
    west.nth(1).fill("S2x")
    page.get_by_role("button", name="存为草稿").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("area S21拆分为")
    expect(page.locator(".figures")).to_contain_text("地址")


def test_waiting_addresses_are_decided_by_keyboard_by_hand_and_in_bulk(address: str, desk: Desk) -> None:
    page = desk("planner")
    page.goto(f"{address}/unresolved")
    expect(page.locator("#map[data-ready]")).to_be_attached()
    expect(page.locator("#found tbody tr")).to_have_count(2)
    first = page.locator("#item h2").inner_text()
    page.keyboard.press("j")
    expect(page.locator("#item h2")).not_to_have_text(first)
    page.keyboard.press("k")
    expect(page.locator("#item h2")).to_have_text(first)
    page.keyboard.press("Enter")
    expect(page.locator("#item .decide input[name=reason]").first).to_be_focused()

    page.locator("summary", has_text="批量接受 1 条").click()
    page.locator(".confirm input[name=reason]").fill("就近归入")
    page.get_by_role("button", name="确认接受 1 条").click()
    expect(page.get_by_role("status").filter(has_text="已接受 1 条")).to_be_visible()
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.get_by_role("button", name="撤消").click()
    expect(page.locator("#found tbody tr")).to_have_count(2)

    expect(page.locator("#item h2")).to_have_text("无坐标1号")
    page.wait_for_load_state("networkidle")  # what was undone is shown
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    expect(page.locator(".by-hand input[name=lon]")).to_have_value(re.compile(r"^121\.6"))
    page.locator(".by-hand input[name=reason]").fill("现场核实")
    page.get_by_role("button", name="设为点位").click()
    expect(page.get_by_role("status").filter(has_text="已手工定点")).to_be_visible()
    expect(page.locator("#found tbody tr")).to_have_count(1)

    page.locator("summary", has_text="不论点位").click()
    page.locator("select[name=compound_id]").select_option(index=0)
    page.locator("form:has(select[name=compound_id]) input[name=reason]").fill("码头登记在此")
    page.get_by_role("button", name="人工判定").click()
    expect(page.locator(".empty")).to_contain_text("没有待判定")


def test_a_steward_renames_an_area_and_mends_what_was_typed_wrong(
    address: str, desk: Desk, ground: Ground, forgiven: list[str]
) -> None:
    forgiven.append("422")  # corners that are none are refused
    page = desk("steward")
    page.goto(f"{address}/areas/{ground.board.areas['N1']}")
    page.get_by_role("link", name="变更该区域").click()
    page.get_by_role("link", name="在其中新设区域").click()
    page.get_by_label("区域名称").fill("新小区")
    page.get_by_label("顶点").fill("121.6, 29.9\n这里")
    page.get_by_role("button", name="存为草稿").click()
    expect(page.get_by_role("alert")).to_contain_text("第 2 行不是顶点")
    expect(page.get_by_label("区域名称")).to_have_value("新小区")
    page.get_by_role("link", name="改名").click()
    page.get_by_label("新名称").fill("江南新村")
    page.get_by_label("生效日期").fill("2027-01-01")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/changes/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("江南新村")
    expect(page.locator("main")).to_contain_text("2027-01-01")


def test_a_planner_compares_a_new_layer_and_drafts_what_is_chosen(address: str, desk: Desk, tmp_path: Path) -> None:
    page = desk("planner")
    page.goto(f"{address}/land-reimport")
    page.locator("input[type=file]").set_input_files(write(tmp_path / "新区划.gpkg", changed_rows()))
    page.get_by_role("button", name="比对").click()
    expect(page.locator(".figures")).to_contain_text("缺失")
    expect(page.locator("#compare[data-ready] path").first).to_be_attached()
    row = page.locator("tbody tr", has_text="area N12")
    expect(row).to_contain_text("55.00 %")
    before = page.evaluate("landMaps[1].getZoom()")
    row.get_by_role("button", name="查看").click()
    expect(row).to_have_attribute("aria-current", "true")
    assert page.evaluate("landMaps[1].getZoom()") > before
    for name in ("area N12", "area N21"):
        page.locator("tbody tr", has_text=name).locator("select").select_option("leave")
    page.get_by_label("文件中缺失的区域").check()
    page.get_by_role("button", name="存为草稿").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("撤销 1 个")


def test_a_planner_accepts_one_repair_of_many(address: str, desk: Desk, ground: Ground) -> None:
    spoil(ground.engine, ground.board)
    page = desk("planner")
    page.goto(f"{address}/topology")
    page.get_by_role("link", name="修复建议", exact=True).click()
    expect(page.locator("#compare[data-ready] path").first).to_be_attached()
    row = page.locator("tbody tr", has_text="区域重叠")
    expect(row).to_contain_text("1")
    row.get_by_role("button", name="查看").focus()
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-current", "true")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="将所选修复存为草稿").click()
    expect(page).to_have_url(re.compile(r"/changes/\d+$"))
    expect(page.locator("main")).to_contain_text("repair: 1 overlap")


def test_a_split_that_waited_for_its_map_is_drawn_by_a_line(address: str, desk: Desk, ground: Ground) -> None:
    parts = [{"code": "N2a", "name": "西片"}, {"code": "N2b", "name": "东片"}]
    split = {"kind": "split", "area_id": ground.board.areas["N22"], "parts": parts}
    change = draft_change(ground.engine, SHELL, split, Mode.CHANGE, date.today())  # noqa: DTZ011 - as the pages do
    approve_change(ground.engine, SHELL, change.id)
    apply_change(ground.engine, ground.settings, SHELL, change.id)
    page = desk("planner")
    page.goto(f"{address}/areas/{ground.board.areas['N22']}")
    expect(page.get_by_role("status")).to_contain_text("已拆分为西片、东片：边界图待补")
    page.get_by_role("link", name="补交边界图").click()
    page.get_by_role("link", name="也可在地图上画线").click()
    edit(page, address, "N22", "拆分")
    page.locator("summary", has_text="改为输入").click()
    page.locator("#typed").fill("121.633, 29.8\n121.633, 29.95")
    page.get_by_role("button", name="采用这些顶点").click()
    told = page.locator("#told li")
    west = told.first.inner_text()
    page.get_by_role("button", name="对调").click()
    expect(told.first).not_to_have_text(west)
    page.get_by_role("button", name="存为草稿").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("西片、东片")
    expect(page.locator(".figures")).to_contain_text("地址")


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    address: str, ground: Ground, chromium: Browser, width: int
) -> None:
    # only here may a script from outside the page run in it: axe itself
    context = chromium.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    data = {"login": "planner", "password": PASSWORD}
    assert context.request.post(f"{address}/api/v1/sign-in", data=data).ok
    page = context.new_page()
    for path in (
        "changes",
        "changes/1",
        "land-editor",
        "land-reimport",
        "land-repairs",
        *(f"areas/{ground.board.areas['N1']}/change?kind={kind}" for kind in ("split", "create", "retire")),
        "unresolved",
        f"areas/{ground.board.areas['N22']}/change?kind=draw",
        "unresolved/stale",
        "unresolved/doubtful",
    ):
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        page.evaluate(Path(AXE).read_text(encoding="utf-8") + ";0")
        found = page.evaluate("values => axe.run({ runOnly: values, iframes: false })", WCAG)
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == [], path
    context.close()
