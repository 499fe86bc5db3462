"""Forms of the registers in the browser: register, move, renew, deregister; inspect a rental; hand a register in."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select, text

from gis_service.access.viewer import SHELL
from gis_service.api.dependencies import today_here
from gis_service.job_kinds import JOB_KINDS
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.worker import work_off
from gis_service.registers.quarters.actions import open_quarter
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.rentals.tables import Rectification
from gis_service.registers.tables import Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from tests.integration.board import Board
from tests.integration.conftest import SignIn

TODAY = today_here()


def test_somebody_is_registered_renewed_moved_and_deregistered(engine: Engine, board: Board, signed_in: SignIn) -> None:
    with transaction(engine) as session:
        words = "INSERT INTO address_search (id, code, text, initials) SELECT id, lower(code), text, '' FROM address"
        session.execute(text(words))
    leader = signed_in("squad_leader")
    form = {"csrf_token": leader.headers["X-CSRF-Token"], "day": str(TODAY)}
    at, to = board.addresses["A-N11-1"], board.addresses["A-N12-1"]
    assert f'href="/addresses/{at}/registration"' in leader.get(f"/addresses/{at}").text
    typed = {**form, "name": "王五", "id_number": "110105194912310021", "registered_on": str(TODAY)}
    refused = leader.post(f"/addresses/{at}/registration", data=typed)
    assert refused.status_code == 422
    assert "校验码" in refused.text
    assert 'value="王五"' in refused.text
    made = leader.post(f"/addresses/{at}/registration", data={**typed, "id_number": "11010519491231002X"})
    assert made.status_code == 200, made.text
    path = made.url.path
    assert "王*" in made.text
    assert "110***********002X" in made.text
    assert "有效期至" in leader.post(f"{path}/renewal", data=form).text
    found = leader.get(path, params={"search": "A-N12-1"}).text
    assert f'name="address_id" value="{to}"' in found
    moved = leader.post(f"{path}/move", data={**form, "address_id": str(to)})
    assert moved.url.path != path
    assert "区内迁移" in leader.get(path).text
    unexplained = {**form, "reason": "other"}
    assert leader.post(f"{moved.url.path}/deregistration", data=unexplained).status_code == 422
    assert "离开本区" in leader.post(f"{moved.url.path}/deregistration", data={**form, "reason": "left_district"}).text
    with reading(engine) as session:
        rows = session.scalars(select(Registration).where(Registration.registered_on == TODAY)).all()
        assert sorted((row.address_id, str(row.deregistration_reason)) for row in rows) == sorted(
            [(at, "moved_within"), (to, "left_district")]
        )


def test_a_rental_is_inspected_and_what_was_found_is_put_right(engine: Engine, board: Board, signed_in: SignIn) -> None:
    leader = signed_in("squad_leader")
    form = {"csrf_token": leader.headers["X-CSRF-Token"]}
    with reading(engine) as session:
        number = session.scalars(select(Rental.id).where(Rental.code == "L-N11")).one()
    late = {**form, "inspected_on": "2199-01-01"}
    assert leader.post(f"/rentals/{number}/inspection", data=late).status_code == 422
    said = {
        **form,
        "inspected_on": str(TODAY),
        "findings": "飞线充电",
        "remedies": "拆除飞线\n\n加装烟感\n",
        "due_on": "",
    }
    shown = leader.post(f"/rentals/{number}/inspection", data=said).text
    assert "飞线充电" in shown
    (first, _second) = re.findall(r'action="/rectifications/(\d+)/done"', shown)
    assert "整改" in leader.post(f"/rectifications/{first}/done", data={**form, "rental_id": str(number)}).text
    with reading(engine) as session:
        assert session.get_one(Rectification, int(first)).done_on == TODAY


def test_hotspots_have_a_switch_for_what_is_measured(board: Board, signed_in: SignIn) -> None:
    planner = signed_in("planner")
    page = planner.get("/maps/hotspots", params={"measure": "rentals"}).text
    assert re.search(r'href="/maps/hotspots\?measure=rentals" aria-current="true">出租房占全部住房<', page)
    assert 'src="/maps/hotspots/frame?measure=rentals"' in page
    assert "出租房占全部住房" in planner.get("/maps/hotspots/frame", params={"measure": "rentals"}).text
    assert "/maps/hotspots?measure" not in planner.get("/maps/coverage").text


def test_a_cadre_hands_in_the_base_register_and_the_station_matches_it(
    engine: Engine, settings: Settings, board: Board, signed_in: SignIn
) -> None:
    (quarter,) = open_quarter(engine, SHELL, Quarter.of(TODAY), today=TODAY, area_id=board.areas["N1"])
    cadre, gridman, station = (signed_in(login) for login in ("steward", "grid_worker", "commander"))
    place = str(board.areas["N1"])
    lines = "编号,姓名,身份证号,电话,住址\n1,张三,11010519491231002X,13800138000,N11路2号\n2,李四,123,,N11路3号\n"

    def hand_in(who: TestClient, side: str, content: str) -> Response:
        form = {"csrf_token": who.headers["X-CSRF-Token"], "side": side, "area_id": place}
        return who.post("/snapshots", data=form, files={"file": ("底册.csv", content.encode())})

    assert "整份退回" in cadre.get("/snapshots").text
    refused = hand_in(cadre, "village", "编号,姓名\n1,\n")
    assert (refused.status_code, "底册.csv" in refused.text) == (422, True)
    kept = hand_in(cadre, "village", lines)
    assert "存疑" in kept.text
    assert "张*" in kept.text
    assert "仍为同一份快照" in hand_in(cadre, "village", lines).text
    token = {"csrf_token": station.headers["X-CSRF-Token"]}
    waiting = station.post(f"/reconciliations/{quarter}/match", data=token)
    assert waiting.status_code == 409
    hand_in(gridman, "grid", lines)
    asked = station.post(f"/reconciliations/{quarter}/match", data=token).text
    assert 'hx-get="/jobs/rows?about=quarter' in asked
    assert station.post(f"/reconciliations/{quarter}/match", data=token).status_code == 409  # it is under way
    work_off(engine, settings, JOB_KINDS, JobQueue(settings))
    polled = station.get("/jobs/rows", params={"about": f"quarter {Quarter.of(TODAY)} {place}"})
    assert polled.headers["HX-Refresh"] == "true"
    assert "已比对 1 个村社" in polled.text
    item = re.search(
        r'href="(/mismatches/\d+)"', station.get("/mismatches", params={"kind": "should_be_registered"}).text
    )
    assert item is not None
    assert "认定为同一人的依据" in station.get(item[1]).text
    rows = re.findall(r'href="(/snapshot-rows/\d+)"', kept.text)
    person = station.get(rows[0]).text
    assert person.count("张*") >= 2
    assert "身份证号一致" in person
