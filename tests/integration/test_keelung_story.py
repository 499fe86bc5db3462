"""The main job on a real city, typed as people type it: what `docs/guides/keelung.md` tells is so on both databases."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import and_, func, select
from typer.testing import CliRunner

from gis_service.access.scope import Scope
from gis_service.addresses.queries import count_unresolved
from gis_service.addresses.tables import Placement
from gis_service.cli import app
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine, reading
from gis_service.teams.tables import BeatDuty, Officer

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
TEAMS = (
    "units",
    "officers",
    "postings",
    "beats",
    "beat_parts",
    "beat_duties",
    "registrations",
    "rentals",
    "mismatches",
)
TODAY = date.today()  # noqa: DTZ011 - a calendar day, as the commands see it
ADDRESSES, OUTSIDE, STATED_DIFFERS = 192_230, 17, 846


@pytest.fixture
def type_in(settings: Settings) -> Callable[..., str]:
    """`gis-service …` on the test's database; returns what it said."""
    place = ["--data-dir", str(settings.data_dir), "--metric-crs", "EPSG:3826", "--locale", "en"]
    if settings.database_url is not None:
        place += ["--database-url", settings.database_url]

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, [*place, *words], env={"COLUMNS": "200"}, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_a_real_city_from_its_files_to_its_maps(
    type_in: Callable[..., str], settings: Settings, real_data: Path, tmp_path: Path
) -> None:
    land, plates = str(real_data / "keelung" / "areas.gpkg"), tmp_path / "addresses.csv"
    with gzip.open(real_data / "keelung" / "addresses.csv.gz") as packed, plates.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    areas = ("import", "areas", land, "--valid-from", "2024-01-01")
    addresses = ("import", "addresses", str(plates), "--crs", "EPSG:4326", "--set", "point_source=surveyed")

    type_in("db", "upgrade")
    assert "new: 1915" in type_in(*areas)
    assert "Topology report" in type_in("check-topology")
    assert f"new: {ADDRESSES}" in type_in(*addresses)
    type_in("synthesise", "--out", str(tmp_path / "teams"), "--officers", "300", "--migrants", "240000")
    for subject in TEAMS:
        assert "refused: 0" in type_in("import", subject, str(tmp_path / "teams" / f"{subject}.csv"))
    assert f"Written {ADDRESSES:,}" in _words(type_in("assign"))

    engine = open_engine(settings)
    with reading(engine) as session:
        counts = count_unresolved(session, Scope(TODAY, None))
        held = session.execute(
            select(func.count(), func.count(Placement.address_id.distinct()))
            .join(BeatDuty, and_(BeatDuty.beat_id == Placement.beat_id, BeatDuty.valid_on(TODAY)))
            .join(Officer, and_(Officer.id == BeatDuty.officer_id, Officer.left_on.is_(None)))
            .where(Placement.valid_on(TODAY), Placement.unresolved.is_(None))
        ).one()
    engine.dispose()
    decided = ADDRESSES - OUTSIDE - STATED_DIFFERS
    assert (counts["outside"], counts["stated_differs"], counts["total"]) == (OUTSIDE, STATED_DIFFERS, ADDRESSES)
    assert tuple(held) == (decided, decided)

    for kind in ("coverage", "hotspots", "mismatches"):
        drawing = tmp_path / f"{kind}.html"
        type_in("map", kind, "--out", str(drawing))
        assert "七堵區" in drawing.read_text(encoding="utf-8")
    for again in (areas, addresses):
        assert "changes nothing" in type_in(*again)
    assert "Written 0" in _words(type_in("assign"))


def _words(table: str) -> str:
    """A table without its frame."""
    return " ".join(table.replace("│", " ").split())
