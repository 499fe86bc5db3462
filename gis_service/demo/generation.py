"""The demo district from a seed: ordinary import files, and the truth about everything that was planted in them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gis_service.demo.addresses import IMPORT_COLUMNS, address_frame
from gis_service.demo.defects import Defect, spoil
from gis_service.demo.land import Land, settle
from gis_service.demo.plan import PLANS, DistrictPlan
from gis_service.demo.quarter_before import quarter_before
from gis_service.demo.registers import REGISTER_COLUMNS, REGISTERS, Registers, disagree
from gis_service.demo.rentals import rental_frame
from gis_service.demo.residents import REGISTRATION_COLUMNS, Residents, house, registration_frame
from gis_service.demo.teams import Teams, man
from gis_service.demo.write import write_areas, write_table, write_truth

FILES = {
    "areas": "areas.gpkg",
    "units": "units.csv",
    "officers": "officers.csv",
    "postings": "postings.csv",
    "beats": "beats.csv",
    "beat_parts": "beat_parts.csv",
    "beat_duties": "beat_duties.csv",
    "addresses": "addresses.csv",
    "registrations": "registrations.csv",
    "rentals": "rentals.csv",
    "mismatches": "mismatches.csv",
}
"""Subject to file, in the order of import."""


@dataclass(frozen=True)
class DemoDistrict:
    """What was generated, and where.

    ``truth`` is the content of ``truth/truth.json``; ``truth/`` also holds ``addresses.csv`` (the compound, beat and
    officer of every address, or what was planted), ``mismatches.csv``, ``register_people.csv``, ``quarter_before.csv``,
    ``group_rentals.csv``. ``unreconciled``: code of the village that reconciles with the service itself.
    """

    out_dir: Path
    plan: DistrictPlan
    seed: int
    truth: dict[str, object]
    unreconciled: str

    def file(self, subject: str) -> Path:
        """Path of the import file of one subject."""
        return self.out_dir / FILES[subject]


def generate(seed: int, out_dir: Path, size: str = "full") -> DemoDistrict:
    """Generate the district and write it into ``out_dir`` (created; files of an earlier run are replaced).

    Parameters
    ----------
    seed
        The same seed gives the same bytes.
    out_dir
        Gets the files of `FILES`, ``registers/`` (with ``quarter_before/``), ``areas_with_defects.gpkg``, ``truth/``.
    size
        ``full`` or ``small``: a key of `PLANS`.

    Raises
    ------
    KeyError
        When there is no such size.
    """
    plan = PLANS[size]
    out_dir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out_dir / "truth", ignore_errors=True)
    land = settle(plan, seed)
    addresses = address_frame(plan, land, seed)
    residents = house(plan, land, addresses, seed)
    teams = man(plan, land, addresses, residents, seed)
    registrations = registration_frame(plan, addresses, residents, seed)
    rentals = rental_frame(plan, addresses, residents, seed)
    registers = disagree(plan, land, addresses, registrations, seed)
    before = quarter_before(plan, land, addresses, registrations, registers, seed)
    spoilt, defects = spoil(plan, land, seed)

    write_areas(out_dir / FILES["areas"], land.areas)
    write_areas(out_dir / "areas_with_defects.gpkg", spoilt)
    tables = {
        "units": teams.units,
        "officers": teams.officers,
        "postings": teams.postings,
        "beats": teams.beats,
        "beat_parts": teams.beat_parts,
        "beat_duties": teams.beat_duties,
        "addresses": addresses[IMPORT_COLUMNS],
        "registrations": registrations[REGISTRATION_COLUMNS],
        "rentals": rentals,
        "mismatches": registers.mismatches,
    }
    for subject, frame in tables.items():
        write_table(out_dir / FILES[subject], frame)
    for register in REGISTERS:
        write_table(out_dir / "registers" / f"{register}.csv", registers.registers[register][REGISTER_COLUMNS])

    for register, frame in before.lists.items():
        write_table(out_dir / "registers" / "quarter_before" / f"{register}.csv", frame)

    truth = _truth(plan, seed, land, residents, registers, rentals, defects, tables)
    truth["quarter_before"] = {"village_code": before.village_code, "day": before.last.isoformat()}
    write_truth(out_dir / "truth" / "truth.json", truth)
    write_table(out_dir / "truth" / "addresses.csv", _placed(land, addresses, residents, teams))
    write_table(out_dir / "truth" / "mismatches.csv", registers.truth)
    people = [frame[["source_key", "person"]].assign(register=name) for name, frame in registers.registers.items()]
    write_table(out_dir / "truth" / "register_people.csv", pd.concat(people)[["register", "source_key", "person"]])
    write_table(out_dir / "truth" / "quarter_before.csv", before.forgotten)
    group = addresses.loc[residents.per_address["group"], "code"]
    write_table(out_dir / "truth" / "group_rentals.csv", rentals.loc[rentals["address_code"].isin(group), ["code"]])
    return DemoDistrict(out_dir, plan, seed, truth, before.village_code)


def _truth(
    plan: DistrictPlan,
    seed: int,
    land: Land,
    residents: Residents,
    registers: Registers,
    rentals: pd.DataFrame,
    defects: list[Defect],
    tables: dict[str, pd.DataFrame],
) -> dict[str, object]:
    codes = land.compounds["code"]
    return {
        "seed": seed,
        "today": plan.today.isoformat(),
        "metric_epsg": plan.metric_epsg,
        "areas": {str(level): int(count) for level, count in land.areas["level"].value_counts().items()},
        "rows": {subject: len(frame) for subject, frame in tables.items()},
        "townships": [
            {"name": t.name, "migrants": t.migrants, "officers": t.officers, "villages": t.villages}
            for t in plan.townships
        ],
        "migrants": sum(t.migrants for t in plan.townships),
        "officers_in_townships": sum(t.officers for t in plan.townships),
        "unresolved": {
            "outside": plan.unresolved.outside,
            "no_point": plan.unresolved.no_point,
            "stated_differs": plan.unresolved.stated_differs,
        },
        "duplicate_text": plan.unresolved.duplicate_text,
        "group_rentals": int(residents.per_address["group"].sum()),
        "rentals": len(rentals),
        "hotspots": [[codes[c] for c in spot] for spot in residents.hotspots],
        "mismatches_planted": registers.truth["planted"].value_counts().sort_index().to_dict(),
        "registers_township": plan.registers_township,
        "defects": [defect.as_record() for defect in defects],
    }


def _placed(land: Land, addresses: pd.DataFrame, residents: Residents, teams: Teams) -> pd.DataFrame:
    """The right answer for every address: compound, beat and officer; empty where a person must decide."""
    compound = addresses["compound"]
    code = land.compounds["code"].reindex(compound).to_numpy()
    parts = teams.beat_parts.merge(teams.beat_duties[["beat_code", "badge_no"]], on="beat_code")
    whole = parts[parts["buildings"] == ""].set_index("area_code")
    split = parts[parts["buildings"] != ""]
    split = split.assign(building=split["buildings"].str.split(";")).explode("building")
    split = split.set_index(["area_code", "building"])
    keys = pd.MultiIndex.from_arrays([code, addresses["building"]])
    answer = {}
    for name in ("beat_code", "badge_no"):
        by_compound, by_building = whole[name].reindex(code).to_numpy(), split[name].reindex(keys).to_numpy()
        answer[name] = pd.Series(by_compound).fillna(pd.Series(by_building)).to_numpy()
    return pd.DataFrame(
        {
            "code": addresses["code"],
            "compound_code": code,
            **answer,
            "planted": addresses["planted"],
            "residents": residents.per_address["residents"],
            "group_rental": residents.per_address["group"],
        }
    )
