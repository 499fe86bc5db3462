"""The files of the demo district: what they hold is what their truth says."""

import hashlib
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gis_service.demo import FILES, DemoDistrict, generate
from gis_service.demo.plan import FULL, SMALL
from layers.boundaries import check_topology
from layers.identity_numbers import are_identity_numbers, birth_dates, check_digit_holds
from layers.locate import AreaLocator
from layers.repair import apply_repairs, propose_repairs


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoDistrict:
    return generate(7, tmp_path_factory.mktemp("demo"), "small")


def read(demo: DemoDistrict, name: str) -> pd.DataFrame:
    return pd.read_csv(demo.out_dir / name, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def answers(demo: DemoDistrict) -> pd.DataFrame:
    return read(demo, "truth/addresses.csv").set_index("code")


def test_the_full_plan_is_the_districts_published_figures() -> None:
    assert sum(t.migrants for t in FULL.townships) == 357_000
    assert sum(t.officers for t in FULL.townships) == 280
    assert {t.name: (t.migrants, t.officers) for t in FULL.townships}["汐湾镇"] == (32_900, 26)
    assert (len(FULL.townships), sum(t.villages for t in FULL.townships)) == (7, 101)


def test_the_same_seed_gives_the_same_bytes(demo: DemoDistrict, tmp_path: Path) -> None:
    again = generate(7, tmp_path, "small")

    def digests(out_dir: Path) -> dict[str, str]:
        files = sorted(path for path in out_dir.rglob("*") if path.is_file())
        return {str(path.relative_to(out_dir)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests(again.out_dir) == digests(demo.out_dir)
    assert set(FILES.values()) <= set(digests(demo.out_dir))


def test_every_decided_address_lies_in_its_compound_and_the_planted_ones_do_not_decide(
    demo: DemoDistrict, answers: pd.DataFrame
) -> None:
    compounds = gpd.read_file(demo.file("areas"), layer="compound")
    addresses = read(demo, "addresses.csv").set_index("code")
    lon, lat = (pd.to_numeric(addresses[name]).to_numpy() for name in ("lon", "lat"))
    owner = AreaLocator.build(compounds.geometry, compounds["code"].tolist()).locate(lon, lat).owner
    found = np.where(owner >= 0, compounds["code"].to_numpy()[np.maximum(owner, 0)], "")
    decided = answers["compound_code"] != ""
    unresolved = demo.plan.unresolved

    assert len(addresses) == SMALL.addresses
    assert (found[decided] == answers.loc[decided, "compound_code"]).all()
    assert np.count_nonzero(owner == -1) == unresolved.outside
    assert np.count_nonzero(owner == -3) == unresolved.no_point
    stated = addresses["stated_village_code"].to_numpy()
    differs = (owner >= 0) & (stated != pd.Series(found).str[:12].to_numpy())
    assert np.count_nonzero(differs) == unresolved.stated_differs
    assert addresses["text"].duplicated().sum() == unresolved.duplicate_text


def test_an_address_reads_as_its_parts_in_order(demo: DemoDistrict) -> None:
    addresses = read(demo, "addresses.csv")
    parts = addresses[["road", "lane"]].agg("".join, axis=1)
    door = addresses[["number", "building", "unit", "room"]].agg("".join, axis=1)

    assert addresses["text"].str.startswith("浙江省宁波市澜港区").all()
    assert [p in text for p, text in zip(parts, addresses["text"], strict=True)] == [True] * len(addresses)
    assert [text.endswith(d) for d, text in zip(door, addresses["text"], strict=True)] == [True] * len(addresses)


def test_every_decided_address_has_exactly_one_officer(demo: DemoDistrict, answers: pd.DataFrame) -> None:
    decided = answers["compound_code"] != ""
    parts, duties = read(demo, "beat_parts.csv"), read(demo, "beat_duties.csv")
    whole = parts[parts["buildings"] == ""]
    split = parts[parts["buildings"] != ""].assign(building=lambda rows: rows["buildings"].str.split(";"))
    split = split.explode("building")

    assert (answers.loc[decided, "beat_code"] != "").all()
    assert (answers.loc[~decided, "beat_code"] == "").all()
    assert whole["area_code"].is_unique
    assert not split.duplicated(["area_code", "building"]).any()
    assert not set(whole["area_code"]) & set(split["area_code"])
    assert duties["beat_code"].is_unique
    assert duties["badge_no"].is_unique
    assert set(answers.loc[decided, "badge_no"]) == set(duties["badge_no"])


def test_townships_hold_exactly_the_planned_migrants_and_officers(demo: DemoDistrict, answers: pd.DataFrame) -> None:
    registrations, postings = read(demo, "registrations.csv"), read(demo, "postings.csv")
    current = registrations[registrations["deregistered_on"] == ""]
    township = current["address_code"].map(answers["compound_code"]).str[:9]
    post = postings[~postings["unit_code"].str.endswith("000000")]
    on_duty = pd.to_numeric(post["share"]).groupby(post["unit_code"].str[1:10]).sum()

    assert sorted(township.value_counts()) == sorted(t.migrants for t in SMALL.townships)
    assert sorted(on_duty.round(6)) == sorted(t.officers for t in SMALL.townships)
    assert len(registrations) - len(current) == SMALL.deregistered


def test_every_squad_has_one_leader_and_no_officer_more_than_one_full_post(demo: DemoDistrict) -> None:
    postings = read(demo, "postings.csv")
    leaders = postings.loc[postings["role"] == "leader", "unit_code"]
    units = read(demo, "units.csv")

    assert leaders.is_unique
    assert set(leaders) == set(units.loc[units["area_code"].str.len() == 12, "code"])
    assert pd.to_numeric(postings["share"]).groupby(postings["badge_no"]).sum().round(6).eq(1).all()


def test_identity_numbers_hold_and_belong_to_no_real_county(demo: DemoDistrict) -> None:
    people = pd.concat([read(demo, "registrations.csv"), read(demo, "officers.csv")])
    officers = read(demo, "officers.csv")

    assert are_identity_numbers(people["id_number"], pd.Timestamp(demo.plan.today)).all()
    assert people["id_number"].is_unique
    assert people["id_number"].str.fullmatch(r"(?:99|330299).*").all()
    assert people["phone"].str.fullmatch(r"154\d{8}").all()
    assert (birth_dates(officers["id_number"]) == pd.to_datetime(officers["birth_date"])).all()


def test_rentals_are_suspected_exactly_where_group_rentals_were_planted(demo: DemoDistrict) -> None:
    rentals = read(demo, "rentals.csv").set_index("code")
    rooms, beds, residents, area = (
        pd.to_numeric(rentals[name]) for name in ("rooms", "beds", "residents", "usable_area_m2")
    )
    suspected = (area / residents < 4) | (residents / rooms > 2) | (rooms >= 10) | (beds >= 10)

    assert set(rentals.index[suspected]) == set(read(demo, "truth/group_rentals.csv")["code"])


def test_group_rentals_crowd_in_the_hotspots(demo: DemoDistrict, answers: pd.DataFrame) -> None:
    hot = {code for spot in json.loads((demo.out_dir / "truth/truth.json").read_text())["hotspots"] for code in spot}
    group = answers["group_rental"] == "true"
    inside = answers["compound_code"].isin(hot)

    assert group[inside].mean() > 10 * group[~inside & (answers["compound_code"] != "")].mean()


def test_about_as_many_come_as_go_and_one_village_has_a_rush(demo: DemoDistrict, answers: pd.DataFrame) -> None:
    registrations = read(demo, FILES["registrations"])
    day = pd.Timestamp(SMALL.today)
    came, went = (
        pd.to_datetime(registrations[name], errors="coerce").between(day - pd.Timedelta(days=90), day)
        for name in ("registered_on", "deregistered_on")
    )
    assert 0.8 < came.sum() / went.sum() < 2.5
    village = registrations["address_code"].map(answers["compound_code"]).str[:12]
    back = (day - pd.to_datetime(registrations["registered_on"])).dt.days
    last, before = (village[back.between(*days)].value_counts() for days in ((0, 6), (7, 62)))
    assert (last > 2 * before.reindex(last.index).fillna(0) / 8)[last >= 20].sum() == 1


def test_registers_disagree_just_where_the_truth_says(demo: DemoDistrict) -> None:
    truth = read(demo, "truth/mismatches.csv")
    truth = truth[truth["in_registers"] == "true"]
    people = read(demo, "truth/register_people.csv").set_index(["register", "source_key"])["person"]
    rows = {}
    for register in ("police", "village", "grid"):
        frame = read(demo, f"registers/{register}.csv").set_index("source_key")
        rows[register] = frame.assign(person=people[register])
    planted = truth.groupby("planted")["person"].agg(set)
    police, village, grid = (set(rows[name]["person"]) for name in ("police", "village", "grid"))

    assert village - police == grid - police == planted["missing_in_police"]
    assert police - village == planted["missing_in_village"]
    assert police - grid == planted["missing_in_grid"]
    twice = rows["village"]["person"]
    assert set(twice[twice.duplicated()]) == planted.get("twice_in_village", set())
    assert set(rows["grid"].loc[rows["grid"]["left_on"] != "", "person"]) == planted["left_unnoticed"]
    wrong = ~check_digit_holds(rows["grid"]["id_number"])
    assert set(rows["grid"].loc[wrong, "person"]) == planted.get("mistyped_id_number", set())
    current = read(demo, "registrations.csv").query("deregistered_on == ''").set_index("source_key")
    assert (rows["police"]["id_number"] == current["id_number"].reindex(rows["police"].index)).all()


def test_found_mismatches_are_most_of_the_truth_and_nothing_else(demo: DemoDistrict) -> None:
    truth, found = read(demo, "truth/mismatches.csv"), read(demo, "mismatches.csv")
    known = truth[truth["mismatch_key"] != ""].set_index("mismatch_key")

    lives = read(demo, "truth/addresses.csv").set_index("code")["compound_code"].reindex(truth["address_code"])
    reconciled = ~lives.str.startswith(demo.unreconciled).to_numpy()  # that village finds its own

    assert set(known.index) == set(found["source_key"])
    assert truth.loc[~reconciled, "mismatch_key"].eq("").all()
    assert 0.7 < len(found) / reconciled.sum() < 0.95
    assert (known["mismatch_class"].reindex(found["source_key"]).to_numpy() == found["mismatch_class"]).all()


def test_the_topology_report_finds_each_planted_defect_and_none_in_the_clean_areas(demo: DemoDistrict) -> None:
    clean, spoilt = (_areas(demo.out_dir / name) for name in ("areas.gpkg", "areas_with_defects.gpkg"))
    epsg = demo.plan.metric_epsg
    report = check_topology(spoilt, epsg).assign(
        code=lambda rows: rows["area_id"].map(spoilt["code"]), other=lambda rows: rows["other_id"].map(spoilt["code"])
    )
    names = {"overlap": "overlap", "crumbs": "overlap", "outside_parent": "outside_parent"}

    assert set(check_topology(clean, epsg)["finding"]) <= {"multipart"}
    for defect in json.loads((demo.out_dir / "truth/truth.json").read_text())["defects"]:
        about = report[report["code"].eq(defect["code"]) | report["other"].eq(defect["code"])]
        if defect["kind"] in names:
            sizes = about.loc[about["finding"] == names[defect["kind"]], "area_m2"].tolist()
            assert defect["area_m2"] in [pytest.approx(size, rel=1e-3) for size in sizes]
        elif defect["kind"] == "gap":
            gaps = report.loc[report["finding"] == "gap", "area_m2"].tolist()
            assert defect["area_m2"] in [pytest.approx(size, rel=1e-3) for size in gaps]
        else:
            assert "invalid_ring" in about["finding"].tolist()


def test_the_repairs_of_the_planted_defects_leave_no_alarm_and_nothing_to_repair(demo: DemoDistrict) -> None:
    spoilt, epsg = _areas(demo.out_dir / "areas_with_defects.gpkg"), demo.plan.metric_epsg
    found = propose_repairs(spoilt, epsg)
    repaired = spoilt.copy()
    borders = apply_repairs(spoilt, found)
    repaired.loc[borders.index, "geometry"] = borders
    assert {"invalid_ring", "overlap", "outside_parent", "gap"} <= {repair.kind for repair in found}
    assert not check_topology(repaired, epsg)["severity"].eq("alarm").any()
    assert propose_repairs(repaired, epsg) == []


def _areas(path: Path) -> gpd.GeoDataFrame:
    layers = [gpd.read_file(path, layer=name) for name in gpd.list_layers(path)["name"]]
    areas = gpd.GeoDataFrame(pd.concat(layers, ignore_index=True), crs=4326)
    areas.index = pd.Index(np.arange(1, len(areas) + 1), name="area_id", dtype="int64")
    ids = pd.Series(areas.index, index=areas["code"])
    return areas.assign(parent_id=areas["parent_code"].map(ids).astype("Int64")).drop(columns="parent_code")
