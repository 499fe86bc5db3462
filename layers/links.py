"""What joins and parts compounds, and where each link comes from: borders, barriers along them, bridges over gaps."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers._graph import UnitGraph, unit_graph
from layers.adjacency import WIDEST_SLIVER_M
from layers.frames import require_metric

__all__ = ["BARRIER", "BORDER", "BRIDGE", "graph_of_links", "land_links"]

BORDER: Final = "border"
BARRIER: Final = "barrier"
BRIDGE: Final = "bridge"
_ALONG = 0.5
"""a border is barred when a barrier runs along at least this share of it"""


def land_links(
    areas_metric: gpd.GeoDataFrame,
    borders: pd.DataFrame,
    *,
    barriers_metric: gpd.GeoDataFrame | None = None,
    within_m: float = 15.0,
    groups: pd.Series | None = None,
) -> pd.DataFrame:
    """
    Borders with the barriers along them, and the shortest bridges to what borders on nobody of its group.

    Land that a barrier parts is not joined by itself: a person adds a bridge where beats may cross, or none.

    Parameters
    ----------
    areas_metric
        Polygons in a metric CRS, indexed by `area_id`.
    borders
        `a`, `b`, `shared_border_m`, from `layers.adjacency.adjacency`.
    barriers_metric
        Lines or polygons (rivers, expressways) in the same CRS with a ``name``.
    within_m
        Distance up to which a barrier runs along a border, metres; one that crosses covers twice that of a border.
    groups
        Village or township per area: bridges join within a group only. Default: all areas are one group.

    Returns
    -------
    pandas.DataFrame
        In order of ``a``, ``b`` (ids, a < b): ``kind`` (border, barrier, bridge), ``shared_border_m``, ``gap_m``
        (what a bridge crosses, else 0), ``because`` (name of the barrier; of a bridge ``apart``; else empty).

    Raises
    ------
    NotMetricError
    """
    require_metric(areas_metric)
    links = borders[["a", "b", "shared_border_m"]].assign(kind=BORDER, gap_m=0.0, because="")
    if barriers_metric is not None and len(barriers_metric) and len(links):
        require_metric(barriers_metric)
        links["because"] = _barrier_along(areas_metric, links, barriers_metric, within_m)
        links.loc[links["because"] != "", "kind"] = BARRIER
    of_area = pd.Series(0, index=areas_metric.index) if groups is None else groups.reindex(areas_metric.index)
    found = [links, *(_bridges(part, links) for _, part in areas_metric.groupby(of_area.to_numpy(), sort=True))]
    return pd.concat(found).sort_values(["a", "b"], ignore_index=True)


def graph_of_links(loads: pd.Series, links: pd.DataFrame, *, groups: pd.Series | None = None) -> UnitGraph:
    """
    Graph of units in the order of ``loads`` (index ``area_id``), with exactly the links that were shown.

    A bridge over a barrier wins: whoever adds a row ``bridge`` says that beats may cross there.
    """
    place = pd.Series(np.arange(len(loads)), index=loads.index)
    pairs = np.column_stack([place.loc[links["a"]], place.loc[links["b"]]]).reshape(-1, 2)
    kind = links["kind"].to_numpy()
    numbers = None if groups is None else pd.factorize(groups.reindex(loads.index), sort=True)[0]
    return unit_graph(
        loads.to_numpy(),
        pairs[kind == BORDER],
        border_m=links.loc[kind == BORDER, "shared_border_m"].to_numpy(),
        bridges=pairs[kind == BRIDGE],
        groups=numbers,
    )


def _barrier_along(
    areas: gpd.GeoDataFrame, links: pd.DataFrame, barriers: gpd.GeoDataFrame, within_m: float
) -> list[str]:
    """Name of the barrier that runs along most of each border, empty for none."""
    one, other = (areas.geometry.loc[links[end]].to_numpy() for end in ("a", "b"))
    shared = shapely.intersection(shapely.boundary(one), shapely.buffer(other, WIDEST_SLIVER_M))
    length = shapely.length(shared)
    zones = shapely.buffer(barriers.geometry.to_numpy(), within_m, quad_segs=4)
    border, zone = shapely.STRtree(zones).query(shared)
    along = shapely.length(shapely.intersection(shared[border], zones[zone]))
    found = pd.DataFrame({"border": border, "zone": zone, "share": along / np.maximum(length[border], 1e-9)})
    best = found[found["share"] >= _ALONG].sort_values(["share", "zone"], ascending=[False, True])
    named = best.drop_duplicates("border").set_index("border")["zone"].map(lambda row: str(barriers["name"].iloc[row]))
    return named.reindex(range(len(links)), fill_value="").tolist()


def _bridges(areas: gpd.GeoDataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Shortest bridges between the pieces of one group (Kruskal's tree over the gaps)."""
    place = pd.Series(np.arange(len(areas)), index=areas.index)
    within = links[links["a"].isin(areas.index) & links["b"].isin(areas.index)]
    ends = place.loc[within["a"]].to_numpy(), place.loc[within["b"]].to_numpy()
    shape = (len(areas), len(areas))
    count, piece = connected_components(coo_array((np.ones(len(within)), ends), shape=shape), directed=False)
    shapes = areas.geometry.to_numpy()
    rows = []
    while count > 1:
        main = np.flatnonzero(piece == np.argmax(np.bincount(piece)))
        apart = np.flatnonzero(piece != piece[main[0]])
        near, gap_m = shapely.STRtree(shapes[main]).query_nearest(shapes[apart], return_distance=True)
        best = int(np.lexsort((near[1], near[0], gap_m))[0])
        one, two = int(apart[near[0, best]]), int(main[near[1, best]])
        low, high = sorted((int(areas.index[one]), int(areas.index[two])))
        rows.append((low, high, 0.0, BRIDGE, float(gap_m[best]), "apart"))
        piece[piece == piece[one]] = piece[two]
        count -= 1
    return pd.DataFrame(rows, columns=["a", "b", "shared_border_m", "kind", "gap_m", "because"])
