"""The map of beats: who answers for which land; colours only tell neighbours apart."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.areas import AreaLayer, Showing, provenance
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.figures import count_text, marked
from maps.legend import QUALITATIVE, Legend, LegendClass
from maps.outlines import bounds_latlon
from maps.texts import Texts, chinese

__all__ = ["draw_beats", "neighbour_colours"]


def draw_beats(
    beats: gpd.GeoDataFrame,
    *,
    urls: MapUrls | None = None,
    base_maps: Sequence[BaseMap] = (),
    attribution: str = "",
    texts: Texts = chinese,
) -> GridMap:
    """
    Draw each beat with its officer's name; a beat that nobody holds is hatched.

    Parameters
    ----------
    beats
        Index ``beat_id`` (int64, unique), ``code``, ``name``, ``officer`` (name, NA = nobody), polygons with a CRS;
        perhaps ``addresses`` and ``migrants`` (Int64), ``as_of`` and ``source``.
    urls, base_maps, attribution, texts
        See `maps.coverage.draw_coverage`; ``urls.area_page`` gets the beat's id as ``{area_id}``.
    """
    line, differing = provenance(beats, texts)
    areas = beats.assign(level="beat", parent_id=pd.array([pd.NA] * len(beats), dtype="Int64"))
    vacant = beats["officer"].isna()
    colours = neighbour_colours(beats.geometry)
    classes = ("beat_" + colours.astype(str)).mask(vacant, "vacant")
    used = sorted(set(colours[~vacant]))
    officer = beats["officer"].astype(object).where(~vacant, texts("Nobody"))
    figures = pd.DataFrame({texts("Officer"): officer}, index=beats.index)
    for column, caption, template in (
        ("addresses", "Addresses", "{count}"),
        ("migrants", "Registered migrants", texts("{count} people")),
    ):
        if column in beats:
            figures[texts(caption)] = [count_text(value, template) for value in beats[column]]
    figures = marked(figures.assign(**differing), beats)
    shown = tuple(LegendClass(f"beat_{number}", texts("Beat with an officer"), QUALITATIVE[number]) for number in used)
    nobody = LegendClass("vacant", texts("Beat without an officer"), "#f3d6ea", "dense", "#7a0177")
    note = texts("Colours only tell neighbours apart")
    drawn = GridMap(
        bounds_latlon(beats),
        title=texts("Beats and officers"),
        lead=line,
        texts=texts,
        base_maps=base_maps,
        attribution=attribution,
    )
    showing = Showing(classes=classes, labels=officer, figures=figures, in_tooltip=figures.columns.tolist(), note=line)
    layer = AreaLayer(
        areas,
        showing,
        Legend(texts("Beats"), note, (*shown, nobody)),
        name=texts("Beats"),
        level_names={"beat": texts("Beats")},
        urls=urls,
    )
    drawn.add_child(layer)
    drawn.add_legend(Legend(texts("Beats"), note, (*shown[:1], nobody)))
    return drawn


def neighbour_colours(outlines: gpd.GeoSeries, colours: int = len(QUALITATIVE)) -> pd.Series:
    """
    Return a colour number per polygon, different from those of its neighbours.

    Welsh and Powell (1967): most neighbours first, the smallest number that no neighbour has. A polygon that would need
    more colours than there are gets the one that fewest of its neighbours have.

    Parameters
    ----------
    outlines
        Polygons.
    colours
        How many numbers there are.

    Returns
    -------
    pandas.Series
        ``colour``, int64, on the same index.
    """
    shapes = outlines.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    apart = one != other
    neighbours = pd.Series(other[apart]).groupby(one[apart]).agg(list).to_dict()
    chosen = np.full(len(shapes), -1)
    for place in sorted(range(len(shapes)), key=lambda place: (-len(neighbours.get(place, ())), place)):
        around = chosen[neighbours.get(place, [])]
        chosen[place] = int(np.argmin(np.bincount(around[around >= 0], minlength=colours)))
    return pd.Series(chosen, index=outlines.index, name="colour", dtype="int64")
