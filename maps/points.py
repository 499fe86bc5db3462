"""
Address points as vector tiles, drawn on canvas: hundreds of thousands never travel as one GeoJSON.

The tiles are Mapbox Vector Tiles with one layer of points (`TILE_LAYER`). A feature is either one address with
``address_id`` (whole number) and ``state`` (``assigned`` or ``unresolved``), or, at low zoom, several with ``count``
(whole number) in place of ``address_id``.
"""

import folium
from folium.elements import JSCSSMixin
from folium.template import Template

from maps.canvas import GridMap, MapUrls, label_html
from maps.legend import Legend, LegendClass
from maps.texts import Texts, chinese

__all__ = ["TILE_LAYER", "AddressLayer", "add_address_points"]

TILE_LAYER = "addresses"
"""Name of the layer inside a tile."""

_ASSIGNED = "#0072b2"
_UNRESOLVED = "#d55e00"


class AddressLayer(JSCSSMixin, folium.map.Layer):  # type: ignore[misc]  # folium is untyped
    """Address points from vector tiles; see `add_address_points`."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = gridPoints.addresses({{ this.get_name()|tojson }});"
        "{% endmacro %}"
    )
    default_js = [("vectorgrid", "npm:leaflet.vectorgrid"), ("grid_points", "own:grid_points.js")]  # noqa: RUF012

    def __init__(self, payload: dict[str, object], *, name: str, show: bool) -> None:
        super().__init__(name=label_html(name), overlay=True, control=True, show=show)
        self._name = "addresses"
        self.payload = payload


def add_address_points(
    drawn: GridMap, urls: MapUrls, *, show: bool = True, min_zoom: int = 0, texts: Texts = chinese
) -> None:
    """
    Add address points to a map, with their legend; a click fetches the address and shows it in the panel.

    Parameters
    ----------
    drawn
        Any map of ours, before its layer control.
    urls
        ``address_tiles`` is needed; with ``address`` a click shows what that path answers: a JSON object with
        ``title`` (text) and ``figures`` (list of ``[caption, text]``), already masked for whoever asks.
    show
        Whether the layer is on when the page opens.
    min_zoom
        Smallest zoom level that tiles are asked for.
    texts
        Language.

    Raises
    ------
    ValueError
        When there is no address of tiles.
    """
    if not urls.address_tiles:
        raise ValueError("address points need MapUrls.address_tiles")
    heading = texts("Address points")
    states = {
        "assigned": (texts("Assigned address"), _ASSIGNED),
        "unresolved": (texts("Unresolved address"), _UNRESOLVED),
    }
    payload: dict[str, object] = {
        "url": urls.address_tiles,
        "address": urls.address,
        "layer": TILE_LAYER,
        "minZoom": min_zoom,
        "classes": {key: {"label": label, "fill": fill} for key, (label, fill) in states.items()},
        "several": texts("{count} addresses"),
    }
    drawn.add_child(AddressLayer(payload, name=heading, show=show))
    drawn.add_legend(
        Legend(heading, "", tuple(LegendClass(f"address_{key}", label, fill) for key, (label, fill) in states.items()))
    )
