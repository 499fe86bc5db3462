"""Lines that look grown, not drawn: smooth bends, fractal detail, smooth noise. Metres throughout."""

import zlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
Field: TypeAlias = Callable[[Points], NDArray[np.float64]]


def stream(seed: int, topic: str) -> np.random.Generator:
    """Random numbers of one topic, so that a change in one topic leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode())])


def bend(controls: Points, per_leg: int = 6) -> Points:
    """Catmull-Rom curve through ``controls`` (n, 2), with ``per_leg`` points from one control to the next."""
    padded = np.vstack([2 * controls[0] - controls[1], controls, 2 * controls[-1] - controls[-2]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(per_leg) / per_leg)[None, :, None]
    before, start, end, after = (p[:, None, :] for p in (before, start, end, after))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.vstack([curve.reshape(-1, 2), controls[-1]])


def roughen(points: Points, rng: np.random.Generator, roughness: float, finest_m: float) -> Points:
    """Fractal midpoint displacement: halve every leg longer than ``finest_m`` and push its middle sideways.

    The push is at most ``roughness`` times the leg's length, so detail shrinks with scale as on a real coast.
    """
    while True:
        legs = np.diff(points, axis=0)
        length = np.hypot(legs[:, 0], legs[:, 1])
        long = np.flatnonzero(length > finest_m)
        if long.size == 0:
            return points
        push = np.clip(rng.normal(0, 0.5, long.size), -1, 1) * roughness
        normals = np.column_stack([-legs[long, 1], legs[long, 0]])
        middles = (points[long] + points[long + 1]) / 2 + normals * push[:, None]
        points = np.insert(points, long + 1, middles, axis=0)


def noise(rng: np.random.Generator, wavelength_m: float, waves: int = 24) -> Field:
    """Return smooth noise of about unit variance: a sum of plane waves of random direction and phase."""
    angle = rng.uniform(0, 2 * np.pi, waves)
    number = 2 * np.pi / (wavelength_m * rng.uniform(0.6, 1.8, waves))
    phase = rng.uniform(0, 2 * np.pi, waves)
    direction = np.column_stack([np.cos(angle), np.sin(angle)]) * number[:, None]

    def field(points: Points) -> NDArray[np.float64]:
        values: NDArray[np.float64] = np.cos(points @ direction.T + phase).sum(axis=1) * np.sqrt(2 / waves)
        return values

    return field


def walk(line: Points, step_m: float) -> tuple[Points, Points, NDArray[np.float64]]:
    """Evenly spaced stations of a polyline: positions, unit normals (leftward), metres from the start."""
    legs = np.diff(line, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(legs[:, 0], legs[:, 1]))])
    count = max(int(along[-1] / step_m), 1)
    stations = (np.arange(count) + 0.5) * along[-1] / count
    position = np.column_stack([np.interp(stations, along, line[:, axis]) for axis in (0, 1)])
    reach = min(step_m / 2, along[-1] / 4)
    ahead = np.column_stack([np.interp(stations + reach, along, line[:, axis]) for axis in (0, 1)])
    behind = np.column_stack([np.interp(stations - reach, along, line[:, axis]) for axis in (0, 1)])
    tangent = ahead - behind
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    return position, np.column_stack([-tangent[:, 1], tangent[:, 0]]), stations


def split_evenly(total: int, weights: NDArray[np.float64], at_least: int = 0) -> NDArray[np.int64]:
    """Whole shares of ``total`` in proportion to ``weights`` by largest remainder; every share is ``at_least`` that."""
    spare = total - at_least * weights.size
    if spare < 0:
        raise ValueError(f"{total} cannot give {at_least} to each of {weights.size}")
    ideal = weights / weights.sum() * spare
    shares: NDArray[np.int64] = np.floor(ideal).astype(np.int64)
    order = np.argsort(-(ideal - shares), kind="stable")
    shares[order[: spare - int(shares.sum())]] += 1
    shares += at_least
    return shares
