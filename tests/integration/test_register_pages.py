"""The pages of the registers on the small district: what stands on them, and what their forms do."""

from __future__ import annotations

import re

from sqlalchemy import Engine, select, update

from gis_service.access.viewer import SHELL
from gis_service.registers.quarters.actions import open_quarter
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.tables import Reconciliation
from gis_service.registers.rentals.grading import grade_rentals
from gis_service.registers.tables import Mismatch, Rental
from gis_service.storage.engine import reading, transaction
from tests.integration.board import TODAY, Board
from tests.integration.conftest import SignIn

Q4 = Quarter(2026, 4)


def test_an_area_shows_its_registers_at_a_glance(board: Board, signed_in: SignIn) -> None:
    page = signed_in("squad_leader").get(f"/registers/{board.areas['N1']}").text
    figures = [int(number.replace(",", "")) for number in re.findall(r"<strong>([\d,]+)", page)]
    assert figures[0] == 24  # two compounds of four addresses with three people each
    assert "area N11" in page
    assert "存量与变动" in page


def test_rentals_show_grade_and_reasons(engine: Engine, board: Board, signed_in: SignIn) -> None:
    with transaction(engine) as session:
        session.execute(update(Rental).where(Rental.code == "L-N11").values(residents=9, usable_area_m2=30.0))
    grade_rentals(engine, SHELL, today=TODAY)
    client = signed_in("squad_leader")
    page = client.get("/rentals?show=suspected").text
    assert "3.3 &lt; 4 ㎡" in page
    assert "每间 2.2 人" in page
    assert len(re.findall(r'href="/rentals/\d+"', page)) == 1
    (number,) = re.findall(r'href="/rentals/(\d+)"', page)
    detail = client.get(f"/rentals/{number}").text
    assert "人均使用面积不足4㎡" in detail
    assert "+40" in detail
    assert client.get("/rentals?show=overdue").text.count("逾期") > 1


def test_many_mismatches_are_decided_with_one_form(engine: Engine, board: Board, signed_in: SignIn) -> None:
    client = signed_in("squad_leader")
    page = client.get("/mismatches").text
    chosen = re.findall(r'name="mismatch_ids" value="(\d+)"', page)
    assert len(chosen) == 2  # one in each compound of the village
    token = client.headers["X-CSRF-Token"]
    form = {"mismatch_ids": chosen, "state": "rejected", "reason": "已上门核实", "csrf_token": token}
    answer = client.post("/mismatches/decisions", data=form, follow_redirects=False)
    assert answer.status_code == 303
    with reading(engine) as session:
        states = session.scalars(select(Mismatch.state).where(Mismatch.id.in_([int(each) for each in chosen]))).all()
    assert set(states) == {"rejected"}
    detail = client.get(f"/mismatches/{chosen[0]}").text
    assert "已上门核实" in detail
    assert "重登" in detail


def test_a_quarter_shows_its_steps_and_prints_its_certificate(engine: Engine, board: Board, signed_in: SignIn) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY)
    client = signed_in("squad_leader")
    overview = client.get("/quarters?quarter=2026-Q4").text
    assert "area N1" in overview
    assert "area S1" not in overview
    with reading(engine) as session:
        query = select(Reconciliation.id).where(Reconciliation.village_id == board.areas["N1"])
        number = session.scalars(query).one()
    page = client.get(f"/reconciliations/{number}").text
    assert 'aria-current="step">已开启' in page
    finished = client.post(f"/reconciliations/{number}/finish", data={"csrf_token": client.headers["X-CSRF-Token"]})
    assert finished.status_code == 409
    assert 'role="alert"' in finished.text
    sheet = client.get(f"/reconciliations/{number}/certificate")
    assert "草稿" in sheet.text
    assert sheet.content == client.get(f"/api/v1/reconciliations/{number}/certificate").content


def test_the_progress_map_is_for_whoever_has_a_village(engine: Engine, board: Board, signed_in: SignIn) -> None:
    open_quarter(engine, SHELL, Q4, today=TODAY)
    frame = signed_in("squad_leader").get("/maps/quarter/frame?as_of=2026-11-01")
    assert frame.status_code == 200
    assert "季度对账 2026-Q4" in frame.text
    assert "area N2" not in frame.text
    assert signed_in("officer").get("/maps/quarter/frame?as_of=2026-11-01").status_code == 404


def test_an_address_shows_who_was_ever_registered_there(board: Board, signed_in: SignIn) -> None:
    page = signed_in("squad_leader").get(f"/addresses/{board.addresses['A-N11-0']}").text
    assert page.count("张*") == 2 * 3  # in the history, and among those of today
    assert "张三" not in page


def test_the_worst_compounds_are_shown_with_their_reason(board: Board, signed_in: SignIn) -> None:
    page = signed_in("squad_leader").get("/mismatches/figures").text
    assert page.count("重登：1") == 2  # one duplicate in each compound of the village
    assert "area N21" not in page
