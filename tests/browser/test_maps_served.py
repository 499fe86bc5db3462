"""Maps served under the service's Content-Security-Policy, with a small server on this machine."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import mapbox_vector_tile
import pytest
from playwright.sync_api import Page, expect

from maps.assets import OWN_DIR, VENDOR_DIR
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.coverage import coverage_features, draw_coverage
from maps.page import render_map
from maps.points import add_address_points
from tests.browser.test_maps_standalone import AREA, HOSTILE, NONCE, area
from tests.unit.maps_district import coverage_frame

pytestmark = pytest.mark.browser

POLICY = (
    f"default-src 'none'; script-src 'self' 'nonce-{NONCE}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'"
)

Point = tuple[float, float, dict[str, object]]


@dataclass
class Server:
    """Answers of a small server that speaks the service's policy."""

    address: str = ""
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[str, bytes] | None:
        self.asked.append(path)
        for base, folder in (("/static/vendor/", VENDOR_DIR), ("/static/maps/", OWN_DIR)):
            file = folder / path.removeprefix(base)
            if path.startswith(base) and file.is_file():
                kinds = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
                return kinds[file.suffix], file.read_bytes()
        return self.answers.get(path)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine, with `Server.answers` to fill."""
    known = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = known.answer(unquote(self.path))
            self.send_response(200 if found else 404)
            kind, body = found or ("text/plain", b"")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        known.address = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield known
        listening.shutdown()
        thread.join()


def open_served(page: Page, server: Server, drawn: GridMap) -> None:
    server.answers["/map"] = ("text/html; charset=utf-8", render_map(drawn, nonce=NONCE).encode())
    page.goto(f"{server.address}/map")


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_attributions_of_base_maps_stay_text(offline_page: Page, server: Server, text: str) -> None:
    picture = (OWN_DIR / "vendor/leaflet/images/layers.png").read_bytes()
    answer = server.answer
    server.answer = lambda path: ("image/png", picture) if path.startswith("/base/") else answer(path)  # type: ignore[method-assign]
    tiles = BaseMap(url="/base/{z}/{x}/{y}.png", name=text, attribution=text)
    drawn = draw_coverage(coverage_frame(), standard=800, base_maps=[tiles])
    drawn.add_layer_control()

    open_served(offline_page, server, drawn)

    expect(offline_page.locator(".leaflet-control-attribution")).to_have_text(text)
    expect(offline_page.locator(".leaflet-control-layers-base label")).to_have_text(text)
    expect(offline_page.locator("img.leaflet-tile-loaded").first).to_be_attached()
    expect(offline_page.locator(AREA).first).to_have_attribute("fill-opacity", "0.72")
    offline_page.wait_for_load_state("networkidle")


def test_served_compounds_are_fetched_once_and_links_lead_to_the_areas_page(offline_page: Page, server: Server) -> None:
    frame = coverage_frame()
    of_village = frame[frame["parent_id"].eq(4)]
    features = json.dumps(coverage_features(of_village, standard=800)).encode()
    server.answers["/api/v1/areas/4/compound"] = ("application/geo+json", features)
    urls = MapUrls(areas="/api/v1/areas/{area_id}/{level}", area_page="/areas/{area_id}")
    open_served(offline_page, server, draw_coverage(frame, standard=800, urls=urls))

    for _ in range(2):
        area(offline_page, 2).click()
        area(offline_page, 4).click()
        expect(area(offline_page, 8)).to_be_visible()
        expect(offline_page.get_by_role("link", name="打开该区域页面")).to_have_attribute("href", "/areas/4")
        offline_page.get_by_test_id("crumbs").get_by_role("button", name="镇海区").click()
        expect(area(offline_page, 2)).to_be_visible()

    assert [path for path in server.asked if path.startswith("/api/")] == ["/api/v1/areas/4/compound"]


def tile_of(points: list[Point]) -> bytes:
    """Encode points (share of the tile's width and height from its north-west corner) as a vector tile."""
    features = [
        {"geometry": f"POINT({round(east * 4096)} {round(south * 4096)})", "properties": properties}
        for east, south, properties in points
    ]
    options = {"y_coord_down": True, "extents": 4096}
    tile: bytes = mapbox_vector_tile.encode([{"name": "addresses", "features": features}], default_options=options)
    return tile


def test_address_points_draw_from_tiles_and_a_click_shows_the_address(offline_page: Page, server: Server) -> None:
    point: Point = (0.5, 0.5, {"address_id": 77, "state": "unresolved"})
    crowd: Point = (0.25, 0.25, {"count": 40})
    answer = server.answer
    tiles = re.compile(r"/tiles/addresses/\d+/\d+/\d+\.mvt")

    def with_tiles(path: str) -> tuple[str, bytes] | None:
        if tiles.fullmatch(path):
            return "application/vnd.mapbox-vector-tile", tile_of([point, crowd])
        return answer(path)

    server.answer = with_tiles  # type: ignore[method-assign]
    shown = {"title": HOSTILE[0], "figures": [["地址", HOSTILE[1]]]}
    server.answers["/api/v1/addresses/77"] = ("application/json", json.dumps(shown).encode())
    urls = MapUrls(address_tiles="/tiles/addresses/{z}/{x}/{y}.mvt", address="/api/v1/addresses/{address_id}")
    drawn = draw_coverage(coverage_frame(), standard=800)
    add_address_points(drawn, urls)
    drawn.add_layer_control()
    open_served(offline_page, server, drawn)
    offline_page.wait_for_load_state("networkidle")
    box = offline_page.get_by_test_id("map").bounding_box()
    assert box
    middle = offline_page.evaluate(PLACE_OF_TILE, [0.5, 0.5])

    offline_page.mouse.click(box["x"] + middle["x"], box["y"] + middle["y"])

    panel = offline_page.get_by_test_id("panel")
    expect(panel.get_by_role("heading")).to_have_text(HOSTILE[0])
    expect(panel.locator("dd")).to_have_text(HOSTILE[1])
    expect(panel.locator(".gm-badge")).to_have_text("待处理地址")
    expect(offline_page.get_by_test_id("crumbs").get_by_role("button")).to_have_text(["镇海区"])

    zoom = offline_page.evaluate("gridMap.map.getZoom()")
    several = offline_page.evaluate(PLACE_OF_TILE, [0.25, 0.25])
    offline_page.mouse.click(box["x"] + several["x"], box["y"] + several["y"])
    assert offline_page.evaluate("gridMap.map.getZoom()") == zoom + 2
    offline_page.wait_for_load_state("networkidle")


PLACE_OF_TILE = """([east, south]) => {
  const { map } = gridMap;
  const middle = map.getSize().divideBy(2);
  const tile = Object.values(gridPoints.layer._vectorTiles)
    .map((one) => one.getOffset().add(map.layerPointToContainerPoint([0, 0])).add([256 * east, 256 * south]))
    .sort((one, other) => one.distanceTo(middle) - other.distanceTo(middle))[0];
  return { x: tile.x, y: tile.y };
}"""


def test_a_failing_fetch_is_said_and_leaves_the_map_as_it_was(
    browser_context: object, offline_page: Page, server: Server
) -> None:
    urls = MapUrls(areas="/api/v1/areas/{area_id}/{level}")
    broken = json.dumps("not features").encode()[:3]
    server.answers["/api/v1/areas/4/compound"] = ("application/geo+json", broken)
    open_served(offline_page, server, draw_coverage(coverage_frame(), standard=800, urls=urls))
    area(offline_page, 2).click()
    expect(area(offline_page, 4)).to_be_visible()

    area(offline_page, 4).click()

    expect(offline_page.get_by_test_id("status")).to_have_text("加载失败，请重试。")
    expect(area(offline_page, 4)).to_be_visible()
