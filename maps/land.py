"""Plain land: the areas of each level with their names and nothing counted on them, as ground for what lies on it."""

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from maps.areas import LEVELS, AreaLayer, Showing, provenance
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.legend import Legend, LegendClass
from maps.outlines import bounds_latlon
from maps.texts import Texts, chinese

__all__ = ["draw_land"]

_LAND = "#f4f4f1"


def draw_land(
    frame: gpd.GeoDataFrame,
    *,
    title: str | None = None,
    urls: MapUrls | None = None,
    base_maps: Sequence[BaseMap] = (),
    attribution: str = "",
    texts: Texts = chinese,
) -> GridMap:
    """
    Draw areas in one pale colour; without a legend, for there is nothing to explain.

    Parameters
    ----------
    frame
        AREAS frame, perhaps with ``as_of`` and ``source``; one level or several.
    title
        Heading, already in the reader's language.
    urls, base_maps, attribution, texts
        See `maps.coverage.draw_coverage`.
    """
    line, _ = provenance(frame, texts)
    heading = title or texts("Areas")
    drawn = GridMap(
        bounds_latlon(frame), title=heading, lead=line, texts=texts, base_maps=base_maps, attribution=attribution
    )
    nothing = pd.Series("", index=frame.index)
    showing = Showing(
        classes=pd.Series("land", index=frame.index),
        labels=nothing,
        figures=pd.DataFrame(index=frame.index),
        in_tooltip=[],
    )
    legend = Legend(heading, "", (LegendClass("land", texts("Areas"), _LAND),))
    level_names = {level: texts(name) for level, name in LEVELS.items() if level in set(frame["level"])}
    drawn.add_child(AreaLayer(frame, showing, legend, name=texts("Areas"), level_names=level_names, urls=urls))
    return drawn
