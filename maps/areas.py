"""Areas of several levels as one layer: classes, labels, figures for hover and panel, and drilling down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import geopandas as gpd
import pandas as pd
from folium.template import Template

from maps.canvas import MapUrls, label_html
from maps.legend import Legend
from maps.outlines import by_parent, geojson_geometries, label_places, simplified
from maps.texts import Texts

__all__ = ["LEVELS", "TOLERANCE_M", "AreaLayer", "Showing", "area_features", "provenance"]

LEVELS = {"township": "Townships", "village": "Villages", "compound": "Compounds"}
"""Levels that are drawn, in the order of drilling down, and their names; the district is the frame around them."""

TOLERANCE_M = {"township": 16.0, "village": 14.0, "compound": 13.0, "beat": 13.0}
"""Simplification per level, metres (see `maps.outlines.simplified`); a compound of 40 m keeps its shape."""


@dataclass(frozen=True, kw_only=True)
class Showing:
    """
    What is shown of each area; every part is on the frame's index and already in the reader's language.

    Attributes
    ----------
    classes
        Key of the legend's class.
    labels
        The second line of the label on the map; may be empty. NA: the area is not named on the map at all.
    figures
        Texts, one column per figure with its caption as the column's name, in the order to read.
    in_tooltip
        Captions that are shown on hover too; the panel shows all.
    note
        Date and source that hold for every area; may be empty.
    """

    classes: pd.Series
    labels: pd.Series
    figures: pd.DataFrame
    in_tooltip: Sequence[str]
    note: str = ""


def area_features(
    areas: gpd.GeoDataFrame, showing: Showing, *, tolerance_m: Mapping[str, float] = TOLERANCE_M
) -> dict[str, Any]:
    """
    Return areas as a GeoJSON FeatureCollection, the wire between a map and whoever serves its areas.

    Each feature's properties: ``id``, ``code``, ``name``, ``level``, ``parent`` (id or null), ``class``, ``value``,
    ``at`` ([lat, lon] of the label) and ``figures`` (texts in the order of the columns of
    ``showing.figures``); ``unnamed`` (true) on those that have no label.

    Parameters
    ----------
    areas
        AREAS frame; any CRS.
    showing
        What to show of them.
    tolerance_m
        Simplification per level.
    """
    features: list[dict[str, Any]] = []
    for level, of_level in areas.sort_values(["level", "code"], kind="stable").groupby("level", sort=False):
        outlines = simplified(of_level, tolerance_m.get(str(level), 0.0))
        columns = zip(
            of_level.index.tolist(),
            of_level["code"].tolist(),
            of_level["name"].tolist(),
            by_parent(of_level).tolist(),
            showing.classes.loc[of_level.index].tolist(),
            showing.labels.loc[of_level.index].fillna("").tolist(),
            showing.labels.loc[of_level.index].isna().tolist(),
            label_places(of_level),
            showing.figures.loc[of_level.index].to_numpy().tolist(),
            geojson_geometries(outlines),
            strict=True,
        )
        features += [
            {
                "type": "Feature",
                "properties": {
                    "id": area_id, "code": code, "name": name, "level": level, "parent": parent,
                    "class": key, "value": value, "at": at, "figures": figures,
                    **({"unnamed": True} if unnamed else {}),
                },
                "geometry": geometry,
            }
            for area_id, code, name, parent, key, value, unnamed, at, figures, geometry in columns
        ]  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


class AreaLayer(folium.map.Layer):  # type: ignore[misc]  # folium is untyped
    """
    Classed areas with labels, hover, panel and drill-down, drawn by our script from properties as text.

    Parameters
    ----------
    areas
        AREAS frame with the levels to draw, and the district for its name and figures when it is one.
    showing, legend
        What to show of each area, and the classes that it uses.
    name
        What the layer control says.
    level_names
        Level → name, in the order of drilling down; levels that ``areas`` lacks are left out
        unless they can be fetched.
    urls
        Where to fetch the areas of the deepest level and the pages of areas; None embeds all.
    frames
        AREAS frame of larger areas that are drawn as a line and a name above the others, to tell where one is.

    Raises
    ------
    ValueError
        When a class is missing in the legend: an area would be drawn in a colour that nothing explains.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = gridMap.areas({{ this.get_name()|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        areas: gpd.GeoDataFrame,
        showing: Showing,
        legend: Legend,
        *,
        name: str,
        level_names: Mapping[str, str],
        urls: MapUrls | None = None,
        frames: gpd.GeoDataFrame | None = None,
    ) -> None:
        super().__init__(name=label_html(name), overlay=True, control=True, show=True)
        self._name = "areas"
        unknown = set(showing.classes.unique()) - {each.key for each in legend.classes}
        if unknown:
            raise ValueError(f"classes {sorted(map(str, unknown))} are not in the legend {legend.title!r}")
        urls = urls or MapUrls()
        present = set(areas["level"])
        deepest = list(level_names)[-1]
        fetched = deepest if urls.areas and len(level_names) > 1 else None
        embedded = areas[areas["level"].isin([level for level in level_names if level != fetched])]
        captions = showing.figures.columns.tolist()
        self.payload = {
            "levels": [
                {"key": level, "name": text}
                for level, text in level_names.items()
                if level in present or level == fetched
            ],
            "fetched": fetched,
            "root": _root(areas, showing),
            "captions": captions,
            "note": showing.note,
            "tooltip": [place for place, caption in enumerate(captions) if caption in showing.in_tooltip],
            "classes": {
                each.key: {"fill": f"url(#gm-hatch-{each.key})" if each.hatch else each.fill, "label": each.label}
                for each in legend.classes
            },
            "urls": {"areas": urls.areas, "page": urls.area_page},
            "features": area_features(embedded, showing),
            "frames": None if frames is None or frames.empty else _frame_features(frames),
        }


def provenance(frame: pd.DataFrame, texts: Texts) -> tuple[str, dict[str, pd.Series]]:
    """
    Return where numbers come from: a line for all areas when they agree, columns per area when they do not.

    Parameters
    ----------
    frame
        Columns ``as_of`` (dates) and ``source`` (texts), either may be missing.
    texts
        Language.

    Returns
    -------
    line, columns
        ``数据截至 2026-11-22；来源：…`` for what is the same everywhere, and captioned columns for what differs.
    """
    said, differing = [], {}
    for column, sentence, caption in (("as_of", "As of {date}", "As of"), ("source", "Source: {source}", "Source")):
        if column not in frame:
            continue
        values = frame[column].dropna().astype(str)
        different = values.unique()
        if len(different) == 1:
            said.append(texts(sentence).format(date=different[0], source=different[0]))
        elif len(different):
            differing[texts(caption)] = frame[column].astype(str).where(frame[column].notna(), "—")
    return "；".join(said) if texts("en").startswith("zh") else "; ".join(said), differing


def _frame_features(frames: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return outlines with ``name``, ``value`` (empty) and ``at``, as a GeoJSON FeatureCollection."""
    outlines = pd.concat(
        [simplified(of_level, TOLERANCE_M.get(level, 0.0)) for level, of_level in frames.groupby("level")]
    )
    columns = zip(
        frames["name"].tolist(), label_places(frames), geojson_geometries(outlines.loc[frames.index]), strict=True
    )
    features = [
        {"type": "Feature", "properties": {"name": name, "value": "", "at": at}, "geometry": geometry}
        for name, at, geometry in columns
    ]
    return {"type": "FeatureCollection", "features": features}


def _root(areas: gpd.GeoDataFrame, showing: Showing) -> dict[str, Any] | None:
    """Return the district that all areas lie in, without its outline; None when there is not exactly one."""
    districts = areas[areas["level"] == "district"]
    if len(districts) != 1:
        return None
    district = districts.iloc[0]
    return {
        "id": int(districts.index[0]),
        "code": district["code"],
        "name": district["name"],
        "class": showing.classes.loc[districts.index[0]],
        "figures": showing.figures.loc[districts.index[0]].tolist(),
    }
