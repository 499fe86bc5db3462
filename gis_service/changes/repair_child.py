"""The repairing process: `python -m gis_service.changes.repair_child FOLDER`; defects of a file stop nobody else.

It limits itself before anything heavy is loaded, reads areas and points that the service left in the folder, and
leaves its proposals there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gis_service.errors import GridError, TooLargeError
from gis_service.intake.child import ANSWER, JOB, refusal, restrain
from gis_service.intake.limits import Limits
from gis_service.texts import T

AREAS, POINTS = "areas.feather", "points.feather"


def main(folder: Path) -> None:
    """Do the job in `folder` and write the answer there."""
    job: dict[str, Any] = json.loads((folder / JOB).read_text(encoding="utf-8"))
    restrain(Limits(**job["limits"]))
    try:
        answer = propose(folder, job)
    except MemoryError:
        answer = refusal(TooLargeError(T("Looking for repairs needs more memory than it may use.")))
    except GridError as error:
        answer = refusal(error)
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")


def propose(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Proposals with their ground and the borders that each alone would leave, as WKB."""
    import geopandas as gpd  # noqa: PLC0415 - after the limits
    import pandas as pd  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    from layers.boundaries import Tolerances  # noqa: PLC0415
    from layers.repair import Rules, apply_repairs, propose_repairs  # noqa: PLC0415

    table = pd.read_feather(folder / AREAS).set_index("area_id")
    areas = gpd.GeoDataFrame(table.drop(columns="wkb"), geometry=shapely.from_wkb(table["wkb"]), crs="EPSG:4326")
    areas["parent_id"] = areas["parent_id"].astype("Int64")
    points = pd.read_feather(folder / POINTS)
    limits = Tolerances(**job["tolerances"])
    found = propose_repairs(areas, job["metric_crs"], Rules(**job["rules"]), limits, points)
    if job["chosen"] is not None:
        chosen = set(job["chosen"])
        taken = [repair for repair in found if repair.key in chosen]
        return {
            "repairs": [_told(repair) for repair in taken],
            "borders": _borders(apply_repairs(areas, taken, limits)),
        }
    told = []
    for repair in found:
        own = areas[areas.index.isin(repair.area_ids) | areas["parent_id"].isin(repair.area_ids)]
        told.append({**_told(repair), "after": _borders(apply_repairs(own, [repair], limits))})
    return {"repairs": told}


def _told(repair: Any) -> dict[str, Any]:
    names = ("key", "kind", "sliver", "level", "moved_m2", "addresses")
    return {
        **{name: getattr(repair, name) for name in names},
        "area_ids": list(repair.area_ids),
        "place": repair.place.wkb_hex,
    }


def _borders(shapes: Any) -> dict[str, str]:
    return {str(area_id): shape.wkb_hex for area_id, shape in shapes.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
