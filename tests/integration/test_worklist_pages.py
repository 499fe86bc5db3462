"""The page of addresses that wait: bulk acceptance and its undo, and the list of an area signed off for the quarter."""

from __future__ import annotations

import re

from tests.integration.board import TODAY, Board
from tests.integration.conftest import SignIn

DAY = TODAY.isoformat()


def test_what_was_accepted_in_bulk_is_taken_back_with_one_button(signed_in: SignIn, board: Board) -> None:
    client = signed_in("planner")
    accepted = client.post(f"/unresolved/acceptance?reason=outside&as_of={DAY}", data={"reason": "nearest by far"})
    assert "已接受 1 条建议" in accepted.text
    ids = re.findall(r'name="address_ids" value="(\d+)"', accepted.text)
    assert len(ids) == 1
    waits = client.get("/api/v1/unresolved/counts", params={"as_of": DAY}).json()["outside"]
    assert waits == 0
    undone = client.post(f"/unresolved/withdrawal?as_of={DAY}", data={"address_ids": ids}, follow_redirects=False)
    assert undone.status_code == 303
    assert client.get("/api/v1/unresolved/counts", params={"as_of": DAY}).json()["outside"] == 1


def test_a_reason_that_is_none_is_said_beside_the_field_and_nothing_is_written(signed_in: SignIn, board: Board) -> None:
    client = signed_in("planner")
    refused = client.post(f"/unresolved/acceptance?as_of={DAY}", data={"reason": "x"})
    assert refused.status_code == 422
    assert 'id="fault-bulk"' in refused.text
    assert client.get("/api/v1/unresolved/counts", params={"as_of": DAY}).json()["outside"] == 1


def test_the_list_of_an_area_is_signed_off_for_the_quarter_of_the_day(signed_in: SignIn, board: Board) -> None:
    client, area = signed_in("planner"), board.areas["S1"]
    page = f"/unresolved?area_id={area}&as_of={DAY}"
    assert "签署" in client.get(page).text
    form = {"area_id": area, "reason": "nobody knows where it is"}
    signed = client.post(f"/unresolved/sign-off?area_id={area}&as_of={DAY}", data=form, follow_redirects=False)
    assert signed.status_code == 303
    assert "2026-Q4：本区域没有未了结的地址" in client.get(page).text
    again = client.post(f"/unresolved/sign-off?area_id={area}&as_of={DAY}", data=form)
    assert again.status_code == 409
