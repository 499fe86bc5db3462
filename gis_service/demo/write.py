"""Frames to files: CSV tables, GeoPackage layers and the truth, the same bytes for the same frames."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyogrio

LEVELS = ("district", "township", "village", "compound")
_WRITTEN_AT = "2026-01-01T00:00:00.000Z"


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a UTF-8 CSV with ISO dates; absent values and empty texts are empty fields."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({str(name): _column(frame[name]) for name in frame.columns})
    options = pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="none")
    pyarrow.csv.write_csv(table, path, options)


def _column(values: pd.Series) -> pa.Array:
    if pd.api.types.is_datetime64_any_dtype(values):
        return pa.array(values.to_numpy().astype("datetime64[D]"))
    column = pa.array(values, from_pandas=True)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    return column


def write_areas(path: Path, areas: gpd.GeoDataFrame) -> None:
    """Write a GeoPackage with one layer a level, in the order of the tree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
    try:
        for level in LEVELS:
            layer = areas[areas["level"] == level]
            if len(layer):
                pyogrio.write_dataframe(layer, path, layer=level, driver="GPKG", promote_to_multi=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def write_truth(path: Path, truth: dict[str, object]) -> None:
    """Write plain data as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1, default=_plain) + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in the truth")
