"""What the fictional district is to look like: every number that a planner would name, for each size."""

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True)
class TownshipPlan:
    """One township: where its town lies and how much of everything it holds.

    ``centre_km`` is relative to the district's centre before scaling; ``town_radius_km`` bounds the town's streets.
    """

    name: str
    kind: str
    centre_km: tuple[float, float]
    town_radius_km: float
    villages: int
    compounds: int
    migrants: int
    officers: int


@dataclass(frozen=True)
class UnresolvedPlan:
    """Addresses that cannot be decided, planted on purpose, by reason."""

    outside: int
    no_point: int
    stated_differs: int
    duplicate_text: int


@dataclass(frozen=True)
class DistrictPlan:
    """A whole district.

    ``scale`` multiplies the outline (1.0 is about 24 km by 17 km). ``registers_township`` is the one whose three
    registers are written out in full; mismatches are planted everywhere.
    """

    townships: tuple[TownshipPlan, ...]
    scale: float
    addresses: int
    deregistered: int
    hotspots: int
    hotspot_compounds: int
    unresolved: UnresolvedPlan
    registers_township: str
    province: str = "浙江省"
    city: str = "宁波市"
    name: str = "澜港区"
    county_code: str = "330299"
    centre_lonlat: tuple[float, float] = (121.6, 29.95)
    metric_epsg: int = 4549
    today: date = date(2026, 11, 22)

    @property
    def address_prefix(self) -> str:
        """Province, city and district, as every standard address begins."""
        return f"{self.province}{self.city}{self.name}"


FULL = DistrictPlan(
    townships=(
        TownshipPlan("澜江街道", "subdistrict", (2.4, 2.6), 2.2, 18, 165, 61_000, 51),
        TownshipPlan("望海街道", "subdistrict", (-4.4, 4.0), 2.2, 19, 180, 78_400, 48),
        TownshipPlan("潮音街道", "subdistrict", (7.0, 0.6), 1.8, 16, 150, 69_300, 45),
        TownshipPlan("九塘镇", "town", (-8.9, 4.2), 1.2, 13, 115, 52_600, 41),
        TownshipPlan("汐湾镇", "town", (-7.2, -2.0), 1.1, 12, 100, 32_900, 26),
        TownshipPlan("青屿镇", "town", (7.6, -4.0), 1.1, 12, 102, 39_000, 41),
        TownshipPlan("云坞镇", "town", (0.6, -3.6), 0.9, 11, 92, 23_800, 28),
    ),
    scale=1.0,
    addresses=66_000,
    deregistered=80_000,
    hotspots=4,
    hotspot_compounds=9,
    unresolved=UnresolvedPlan(outside=23, no_point=41, stated_differs=120, duplicate_text=15),
    registers_township="汐湾镇",
)

SMALL = DistrictPlan(
    townships=(
        TownshipPlan("望海街道", "subdistrict", (-3.4, 2.6), 2.6, 5, 38, 3_900, 10),
        TownshipPlan("青屿镇", "town", (6.4, -2.0), 2.0, 3, 22, 2_100, 6),
    ),
    scale=0.22,
    addresses=3_000,
    deregistered=1_400,
    hotspots=1,
    hotspot_compounds=4,
    unresolved=UnresolvedPlan(outside=5, no_point=7, stated_differs=12, duplicate_text=4),
    registers_township="青屿镇",
)

TOWNSHIP = replace(
    FULL,
    townships=(replace(FULL.townships[4], centre_km=(0.0, 0.0)),),
    scale=0.42,
    addresses=6_100,
    deregistered=7_400,
    hotspots=1,
    hotspot_compounds=5,
    unresolved=UnresolvedPlan(outside=5, no_point=7, stated_differs=12, duplicate_text=4),
)
"""The weakest township of the full district by itself: 26 officers for 32,900 migrants, in a few seconds."""

LARGE = replace(FULL, addresses=300_000)
"""The full district with as many addresses as the largest deployments have: for measuring."""

PLANS = {"full": FULL, "small": SMALL, "large": LARGE, "township": TOWNSHIP}
