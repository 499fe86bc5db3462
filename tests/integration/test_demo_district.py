"""The demo district, imported like any other: the service finds what its truth says was planted."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from sqlalchemy import Engine

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.queries import addresses, count_unresolved
from gis_service.demo import FILES, DemoDistrict, generate
from gis_service.demo.district import LAND_SINCE
from gis_service.intake.actions import apply_import
from gis_service.intake.subject import ImportOptions
from gis_service.registers.figures import coverage_of_areas, mismatches_of_areas, rentals_of_areas
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.subjects import SUBJECTS
from gis_service.web.drawing import Drawing, hotspot_figures
from layers.hotspots import hotspots
from layers.neighbours import contiguity

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> DemoDistrict:
    return generate(2026, tmp_path_factory.mktemp("demo"), "small")


@pytest.fixture
def district(engine: Engine, settings: Settings, generated: DemoDistrict) -> DemoDistrict:
    """The small demo district in a database, assigned."""
    for subject in FILES:
        declared = SUBJECTS[subject]
        options = ImportOptions(
            crs="EPSG:4326" if declared.shape else None, valid_from=LAND_SINCE if declared.dated else None
        )
        apply_import(engine, settings, SHELL, declared, generated.file(subject), options)
    assign_addresses(engine, settings, SHELL, generated.plan.today)
    return generated


def truth_of(district: DemoDistrict, name: str) -> pd.DataFrame:
    return pd.read_csv(district.out_dir / "truth" / name, dtype=str)


def test_the_service_finds_what_was_planted_and_importing_it_again_changes_nothing(
    engine: Engine, settings: Settings, district: DemoDistrict
) -> None:
    scope = Scope(district.plan.today, None)
    truth = json.loads((district.out_dir / "truth" / "truth.json").read_text(encoding="utf-8"))
    with reading(engine) as session:
        counts = count_unresolved(session, scope)
        found, total = addresses(session, scope, limit=10**6)
        figures = coverage_of_areas(session, scope, settings)
        rentals = rentals_of_areas(session, scope, settings)
        mismatches = mismatches_of_areas(session, scope)
        hot = hotspot_figures(Drawing(session, scope, settings))

    # every address is decided or says why not, exactly as planted
    assert {reason: counts[reason] for reason in truth["unresolved"]} == truth["unresolved"]
    assert counts["assigned"] == total - sum(truth["unresolved"].values())
    answer = truth_of(district, "addresses.csv").set_index("code")
    officer = found.set_index("code")["badge_no"].dropna()
    expected = answer["badge_no"].dropna()
    pd.testing.assert_series_equal(officer.sort_index(), expected.sort_index(), check_names=False, check_dtype=False)

    # people and officers add up to the plan, township by township
    townships = figures[figures["level"].eq("township")].set_index("name")
    for plan in truth["townships"]:
        assert townships.loc[plan["name"], "migrants"] == plan["migrants"]
        assert townships.loc[plan["name"], "officers_fte"] == pytest.approx(plan["officers"])

    # group rentals: those planted and no others
    district_row = rentals[rentals["level"].eq("district")].iloc[0]
    assert district_row["rentals"] == truth["rentals"]
    assert district_row["group_rentals"] == len(truth_of(district, "group_rentals.csv"))

    # sixty compounds are few for inference: what is found lies where it was planted (the full district: next test)
    codes = figures["code"].reindex(hot.index)
    hot_codes = set(codes[hot["hotspot"].str.startswith("hot")])
    planted = {code for spot in truth["hotspots"] for code in spot}
    assert hot_codes & planted
    assert mismatches.loc[mismatches["level"].eq("district"), "mismatches"].iloc[0] > 0

    # everything imported again changes nothing
    for subject in FILES:
        declared = SUBJECTS[subject]
        options = ImportOptions(
            crs="EPSG:4326" if declared.shape else None, valid_from=LAND_SINCE if declared.dated else None
        )
        outcome = apply_import(engine, settings, SHELL, declared, district.file(subject), options)
        assert outcome.run_id is None, f"{subject}: {outcome.counts}"
    assert assign_addresses(engine, settings, SHELL, district.plan.today).written == 0


def test_the_same_seed_gives_the_same_bytes(generated: DemoDistrict, tmp_path: Path) -> None:
    again = generate(2026, tmp_path, "small")
    for subject in FILES:
        assert again.file(subject).read_bytes() == generated.file(subject).read_bytes(), subject


def test_the_hotspots_of_the_full_district_are_where_they_were_planted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    full = generate(2026, tmp_path_factory.mktemp("full"), "full")
    truth = json.loads((full.out_dir / "truth" / "truth.json").read_text(encoding="utf-8"))
    compounds = gpd.read_file(full.file("areas"), layer="compound").rename_axis("area_id")
    ids = pd.Series(compounds.index, index=compounds["code"])
    placed = pd.read_csv(full.out_dir / "truth" / "addresses.csv", dtype=str).set_index("code")["compound_code"]
    rentals = pd.read_csv(full.file("rentals"), dtype={"address_code": str, "code": str})
    group = set(pd.read_csv(full.out_dir / "truth" / "group_rentals.csv", dtype=str)["code"])
    where = rentals["address_code"].map(placed).map(ids)
    count = where.value_counts().reindex(compounds.index).fillna(0).astype("Int64")
    suspected = where[rentals["code"].isin(group)].value_counts().reindex(compounds.index).fillna(0).astype("Int64")
    near = contiguity(compounds.to_crs(full.plan.metric_epsg), gap_m=0.5, min_border_m=5.0, islands_nearest=1)
    found = hotspots(suspected, count.mask(count.eq(0)), near.graph, permutations=99_999, seed=1)
    hot = set(found.index[found["hotspot"].str.startswith("hot")])
    spots = [{int(ids[code]) for code in spot} for spot in truth["hotspots"]]
    planted = set().union(*spots)
    # a neighbour of planted compounds may be hot too: Gi* looks at an area together with its neighbours
    ring = planted | {int(other) for area in planted for other in near.graph[area].index}
    assert len(hot & planted) >= 0.6 * len(planted)
    assert len(hot - ring) <= 0.1 * len(hot)
    assert all(hot & spot for spot in spots)
