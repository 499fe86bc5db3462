"""The mismatch map: how many records of the registers disagree, per 1,000, by area and class."""

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from maps.areas import LEVELS, AreaLayer, Showing, provenance
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.figures import count_text, decimal_text, marked
from maps.legend import graded, rate_edges, rate_legend
from maps.outlines import bounds_latlon
from maps.texts import Texts, chinese

__all__ = ["MISMATCH_CLASSES", "draw_mismatches"]

MISMATCH_CLASSES = {
    "missing_registration": "Missing registration",
    "should_be_registered": "Should be registered",
    "should_be_deregistered": "Should be deregistered",
    "person_dwelling": "Person and dwelling differ",
    "duplicate": "Registered twice",
    "wrong_address": "Wrong address",
    "attribute_conflict": "Details conflict",
}
"""Column of a mismatch class → its name."""


def draw_mismatches(
    frame: gpd.GeoDataFrame,
    *,
    edges: Sequence[float] | None = None,
    urls: MapUrls | None = None,
    base_maps: Sequence[BaseMap] = (),
    attribution: str = "",
    texts: Texts = chinese,
) -> GridMap:
    """
    Draw mismatches per 1,000 registered, with the number of each class in hover and panel.

    Parameters
    ----------
    frame
        AREAS with ``count`` (mismatches, NA = not reconciled), ``rate_per_1000`` (NA = no rate), any of the columns of
        `MISMATCH_CLASSES` (counts), and perhaps ``as_of`` and ``source``; one level or several.
    edges
        Increasing class edges per 1,000; by default quantiles of the areas' rates.
    urls, base_maps, attribution, texts
        See `maps.coverage.draw_coverage`.
    """
    line, _ = provenance(frame, texts)
    edges = tuple(edges) if edges is not None else rate_edges(frame.loc[frame["level"] != "district", "rate_per_1000"])
    note = texts("Rate = open mismatches ÷ records compared × 1,000")
    legend = rate_legend(edges, title=texts("Mismatches per 1,000 records"), note=note, texts=texts)
    heading = texts("Data mismatches")
    drawn = GridMap(
        bounds_latlon(frame), title=heading, lead=line, texts=texts, base_maps=base_maps, attribution=attribution
    )
    level_names = {level: texts(name) for level, name in LEVELS.items() if level in set(frame["level"])}
    drawn.add_child(
        AreaLayer(frame, _showing(frame, edges, texts), legend, name=heading, level_names=level_names, urls=urls)
    )
    drawn.add_legend(legend)
    return drawn


def _showing(frame: pd.DataFrame, edges: Sequence[float], texts: Texts) -> Showing:
    count, rate = frame["count"], frame["rate_per_1000"]
    classes = graded(rate, edges, "rate").astype(object)
    classes = classes.mask(rate.isna().to_numpy(), "no_base").mask(
        count.eq(0).fillna(value=False).to_numpy(dtype=bool), "none"
    )
    classes = classes.mask(count.isna().to_numpy(), "no_data")
    items = texts("{count} items")
    per_1000 = texts("{rate} per 1,000")
    rates = [decimal_text(value, 1, per_1000) for value in rate]
    note, differing = provenance(frame, texts)
    figures = pd.DataFrame(
        {
            texts("Mismatch rate"): rates,
            texts("Mismatches"): [count_text(value, items) for value in count],
            **{
                texts(name): [count_text(value) for value in frame[column]]
                for column, name in MISMATCH_CLASSES.items()
                if column in frame
            },
            **differing,
        },
        index=frame.index,
    )
    hover = [caption for caption in figures.columns if caption not in differing]
    return Showing(
        classes=classes,
        labels=pd.Series([decimal_text(value, 1) for value in rate], index=frame.index).mask(count.isna(), ""),
        figures=marked(figures, frame),
        in_tooltip=hover,
        note=note,
    )
