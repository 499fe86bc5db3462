"""First usable paint, bytes on the wire and panning over 300,000 addresses, in real Chromium.

`python -m tests.benchmarks.bench_paint [--data-dir DIR] [--out FILE]`: builds the large demo district in DIR when it is
not there, serves it in a process of its own, and opens each page as a browser that has never been here.
"""

import argparse
import csv
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("GIS_TEST_CHROMIUM", "/usr/bin/chromium")
SIZE = {"width": 1920, "height": 1080}
#: an office line: 20 Mbit/s, 20 ms there and back
OFFICE = {"offline": False, "latency": 20, "downloadThroughput": 20e6 / 8, "uploadThroughput": 20e6 / 8}
SIGN_INS_UNLIMITED = {"GIS_REQUESTS_PER_MINUTE": "1000000", "GIS_COOKIE_SECURE": "false", "GIS_LOG_JSON": "true"}

#: when a page can be used, seen from inside any of its frames
USABLE = {
    "/maps/addresses": """() => window.gridMap && document.querySelectorAll("path.gm-area").length > 0
        && window.gridPoints && gridPoints.layer && gridPoints.layer._loading === false
        && Object.values(gridPoints.layer._vectorTiles).some((tile) => Object.keys(tile._layers).length > 0)""",
    "/maps/coverage": """() => window.gridMap && document.querySelectorAll("path.gm-area").length > 0
        && document.querySelectorAll(".gm-label").length > 0""",
    "/command": """() => Boolean(document.documentElement.dataset.ready)
        && document.querySelectorAll(".gm-label").length > 0""",
}
WATCH = """(() => {
  const usable = USABLE;
  const look = () => {
    let ready = false;
    try { ready = usable(); } catch { /* not yet */ }
    if (!ready) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => {
      const at = performance.timeOrigin + performance.now();
      if (!top.usableAfterMs) top.usableAfterMs = at - top.performance.timeOrigin;
    }));
  };
  requestAnimationFrame(look);
})();"""
#: milliseconds between the frames that the browser drew while the map was dragged
RECORD = """() => {
  window.frameTimes = [];
  let last = performance.now();
  const note = (now) => {
    window.frameTimes.push(now - last);
    last = now;
    if (window.recording) requestAnimationFrame(note);
  };
  window.recording = true;
  requestAnimationFrame(note);
}"""


@dataclass
class Visit:
    """What one visit of a page took."""

    usable_s: float
    kilobytes: float
    requests: int


@contextmanager
def served(data_dir: Path) -> Iterator[str]:
    """The service over a data folder in a process of its own; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, **SIGN_INS_UNLIMITED, "GIS_SECOND_FACTOR_ROLES": "[]", "GIS_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "gis_service", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait()


def built(data_dir: Path) -> dict[str, str]:
    """The passwords of the large demo, which is built when it is not there."""
    logins = data_dir / "demo" / "logins.csv"
    if not logins.exists():
        command = [sys.executable, "-m", "gis_service", "--data-dir", str(data_dir), "demo", "--size", "large"]
        subprocess.run([*command, "--no-serve"], check=True)
    with logins.open(encoding="utf-8", newline="") as file:
        return {row["login"]: row["password"] for row in csv.DictReader(file)}


@contextmanager
def visitor(browser: Browser, address: str, passwords: dict[str, str], line: dict[str, Any] | None) -> Iterator[Page]:
    """A planner with an empty cache, perhaps behind a slower line."""
    context = browser.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]  # width and height
    signed_in = context.request.post(
        f"{address}/api/v1/sign-in", data={"login": "planner", "password": passwords["planner"]}
    )
    assert signed_in.ok, signed_in.text()
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    if line is not None:
        devtools.send("Network.emulateNetworkConditions", line)
    received: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.received = received  # type: ignore[attr-defined]  # travels with the page
    yield page
    context.close()


def visit(page: Page, address: str, path: str) -> Visit:
    """Open a page and wait until it can be used."""
    page.add_init_script(WATCH.replace("USABLE", USABLE[path]))
    page.goto(address + path, wait_until="commit")
    page.wait_for_function("() => window.usableAfterMs", timeout=60_000)
    usable_ms: float = page.evaluate("() => window.usableAfterMs")
    page.wait_for_load_state("networkidle", timeout=120_000)
    received: list[float] = page.received  # type: ignore[attr-defined]
    return Visit(usable_ms / 1000, sum(received) / 1024, len(received))


def frames_while_dragging(page: Page, rounds: int = 6) -> list[float]:
    """Milliseconds between frames while the map is dragged to and fro, in the frame that holds the map."""
    holder = next(frame for frame in page.frames if frame.evaluate("() => Boolean(window.L)"))
    holder.evaluate(RECORD)
    page.mouse.move(960, 640)
    for turn in range(rounds):
        page.mouse.down()
        for step in range(40):
            page.mouse.move(960 + (10 if turn % 2 else -10) * step, 640 + 2 * step)
        page.mouse.up()
        page.mouse.move(960, 640)
    times: list[float] = holder.evaluate("() => { window.recording = false; return window.frameTimes.slice(2); }")
    return times


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("var/bench-large"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    passwords = built(asked.data_dir)
    rows, pans = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        for path in USABLE:
            with served(asked.data_dir) as address:
                with visitor(browser, address, passwords, None) as page:
                    first = visit(page, address, path)
                later, slower = [], []
                for _ in range(asked.rounds):
                    with visitor(browser, address, passwords, None) as page:
                        later.append(visit(page, address, path))
                        times = frames_while_dragging(page)
                    with visitor(browser, address, passwords, OFFICE) as page:
                        slower.append(visit(page, address, path))
            warm, office = (statistics.median(each.usable_s for each in visits) for visits in (later, slower))
            rows.append((path, first.usable_s, warm, office, later[-1].kilobytes, later[-1].requests))
            ordered = sorted(times)
            pans.append(
                (
                    path,
                    1000 / statistics.fmean(times),
                    1000 / statistics.median(times),
                    1000 / ordered[int(0.95 * len(ordered))],
                    sum(each > 100 / 3 for each in times) / len(times),
                )
            )
        version = browser.version
        browser.close()
    text = report(rows, pans, version)
    sys.stdout.write(text)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(text, encoding="utf-8")


def report(
    rows: list[tuple[str, float, float, float, float, int]],
    pans: list[tuple[str, float, float, float, float]],
    version: str,
) -> str:
    """The page of the documentation."""
    paints = "\n".join(
        f"| `{path}` | {first:.2f} | {warm:.2f} | {office:.2f} | {kilobytes:,.0f} | {requests} |"
        for path, first, warm, office, kilobytes, requests in rows
    )
    pannings = "\n".join(
        f"| `{path}` | {mean:.0f} | {median:.0f} | {slow:.0f} | {late:.1%} |" for path, mean, median, slow, late in pans
    )
    return f"""# First paint and panning over 300,000 addresses

Made by `python -m tests.benchmarks.bench_paint --out docs/benchmarks/paint.md` on {datetime.now(UTC):%Y-%m-%d},
{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}, Chromium {version} without a graphics card,
1920 × 1080; server and browser share the machine. The district is `gis-service demo --size large`: 300,000 addresses,
904 compounds, on SpatiaLite.

*Usable* is the moment after the frame in which the areas with their names, and for the address map every tile in
view, are drawn and answer to a click. Each visit has an empty browser cache. *First after start* is the first request
that a fresh server answers: nothing is kept yet. *20 Mbit/s* is the same with 20 ms of delay. Bytes are what travelled
(compressed, with headers), every script and style included.

| page | first after start, s | median of later visits, s | the same at 20 Mbit/s, s | kB on the wire | requests |
| --- | --- | --- | --- | --- | --- |
{paints}

Dragging the map for six rounds of 40 steps:

| page | frames per second, mean | median | slowest 5 % | frames later than 33 ms |
| --- | --- | --- | --- | --- |
{pannings}
"""


if __name__ == "__main__":
    main()
