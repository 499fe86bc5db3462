"""A layer delivered anew, on both databases: compared, drafted, applied in one transaction, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from fastapi.testclient import TestClient
from shapely import union_all
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, func, select

from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.areas.land_record import heirs_of, timelines_of
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaVersion
from gis_service.changes.actions import apply_change, approve_change, impact_of, revert_change
from gis_service.changes.carrying_out import CarriedOut
from gis_service.changes.comparing import Comparison, compare_layer
from gis_service.changes.reimporting import draft_reimport
from gis_service.errors import InvalidInputError, NotPermittedError
from gis_service.intake.subject import ImportOptions, Mode
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.integration.board import START, STEP, TODAY, Board, cells
from tests.integration.conftest import SignIn
from tests.integration.land import everything, halves, homes

DAY = date(2026, 9, 1)
ADDRESSES_IN_N21 = 4


def rows_of_board() -> dict[str, tuple[str, str, str | None, BaseGeometry]]:
    """Code → name, level, parent and border, as the board has them."""
    compounds = cells()
    found: dict[str, tuple[str, str, str | None, BaseGeometry]] = {}
    for level, length in (("district", 0), ("township", 1), ("village", 2), ("compound", 3)):
        for code in sorted({compound[:length] for compound in compounds}):
            shape = union_all([each for compound, each in compounds.items() if compound.startswith(code)])
            parent = {0: None, 1: "D"}.get(length, code[:-1])
            found[code or "D"] = (f"area {code or 'D'}", level, parent, shape)
    return found


def write(path: Path, rows: Mapping[str, tuple[str, str, str | None, BaseGeometry]], **columns: Any) -> Path:
    frame = gpd.GeoDataFrame(
        {
            "code": list(rows),
            "name": [row[0] for row in rows.values()],
            "level": [row[1] for row in rows.values()],
            "parent_code": [row[2] for row in rows.values()],
            **columns,
        },
        geometry=[row[3] for row in rows.values()],
        crs="EPSG:4326",
    )
    frame.to_file(path, engine="pyogrio")
    return path


def options(mode: Mode | None = None, day: date = DAY) -> ImportOptions:
    return ImportOptions(valid_from=day, mode=mode)


def carry(
    engine: Engine, settings: Settings, path: Path, mode: Mode | None = None, **said: Any
) -> tuple[int, CarriedOut]:
    made = draft_reimport(engine, settings, SHELL, path, options(mode), **said)
    assert made.change is not None
    approve_change(engine, SHELL, made.change.id, accepted_reason="a test")
    return made.change.id, apply_change(engine, settings, SHELL, made.change.id)


def of_code(found: Comparison, code: str) -> dict[str, Any]:
    table = found.table
    row = table[table["code"].fillna(table["old_code"]).eq(code)].iloc[0]
    return {str(name): value for name, value in row.items()}


def versions(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(AreaVersion)) or 0


def test_the_same_layer_is_unchanged_and_makes_no_draft(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    path = write(tmp_path / "same.gpkg", rows_of_board())
    made = draft_reimport(engine, settings, SHELL, path, options())
    assert made.comparison.counts == {"unchanged": 15, "corrected": 0, "changed": 0, "new": 0, "missing": 0}
    assert made.change is None
    assert made.comparison.old.empty
    assert made.comparison.new.empty


def changed_rows() -> dict[str, tuple[str, str, str | None, BaseGeometry]]:
    """N12 gives an eastern strip to N21; S1 has another name, S21 another code; S22 is two; N11 is a little wrong."""
    rows = rows_of_board()
    west, east = halves("N12", 0.45)
    rows["N12"] = (*rows["N12"][:3], west)
    rows["N21"] = (*rows["N21"][:3], shapely.union(rows["N21"][3], east))
    rows["S1"] = ("石塘下村", *rows["S1"][1:])
    rows["S2X"] = rows.pop("S21")
    west, east = halves("S22")
    rows.pop("S22")
    rows["S2a"], rows["S2b"] = ("部分甲", "compound", "S2", west), ("部分乙", "compound", "S2", east)
    x = cells()["N11"].bounds[0]
    rows["N11"] = (*rows["N11"][:3], shapely.difference(rows["N11"][3], shapely.box(x, 29, x + STEP / 1000, 31)))
    return rows


def test_a_comparison_tells_what_is_unchanged_corrected_changed_new_and_missing(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    before = everything(engine)
    found = compare_layer(engine, settings, SHELL, write(tmp_path / "new.gpkg", changed_rows()), options())
    assert found.counts == {"unchanged": 9, "corrected": 1, "changed": 4, "new": 2, "missing": 1}
    n12, n11, s2x, s22 = (of_code(found, code) for code in ("N12", "N11", "S2X", "S22"))
    assert (n12["found"], n12["fields"], n12["matched_by"]) == ("changed", ["border"], "code")
    assert n12["difference_share"] == pytest.approx(0.55, rel=1e-4)
    assert (n11["found"], n11["suggested"]) == ("corrected", "correction")
    assert n11["difference_share"] == pytest.approx(0.001, rel=1e-3)
    assert (s2x["matched_by"], s2x["fields"], s2x["old_code"]) == ("overlap", ["code"], "S21")
    assert sorted(found.table.loc[s22["heirs"], "code"]) == ["S2a", "S2b"]
    assert of_code(found, "S1")["fields"] == ["name"]
    assert len(found.old.dropna()) == 6
    assert len(found.new.dropna()) == 7
    assert everything(engine) == before


def test_a_layer_is_applied_as_one_change_and_taken_back(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    before, count = everything(engine), versions(engine)
    path = write(tmp_path / "new.gpkg", changed_rows())
    change_id, done = carry(engine, settings, path, Mode.CHANGE, end_missing=True)
    # N12, N21, S1, S21 and N11 have another version each, S22 has two heirs; nobody else has a new row
    assert versions(engine) == count + 5 + 2
    with reading(engine) as session:
        now, then = (area_names(session, Scope(day, None)) for day in (DAY, START))
        heirs = [heir["code"] for heir in heirs_of(session, board.areas["S22"])]
    assert now.loc[board.areas["S21"], "code"] == "S2X"
    assert then.loc[board.areas["S21"], "code"] == "S21"
    assert board.areas["S22"] not in now.index
    assert heirs == ["S2a", "S2b"]
    assert {beat for _, beat in homes(engine, board, "S22", DAY)} == {board.beats["S2"]}
    # two addresses between N12 and N21 and the four of S22
    assert done.rewriting.written == 2 + 4
    assert assign_addresses(engine, settings, SHELL, TODAY).written == 0
    again = draft_reimport(engine, settings, SHELL, path, options())
    assert again.change is None
    revert_change(engine, settings, SHELL, change_id, "the file was the wrong one")
    assert everything(engine) == before


def test_a_person_says_of_single_areas_what_they_are(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    path = write(tmp_path / "new.gpkg", changed_rows())
    said = {"N12": "leave", "N21": "leave", "N11": "change", "S1": "correction"}
    carry(engine, settings, path, said=said)
    with reading(engine) as session:
        held = timelines_of(session, [board.areas[code] for code in ("N12", "N11", "S1", "S22")])
    lengths = {code: len(held[board.areas[code]]) for code in ("N12", "N11", "S1", "S22")}
    assert lengths == {"N12": 1, "N11": 2, "S1": 1, "S22": 1}
    assert held[board.areas["S1"]][0].name == "石塘下村"


def test_a_correction_leaves_no_second_version(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    count = versions(engine)
    carry(engine, settings, write(tmp_path / "new.gpkg", changed_rows()), Mode.CORRECTION, end_missing=True)
    assert versions(engine) == count - 1 + 2
    with reading(engine) as session:
        assert area_names(session, Scope(START, None))["code"].isin(["S2a", "S2b", "S2X"]).sum() == 3


def test_new_villages_come_with_their_compounds_and_addresses_follow(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    rows = rows_of_board()
    village = rows.pop("N2")
    rows["NW"], rows["NE"] = ("西村", "village", "N", cells()["N21"]), ("东村", "village", "N", cells()["N22"])
    rows["N21"] = (*rows["N21"][:2], "NW", rows["N21"][3])
    rows["N22"] = (*rows["N22"][:2], "NE", rows["N22"][3])
    _, done = carry(engine, settings, write(tmp_path / "new.gpkg", rows), Mode.CHANGE, end_missing=True)
    assert village[3].area > 0
    assert done.rewriting.written == 0  # whoever states N2 lives in an heir of it
    with reading(engine) as session:
        names = area_names(session, Scope(DAY, None))
    parents = names["parent_id"].map(names["code"])
    assert (parents[board.areas["N21"]], parents[board.areas["N22"]]) == ("NW", "NE")
    assert board.areas["N2"] not in names.index


def test_the_impact_of_a_layer_tells_who_moves(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    path = write(tmp_path / "new.gpkg", changed_rows())
    made = draft_reimport(engine, settings, SHELL, path, options(Mode.CHANGE), end_missing=True)
    assert made.change is not None
    impact = impact_of(engine, settings, SHELL, made.change.id)
    assert impact.written == 6
    assert impact.flows["addresses"].sum() == 6


def test_a_list_without_borders_keeps_those_on_record(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    path = tmp_path / "villages.csv"
    path.write_text("code,name,level,parent_code\nN1,area N1,village,N\nN3,area N2,village,N\n", encoding="utf-8")
    found = compare_layer(engine, settings, SHELL, path, options())
    assert found.counts == {"unchanged": 1, "corrected": 0, "changed": 1, "new": 0, "missing": 2}
    assert of_code(found, "N3")["matched_by"] == "name"
    _, done = carry(engine, settings, path)
    assert list(done.after) == [board.areas["N2"]]


def test_rows_that_cannot_be_taken_are_told_and_nothing_is_drafted(
    engine: Engine, settings: Settings, board: Board, tmp_path: Path
) -> None:
    rows = rows_of_board()
    rows["Z11"] = ("nowhere", "compound", "Z1", cells()["N11"])
    path = write(tmp_path / "new.gpkg", rows)
    found = compare_layer(engine, settings, SHELL, path, options())
    assert [fault.field for fault in found.faults] == ["parent_code"]
    with pytest.raises(InvalidInputError):
        draft_reimport(engine, settings, SHELL, path, options())


def test_a_layer_of_others_is_not_compared(engine: Engine, settings: Settings, board: Board, tmp_path: Path) -> None:
    steward = Viewer("steward", Role.STEWARD, frozenset({board.areas["N1"]}), account_id=9)
    whole = write(tmp_path / "whole.gpkg", rows_of_board())
    found = compare_layer(engine, settings, steward, whole, options())
    assert {fault.value for fault in found.faults} == {code for code in rows_of_board() if not code.startswith("N1")}
    own = {code: row for code, row in rows_of_board().items() if code in ("N11", "N12")}
    assert (
        compare_layer(engine, settings, steward, write(tmp_path / "own.gpkg", own), options()).counts["unchanged"] == 2
    )
    with pytest.raises(NotPermittedError):
        compare_layer(engine, settings, Viewer("o", Role.OFFICER, frozenset()), whole, options())


def test_a_layer_is_compared_and_drafted_over_http(signed_in: SignIn, board: Board, tmp_path: Path) -> None:
    planner: TestClient = signed_in("planner")
    path = write(tmp_path / "new.gpkg", changed_rows())
    with path.open("rb") as file:
        answer = planner.post(
            "/api/v1/land-reimports/comparison", files={"file": ("new.gpkg", file)}, data={"day": DAY.isoformat()}
        )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["counts"] == {"unchanged": 9, "corrected": 1, "changed": 4, "new": 2, "missing": 1}
    assert {feature["properties"]["code"] for feature in found["old"]["features"]} == {
        "N11", "N12", "N21", "S1", "S2X", "S22",
    }  # fmt: skip
    (n12,) = [area for area in found["areas"] if area["code"] == "N12"]
    assert n12["difference_percent"] == pytest.approx(55, rel=1e-4)
    order = {"ticket": found["ticket"], "day": DAY.isoformat(), "end_missing": True}
    drafted = planner.post("/api/v1/land-reimports", json=order)
    assert drafted.status_code == 200, drafted.text
    change = drafted.json()["change"]
    assert (change["kind"], change["state"]) == ("reimport", "draft")
    impact = planner.get(f"/api/v1/land-changes/{change['id']}/impact").json()
    assert impact["written"] == 6
