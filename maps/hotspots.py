"""The hotspot map: classes of a statistical test, and a heat layer for the eye."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from folium.plugins import HeatMap

from maps.areas import LEVELS, AreaLayer, Showing, provenance
from maps.canvas import BaseMap, GridMap, MapUrls, label_html
from maps.figures import decimal_text, marked, share_text
from maps.legend import Legend, LegendClass, no_data_class
from maps.outlines import bounds_latlon
from maps.texts import Texts, chinese

__all__ = ["HOTSPOT_CLASSES", "draw_hotspots", "heat_rows"]

# ColorBrewer 2 RdBu, safe for the common kinds of colour blindness
HOTSPOT_CLASSES = {
    "hot_99": ("Hot, 99 %", "#b2182b"),
    "hot_95": ("Hot, 95 %", "#ef8a62"),
    "hot_90": ("Hot, 90 %", "#fdd0b5"),
    "not_significant": ("Not significant", "#f4f4f1"),
    "cold_90": ("Cold, 90 %", "#d1e5f0"),
    "cold_95": ("Cold, 95 %", "#67a9cf"),
    "cold_99": ("Cold, 99 %", "#2166ac"),
}
"""Class of `layers.hotspots` → its name and colour; ``no_data`` comes with a hatch."""

_HEAT_GRADIENT = {0.2: "#fff7bc", 0.5: "#fec44f", 0.75: "#d95f0e", 1.0: "#7f2704"}
_HEAT_DECIMALS = 4
_HEAT_BLOCK_DEG = 0.005
_HEAT_FULL_ZOOM, _HEAT_MAX_ZOOM = 12, 15


def draw_hotspots(
    frame: gpd.GeoDataFrame,
    *,
    heat: pd.DataFrame | None = None,
    frames: gpd.GeoDataFrame | None = None,
    title: str | None = None,
    urls: MapUrls | None = None,
    base_maps: Sequence[BaseMap] = (),
    attribution: str = "",
    texts: Texts = chinese,
) -> GridMap:
    """
    Draw where rates cluster, and perhaps a heat layer that can be switched on.

    Parameters
    ----------
    frame
        AREAS joined with what `layers.hotspots.hotspots` returns (``rate``, ``rate_adjusted``, ``gi_z``, ``q_value``,
        ``hotspot``), and perhaps ``as_of`` and ``source``; one level or several.
    heat
        Points with ``lon``, ``lat`` (EPSG:4326) and perhaps ``weight`` (at least 0); added up in cells of about 10 m.
    frames
        AREAS frame of larger areas, drawn as outlines with their names.
    title
        Heading, already in the reader's language.
    urls, base_maps, attribution, texts
        See `maps.coverage.draw_coverage`.
    """
    line, _ = provenance(frame, texts)
    note = texts("Permutation test with false-discovery control, rates adjusted for small numbers")
    classes = (LegendClass(key, texts(name), fill) for key, (name, fill) in HOTSPOT_CLASSES.items())
    legend = Legend(texts("Hotspot classes (Getis-Ord Gi*)"), note, (*classes, no_data_class(texts)))
    heading = title or texts("Rental hotspots")
    drawn = GridMap(
        bounds_latlon(frame), title=heading, lead=line, texts=texts, base_maps=base_maps, attribution=attribution
    )
    level_names = {level: texts(name) for level, name in LEVELS.items() if level in set(frame["level"])}
    drawn.add_child(
        AreaLayer(
            frame,
            _showing(frame, legend, texts),
            legend,
            name=heading,
            level_names=level_names,
            urls=urls,
            frames=frames,
        )
    )
    drawn.add_legend(legend)
    if heat is not None and len(heat):
        name = label_html(texts("Heat layer"))
        drawn.add_child(
            HeatMap(
                heat_rows(heat),
                name=name,
                show=False,
                radius=18,
                blur=22,
                min_opacity=0.15,
                max_zoom=_HEAT_MAX_ZOOM,
                gradient=_HEAT_GRADIENT,
            )
        )
    return drawn


def heat_rows(points: pd.DataFrame) -> list[list[float]]:
    """
    Return ``[lat, lon, weight]`` per cell of about 10 m, weighted for an eye that sees a district (zoom 12).

    There, the fullest hundredth of blocks of about 500 m is drawn in the darkest colour, whatever the number of points;
    leaflet.heat halves weights with each zoom level below its ``maxZoom``, which is made good here.

    Raises
    ------
    ValueError
        When a coordinate or a weight is not a number, or a weight is negative.
    """
    cells = pd.DataFrame(
        {
            "lat": points["lat"].astype(float).round(_HEAT_DECIMALS),
            "lon": points["lon"].astype(float).round(_HEAT_DECIMALS),
            "weight": points["weight"].astype(float) if "weight" in points else 1.0,
        }
    )
    if not np.isfinite(cells.to_numpy()).all() or (cells["weight"] < 0).any():
        raise ValueError("heat points need finite coordinates and weights of at least 0")
    summed = cells.groupby(["lat", "lon"], as_index=False)["weight"].sum()
    block = (summed[["lat", "lon"]] / _HEAT_BLOCK_DEG).round()
    full = summed["weight"].groupby([block["lat"], block["lon"]]).sum().quantile(0.99) or 1.0
    summed["weight"] = (summed["weight"] / full * 2 ** (_HEAT_MAX_ZOOM - _HEAT_FULL_ZOOM)).round(4)
    return summed[["lat", "lon", "weight"]].to_numpy().tolist()


def _showing(frame: pd.DataFrame, legend: Legend, texts: Texts) -> Showing:
    labels = {each.key: each.label for each in legend.classes}
    note, differing = provenance(frame, texts)
    figures = pd.DataFrame(
        {
            texts("Class"): frame["hotspot"].map(labels),
            texts("Rate"): [share_text(rate) for rate in frame["rate"]],
            texts("Adjusted rate"): [share_text(rate) for rate in frame["rate_adjusted"]],
            texts("Gi* z-score"): [decimal_text(score, 2) for score in frame["gi_z"]],
            texts("q-value"): [decimal_text(value, 3) for value in frame["q_value"]],
            **differing,
        },
        index=frame.index,
    )
    clustered = frame["hotspot"].astype(str).str.startswith(("hot", "cold"))
    rates = pd.Series([share_text(rate) for rate in frame["rate"]], index=frame.index).where(clustered)
    return Showing(
        classes=frame["hotspot"].astype(str),
        labels=rates,
        figures=marked(figures, frame),
        in_tooltip=figures.columns.tolist()[:3],
        note=note,
    )
