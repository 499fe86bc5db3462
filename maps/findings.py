"""Topology findings as a layer: overlaps, gaps and the like, each with a spot that is seen when the shape is a hair."""

from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from folium.template import Template

from maps.canvas import GridMap, label_html
from maps.figures import area_m2_text, count_text
from maps.legend import Legend, LegendClass
from maps.outlines import LONLAT, geojson_geometries, simplified
from maps.texts import Texts, chinese

__all__ = ["FINDING_KINDS", "FindingsLayer", "add_findings"]

FINDING_KINDS = {
    "invalid_ring": ("Invalid outline", "#000000"),
    "overlap": ("Overlap of siblings", "#d55e00"),
    "gap": ("Gap between siblings", "#0072b2"),
    "outside_parent": ("Outside its parent", "#cc3399"),
    "sliver_overlap": ("Sliver of overlap", "#e8a87c"),
    "sliver_gap": ("Sliver of a gap", "#86b8d9"),
    "sliver_outside_parent": ("Sliver outside its parent", "#e3a3c8"),
    "enclave": ("Enclave of another parent", "#009e73"),
    "hole": ("Hole", "#6b8e9e"),
    "multipart": ("Several parts", "#8f7a00"),
    "tiny_part": ("Tiny part", "#b8a84d"),
    "duplicate_vertex": ("Repeated vertex", "#8a8a86"),
}
"""Kind of finding (`layers.boundaries.FINDINGS`) → its name and colour; slivers are pale."""


class FindingsLayer(folium.map.Layer):  # type: ignore[misc]  # folium is untyped
    """Findings with hover and panel, drawn by our script from properties as text; see `add_findings`."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = gridMap.shapes({{ this.get_name()|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, payload: dict[str, Any], *, name: str, show: bool) -> None:
        super().__init__(name=label_html(name), overlay=True, control=True, show=show)
        self._name = "findings"
        self.payload = payload


def add_findings(
    drawn: GridMap,
    findings: gpd.GeoDataFrame,
    *,
    names: pd.Series | None = None,
    show: bool = True,
    texts: Texts = chinese,
) -> None:
    """
    Add topology findings to a map, with their legend.

    Parameters
    ----------
    drawn
        Any map of ours, before its layer control.
    findings
        What `layers.boundaries.check_topology` returns: ``finding``, ``severity``, ``area_id``,
        ``other_id`` (NA = none), ``area_m2``, ``addresses`` and geometries with a CRS. Findings without a place are
        left out.
    names
        Name per ``area_id``; the ids are shown where there is none.
    show
        Whether the layer is on when the page opens.
    texts
        Language.

    Raises
    ------
    ValueError
        When a kind is unknown or the frame has no CRS.
    """
    unknown = set(findings["finding"]) - set(FINDING_KINDS)
    if unknown:
        raise ValueError(f"unknown kinds of finding: {sorted(map(str, unknown))}")
    placed = findings[~(findings.geometry.isna() | findings.geometry.is_empty)]
    placed = placed.iloc[::-1]  # alarms come first and are drawn last, on top
    present = [kind for kind in FINDING_KINDS if kind in set(placed["finding"])]
    words = {kind: texts(FINDING_KINDS[kind][0]) for kind in present}
    payload = {
        "features": _features(placed, names, words, texts),
        "classes": {kind: {"fill": FINDING_KINDS[kind][1], "label": words[kind]} for kind in present},
        "captions": [texts("Areas"), texts("Area of the finding"), texts("Addresses touched")],
        "tooltip": [0, 1, 2],
    }
    heading = texts("Topology findings")
    drawn.add_child(FindingsLayer(payload, name=heading, show=show))
    classes = tuple(LegendClass(kind, words[kind], FINDING_KINDS[kind][1]) for kind in present)
    drawn.add_legend(Legend(heading, "", classes))


def _features(
    findings: gpd.GeoDataFrame, names: pd.Series | None, words: dict[str, str], texts: Texts
) -> dict[str, object]:
    named = {} if names is None else names.to_dict()
    pairs = zip(findings["area_id"], findings["other_id"], strict=True)
    areas = [" / ".join(str(named.get(each, each)) for each in pair if not pd.isna(each)) for pair in pairs]
    columns = zip(
        findings["finding"],
        areas,
        findings["area_m2"],
        findings["addresses"],
        _radii_px(findings),
        _spots(findings),
        geojson_geometries(simplified(findings, 0)),
        strict=True,
    )
    features = [
        {
            "type": "Feature",
            "properties": {
                "name": words[kind],
                "class": kind,
                "at": at,
                "radius": radius,
                "figures": [which, area_m2_text(area_m2, texts), count_text(addresses)],
            },
            "geometry": geometry,
        }
        for kind, which, area_m2, addresses, radius, at, geometry in columns
    ]
    return {"type": "FeatureCollection", "features": features}


def _radii_px(findings: gpd.GeoDataFrame) -> list[float]:
    """Return the size of each spot: an alarm is seen first, a thousand slivers stay specks."""
    sliver = findings["finding"].str.startswith("sliver")
    radii: list[float] = np.select([findings["severity"].eq("alarm"), sliver], [8.0, 2.5], 5.0).tolist()
    return radii


def _spots(findings: gpd.GeoDataFrame) -> list[list[float]]:
    """Return ``[lat, lon]`` of a point on each finding; the middle of its box when its rings are broken."""
    shapes = findings.geometry.to_crs(LONLAT).to_numpy()
    valid = shapely.is_valid(shapes)
    spots = shapely.centroid(shapely.envelope(shapes))
    spots[valid] = shapely.point_on_surface(shapes[valid])
    places: list[list[float]] = np.round(np.column_stack([shapely.get_y(spots), shapely.get_x(spots)]), 6).tolist()
    return places
