"""Maps in real Chromium: as one file from a disk, and served under the service's Content-Security-Policy."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from layers.coverage import coverage, roll_up
from maps.canvas import GridMap, MapUrls
from maps.coverage import draw_coverage
from maps.findings import add_findings
from maps.hotspots import draw_hotspots
from maps.page import render_map
from tests.unit.maps_district import AS_OF, SOURCE, areas, coverage_frame

pytestmark = pytest.mark.browser

NONCE = "bm9uY2Utbm9uY2U="
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "${alert(1)}",
    "</script><script>alert(1)</script>",
    "{{7*7}}",
]
AREA = "path.gm-area"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

Open = Callable[[GridMap], Page]


@pytest.fixture
def open_file(offline_page: Page, tmp_path: Path) -> Open:
    """Open a map as one file from the disk."""

    def opened(drawn: GridMap) -> Page:
        file = tmp_path / "map.html"
        file.write_text(render_map(drawn, nonce=NONCE, mode="inline"), encoding="utf-8")
        offline_page.goto(file.as_uri())
        expect(offline_page.locator(".folium-map .leaflet-map-pane")).to_be_attached()
        return offline_page

    return opened


def area(page: Page, area_id: int) -> Locator:
    return page.locator(f'{AREA}[data-area-id="{area_id}"]')


def test_a_coverage_map_opens_from_a_disk_and_drills_down_to_compounds_and_back(open_file: Open) -> None:
    page = open_file(draw_coverage(coverage_frame(), standard=800, attribution="测试数据"))

    expect(page.locator(AREA)).to_have_count(2)
    expect(page.get_by_test_id("legend")).to_contain_text("600–800（达标）")
    expect(page.locator(".leaflet-control-attribution")).to_have_text("测试数据")
    area(page, 2).click()
    expect(page.locator(AREA)).to_have_count(2)
    expect(page.get_by_test_id("panel")).to_contain_text("1,265 人/员")
    expect(page.get_by_test_id("panel")).to_contain_text("26 / 42 人")
    area(page, 4).click()
    expect(page.locator(AREA)).to_have_count(2)
    expect(page.get_by_test_id("crumbs").get_by_role("button")).to_have_text(["镇海区", "石塘镇", "第1村"])
    area(page, 9).click()
    expect(page.locator("path.gm-chosen")).to_have_count(1)
    expect(page.get_by_test_id("panel")).to_contain_text("未覆盖")
    page.get_by_test_id("crumbs").get_by_role("button", name="镇海区").click()
    expect(page.locator(AREA)).to_have_count(2)
    expect(page.get_by_test_id("panel")).to_contain_text("镇海区")
    page.get_by_test_id("levels").get_by_role("button", name="小区/自然村").click()
    expect(page.locator(AREA)).to_have_count(8)


def test_hover_tells_the_figures_their_date_and_their_source(open_file: Open) -> None:
    page = open_file(draw_coverage(coverage_frame(), standard=800))

    area(page, 2).hover()

    tip = page.locator(".gm-tip")
    expect(tip).to_contain_text("石塘镇")
    expect(tip).to_contain_text("63.2%")
    expect(tip).to_contain_text("数据截至 2026-11-22；来源：居住登记库")


def test_the_keyboard_reaches_every_area_and_closes_the_panel(open_file: Open) -> None:
    page = open_file(draw_coverage(coverage_frame(), standard=800))
    expect(area(page, 2)).to_have_attribute("aria-label", "石塘镇 1,265 1,000–1,300")

    area(page, 2).focus()
    page.keyboard.press("Enter")

    expect(page.locator(AREA)).to_have_count(2)
    expect(page.get_by_test_id("panel").get_by_role("heading")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("panel")).to_be_hidden()


def test_special_classes_are_hatched_and_class_colours_are_the_legends(open_file: Open) -> None:
    page = open_file(draw_coverage(coverage_frame(), standard=800))
    page.get_by_test_id("levels").get_by_role("button", name="小区/自然村").click()

    fills = {area_id: area(page, area_id).get_attribute("fill") for area_id in (8, 9, 10, 12)}

    assert fills == {8: "#4575b4", 9: "url(#gm-hatch-uncovered)", 10: "#fbfbf9", 12: "url(#gm-hatch-no_data)"}
    assert area(page, 8).get_attribute("fill-opacity") == "1"
    assert page.locator("#gm-hatch-uncovered line").count() == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_data_stays_text_everywhere(open_file: Open, text: str) -> None:
    frame = coverage_frame().assign(name=text, code=text, source=text)
    drawn = draw_coverage(frame, standard=800, attribution=text, texts=lambda message: hostile_words(message, text))
    findings = gpd.GeoDataFrame(
        {
            "finding": ["gap"],
            "severity": ["alarm"],
            "area_id": [2],
            "other_id": [pd.NA],
            "area_m2": [9],
            "addresses": [1],
        },
        geometry=frame.geometry.loc[[4]].scale(0.2, 0.2).to_list(),
        crs="EPSG:4326",
    )
    add_findings(drawn, findings, names=frame["name"])
    drawn.add_layer_control()

    page = open_file(drawn)
    area(page, 2).hover(position={"x": 20, "y": 20})
    expect(page.locator(".gm-tip strong")).to_have_text(text)
    page.locator("path.gm-spot").click()
    expect(page.get_by_test_id("panel")).to_contain_text(text)
    page.keyboard.press("Escape")
    area(page, 2).click(position={"x": 20, "y": 20})

    expect(page.get_by_test_id("panel").get_by_role("heading")).to_have_text(text)
    expect(page.locator(".leaflet-control-attribution")).to_contain_text(text)
    assert page.title() == text
    assert page.locator("img, script:not([nonce]):not([type])").count() == 0


def hostile_words(message: str, text: str) -> str:
    """Texts of a catalogue that somebody meddled with: headings and layer names are hostile, the rest is English."""
    return text if message in {"Officers and migrants: load per officer", "Areas", "Topology findings"} else message


def test_the_heat_layer_draws_over_the_classes_and_the_console_stays_clean(open_file: Open) -> None:
    land = areas()[lambda frame: frame["level"] == "compound"].assign(
        rate=0.1, rate_adjusted=0.1, gi_z=0.0, q_value=1.0, hotspot="not_significant"
    )
    places = pd.DataFrame({"lon": np.linspace(121.51, 121.57, 50), "lat": 30.02})
    drawn = draw_hotspots(land, heat=places)
    drawn.add_layer_control()
    page = open_file(drawn)
    expect(page.locator("canvas.leaflet-heatmap-layer")).to_have_count(0)

    page.locator(".leaflet-control-layers-toggle").hover(force=True)
    page.locator(".leaflet-control-layers-overlays label", has_text="热力图").click()

    canvas = page.locator("canvas.leaflet-heatmap-layer")
    expect(canvas).to_have_count(1)
    painted = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v)"
    page.wait_for_timeout(200)
    assert canvas.evaluate(painted)
    assert canvas.evaluate("c => Number(getComputedStyle(c).zIndex)") > 200


def test_on_a_phone_nothing_is_wider_than_the_screen(open_file: Open, offline_page: Page) -> None:
    offline_page.set_viewport_size({"width": 360, "height": 740})
    page = open_file(draw_coverage(coverage_frame(), standard=800))

    area(page, 2).click()

    expect(page.get_by_test_id("panel")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.get_by_test_id("legend").get_attribute("open") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [1920, 360])
def test_axe_finds_nothing_to_complain_of(open_file: Open, offline_page: Page, scheme: str, width_px: int) -> None:
    offline_page.set_viewport_size({"width": width_px, "height": 900})
    offline_page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = open_file(draw_coverage(coverage_frame(), standard=800, urls=MapUrls(area_page="/areas/{area_id}")))
    area(page, 2).click()
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")

    found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })")

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert {"color-contrast", "button-name", "html-has-lang"} <= {each["id"] for each in found["passes"]}


@pytest.mark.real_data
def test_a_real_city_of_1750_compounds_draws_from_one_small_file(
    open_file: Open, real_data: Path, tmp_path: Path
) -> None:
    drawn = draw_coverage(keelung_coverage(real_data), standard=800)
    page = open_file(drawn)
    expect(page.locator(AREA)).to_have_count(7)

    page.get_by_test_id("levels").get_by_role("button", name="小区/自然村").click()

    expect(page.locator(AREA)).to_have_count(1750)
    data = page.locator("#grid-map-data").evaluate("block => new Blob([block.textContent]).size")
    assert data < 1_500_000


def keelung_coverage(folder: Path) -> gpd.GeoDataFrame:
    """Keelung with 200 migrants in each compound and one officer in each village."""
    read = partial(gpd.read_file, folder / "keelung" / "areas.gpkg")
    land = pd.concat(
        [read(layer=level) for level in ("district", "township", "village", "compound")], ignore_index=True
    )
    land.index = pd.RangeIndex(1, len(land) + 1, name="area_id").astype("int64")
    land["parent_id"] = land["parent_code"].map(pd.Series(land.index, index=land["code"])).astype("Int64")
    compounds = land.index[land["level"] == "compound"]
    villages = land.index[land["level"] == "village"]
    population = pd.DataFrame({"migrants": pd.array([200] * len(compounds), dtype="Int64")}, index=compounds).join(
        pd.DataFrame({"officers_fte": pd.array([1.0] * len(villages), dtype="Float64")}, index=villages), how="outer"
    )
    figures = roll_up(population, land["parent_id"])
    return land.join(coverage(figures, standard=800, as_of=AS_OF, source=SOURCE))
