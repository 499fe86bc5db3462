"""Read a table or layer file safely: in a process of its own, under limits, with one driver and no way out."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyarrow import feather
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis_service.errors import InvalidInputError, TooLargeError
from gis_service.intake.child import JOB, refused, text_from_json
from gis_service.intake.content import FLAW, ROW, WKB, FileContent, Layer
from gis_service.intake.formats import Format, format_of
from gis_service.intake.limits import Limits
from gis_service.intake.restrained import run_restrained
from gis_service.texts import T


def read_file(
    path: Path, limits: Limits, *, name: str | None = None, layers: Sequence[str] | None = None
) -> FileContent:
    """Read one file as its owner sent it.

    Parameters
    ----------
    path : the file, as it lies with us.
    limits : what the reading may use.
    name : what its owner calls it; its ending counts. The path's own name when None.
    layers : layers of a GeoPackage or zip, or the sheet of a workbook; None for all layers, or the only sheet.

    Raises
    ------
    InvalidInputError
        It is not what it says, is damaged, or cannot be understood; with faults where a row is to blame.
    TooLargeError
        It exceeds a limit.
    """
    called = name or path.name
    size_bytes = path.stat().st_size
    if size_bytes > limits.max_bytes:
        raise TooLargeError(T("{file} is larger than {most} MB.", file=called, most=round(limits.max_bytes / 2**20, 1)))
    taken = format_of(path, called)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with tempfile.TemporaryDirectory(prefix="intake-") as folder:
        answer = _run(Path(folder), path, taken, limits, layers, called)
        if "refused" in answer:
            raise refused(answer, called)
        found = tuple(_layer(Path(folder) / f"layer{n}.arrow", each, called) for n, each in enumerate(answer["layers"]))
    notes = tuple(text_from_json(note) for note in answer["notes"])
    return FileContent(called, sha256, found, notes)


def _run(
    folder: Path, path: Path, taken: Format, limits: Limits, layers: Sequence[str] | None, called: str
) -> dict[str, Any]:
    """Let the reading process do its job; its answer."""
    source = folder / "source"
    source.symlink_to(path.absolute())
    job = {
        "source": str(source),
        "format": taken.name,
        "driver": taken.driver,
        "layers": None if layers is None else list(layers),
        "limits": asdict(limits),
    }
    (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
    return run_restrained("gis_service.intake.child", folder, limits, called=called, driver=taken.driver)


def _layer(path: Path, described: dict[str, Any], called: str) -> Layer:
    table = feather.read_table(str(path), memory_map=False)
    index = pd.Index(table.column(ROW).to_numpy(), name="row")
    texts = table.drop_columns([name for name in (ROW, WKB, FLAW) if name in table.column_names])
    rows = texts.to_pandas().astype("str").set_axis(index)
    if WKB not in table.column_names:
        return Layer(described["name"], rows)
    with np.errstate(invalid="ignore"):  # coordinates that are not finite are a flaw, which the subject refuses
        shapes = shapely.from_wkb(table.column(WKB).to_numpy(zero_copy_only=False), on_invalid="ignore")
    try:
        crs = None if described["crs"] is None else CRS.from_user_input(described["crs"])
    except CRSError as error:
        raise InvalidInputError(T("{file}: its CRS is not known.", file=called)) from error
    geometry = gpd.GeoSeries(shapes, index=index, crs=crs)
    return Layer(described["name"], rows, geometry, table.column(FLAW).to_pandas().set_axis(index))
