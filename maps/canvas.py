"""The empty map that everything is drawn on: offline, with an optional base map, scale and layer control."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import folium
from folium.template import Template

from maps.legend import Legend
from maps.page import GridFigure
from maps.texts import Texts, chinese

__all__ = ["BaseMap", "GridMap", "MapUrls", "label_html", "wmts_base_map"]


_OVER_BASE_MAP = 0.72
"""Opacity of class colours over a base map; without one they are exactly the legend's."""


@dataclass(frozen=True, kw_only=True)
class MapUrls:
    """
    Where the page's script fetches what is not embedded; each is a path on the same server.

    Attributes
    ----------
    areas
        GeoJSON of the areas of one level inside an area, with ``{area_id}`` and ``{level}``; the answer is what
        `maps.areas.area_features` returns.
    area_page
        Page of an area, with ``{area_id}``.
    address_tiles
        Vector tiles of addresses, with ``{z}``, ``{x}`` and ``{y}``.
    address
        One address as a JSON object, with ``{address_id}``.
    """

    areas: str | None = None
    area_page: str | None = None
    address_tiles: str | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        for name, url in vars(self).items():
            if url is not None and (not url.startswith("/") or url.startswith(("//", "/\\"))):
                raise ValueError(f"{name} must be a path on the same server, not {url!r}")


@dataclass(frozen=True, kw_only=True)
class BaseMap:
    """
    Raster tiles under everything: local ones or a service on the intranet.

    Attributes
    ----------
    url
        Template with ``{z}``, ``{x}``, ``{y}``: a path on the same server or an ``https`` / ``http`` address.
    name
        What the layer control says.
    attribution
        Plain text, shown at the map's foot.
    max_zoom
        Deepest zoom level that has tiles.
    """

    url: str
    name: str
    attribution: str
    max_zoom: int = 18

    def __post_init__(self) -> None:
        if not self.url.startswith(("/", "https://", "http://")) or self.url.startswith("//"):
            raise ValueError(f"a base map is a path on the same server or an http(s) address, not {self.url!r}")

    @property
    def origin(self) -> str | None:
        """Origin that the page's policy must allow pictures from; None for the same server."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


def wmts_base_map(
    endpoint: str,
    *,
    layer: str,
    key: str,
    name: str,
    attribution: str,
    key_name: str = "tk",
    matrix_set: str = "w",
    max_zoom: int = 18,
) -> BaseMap:
    """
    Return a base map from a WMTS in key-value form, such as Tianditu with the user's own key.

    Parameters
    ----------
    endpoint
        Address up to the question mark, for example ``https://t0.tianditu.gov.cn/vec_w/wmts``.
    layer, matrix_set
        WMTS names; Tianditu's vector layer is ``vec`` in the Web-Mercator matrix set ``w``.
    key, key_name
        The user's key and the parameter that carries it.
    name, attribution, max_zoom
        As in `BaseMap`.
    """
    fixed = {
        "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": layer, "STYLE": "default",
        "TILEMATRIXSET": matrix_set, "FORMAT": "tiles", key_name: key,
    }  # fmt: skip
    url = f"{endpoint}?{urlencode(fixed)}&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}"
    return BaseMap(url=url, name=name, attribution=attribution, max_zoom=max_zoom)


def label_html(text: str) -> str:
    """Escape a text that folium hands to Leaflet as HTML, and to Jinja as a template, such as the name of a layer."""
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;")


class BaseTiles(folium.map.Layer):  # type: ignore[misc]  # folium is untyped
    """A base map as a layer; our script makes it, so that the attribution stays text."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = gridMap.tiles({{ this.get_name()|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, base_map: BaseMap, *, show: bool) -> None:
        super().__init__(name=label_html(base_map.name), overlay=False, control=True, show=show)
        self._name = "base_tiles"
        self.payload = {"url": base_map.url, "attribution": base_map.attribution, "maxZoom": base_map.max_zoom}


class GridMap(folium.Map):  # type: ignore[misc]  # folium is untyped
    """
    A folium map on a page of ours, with nothing that is loaded from outside.

    Parameters
    ----------
    bounds_latlon
        ``[[south, west], [north, east]]`` that the map opens on.
    title, lead
        Heading of the page and the line below it.
    texts
        Language of everything that is not data.
    base_maps
        None, one or several; the first is shown.
    attribution
        Sources of the data, shown at the map's foot as plain text.
    """

    _template = Template("""
        {% macro html(this, kwargs) %}
        <div class="folium-map" id="{{ this.get_name() }}" data-testid="map"></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = gridMap.start({{ this.get_name()|tojson }});
        {% endmacro %}
    """)
    default_js = [("leaflet", "npm:leaflet.js"), ("grid_labels", "own:grid_labels.js"), ("grid_map", "own:grid_map.js")]  # noqa: RUF012 - folium reads a list
    default_css = [  # noqa: RUF012
        ("leaflet_css", "npm:leaflet.css"),
        ("tokens_css", "own:tokens.css"),
        ("grid_map_css", "own:grid_map.css"),
    ]

    def __init__(
        self,
        bounds_latlon: list[list[float]],
        *,
        title: str,
        lead: str = "",
        texts: Texts = chinese,
        base_maps: Sequence[BaseMap] = (),
        attribution: str = "",
    ) -> None:
        super().__init__(tiles=None)
        self._name = "grid_map"
        self.texts = texts
        self.payload = {
            "bounds": bounds_latlon,
            "opacity": _OVER_BASE_MAP if base_maps else 1.0,
            "attribution": attribution,
            "texts": {
                "zoomIn": texts("Zoom in"), "zoomOut": texts("Zoom out"), "layers": texts("Layers"),
                "close": texts("Close"), "code": texts("Code"), "open": texts("Open the page of this area"),
                "loading": texts("Loading…"), "failed": texts("Could not load; try again."),
                "whole": texts("Whole area"),
            },
        }  # fmt: skip
        self.image_origins = sorted({base.origin for base in base_maps if base.origin})
        words = {
            "here": texts("You are here"), "level": texts("Show by"), "map": texts("Map"), "legend": texts("Legend"),
            "details": texts("Area details"), "noscript": texts("The map needs JavaScript."),
        }  # fmt: skip
        self._parent = None
        self.figure = GridFigure(title=title, lead=lead, language=texts("en"), words=words)
        self.figure.add_child(self)
        for place, base_map in enumerate(base_maps):
            self.add_child(BaseTiles(base_map, show=place == 0))

    def add_legend(self, legend: Legend) -> None:
        """Put a legend below those that are there."""
        self.figure.legends.append(legend)

    def add_layer_control(self) -> None:
        """Let people switch layers, when there is more than one; call it once, after the last layer was added."""
        layers = [child for child in self._children.values() if isinstance(child, folium.map.Layer)]
        if len(layers) > 1:
            self.add_child(folium.LayerControl(position="topright", collapsed=True))
