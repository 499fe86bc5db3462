"""Read a table or layer file safely: in a process of its own, under limits, with one driver and no way out."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyarrow import feather
from pyproj import CRS
from pyproj.exceptions import CRSError

import gis_service
from gis_service.errors import InvalidInputError, TooLargeError
from gis_service.intake.child import ANSWER, JOB, refused, text_from_json
from gis_service.intake.content import FLAW, ROW, WKB, FileContent, Layer
from gis_service.intake.formats import Format, format_of
from gis_service.intake.limits import Limits
from gis_service.texts import T

#: what GDAL and PROJ may not do, whatever a file asks for: reach the network, look beside the file, load plug-ins
GDAL_RESTRAINTS: Final = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_PROXY": "127.0.0.1:9",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "CPL_VSIL_CURL_USE_HEAD": "NO",
    "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO",
    "PROJ_NETWORK": "OFF",
}
_KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "HOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")


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
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-W", "ignore", "-m", "gis_service.intake.child", str(folder)],
            env=_environment(taken.driver),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=limits.wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_long(called) from error
    answer = folder / ANSWER
    if answer.exists():
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return result
    if done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise _too_long(called)
    if _ran_out_of_memory(done):
        raise TooLargeError(T("{file}: reading it needs more memory than one file may use.", file=called))
    raise InvalidInputError(T("{file} cannot be read: it made the reading process fail.", file=called))


def _too_long(called: str) -> TooLargeError:
    return TooLargeError(T("{file}: reading it takes longer than one file may take.", file=called))


def _ran_out_of_memory(done: subprocess.CompletedProcess[bytes]) -> bool:
    said = done.stderr[-4000:]
    return done.returncode == -signal.SIGXFSZ or any(
        mark in said for mark in (b"MemoryError", b"memory allocation of", b"bad_alloc", b"Cannot allocate memory")
    )


def _environment(driver: str | None) -> dict[str, str]:
    """Nothing of ours but what Python needs, and GDAL with one driver."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    root = str(Path(gis_service.__file__).parents[1])
    skipped = ",".join(sorted(name for name in _drivers() if name != driver))
    return {**kept, **threads, **GDAL_RESTRAINTS, "PYTHONPATH": root, "PYTHONUTF8": "1", "GDAL_SKIP": skipped}


@cache
def _drivers() -> frozenset[str]:
    return frozenset(pyogrio.list_drivers())


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
