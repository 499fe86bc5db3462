"""The coverage map: migrants per officer against the standard, from townships down to compounds."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from maps.areas import LEVELS, AreaLayer, Showing, area_features, provenance
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.figures import count_text, fte_text, load_text, marked, officers_text, share_text
from maps.legend import graded, load_legend
from maps.outlines import bounds_latlon
from maps.texts import Texts, chinese

__all__ = ["coverage_features", "draw_coverage", "load_edges"]

_EDGE_SHARES = (0.75, 1.0, 1.25, 1.625)


def load_edges(standard: float) -> tuple[float, ...]:
    """Return class edges around a standard: 600, 800, 1,000 and 1,300 for 1 : 800."""
    return tuple(share * standard for share in _EDGE_SHARES)


def draw_coverage(
    frame: gpd.GeoDataFrame,
    *,
    standard: float,
    as_of: dt.date | None = None,
    edges: Sequence[float] | None = None,
    urls: MapUrls | None = None,
    base_maps: Sequence[BaseMap] = (),
    attribution: str = "",
    texts: Texts = chinese,
) -> GridMap:
    """
    Draw how many migrants an officer answers for, classed around the standard, with drill-down.

    Parameters
    ----------
    frame
        AREAS joined with what `layers.coverage.coverage` returns (``migrants``, ``officers_fte``, ``load``,
        ``required``, ``short``, ``coverage``, ``status``, ``as_of``, ``source``); district, townships, villages and,
        unless ``urls.areas`` serves them, compounds.
    standard
        Migrants per officer (setting; 800).
    as_of
        Date of all figures, when the frame does not say it.
    edges
        Class edges in migrants per officer, the standard among them; by default `load_edges`.
    urls
        Where the page fetches compounds and links to; None embeds all, for a file that opens offline.
    base_maps, attribution, texts
        See `maps.canvas.GridMap`.
    """
    edges = tuple(edges) if edges is not None else load_edges(standard)
    frame = frame if as_of is None else frame.assign(as_of=as_of)
    line, _ = provenance(frame, texts)
    legend = load_legend(
        edges, standard=standard, note=texts("Load = registered migrants ÷ full-time officers on duty"), texts=texts
    )
    drawn = GridMap(
        bounds_latlon(frame),
        title=texts("Officers and migrants: load per officer"),
        lead=line,
        texts=texts,
        base_maps=base_maps,
        attribution=attribution,
    )
    level_names = {level: texts(name) for level, name in LEVELS.items()}
    showing = _showing(frame, edges, texts)
    drawn.add_child(AreaLayer(frame, showing, legend, name=texts("Areas"), level_names=level_names, urls=urls))
    drawn.add_legend(legend)
    return drawn


def coverage_features(
    frame: gpd.GeoDataFrame, *, standard: float, edges: Sequence[float] | None = None, texts: Texts = chinese
) -> dict[str, Any]:
    """Return what ``MapUrls.areas`` of a coverage map answers for the areas of ``frame`` (as in `draw_coverage`)."""
    return area_features(frame, _showing(frame, tuple(edges) if edges is not None else load_edges(standard), texts))


def _showing(frame: pd.DataFrame, edges: Sequence[float], texts: Texts) -> Showing:
    # nobody today though the three-year average has some: no load, and nobody is uncovered
    status = (
        frame["status"].astype(str).where(frame["load"].notna() | ~frame["status"].isin(["covered", "short"]), "empty")
    )
    has_load = status.isin(["covered", "short"])
    classes = graded(frame["load"].where(has_load), edges, "load").astype(object).where(has_load, status)
    classes = classes.mask(status.eq("withheld").to_numpy(), "no_data")
    words = status.map(
        {
            "uncovered": texts("Uncovered"),
            "no_data": texts("No data"),
            "empty": texts("Empty (no migrants)"),
            "withheld": "—",
        }
    )
    loads = [count_text(load) for load in frame["load"]]
    people = texts("{count} people")
    officers = texts("{count} officers")
    note, differing = provenance(frame, texts)
    figures = pd.DataFrame(
        {
            texts("Load"): pd.Series([load_text(load, texts) for load in frame["load"]], index=frame.index).where(
                has_load, words
            ),
            texts("Officers on duty / required"): [
                officers_text(on_duty, required, texts)
                for on_duty, required in zip(frame["officers_fte"], frame["required"], strict=True)
            ],
            texts("Coverage"): [share_text(share) for share in frame["coverage"]],
            texts("Registered migrants"): [count_text(migrants, people) for migrants in frame["migrants"]],
            texts("Short of"): [officers.format(count=fte_text(short)) for short in frame["short"]],
            **differing,
        },
        index=frame.index,
    )
    hover = [
        texts("Load"),
        texts("Officers on duty / required"),
        texts("Coverage"),
        texts("Registered migrants"),
        *differing,
    ]
    return Showing(
        classes=classes,
        labels=pd.Series(loads, index=frame.index).where(has_load, words),
        figures=marked(figures, frame),
        in_tooltip=hover,
        note=note,
    )
