"""A real city, typed as people type it: the guides on Keelung and on land that changes are true on both databases.

Land and addresses are imported once for each database; every test begins with a copy of that.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, and_, func, select
from typer.testing import CliRunner

from gis_service.access.scope import Scope
from gis_service.addresses.queries import count_unresolved
from gis_service.addresses.tables import Placement
from gis_service.cli import app
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.tables import BeatDuty, Officer
from tests.conftest import Template, copied
from tests.import_steps import Desk
from tests.private_postgres import Cluster, create_database

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
GUIDE_ON_LAND = Path(__file__).parents[2] / "docs" / "guides" / "land-that-changes.md"
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


@dataclass(frozen=True)
class City:
    """A deployment with the land and the addresses of Keelung, the files, and what the commands said on importing."""

    template: Template
    cluster: Cluster | None
    land: Path
    plates: Path
    said: dict[str, str]

    @property
    def areas(self) -> tuple[str, ...]:
        """The command that imports the land."""
        return ("import", "areas", str(self.land), "--valid-from", "2024-01-01")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The command that imports the addresses."""
        return ("import", "addresses", str(self.plates), "--crs", "EPSG:4326", "--set", "point_source=surveyed")


def type_in(settings: Settings, *words: str) -> str:
    """`gis-service …` on the database of `settings`; returns what it said."""
    place = ["--data-dir", str(settings.data_dir), "--metric-crs", "EPSG:3826", "--locale", "en"]
    if settings.database_url is not None:
        place += ["--database-url", settings.database_url]
    result = CliRunner().invoke(app, [*place, *words], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module", params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> City:
    """The city from its files, on each database."""
    folder, cluster = tmp_path_factory.mktemp("keelung"), None
    settings = Settings(data_dir=folder)
    if request.param == "postgis":
        cluster = request.getfixturevalue("cluster")
        settings = Settings(data_dir=folder, database_url=create_database(cluster, "keelung"))
    plates = tmp_path_factory.mktemp("plates") / "addresses.csv"
    with gzip.open(real_data / "keelung" / "addresses.csv.gz") as packed, plates.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    template = Template(folder, None if cluster is None else "keelung")
    made = City(template, cluster, real_data / "keelung" / "areas.gpkg", plates, {})
    type_in(settings, "db", "upgrade")
    made.said["areas"] = type_in(settings, *made.areas)
    made.said["topology"] = type_in(settings, "check-topology")
    made.said["addresses"] = type_in(settings, *made.addresses)
    return made


@pytest.fixture
def settings(city: City, tmp_path: Path) -> Iterator[Settings]:
    """A copy of the city."""
    with copied(city.template, tmp_path / "copy", city.cluster, "keelung_copy") as made:
        yield made.model_copy(update={"metric_crs": "EPSG:3826"})


def test_a_real_city_from_its_files_to_its_maps(city: City, settings: Settings, engine: Engine, tmp_path: Path) -> None:
    assert "new: 1915" in city.said["areas"]
    assert "Topology report" in city.said["topology"]
    assert f"new: {ADDRESSES}" in city.said["addresses"]
    type_in(settings, "synthesise", "--out", str(tmp_path / "teams"), "--officers", "300", "--migrants", "240000")
    for subject in TEAMS:
        assert "refused: 0" in type_in(settings, "import", subject, str(tmp_path / "teams" / f"{subject}.csv"))
    assert f"Written {ADDRESSES:,}" in _words(type_in(settings, "assign"))

    with reading(engine) as session:
        counts = count_unresolved(session, Scope(TODAY, None))
        held = session.execute(
            select(func.count(), func.count(Placement.address_id.distinct()))
            .join(BeatDuty, and_(BeatDuty.beat_id == Placement.beat_id, BeatDuty.valid_on(TODAY)))
            .join(Officer, and_(Officer.id == BeatDuty.officer_id, Officer.left_on.is_(None)))
            .where(Placement.valid_on(TODAY), Placement.unresolved.is_(None))
        ).one()
    decided = ADDRESSES - OUTSIDE - STATED_DIFFERS
    assert (counts["outside"], counts["stated_differs"], counts["total"]) == (OUTSIDE, STATED_DIFFERS, ADDRESSES)
    assert tuple(held) == (decided, decided)

    for kind in ("coverage", "hotspots", "mismatches"):
        drawing = tmp_path / f"{kind}.html"
        type_in(settings, "map", kind, "--out", str(drawing))
        assert "七堵區" in drawing.read_text(encoding="utf-8")
    for again in (city.areas, city.addresses):
        assert "changes nothing" in type_in(settings, *again)
    assert "Written 0" in _words(type_in(settings, "assign"))


def _words(table: str) -> str:
    """A table without its frame."""
    return " ".join(table.replace("│", " ").split())


def test_the_guide_on_land_that_changes_runs(city: City, settings: Settings, engine: Engine, tmp_path: Path) -> None:
    known: dict[str, object] = {"desk": Desk(engine, settings, tmp_path), "folder": city.land.parent}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE_ON_LAND.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, known)  # noqa: S102 - our own documentation
