"""The reading process: `python -m gis_service.intake.child JOB`; nothing that a file does to it reaches the service.

It sets its own limits before anything heavy is loaded, reads one file, and leaves Arrow files and a JSON answer in the
job's folder. The parent (`reading`) starts it with an environment of our own and reads nothing but those.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from gis_service.errors import Fault, GridError, InvalidInputError, TooLargeError
from gis_service.intake.limits import Limits
from gis_service.texts import T, Text

JOB, ANSWER = "job.json", "answer.json"


def main(folder: Path) -> None:
    """Do the job in `folder` and write the answer there."""
    job: dict[str, Any] = json.loads((folder / JOB).read_text(encoding="utf-8"))
    limits = Limits(**job["limits"])
    restrain(limits)
    sys.meta_path.insert(0, WithoutFrames())
    try:
        answer = read(folder, job, limits)
    except MemoryError:
        answer = refusal(TooLargeError(T("Reading the file needs more memory than one file may use.")))
    except GridError as error:
        answer = refusal(error)
    (folder / ANSWER).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")


class WithoutFrames:
    """Says that there is no pandas: pyarrow and pyogrio load it where there is, which takes 0.3 s for nothing."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Refuse the two; leave every other module to Python."""
        if name in {"pandas", "geopandas"}:
            raise ModuleNotFoundError(name=name)


def restrain(limits: Limits) -> None:
    """Limit this process; the hard CPU limit kills it when the soft one is ignored."""
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.memory_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def read(folder: Path, job: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Read the file and write its layers; returns the answer."""
    import pyarrow as pa  # noqa: PLC0415 - after the limits
    from pyarrow import feather  # noqa: PLC0415

    content = _reader(job, limits)
    layers = []
    try:
        for number, layer in enumerate(content.layers):
            feather.write_feather(layer.table, str(folder / f"layer{number}.arrow"), compression="uncompressed")
            layers.append({"name": layer.name, "crs": layer.crs})
    except pa.ArrowException as error:
        raise InvalidInputError(T("The file cannot be read.")) from error
    return {"layers": layers, "notes": [text_to_json(note) for note in content.notes]}


def _reader(job: dict[str, Any], limits: Limits) -> Any:
    source, kind = Path(job["source"]), job["format"]
    layers = None if job["layers"] is None else tuple(job["layers"])
    if kind in {"csv", "csv_gz"}:
        from gis_service.intake import delimited  # noqa: PLC0415

        return delimited.read_csv(source) if kind == "csv" else delimited.read_csv_gz(source, limits)
    if kind == "xlsx":
        from gis_service.intake import sheets  # noqa: PLC0415

        return sheets.read_xlsx(source, limits, layers)
    from gis_service.intake import vectors  # noqa: PLC0415

    if kind == "geoparquet":
        return vectors.read_geoparquet(source, limits)
    _prove_alone(job["driver"])
    readers = {
        "geojson": vectors.read_geojson,
        "geopackage": vectors.read_geopackage,
        "shapefile": vectors.read_shapefiles,
        "kml": vectors.read_kml,
    }
    return readers[kind](source, limits, layers)


def _prove_alone(driver: str) -> None:
    """Fail when GDAL could open a file with anything but the driver of its format."""
    import pyogrio  # noqa: PLC0415

    if set(pyogrio.list_drivers()) != {driver}:
        msg = f"GDAL has drivers besides {driver}"
        raise RuntimeError(msg)


def refusal(error: GridError) -> dict[str, Any]:
    """An error as the answer."""
    faults = error.faults if isinstance(error, InvalidInputError) else ()
    return {
        "refused": "too_large" if isinstance(error, TooLargeError) else "invalid",
        "text": text_to_json(error.text),
        "faults": [
            {
                "message": text_to_json(fault.message),
                "row": fault.row,
                "field": fault.field,
                "value": fault.value,
                "remedy": text_to_json(fault.remedy) if fault.remedy else None,
            }
            for fault in faults
        ],
    }


def refused(answer: dict[str, Any], file: str) -> GridError:
    """The error that a refusing answer stands for, about `file`."""
    text = text_from_json(answer["text"])
    about = T("{file}: {problem}", file=file, problem=text)
    if answer["refused"] == "too_large":
        return TooLargeError(about)
    faults = [
        Fault(
            text_from_json(fault["message"]),
            file=file,
            row=fault["row"],
            field=fault["field"],
            value=fault["value"],
            remedy=text_from_json(fault["remedy"]) if fault["remedy"] else None,
        )
        for fault in answer["faults"]
    ]
    return InvalidInputError(about, faults)


def text_to_json(text: Text) -> dict[str, Any]:
    """A message for the way to the parent."""
    return {"msgid": text.msgid, "params": {key: str(value) for key, value in text.params.items()}}


def text_from_json(message: dict[str, Any]) -> Text:
    """A message on its way from the child."""
    return Text(str(message["msgid"]), {str(key): str(value) for key, value in message["params"].items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
