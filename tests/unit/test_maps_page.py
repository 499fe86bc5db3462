import json
import re
from collections.abc import Sequence

import folium
import pytest
from branca.element import Element

from maps.canvas import BaseMap, GridMap, MapUrls, label_html, wmts_base_map
from maps.coverage import draw_coverage
from maps.page import UnsafeElementError, render_map, script_json
from maps.texts import CHINESE, chinese, english
from tests.unit.maps_district import coverage_frame

NONCE = "bm9uY2Utbm9uY2U="
BOUNDS = [[30.0, 121.5], [30.1, 121.6]]
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "${alert(1)}",
    "{{7*7}}",
    "{% raw %}",
    "a\u2028b",
    "`",
    "'\"\\",
]


def empty_map(base_maps: Sequence[BaseMap] = ()) -> GridMap:
    return GridMap(BOUNDS, title="试", base_maps=base_maps)


@pytest.mark.parametrize("text", HOSTILE)
def test_json_for_a_script_says_the_same_and_holds_no_sign_that_could_end_it(text: str) -> None:
    written = script_json({text: [text, 1.5, None]})

    assert json.loads(written) == {text: [text, 1.5, None]}
    assert not re.search(r"[<>&'`$\u2028\u2029]|\{\{|\{%", written)


def test_json_for_a_script_refuses_numbers_that_json_has_not() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        script_json(float("nan"))


def test_every_script_that_runs_carries_the_nonce() -> None:
    page = render_map(empty_map(), nonce=NONCE, mode="served")

    scripts = re.findall(r"<script([^>]*)>", page)
    running = [attributes for attributes in scripts if "application/json" not in attributes]
    assert len(running) == 4
    assert all(f'nonce="{NONCE}"' in attributes for attributes in running)
    assert not re.search(r"\son\w+=", page)


def test_a_served_page_names_only_our_own_folders() -> None:
    page = render_map(empty_map(), nonce=NONCE, mode="served", vendor_url="/v/", own_url="/o/")

    assert re.findall(r'(?:src|href)="([^"]*)"', page) == [
        "data:,",
        "/v/leaflet/leaflet.css",
        "/o/tokens.css",
        "/o/grid_map.css",
        "/v/leaflet/leaflet.js",
        "/o/grid_labels.js",
        "/o/grid_map.js",
    ]


def test_the_same_map_is_the_same_bytes_every_time() -> None:
    first, second = (draw_coverage(coverage_frame(), standard=800) for _ in range(2))

    pages = {render_map(drawn, nonce=NONCE) for drawn in (first, first, second)}

    assert len(pages) == 1


@pytest.mark.parametrize("nonce", ["", "short", 'abcdefgh" onload="x', "abcdefgh'unsafe"])
def test_a_nonce_that_could_break_out_is_refused(nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        render_map(empty_map(), nonce=nonce)


@pytest.mark.parametrize(
    "element",
    [
        folium.Popup("<script>alert(1)</script>"),
        folium.Tooltip("<img src=x onerror=alert(1)>"),
        folium.Marker([30, 121]),
        folium.GeoJsonTooltip(["name"]),
        Element("<script>alert(1)</script>"),
    ],
    ids=lambda element: type(element).__name__,
)
def test_folium_elements_that_write_text_as_html_are_refused(element: Element) -> None:
    drawn = empty_map()
    drawn.add_child(element)

    with pytest.raises(UnsafeElementError):
        render_map(drawn, nonce=NONCE)


def test_a_script_that_would_end_itself_is_refused() -> None:
    drawn = empty_map()
    drawn.add_child(folium.FeatureGroup(name="</script><script>alert(1)//"))
    drawn.add_child(folium.elements.EventHandler("x", folium.JsCode("'</script><script>alert(1)'")))

    with pytest.raises(UnsafeElementError, match="closing tag"):
        render_map(drawn, nonce=NONCE)


def test_a_plain_folium_map_is_not_ours_to_render() -> None:
    with pytest.raises(TypeError, match="GridMap"):
        render_map(folium.Map(), nonce=NONCE)


def test_names_of_layers_are_neither_html_nor_a_template() -> None:
    assert label_html("<b>{{7*7}}</b>") == "&lt;b&gt;&#123;&#123;7*7&#125;&#125;&lt;/b&gt;"

    drawn = empty_map(base_maps=[BaseMap(url="/t/{z}/{x}/{y}.png", name=name, attribution="a") for name in HOSTILE])
    drawn.add_layer_control()

    assert "49" not in render_map(drawn, nonce=NONCE)


def test_the_policy_of_an_inline_page_allows_pictures_from_its_base_map_only() -> None:
    tiles = wmts_base_map(
        "https://t0.tianditu.gov.cn/vec_w/wmts", layer="vec", key="k&ey", name="天地图", attribution="天地图"
    )

    page = render_map(empty_map(base_maps=[tiles]), nonce=NONCE, mode="inline")

    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "img-src data: https://t0.tianditu.gov.cn;" in policy[1]
    assert "tk=k%26ey&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}" in tiles.url


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//elsewhere/x", "ftp://x/y"])
def test_a_base_map_is_a_path_or_a_web_address(url: str) -> None:
    with pytest.raises(ValueError, match="base map"):
        BaseMap(url=url, name="x", attribution="x")


@pytest.mark.parametrize("url", ["https://elsewhere/x", "//elsewhere/x", "javascript:alert(1)", "/\\elsewhere"])
def test_what_a_page_fetches_is_on_the_same_server(url: str) -> None:
    with pytest.raises(ValueError, match="same server"):
        MapUrls(area_page=url)


def test_one_layer_needs_no_layer_control() -> None:
    drawn = empty_map(base_maps=[BaseMap(url="/t/{z}/{x}/{y}.png", name="一", attribution="a")])
    drawn.add_layer_control()

    assert "L.control.layers" not in render_map(drawn, nonce=NONCE)


def test_a_message_without_chinese_is_an_error_and_english_is_itself() -> None:
    with pytest.raises(KeyError):
        chinese("Never written")
    assert all(english(message) == message for message in CHINESE)
    assert all(re.findall(r"\{\w+\}", message) == re.findall(r"\{\w+\}", text) for message, text in CHINESE.items())
