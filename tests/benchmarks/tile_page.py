"""The page of the documentation that `bench_tiles` writes."""

import os
import statistics
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from tests.benchmarks.tile_ways import AT_ONCE

#: figures by zoom level and name
Table = dict[int, dict[str, float]]
Loads = Mapping[tuple[int, str], list[float]]

TITLES = {"addresses": "Addresses", "borders": "Borders of compounds"}


def page(
    found: Mapping[str, Mapping[str, Table]],
    loads: Mapping[str, Loads],
    *,
    size: str,
    addresses: int,
    read_s: float,
    load_s: float,
    rounds: int,
) -> str:
    """The page: by layer, the encoder alone, whole answers one by one, under load, and as a screen full of tiles."""
    sections = "\n".join(
        _section(title, found["alone"][layer], found["whole"][layer], loads[layer], found["screens"][layer], load_s)
        for layer, title in TITLES.items()
    )
    return f"""# Vector tiles beside tipg and ST_AsMVT

Made by `python -m tests.benchmarks.bench_tiles --size {size} --out docs/benchmarks/tiles.md` on
{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {addresses:,} addresses;
medians over 12 tiles a zoom around random addresses, {rounds} times each, milliseconds. Up to zoom 14
our tiles count addresses by cells.

*The encoder alone*: ST_AsMVT asked by the driver that the service uses, with the same counts, beside ours; no HTTP on
either side. *Whole answers*: asked over HTTP, every service in a process of its own under uvicorn, by one client over
connections that stay open. *tipg* is the whole of it with its defaults, over views of the same tables: every point of a
tile up to its limit of 10,000, at low zoom too; it keeps nothing, so that its first answer takes no longer than later
ones. *one route* is the least that a service in front of ST_AsMVT can do: FastAPI, one route, counts at low zoom,
nobody signs in, nothing is filtered or compressed. Ours is the complete service: request log, defences, who is signed
in, permission, scope, compression.

*cold*: nothing of the tile and of its scope is kept, as after a change of land; *after a commit*: neither is who asks,
which the first request after any act looks up for those that follow. PostGIS draws such a tile itself, on SpatiaLite
the points or borders of the scope are read first; on PostGIS the second tile has that begun, once the screen is there.
*in memory*: points and borders of the scope were read ({read_s:.2f} s for the points), the tile is cut anew. *kept*:
the tile was given before and the database says that nothing was committed since.

{sections}"""


def _section(title: str, alone: Table, whole: Table, loads: Loads, screens: Table, load_s: float) -> str:
    return f"""## {title}

The encoder alone:

{_rows(alone, ["ST_AsMVT ÷ PostGIS, cold", "ST_AsMVT ÷ PostGIS, kept"], ".2f")}

Whole answers over HTTP, on PostGIS:

{_rows(whole, ["tipg ÷ cold", "tipg ÷ kept", "one route ÷ cold", "one route ÷ kept"], ".2f")}

{AT_ONCE} asking at once for {load_s:.0f} s, whole answers:

{_load_rows(loads, load_s)}

Milliseconds until every tile of a screen is there, over six connections:

{_rows(screens, [], ".0f")}
"""


def _rows(table: Table, ratios: list[str], form: str) -> str:
    """A table by zoom level, with how many times slower one column is than another."""
    names = list(next(iter(table.values())))
    lines = [["zoom", *names, *ratios], ["---"] * (1 + len(names) + len(ratios))]
    for z, took in table.items():
        times = [f"{ms:{form}}" for ms in took.values()]
        lines.append([str(z), *times, *(f"{_ratio(took, ratio):.1f}" for ratio in ratios)])
    return _table(lines)


def _ratio(took: Mapping[str, float], ratio: str) -> float:
    slow, fast = ratio.split(" ÷ ")
    return took[slow] / took[fast]


def _load_rows(loads: Loads, load_s: float) -> str:
    lines = [["zoom", "way", "tiles a second", "median, ms", "99th percentile, ms"], ["---"] * 5]
    for (z, name), times in loads.items():
        late = float(np.percentile(times, 99))
        lines.append([str(z), name, f"{len(times) / load_s:,.0f}", f"{statistics.median(times):.1f}", f"{late:.1f}"])
    return _table(lines)


def _table(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
