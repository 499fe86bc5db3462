"""The lie of the land: coast with bays, islands, the river, canals, and the streets of the towns. Local metres."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis_service.demo.curves import Points, bend, noise, roughen, stream
from gis_service.demo.plan import DistrictPlan, TownshipPlan

# Kilometres from the district's centre; the seed moves each control a little.
_COAST_KM = (
    (-11.0, 6.3), (-8.6, 7.5), (-6.2, 6.9), (-4.7, 8.1), (-2.4, 7.7), (-1.5, 5.9), (0.1, 5.1), (1.5, 6.1), (3.3, 7.4),
    (5.6, 6.7), (6.9, 5.1), (6.3, 3.5), (7.7, 2.7), (9.7, 3.1), (11.2, 1.5), (10.7, -0.5), (9.2, -1.5), (10.1, -2.9),
    (11.6, -4.5),
)  # fmt: skip
_INLAND_KM = (
    (11.6, -4.5), (9.6, -6.2), (6.6, -7.3), (3.2, -6.9), (0.1, -8.0), (-3.4, -7.3), (-6.4, -8.2), (-9.2, -6.6),
    (-11.2, -4.3), (-10.5, -1.5), (-12.0, 1.1), (-11.3, 3.8), (-11.0, 6.3),
)  # fmt: skip
_RIVER_KM = ((-5.2, -8.6), (-4.8, -6.0), (-3.0, -4.2), (-3.5, -1.4), (-1.2, 0.2), (-1.9, 2.6), (-0.4, 4.0), (0.1, 5.5))
_CANALS_KM = (
    ((-11.8, 1.4), (-8.0, 1.0), (-4.0, 1.6), (-1.8, 1.2)),
    ((-1.0, -0.4), (2.5, -0.8), (5.0, -1.6), (9.4, -1.4)),
    ((-7.2, 7.4), (-6.6, 4.5), (-7.0, 1.2), (-5.2, -3.0), (-4.6, -5.6)),
    ((4.7, 7.2), (4.9, 3.5), (4.3, 0.5), (4.6, -3.0), (4.0, -7.2)),
)
_ISLANDS_KM = ((12.7, -2.3, 1.15), (12.3, 0.2, 0.42), (13.5, -0.6, 0.26), (0.6, 7.4, 0.34), (8.4, 5.3, 0.5))


@dataclass(frozen=True)
class Outline:
    """Geometries in local metres (origin: the district's centre).

    ``land`` is a multipolygon (mainland first); ``streets`` are lines of the towns; ``street_angles`` their direction.
    """

    land: shapely.MultiPolygon
    river: Points
    canals: list[Points]
    streets: list[Points]
    street_angles: list[float]


def draw_outline(plan: DistrictPlan, seed: int) -> Outline:
    """Draw the district's natural lines from the seed."""
    rng = stream(seed, "outline")
    metres = 1000 * plan.scale
    mainland = _mainland(rng, metres)
    islands = [_island(rng, np.array([x, y]) * metres, r * metres) for x, y, r in _ISLANDS_KM]
    land = shapely.MultiPolygon([mainland, *(i for i in islands if i.distance(mainland) > 60)])
    river = bend(roughen(bend(_jitter(_RIVER_KM, rng, 0.3) * metres, 2), rng, 0.36, 300), 5)
    canals = [bend(roughen(bend(_jitter(c, rng, 0.25) * metres, 2), rng, 0.12, 400), 5) for c in _CANALS_KM]
    angles = [float(rng.uniform(-0.6, 0.6)) for _ in plan.townships]
    streets = [
        line
        for township, angle in zip(plan.townships, angles, strict=True)
        for line in _town_streets(township, angle, metres, land, rng)
    ]
    return Outline(land, river, canals, streets, angles)


def _jitter(controls_km: tuple[tuple[float, float], ...], rng: np.random.Generator, by_km: float) -> Points:
    controls = np.array(controls_km)
    controls[1:-1] += rng.uniform(-by_km, by_km, controls[1:-1].shape)
    return controls


def _mainland(rng: np.random.Generator, metres: float) -> shapely.Polygon:
    coast_km, inland_km = _jitter(_COAST_KM, rng, 0.25), _jitter(_INLAND_KM, rng, 0.3)
    for calm in (1.0, 0.7, 0.4, 0.1):
        coast = roughen(bend(coast_km * metres, 2), rng, 0.42 * calm, 45)
        inland = roughen(bend(inland_km * metres, 1), rng, 0.34 * calm, 60)
        ring = shapely.Polygon(np.vstack([coast[:-1], inland[:-1]]))
        if ring.is_valid:
            return ring
    raise AssertionError("a calm outline never crosses itself")


def _island(rng: np.random.Generator, centre: Points, radius_m: float) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, 25)[:-1]
    bumps = np.ones(angle.size)
    for waves in (2, 3, 5):
        bumps += rng.uniform(0.04, 0.16) * np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
    around = centre + np.column_stack([1.25 * np.cos(angle), 0.85 * np.sin(angle)]) * (radius_m * bumps)[:, None]
    closed = np.vstack([around, around[:1]])
    for roughness in (0.3, 0.15, 0.0):
        island = shapely.Polygon(roughen(closed, rng, roughness, 40))
        if island.is_valid:
            return island
    raise AssertionError("a smooth island never crosses itself")


def _town_streets(
    township: TownshipPlan, angle: float, metres: float, land: shapely.MultiPolygon, rng: np.random.Generator
) -> list[Points]:
    """Two bundles of streets that cross, a little bent, inside a round town, clipped at the shore."""
    centre, radius = np.array(township.centre_km) * metres, township.town_radius_km * metres
    sway = noise(rng, 2_200)
    lines = []
    for turn in (0.0, np.pi / 2 + rng.uniform(-0.12, 0.12)):
        along = np.array([np.cos(angle + turn), np.sin(angle + turn)])
        across = np.array([-along[1], along[0]])
        offset = -0.92 * radius + rng.uniform(0, 200)
        while offset < 0.92 * radius:
            half = np.sqrt(radius**2 - offset**2) * rng.uniform(0.75, 1.1)
            stations = np.arange(-half, half, 60.0)
            line = centre + across * offset + along * stations[:, None]
            line = line + across * (35 * sway(line))[:, None]
            inside = shapely.intersection(shapely.LineString(line), land.buffer(-60))
            lines += [shapely.get_coordinates(p) for p in shapely.get_parts(inside) if p.length > 250]
            offset += rng.uniform(240, 430)
    return lines
