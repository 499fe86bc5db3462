"""A district of squares whose every figure is known by hand: 1 district, 2 townships, 4 villages, 8 compounds."""

import datetime as dt

import geopandas as gpd
import pandas as pd
from shapely.geometry import box

from layers.coverage import coverage

AS_OF = dt.date(2026, 11, 22)
SOURCE = "居住登记库"
WEST, SOUTH, SIDE = 121.5, 30.0, 0.01


def areas() -> gpd.GeoDataFrame:
    """AREAS: compounds are columns of 1/8 of the district's width, their parents the columns joined."""
    rows: list[tuple[str, str, str, float, float, int | None]] = [("330211000000", "镇海区", "district", 0, 8, None)]
    rows += [(f"33021100{n}000", name, "township", 4 * n, 4, 1) for n, name in enumerate(["石塘镇", "临江街道"])]
    rows += [(f"33021100{n // 2}20{n}", f"第{n + 1}村", "village", 2 * n, 2, 2 + n // 2) for n in range(4)]
    rows += [(f"33021100{n // 4}20{n // 2}00{n}", f"小区{n + 1}", "compound", n, 1, 4 + n // 2) for n in range(8)]
    return gpd.GeoDataFrame(
        {
            "code": [code for code, *_ in rows],
            "name": [name for _, name, *_ in rows],
            "level": [level for _, _, level, *_ in rows],
            "kind": pd.NA,
            "parent_id": pd.array([parent for *_, parent in rows], dtype="Int64"),
        },
        geometry=[
            box(WEST + at * SIDE, SOUTH, WEST + (at + wide) * SIDE, SOUTH + 4 * SIDE) for *_, at, wide, _ in rows
        ],
        crs="EPSG:4326",
        index=pd.RangeIndex(1, len(rows) + 1, name="area_id").astype("int64"),
    )


def coverage_frame() -> gpd.GeoDataFrame:
    """Figures of domain.md in 石塘镇 (32,900 with 26 officers), and each special case once below it."""
    land = areas()
    migrants = [52_900, 32_900, 20_000, 800, 32_100, None, 20_000, 500, 300, 0, 32_100, None, None, 10_000, 10_000]
    officers = [51, 26, 25, 1, 25, 5, 20, 1, 0, 0, 25, 2, 3, 10, 10]
    population = pd.DataFrame(
        {
            "migrants": pd.array(migrants, dtype="Int64"),
            "officers_fte": pd.array(officers, dtype="Float64"),
        },
        index=land.index,
    )
    return land.join(coverage(population, standard=800, as_of=AS_OF, source=SOURCE))
