"""The progress map of a quarter: how far each village's reconciliation is."""

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from maps.areas import LEVELS, AreaLayer, Showing, provenance
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.figures import count_text, marked, share_text
from maps.legend import SEQUENTIAL, Legend, LegendClass, no_data_class
from maps.outlines import bounds_latlon
from maps.texts import Texts, chinese

__all__ = ["QUARTER_STATES", "draw_progress"]

QUARTER_STATES = {
    "open": "Opened",
    "matched": "Matched",
    "worked": "Worked",
    "signed": "Signed by both sides",
    "closed": "Closed for good",
}
"""State of a village's quarter → its name, in their order."""


def draw_progress(
    frame: gpd.GeoDataFrame,
    *,
    quarter: str,
    urls: MapUrls | None = None,
    base_maps: Sequence[BaseMap] = (),
    attribution: str = "",
    texts: Texts = chinese,
) -> GridMap:
    """
    Draw how far each village is, with its mismatches in hover and panel.

    Parameters
    ----------
    frame
        AREAS of villages (and what frames them) with ``state`` (of `QUARTER_STATES`, NA = not opened), ``is_overdue``,
        ``found``, ``settled`` (counts), ``share_settled`` (0-1, NA = not matched), perhaps ``as_of`` and ``source``.
    quarter
        As people write it; in the title.
    urls, base_maps, attribution, texts
        See `maps.coverage.draw_coverage`.
    """
    line, differing = provenance(frame, texts)
    shades = zip(QUARTER_STATES.items(), SEQUENTIAL, strict=True)
    classes = [LegendClass(state, texts(name), fill) for (state, name), fill in shades]
    late = LegendClass("overdue", texts("Overdue"), "#fc8d59", "dense", "#8c1a1f")
    unopened = LegendClass("unopened", texts("Not opened"), "#fbfbf9", "sparse", "#b9b9b5")
    legend = Legend(
        texts("Quarterly reconciliation {quarter}").format(quarter=quarter),
        "",
        (*classes, late, unopened, no_data_class(texts)),
    )
    drawn = GridMap(
        bounds_latlon(frame), title=legend.title, lead=line, texts=texts, base_maps=base_maps, attribution=attribution
    )
    names = {level: texts(name) for level, name in LEVELS.items() if level in set(frame["level"])}
    showing = _showing(frame, texts, differing, line)
    drawn.add_child(AreaLayer(frame, showing, legend, name=legend.title, level_names=names, urls=urls))
    drawn.add_legend(legend)
    return drawn


def _showing(frame: pd.DataFrame, texts: Texts, differing: dict[str, pd.Series], note: str) -> Showing:
    state = frame["state"].astype(object)
    known = state.isin(list(QUARTER_STATES))
    late = frame["is_overdue"].fillna(value=False).astype(bool)
    words = {state: texts(name) for state, name in QUARTER_STATES.items()}
    items = texts("{count} items")
    figures = pd.DataFrame(
        {
            texts("State"): state.map(words).where(known, texts("Not opened")),
            texts("Mismatches"): [count_text(value, items) for value in frame["found"]],
            texts("Settled"): [count_text(value, items) for value in frame["settled"]],
            texts("Share settled"): [share_text(value) for value in frame["share_settled"]],
            **differing,
        },
        index=frame.index,
    )
    return Showing(
        classes=state.where(known, "unopened").mask(late, "overdue"),
        labels=pd.Series([share_text(value) for value in frame["share_settled"]], index=frame.index).where(known, ""),
        figures=marked(figures, frame),
        in_tooltip=[caption for caption in figures.columns if caption not in differing],
        note=note,
    )
