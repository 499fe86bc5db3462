"""Invented teams and people over the land of a database: they fit it, import cleanly, and are uneven on purpose."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from gis_service.access.scope import Scope
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.queries import count_unresolved
from gis_service.addresses.tables import Address
from gis_service.areas.queries import areas
from gis_service.demo import DemoDistrict, generate
from gis_service.demo.anywhere import Synthesis, synthesise
from gis_service.errors import ConflictError, InvalidInputError
from gis_service.registers.figures import coverage_of_areas, rentals_of_areas
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.import_steps import Desk

TODAY = date.today()  # noqa: DTZ011 - a calendar day, as the commands see it
OFFICERS, MIGRANTS = 14, 5_000


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> DemoDistrict:
    """Files of a small district, of which only land and addresses are used."""
    return generate(7, tmp_path_factory.mktemp("ground"), "small")


@pytest.fixture
def city(desk: Desk, ground: DemoDistrict) -> Desk:
    desk.apply("areas", ground.file("areas"), valid_from=date(2024, 1, 1))
    desk.apply("addresses", ground.file("addresses"), crs="EPSG:4326")
    return desk


def invent(desk: Desk, folder: str = "teams", officers: int = OFFICERS, migrants: int = MIGRANTS) -> Synthesis:
    with reading(desk.engine) as session:
        return synthesise(
            session,
            desk.settings,
            desk.folder / folder,
            officers=officers,
            migrants=migrants,
            seed=1,
            today=TODAY,
        )


def test_what_is_invented_imports_cleanly_and_answers_for_every_decided_address(
    city: Desk, engine: Engine, settings: Settings
) -> None:
    made = invent(city)
    for subject, rows in made.rows.items():
        assert city.apply(subject, city.folder / "teams" / f"{subject}.csv").counts["new"] == rows, subject
    assign_addresses(engine, settings, city.viewer, TODAY)
    with reading(engine) as session:
        scope = Scope(TODAY, None)
        counts = count_unresolved(session, scope)
        land = areas(session, scope)
        figures = coverage_of_areas(session, scope, settings)
        rentals = rentals_of_areas(session, scope, settings)
    district, townships = (land.index[land["level"] == level] for level in ("district", "township"))
    assert (counts["no_beat"], counts["no_officer"]) == (0, 0)
    assert counts["assigned"] == counts["total"] - sum(counts[r] for r in ("outside", "no_point", "stated_differs"))
    assert figures.loc[district, "migrants"].tolist() == [MIGRANTS]
    assert figures.loc[district, "officers_fte"].tolist() == [OFFICERS]
    assert figures.loc[townships, "load"].max() > 1.05 * figures.loc[townships, "load"].min()
    compounds = rentals.loc[land.index[land["level"] == "compound"], "group_rentals"].astype(int).sort_values()
    assert compounds.iloc[-len(compounds) // 10 :].sum() > 0.3 * compounds.sum() > 0


@pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
def test_the_same_seed_gives_the_same_files(city: Desk) -> None:
    for folder in ("once", "twice"):
        invent(city, folder)
    once, twice = ({p.name: p.read_bytes() for p in (city.folder / f).iterdir()} for f in ("once", "twice"))
    assert once == twice
    assert len(once) == 9


@pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
def test_more_officers_than_compounds_share_out_what_there_is(land: Desk) -> None:
    lay_plates(land)
    made = invent(land, officers=50, migrants=12)
    assert made.rows["beats"] == 4
    registered = pd.read_csv(land.folder / "teams" / "registrations.csv")
    assert registered["deregistered_on"].isna().sum() == 12


@pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
def test_what_cannot_be_shared_out_is_refused(land: Desk) -> None:
    with pytest.raises(ConflictError, match=r"import the addresses first|请先导入地址"):
        invent(land)
    lay_plates(land)
    assert land.count(Address) == 8
    with pytest.raises(InvalidInputError, match="32"):
        invent(land, migrants=33)
    with pytest.raises(InvalidInputError, match="1"):
        invent(land, officers=1, migrants=10)


@pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
def test_without_land_there_is_nothing_to_invent_on(desk: Desk) -> None:
    with pytest.raises(ConflictError, match=r"import the areas first|请先导入区域"):
        invent(desk)
    assert not (desk.folder / "teams").exists()


def lay_plates(desk: Desk) -> Path:
    """Two addresses in each of the four compounds of the board."""
    spots = [(121.41 + 0.05 * n, 29.9) for n in range(8)]
    rows = [f"A{n},东路{n}号,{lon},{lat},surveyed" for n, (lon, lat) in enumerate(spots, start=1)]
    path = desk.csv("plates.csv", ["code,text,lon,lat,point_source", *rows])
    desk.apply("addresses", path, crs="EPSG:4326")
    return path
