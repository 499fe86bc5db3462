"""Land goes out as a GeoPackage, is edited with another program, and comes back: only what was edited is a change."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis_service.access.scope import Scope
from gis_service.areas.queries import areas
from gis_service.storage.engine import reading
from tests.integration.board import STEP, TODAY, Board, cells
from tests.integration.conftest import SignIn


def exported(client: TestClient, path: Path) -> gpd.GeoDataFrame:
    answer = client.get("/exports/areas.gpkg", params={"as_of": TODAY.isoformat()})
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    [[layer, kind]] = pyogrio.list_layers(path)
    assert (layer, kind) == ("areas", "MultiPolygon")
    frame: gpd.GeoDataFrame = pyogrio.read_dataframe(path, fid_as_index=True)
    return frame


def sent_back(client: TestClient, path: Path, step: str = "", **said: str) -> dict[str, object]:
    with path.open("rb") as file:
        answer = client.post(
            f"/api/v1/imports/areas{step}",
            files={"file": (path.name, file)},
            data={"valid_from": TODAY.isoformat(), **said},
        )
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_what_comes_back_as_it_went_out_changes_nothing(signed_in: SignIn, board: Board, tmp_path: Path) -> None:
    client, path = signed_in("planner"), tmp_path / "areas.gpkg"
    frame = exported(client, path)
    assert set(frame["code"]) == set(board.areas)
    assert frame.set_index("code")["parent_code"].dropna().to_dict() == {
        code: {1: "D", 2: code[:1], 3: code[:2]}[len(code)] for code in board.areas if code != "D"
    }
    assert sent_back(client, path, "/preview")["counts"] == {"new": 0, "changed": 0, "unchanged": 15, "refused": 0}


def test_a_border_moved_and_a_name_edited_elsewhere_are_the_only_changes(
    engine: Engine, signed_in: SignIn, board: Board, tmp_path: Path
) -> None:
    client, path = signed_in("planner"), tmp_path / "areas.gpkg"
    frame = exported(client, path).drop(columns="area_id", errors="ignore")
    at = dict(zip(frame["code"], frame.index, strict=True))
    west, south, east, north = cells()["N11"].bounds
    frame.loc[at["N11"], "geometry"] = shapely.box(west, south, east + STEP / 10, north)
    frame.loc[at["N12"], "geometry"] = shapely.box(east + STEP / 10, south, east + STEP, north)
    frame.loc[at["S22"], "name"] = "石塘下村"
    edited = tmp_path / "edited.gpkg"
    pyogrio.write_dataframe(frame, edited, layer="areas")

    assert sent_back(client, edited, "/preview", mode="change")["counts"] == {
        "new": 0,
        "changed": 3,
        "unchanged": 12,
        "refused": 0,
    }
    sent_back(client, edited, mode="change")
    with reading(engine) as session:
        land = areas(session, Scope(TODAY, None))
    assert land["name"][board.areas["S22"]] == "石塘下村"
    assert land.geometry[board.areas["N11"]].equals(shapely.box(west, south, east + STEP / 10, north))
    assert land.geometry[board.areas["N21"]].equals(cells()["N21"])


def test_only_land_goes_out_as_a_geopackage(signed_in: SignIn) -> None:
    assert signed_in("planner").get("/exports/officers.gpkg").status_code == 422
