"""From located points to placements: which compound, which beat, or why not. Pure: frames in, frames out."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_service.addresses.tables import Unresolved

#: what a placement says, besides its address and its period; the dtypes that `place` returns
PLACEMENT_DTYPES = {
    "area_id": "Int64",
    "beat_id": "Int64",
    "home_area_id": "Int64",
    "unresolved": "object",
    "suggested_area_id": "Int64",
    "suggested_distance_m": "Float64",
    "candidate_area_ids": "object",
}


def place(
    points: pd.DataFrame,
    compounds: gpd.GeoDataFrame,
    villages: pd.Series,
    parts: gpd.GeoDataFrame,
    metric_crs: str,
    heirs: pd.MultiIndex | None = None,
    homes: pd.Series | None = None,
) -> pd.DataFrame:
    """Decide the compound and the beat of every address, or say why it cannot be decided.

    Parameters
    ----------
    points
        Index `address_id`; `lon`, `lat` (degrees, NaN = no point), `stated_village_code`, `building`.
    compounds
        AREAS frame (lon-lat) of the leaf areas.
    villages
        `area_id` of a village, indexed by its code.
    parts
        Beat parts: `beat_id`, `area_id`, `buildings` (list or None), geometry (lon-lat sub-polygon or None).
    metric_crs
        CRS in which the distance to the nearest area is measured, in metres.
    heirs
        Pairs of a village and one that got ground of it: whoever states the former may lie in the latter.
    homes
        For a stated village that is no more, the area whose people see its addresses.

    Returns
    -------
    Index `address_id`, columns and dtypes of `PLACEMENT_DTYPES`.
    """
    from layers.locate import AMBIGUOUS, NO_POINT, OUTSIDE, AreaLocator, nearest_areas

    locator = AreaLocator.build(compounds.geometry, compounds["code"].tolist(), expected_points=len(points))
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    located = locator.locate(lon, lat)
    owner = located.owner
    inside = owner >= 0
    ids = compounds.index.to_numpy()

    stated = _looked_up(points["stated_village_code"], villages)
    found = pd.Series(pd.NA, index=points.index, dtype="Int64")
    found[inside] = ids[owner[inside]]
    found_village = pd.Series(pd.NA, index=points.index, dtype="Int64")
    found_village[inside] = compounds["parent_id"].to_numpy()[owner[inside]]
    differs = inside & (
        (points["stated_village_code"].notna() & stated.isna()) | (stated.notna() & stated.ne(found_village))
    ).to_numpy(dtype=bool, na_value=False)
    if heirs is not None and len(heirs) and differs.any():
        differs[differs] = ~pd.MultiIndex.from_arrays([stated[differs], found_village[differs]]).isin(heirs)

    reason = pd.Series(None, index=points.index, dtype="object")
    reason[owner == OUTSIDE] = Unresolved.OUTSIDE.value
    reason[owner == NO_POINT] = Unresolved.NO_POINT.value
    reason[owner == AMBIGUOUS] = Unresolved.OVERLAP.value
    reason[differs] = Unresolved.STATED_DIFFERS.value

    placed = pd.DataFrame(index=points.index)
    placed["area_id"] = found.mask(differs)
    placed["beat_id"] = beats_of(points, placed["area_id"], parts)
    placed["suggested_area_id"] = found.where(differs)
    placed["suggested_distance_m"] = pd.Series(np.where(differs, 0.0, np.nan), index=points.index).astype("Float64")

    if (owner == OUTSIDE).any():
        nearest = nearest_areas(compounds, points[owner == OUTSIDE], metric_crs)
        placed["suggested_area_id"] = placed["suggested_area_id"].fillna(nearest["nearest_area_id"])
        placed["suggested_distance_m"] = placed["suggested_distance_m"].fillna(nearest["distance_m"])

    starts, ends = located.candidate_offsets[:-1], located.candidate_offsets[1:]
    several = [[int(ids[held]) for held in located.candidates[a:b]] for a, b in zip(starts, ends, strict=True)]
    placed["candidate_area_ids"] = pd.Series(several, index=points.index[located.ambiguous], dtype="object")
    first = placed["candidate_area_ids"].str[0].astype("Int64")
    placed["suggested_area_id"] = placed["suggested_area_id"].fillna(first)

    placed["home_area_id"] = placed["area_id"].fillna(placed["suggested_area_id"])
    placed["home_area_id"] = placed["home_area_id"].fillna(
        stated if homes is None else _looked_up(stated, homes).fillna(stated)
    )
    no_beat = placed["area_id"].notna() & placed["beat_id"].isna()
    placed["unresolved"] = reason.mask(no_beat, Unresolved.NO_BEAT.value)
    placed = placed[list(PLACEMENT_DTYPES)].astype(PLACEMENT_DTYPES)
    texts = [column for column, dtype in PLACEMENT_DTYPES.items() if dtype == "object"]
    placed[texts] = placed[texts].where(placed[texts].notna(), None)  # the database knows None, and not NaN
    return placed


def beats_of(points: pd.DataFrame, area_id: pd.Series, parts: gpd.GeoDataFrame) -> pd.Series:
    """The beat of every decided address: by sub-polygon, by building, else by the compound as a whole."""
    from layers.locate import AreaLocator

    polygonal = parts[parts.geometry.notna()]
    by_building = parts[parts["buildings"].notna() & parts.geometry.isna()]
    whole = parts[parts["buildings"].isna() & parts.geometry.isna()].drop_duplicates("area_id").set_index("area_id")

    beat = _looked_up(area_id, whole["beat_id"])
    if len(by_building):
        exploded = by_building[["area_id", "buildings", "beat_id"]].explode("buildings")
        lookup = pd.Series(
            exploded["beat_id"].to_numpy(),
            index=pd.MultiIndex.from_arrays([exploded["area_id"], exploded["buildings"]]),
        )
        lookup = lookup[~lookup.index.duplicated()]
        split = area_id.isin(by_building["area_id"]) & points["building"].notna()
        keys = pd.MultiIndex.from_arrays([area_id[split], points.loc[split, "building"]])
        by_name = pd.Series(lookup.reindex(keys).to_numpy(), index=area_id.index[split]).astype("Int64")
        beat = by_name.reindex(beat.index).fillna(beat)
    for split_area, pieces in polygonal.groupby("area_id"):
        members = np.flatnonzero(area_id.eq(split_area).to_numpy(dtype=bool, na_value=False))
        names = [str(key) for key in pieces.index]
        locator = AreaLocator.build(pieces.geometry, names, expected_points=len(members))
        owner = locator.locate(points["lon"].to_numpy()[members], points["lat"].to_numpy()[members]).owner
        hit = owner >= 0
        beat.iloc[members[hit]] = pieces["beat_id"].to_numpy()[owner[hit]]
    return beat


def _looked_up(keys: pd.Series, values: pd.Series) -> pd.Series:
    """The whole number that each key stands for, NA for none: every distinct key is looked up once."""
    codes, distinct = pd.factorize(keys)
    found = values.reindex(distinct).astype("Int64").array
    return pd.Series(found.take(codes, allow_fill=True), index=keys.index, dtype="Int64")
