"""Two states of one layer of areas: which is which, by how much the ground differs, and where former ground went."""

from dataclasses import dataclass, fields
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._overlay import Geometries, area_m2, divided, valid_copies
from layers.frames import LONLAT, require_lonlat, require_metric

__all__ = ["MATCHES", "Likeness", "compare_borders", "heirs_by_ground", "match_areas"]

MATCHES: Final = ("code", "overlap", "name")
"""How two areas are known to be the same, the first that holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """From what on two areas are the same, and two borders.

    Attributes
    ----------
    same_border_m : borders nowhere further apart are the same (coordinates that were rounded), metres.
    overlap_share : common ground over the ground of both together, from which on areas of different codes are the same.
    reused_share : common ground over the smaller area, below which a code stands for another place than before.
    heir_share : share of the ground of an area that is no more, from which on another is its heir.
    most_vertices, most_crossings : beyond, an invalid polygon is not measured.
    """

    same_border_m: float = 0.02
    overlap_share: float = 0.8
    reused_share: float = 0.02
    heir_share: float = 0.1
    most_vertices: int = 20_000
    most_crossings: int = 5_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) >= 0:
                raise ValueError(f"{field.name} must not be negative: {getattr(self, field.name)}")


def match_areas(
    old_lonlat: gpd.GeoDataFrame, new_lonlat: gpd.GeoDataFrame, metric_crs: Any, likeness: Likeness | None = None
) -> pd.DataFrame:
    """Find for each area of a new layer the one on record that it is.

    By code first, unless both are drawn and share next to no ground: then the code was given to another place. Then by
    ground (the pairs with the most in common). At last, where either is not drawn, by the name below the same parent,
    or by a name that only one area of the level has.

    Parameters
    ----------
    old_lonlat, new_lonlat
        Index of their own; `code`, `name`, `level`, `parent_code` (str or NA) and geometry in lon-lat (or None). Only
        areas of one level are matched.

    Returns
    -------
    On the index of `new_lonlat`: `old` (Int64: label of the old one, NA for none), `matched_by` (see `MATCHES`, NA).

    Raises
    ------
    NotLonLatError, NotMetricError
    """
    require_lonlat(old_lonlat)
    require_lonlat(new_lonlat)
    require_metric(metric_crs)
    rules = likeness or Likeness()
    found = pd.DataFrame(
        {
            "old": pd.array([pd.NA] * len(new_lonlat), dtype="Int64"),
            "matched_by": pd.array([pd.NA] * len(new_lonlat), "str"),
        },
        index=new_lonlat.index,
    )
    pairs = _common_ground(old_lonlat, new_lonlat, metric_crs, rules)
    _pair_up(found, _by_code(old_lonlat, new_lonlat, pairs, rules), "code")
    rest = pairs[pairs["overlap"].ge(rules.overlap_share)].sort_values("overlap", ascending=False, kind="stable")
    _pair_up(found, rest[["old", "new"]], "overlap")
    for keys in (["level", "parent_code", "name"], ["level", "name"]):
        _pair_up(found, _by_name(old_lonlat, new_lonlat, found, keys), "name")
    return found


def compare_borders(
    old_lonlat: Geometries, new_lonlat: Geometries, metric_crs: Any, likeness: Likeness | None = None
) -> pd.DataFrame:
    """By how much borders differ, pair by pair (lon-lat).

    Returns
    -------
    `same` (bool: equal, or nowhere further apart than `same_border_m`; also where the new one is not drawn),
    `old_area_m2`, `new_area_m2`, `difference_m2` (ground of just one of them; NaN where one cannot be measured) and
    `difference_share` (that over the old ground).
    """
    require_metric(metric_crs)
    rules = likeness or Likeness()
    old, new = shapely.normalize(old_lonlat), shapely.normalize(new_lonlat)
    absent = shapely.is_missing(new)
    same = shapely.equals_exact(old, new, 0.0) | absent
    doubtful = np.flatnonzero(~same & ~shapely.is_missing(old))
    same[doubtful] = _nowhere_apart(old_lonlat[doubtful], new_lonlat[doubtful], metric_crs, rules.same_border_m)
    old_valid, new_valid = (valid_copies(each, rules.most_vertices, rules.most_crossings) for each in (old, new))
    table = pd.DataFrame(
        {"same": same, "old_area_m2": _m2(old_valid, metric_crs), "new_area_m2": _m2(new_valid, metric_crs)}
    )
    table["difference_m2"] = np.where(same & ~absent, 0.0, np.nan)
    measured = np.flatnonzero(~same & ~shapely.is_missing(old_valid) & ~shapely.is_missing(new_valid))
    _, gone = divided(old_valid[measured], new_valid[measured])
    _, come = divided(new_valid[measured], old_valid[measured])
    table.loc[measured, "difference_m2"] = _m2(gone, metric_crs) + _m2(come, metric_crs)
    table["difference_share"] = table["difference_m2"] / table["old_area_m2"]
    return table


def heirs_by_ground(
    gone_lonlat: gpd.GeoDataFrame, now_lonlat: gpd.GeoDataFrame, metric_crs: Any, likeness: Likeness | None = None
) -> pd.DataFrame:
    """Who of the same level has ground of areas that are no more: `old`, `new` (labels), `share` of the old ground."""
    require_metric(metric_crs)
    rules = likeness or Likeness()
    pairs = _common_ground(gone_lonlat, now_lonlat, metric_crs, rules)
    return pairs.loc[pairs["share"].ge(rules.heir_share), ["old", "new", "share"]].reset_index(drop=True)


def _common_ground(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, metric_crs: Any, rules: Likeness) -> pd.DataFrame:
    """Pairs of one level with common ground: over both (`overlap`), the smaller (`inside`), the old one (`share`)."""
    before, now = _drawn(old, rules), _drawn(new, rules)
    one, other = shapely.STRtree(now).query(before, predicate="intersects")
    alike = old["level"].to_numpy()[one] == new["level"].to_numpy()[other]
    # whoever is drawn the same way has its pair; its touching neighbours need no overlay
    twins = alike & shapely.equals_exact(shapely.normalize(before[one]), shapely.normalize(now[other]), 0.0)
    settled_old, settled_new = np.isin(one, one[twins]), np.isin(other, other[twins])
    asked = alike & (twins | ~(settled_old & settled_new))
    one, other = one[asked], other[asked]
    common, _ = divided(before[one], now[other])
    common_m2, old_m2, new_m2 = _m2(common, metric_crs), _m2(before[one], metric_crs), _m2(now[other], metric_crs)
    pairs = pd.DataFrame({"old": old.index.to_numpy()[one], "new": new.index.to_numpy()[other]})
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs["overlap"] = common_m2 / (old_m2 + new_m2 - common_m2)
        pairs["inside"] = common_m2 / np.minimum(old_m2, new_m2)
        pairs["share"] = common_m2 / old_m2
    return pairs[common_m2 > 0].reset_index(drop=True)


def _by_code(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, pairs: pd.DataFrame, rules: Likeness) -> pd.DataFrame:
    known = pd.DataFrame({"old": old.index, "code": old["code"].to_numpy(), "level": old["level"].to_numpy()})
    told = pd.DataFrame({"new": new.index, "code": new["code"].to_numpy(), "level": new["level"].to_numpy()})
    met = told.dropna(subset=["code"]).merge(known.dropna(subset=["code"]), on=["code", "level"])
    drawn = old.geometry.notna().reindex(met["old"]).to_numpy() & new.geometry.notna().reindex(met["new"]).to_numpy()
    inside = met.merge(pairs, on=["old", "new"], how="left")["inside"].fillna(0.0).to_numpy()
    found: pd.DataFrame = met.loc[~drawn | (inside >= rules.reused_share), ["old", "new"]]
    return found


def _by_name(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    free_old = old[~old.index.isin(found["old"].dropna())]
    free_new = new[found["old"].isna()]
    one = free_old[keys].assign(old=free_old.index, old_drawn=free_old.geometry.notna()).dropna()
    two = free_new[keys].assign(new=free_new.index, new_drawn=free_new.geometry.notna()).dropna()
    one, two = (each[~each.duplicated(keys, keep=False)] for each in (one, two))
    met = two.merge(one, on=keys)
    undrawn: pd.DataFrame = met.loc[~(met["old_drawn"] & met["new_drawn"]), ["old", "new"]]
    return undrawn


def _pair_up(found: pd.DataFrame, pairs: pd.DataFrame, by: str) -> None:
    """Note pairs of which neither is taken yet, the first ones first."""
    free = pairs[~pairs["old"].isin(found["old"].dropna()) & pairs["new"].isin(found.index[found["old"].isna()])]
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for old, new in free.itertuples(index=False):
        if old not in taken_old and new not in taken_new:
            taken_old.add(old)
            taken_new.add(new)
            found.loc[new, "old"], found.loc[new, "matched_by"] = old, by


def _drawn(areas: gpd.GeoDataFrame, rules: Likeness) -> Geometries:
    return valid_copies(areas.geometry.to_numpy(), rules.most_vertices, rules.most_crossings)


def _m2(geometries: Geometries, metric_crs: Any) -> npt.NDArray[np.float64]:
    return area_m2(geometries, metric_crs)


def _nowhere_apart(old: Geometries, new: Geometries, metric_crs: Any, within_m: float) -> npt.NDArray[np.bool_]:
    """Whether every vertex of each border lies so close to the other border."""
    one, other = (
        shapely.boundary(gpd.GeoSeries(each, crs=LONLAT).to_crs(metric_crs).to_numpy()) for each in (old, new)
    )
    close = np.ones(len(old), dtype=np.bool_)
    for here, there in ((one, other), (other, one)):
        shapely.prepare(there)
        coordinates, owner = shapely.get_coordinates(here, return_index=True)
        far = ~shapely.dwithin(there[owner], shapely.points(coordinates), within_m)
        close[np.unique(owner[far])] = False
    return close
