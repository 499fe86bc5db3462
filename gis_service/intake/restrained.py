"""Work that a file could make endless: done by a process of its own, under limits, with one driver and no way out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyogrio

import gis_service
from gis_service.errors import InvalidInputError, TooLargeError
from gis_service.intake.child import ANSWER
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


def run_restrained(
    module: str, folder: Path, limits: Limits, *, called: str, driver: str | None = None
) -> dict[str, Any]:
    """Run `python -m MODULE FOLDER` in a process that limits itself; returns the answer that it leaves in the folder.

    Parameters
    ----------
    module : restrains itself (`child.restrain`), does the job in the folder and writes `ANSWER` there.
    called : what the work is about, for people.
    driver : the one GDAL driver that it may use; None for none.

    Raises
    ------
    TooLargeError
        It takes longer, or more memory, than it may.
    InvalidInputError
        It failed.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-W", "ignore", "-m", module, str(folder)],
            env=_environment(driver),
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
    marks = (
        b"MemoryError",
        b"memory allocation of",
        b"bad_alloc",
        b"annot allocate memory",
        b"failed to map segment",
        b"Memory allocation",
    )
    return done.returncode == -signal.SIGXFSZ or any(mark in said for mark in marks)


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
