"""What the coordinates of a file would mean under each reading, shown before anything is written."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_service.errors import Fault
from gis_service.intake.subject import Batch
from gis_service.texts import T
from layers.crs import diagnose

#: "near the district" is its bounding box grown on every side by this share of its width and height
NEAR: Final = 1.0


def diagnose_batch(batch: Batch, outline: gpd.GeoSeries) -> pd.DataFrame | None:
    """How many shapes of the batch lie wholly in the district under each reading; None when nothing can be said."""
    shapes = batch.written if batch.written is not None else batch.geometry
    if shapes is None or outline.empty:
        return None
    west, south, east, north = shapely.bounds(shapes.to_numpy()).T
    in_degrees = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)  # false where there is no shape
    if not in_degrees.any():
        return None
    return diagnose(shapes[in_degrees], shapely.union_all(outline.to_numpy()))


def refuse_elsewhere(batch: Batch, outline: gpd.GeoSeries) -> None:
    """Refuse a batch of which not one shape lies in or near the district: its coordinates mean something else."""
    if batch.geometry is None or outline.empty:
        return
    shapes = batch.geometry[batch.geometry.notna()].to_numpy()
    west, south, east, north = shapely.total_bounds(outline.to_numpy())
    width, height = (east - west) * NEAR, (north - south) * NEAR
    near = shapely.box(west - width, south - height, east + width, north + height)
    if len(shapes) and not np.any(shapely.intersects(near, shapes)):
        batch.faults.refuse_all(
            Fault(
                T("Not one of the {count} places lies in or near the district.", count=len(shapes)),
                field="geometry",
                remedy=T("Declare another coordinate system, or check that the file is about this district."),
            )
        )
