"""Forms for the land, on both databases: what is typed becomes the draft that was meant, and what is wrong is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from gis_service.access.viewer import SHELL
from gis_service.areas.tables import LandChange
from gis_service.changes.actions import apply_change, approve_change
from gis_service.changes.completing import undrawn_split
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.integration.board import STEP, TODAY, Board, cells
from tests.integration.conftest import SignIn
from tests.integration.land import homes
from tests.integration.test_reimport import changed_rows, rows_of_board, write
from tests.integration.test_repairs import spoil

DAY = TODAY.isoformat()


def ask(door: TestClient, board: Board, area: str, **said: Any) -> tuple[int, str]:
    """Send the form of an area; the status, and the page or where it leads."""
    form = {"day": DAY, **said}
    answer = door.post(f"/areas/{board.areas[area]}/change", data=form, follow_redirects=False)
    return answer.status_code, answer.headers.get("location", answer.text)


def drafted(engine: Engine) -> list[LandChange]:
    with reading(engine) as session:
        found = list(session.scalars(select(LandChange).order_by(LandChange.id)))
        session.expunge_all()
    return found


@pytest.mark.parametrize(
    ("area", "said", "asked"),
    [
        ("N1", {"kind": "rename", "name": " 江南新村 "}, {"name": "江南新村"}),
        ("N1", {"kind": "recode", "code": "N9"}, {"code": "N9"}),
        ("N11", {"kind": "move", "parent_id": "N2"}, {"code": None}),
        ("N11", {"kind": "retire"}, {"units": []}),
    ],
)
def test_a_form_becomes_a_draft(
    engine: Engine, signed_in: SignIn, board: Board, area: str, said: dict[str, str], asked: dict[str, Any]
) -> None:
    sent = {name: str(board.areas[value]) if name == "parent_id" else value for name, value in said.items()}
    status, leads_to = ask(signed_in("planner"), board, area, **sent, mode="correction", note="按批复")
    (change,) = drafted(engine)
    assert (status, leads_to) == (303, f"/changes/{change.id}")
    assert (change.kind, change.mode, change.day, change.note) == (said["kind"], "correction", TODAY, "按批复")
    assert change.payload["area_id"] == board.areas[area]
    assert asked.items() <= change.payload.items()
    if said["kind"] == "move":
        assert change.payload["parent_id"] == board.areas["N2"]


def test_a_village_is_split_by_its_compounds(engine: Engine, signed_in: SignIn, board: Board) -> None:
    children = [str(board.areas[code]) for code in ("N11", "N12")]
    parts = {"part_names": ["甲村", "乙村", "", ""], "part_codes": ["N1a", "N1b", "", ""]}
    ask(signed_in("planner"), board, "N1", kind="split", **parts, children=children, part_of=["2", "1"])
    (change,) = drafted(engine)
    found = {part["name"]: part["children"] for part in change.payload["parts"]}
    assert found == {"甲村": [board.areas["N12"]], "乙村": [board.areas["N11"]]}


def test_a_split_dated_before_its_map_gets_it_later(
    engine: Engine, settings: Settings, signed_in: SignIn, board: Board, tmp_path: Path
) -> None:
    planner, parts = (
        signed_in("planner"),
        {"part_names": ["西片", "东片", "", ""], "part_codes": ["N1a", "N1b", "", ""]},
    )

    def carried() -> None:
        change = drafted(engine)[-1]
        approve_change(engine, SHELL, change.id)
        apply_change(engine, settings, SHELL, change.id)

    def waits(path: str) -> bool:
        return "边界图待补" in planner.get(path, params={"as_of": DAY}).text

    ask(planner, board, "N11", kind="split", **parts)
    carried()
    here = f"/areas/{board.areas['N11']}"
    assert waits(here)
    assert waits(f"/changes/{drafted(engine)[-1].id}")
    with reading(engine) as session:
        undrawn = undrawn_split(session, board.areas["N11"], TODAY)
    assert undrawn is not None
    assert [name for _id, _code, name in undrawn.parts] == ["西片", "东片"]
    assert waits(f"/areas/{undrawn.parts[0][0]}")
    assert planner.get(f"{here}/change?kind=draw&as_of={DAY}").text.count('name="drawn"') == 2
    assert ask(planner, board, "N11", kind="draw", drawn=["", ""])[0] == 422
    # by a line on the map: the western piece is the first part
    west, south, east, north = cells()["N11"].bounds
    middle = west + 0.45 * STEP
    line = {"kind": "split", "area_id": board.areas["N11"], "line": [(middle, south - 1e-3), (middle, north + 1e-3)]}
    found = planner.post("/api/v1/land-edits", params={"as_of": DAY}, json=line).json()
    assert [each["area_id"] for each in found["asked"]["borders"]] == [part for part, _code, _name in undrawn.parts]
    assert found["asked"]["kind"] == "redraw"
    # one part is typed, the other comes in a file
    ring = ((west, south), (middle, south), (middle, north), (west, north))
    corners = "\n".join(f"{lon}, {lat}" for lon, lat in ring)
    assert ask(planner, board, "N11", kind="draw", drawn=[corners, ""])[0] == 422
    assert [area for area, _ in homes(engine, board, "N11", TODAY)] == [board.areas["N11"]] * 4
    rest = {"N1b": ("东片", "compound", "N1", shapely.box(middle, south, east, north))}
    path = write(tmp_path / "东片.gpkg", rest)
    form, file = {"day": DAY, "kind": "draw", "drawn": [corners, ""]}, {"file": (path.name, path.read_bytes())}
    answer = planner.post(f"{here}/change", data=form, files=file, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    carried()
    first, second = (part for part, _code, _name in undrawn.parts)
    assert [area for area, _ in homes(engine, board, "N11", TODAY)] == [first, first, second, second]
    assert not waits(f"/areas/{first}")


def test_where_a_unit_goes_is_said_with_the_end_of_its_area(engine: Engine, signed_in: SignIn, board: Board) -> None:
    page = signed_in("planner").get(f"/areas/{board.areas['N11']}/change?kind=retire&as_of={DAY}").text
    assert "unit N11" in page
    units = [str(board.units["N11"])]
    ask(signed_in("planner"), board, "N11", kind="retire", units=units, unit_goes=["N12"])
    ask(signed_in("planner"), board, "N11", kind="retire", units=units, unit_goes=["-"])
    said = [change.payload["units"] for change in drafted(engine)]
    unit = board.units["N11"]
    assert said == [[{"unit_id": unit, "area_code": "N12"}], [{"unit_id": unit, "area_code": None}]]


def test_a_new_area_is_typed_and_fitted_beside_its_neighbours(engine: Engine, signed_in: SignIn, board: Board) -> None:
    west, south, east, north = cells()["N11"].bounds
    corners = [(west, south), (west + STEP / 2, south), (west + STEP / 2, north), (west, north)]
    typed = "\n".join(f"{lon:.6f}, {lat:.6f}" for lon, lat in corners)
    status, _ = ask(signed_in("planner"), board, "N1", kind="create", name="新小区", code="N13", corners=typed)
    assert status == 303
    (change,) = drafted(engine)  # drawn inside N11, so that it is split off from it
    assert (change.kind, [part["name"] for part in change.payload["parts"]]) == ("split", ["area N11", "新小区"])
    elsewhere = "\n".join(f"{lon:.6f}, {lat:.6f}" for lon, lat in ((east + 1, 10), (east + 2, 10), (east + 2, 11)))
    status, _ = ask(signed_in("planner"), board, "N1", kind="create", name="远", code="X", corners=elsewhere)
    assert status == 422


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "create", "name": "新小区", "corners": "121.6, 29.9\n这里"},
        {"kind": "create", "name": "新小区", "corners": "121.6, 29.9"},
        {"kind": "create", "name": "新小区", "corners": "{}"},
        {"kind": "create", "name": "新小区", "corners": '{"type": "Point", "coordinates": [121.6, 29.9]}'},
        {"kind": "create", "name": "新小区", "corners": "{" * 2000},
        {"kind": "split", "part_names": ["甲村"], "part_codes": ["N1a"]},
        {"kind": "move", "parent_id": ""},
        {"kind": "rename", "name": ""},
        {"kind": "redraw"},
    ],
)
def test_what_is_wrong_is_told_beside_what_was_typed(
    engine: Engine, signed_in: SignIn, board: Board, said: dict[str, Any]
) -> None:
    status, page = ask(signed_in("planner"), board, "N1", note="留存", **said)
    assert status == 422
    assert 'role="alert"' in page
    assert 'value="留存"' in page
    assert drafted(engine) == []


def test_nobody_changes_what_others_answer_for(engine: Engine, signed_in: SignIn, board: Board) -> None:
    steward = signed_in("steward")
    assert ask(steward, board, "N2", kind="rename", name="x")[0] == 404
    assert ask(steward, board, "N11", kind="move", parent_id=str(board.areas["N2"]))[0] == 403
    assert drafted(engine) == []


def test_a_layer_is_compared_chosen_from_and_drafted(
    engine: Engine, signed_in: SignIn, board: Board, tmp_path: Path
) -> None:
    planner, path = signed_in("planner"), write(tmp_path / "新区划.gpkg", changed_rows())
    files = {"file": (path.name, path.read_bytes())}
    page = planner.post("/land-reimport/comparison", data={"day": DAY}, files=files).text
    assert "55.00 %" in page
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    form = {"ticket": ticket, "day": DAY, "codes": ["N12", "N21", "S22"], "said": ["leave", "leave", ""]}
    wrong = planner.post("/land-reimport", data={**form, "said": ["leave", "so", ""]}, follow_redirects=False)
    assert wrong.status_code == 422
    made = planner.post("/land-reimport", data={**form, "end_missing": "true"}, follow_redirects=False)
    (change,) = drafted(engine)
    assert (made.status_code, made.headers["location"]) == (303, f"/changes/{change.id}")
    assert {each["code"] for each in change.payload["areas"]} == {"S2a", "S2b", "S1", "N11", "S2X"}
    assert change.payload["ended"] == [board.areas["S22"]]
    gone = planner.post("/land-reimport", data=form, follow_redirects=False)
    assert gone.status_code == 404


def test_many_areas_of_a_layer_are_decided_by_a_filter(
    engine: Engine, signed_in: SignIn, board: Board, tmp_path: Path
) -> None:
    planner, path = signed_in("planner"), write(tmp_path / "新区划.gpkg", changed_rows())
    files = {"file": (path.name, path.read_bytes())}
    page = planner.post("/land-reimport/comparison", data={"day": DAY}, files=files).text
    form: dict[str, Any] = {"ticket": page.split('name="ticket" value="')[1].split('"')[0], "day": DAY}
    single = {"codes": ["N12"], "said": ["change"]}
    much = {"many_found": "changed", "many_least": "10", "many_said": "leave"}
    shown = planner.post("/land-reimport", data={**form, **single, **much, "act": "say"}).text
    assert drafted(engine) == []
    (rule,) = re.findall('name="rules" value="([^"]*)"', shown)
    assert rule == "changed||10||leave"
    listed = re.findall('name="codes" value="([^"]*)"', shown)
    assert {"N12", "N21"} <= set(listed)  # what is said of a single area stays
    assert "S1" not in listed
    assert "撤销" in shown or "撤回" in shown
    dropped = planner.post("/land-reimport", data={**form, **much, "rules": [rule], "act": "drop-0"}).text
    assert 'name="rules"' not in dropped
    wrong = planner.post("/land-reimport", data={**form, "rules": ["changed|||x|leave"]})
    assert wrong.status_code == 422
    planner.post("/land-reimport", data={**form, **single, "rules": [rule]}, follow_redirects=False)
    (change,) = drafted(engine)
    assert {each["code"] for each in change.payload["areas"]} == {"N12", "S2a", "S2b", "S1", "N11", "S2X"}


def test_a_layer_without_differences_needs_no_draft(
    engine: Engine, signed_in: SignIn, board: Board, tmp_path: Path
) -> None:
    path = write(tmp_path / "same.gpkg", rows_of_board())
    answer = signed_in("planner").post(
        "/land-reimport/comparison", data={"day": DAY}, files={"file": (path.name, path.read_bytes())}
    )
    assert "没有差异" in answer.text
    assert 'id="compare"' not in answer.text


def test_a_file_that_is_none_is_refused_on_the_page(signed_in: SignIn, board: Board) -> None:
    answer = signed_in("planner").post(
        "/land-reimport/comparison", data={"day": DAY}, files={"file": ("x.gpkg", b"nothing")}
    )
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_repairs_are_shown_by_kind_and_drafted_one_or_all(engine: Engine, signed_in: SignIn, board: Board) -> None:
    spoil(engine, board)
    planner, query = signed_in("planner"), f"/land-repairs?as_of={DAY}"
    page = planner.get(f"{query}&kind=overlap").text
    assert page.count('name="keys"') == 1
    key = page.split('name="keys" value="')[1].split('"')[0]
    none = planner.post(query, data={}, follow_redirects=False)
    assert none.status_code == 422
    planner.post(query, data={"keys": [key]}, follow_redirects=False)
    planner.post(query, data={"everything": "true", "note": "按勘测"}, follow_redirects=False)
    one, everything = drafted(engine)
    assert (one.mode, (one.note or "").startswith("repair: 1 overlap")) == ("correction", True)
    assert "invalid ring" in (everything.note or "")
    assert (everything.note or "").endswith("按勘测")
