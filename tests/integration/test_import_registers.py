"""The imports of registrations, rentals and mismatches."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from gis_service.access.personal import Vault
from gis_service.registers.tables import Mismatch, Registration, Rental
from gis_service.storage.engine import reading
from tests.import_steps import Desk, messages

ADDRESSES = ["code,text,lon,lat,point_source", "A,东一路1号,121.45,29.9,surveyed", "B,西一路2号,121.65,29.9,surveyed"]
REGISTRATIONS = [
    "登记编号,姓名,身份证号,手机号,地址编码,登记日期,注销日期,注销原因",
    "R1,张三,11010519491231002X,13800138000,A,2026-01-05,,",
    "R2,李四,,,B,2025/3/1,2026-02-01,返乡",
]


@pytest.fixture
def town(land: Desk) -> Desk:
    """A district with two addresses."""
    land.lay("addresses", ADDRESSES, crs="EPSG:4326")
    return land


def test_registrations_are_sealed_and_imported_once(town: Desk, vault: Vault) -> None:
    path = town.csv("r.csv", REGISTRATIONS)
    assert town.apply("registrations", path).counts["new"] == 2
    assert town.apply("registrations", path).counts["unchanged"] == 2
    with reading(town.engine) as session:
        row = session.scalars(select(Registration).where(Registration.source_key == "R1")).one()
        assert vault.open("registration", "R1", "name", row.name_sealed) == "张三"
        assert row.phone_index == vault.blind_index("phone", "138 0013 8000")
        assert (row.registered_on, row.deregistered_on) == (date(2026, 1, 5), None)


def test_a_deregistration_changes_one_row(town: Desk) -> None:
    town.lay("registrations", REGISTRATIONS)
    left = [REGISTRATIONS[0], REGISTRATIONS[1].replace("2026-01-05,,", "2026-01-05,2026-06-01,离开"), REGISTRATIONS[2]]
    assert town.apply("registrations", town.csv("r.csv", left)).counts["changed"] == 1
    assert town.preview("registrations", town.csv("r.csv", left)).counts["unchanged"] == 2


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ("R9,张三,,,Z,2026-01-05,,", "address_code", "There is no address with this code."),
        ("R9,张三,,,A,2026-01-05,2025-01-05,", "deregistered_on", "The person left before arriving."),
        ("R9,张三,,,A,2026-13-05,,", "registered_on", "This is not a day."),
        ("R9,张三,,,A,2126-01-05,,", "registered_on", "The day lies in the future."),
        ("R9,张三,,,A,2026-01-05,,返乡", "deregistration_reason", "There is a reason for leaving, but no day."),
        ("R9,,,,A,2026-01-05,,", "name", "The cell is empty."),
    ],
)
def test_a_wrong_registration_is_refused(town: Desk, line: str, field: str, message: str) -> None:
    path = town.csv("r.csv", [*REGISTRATIONS, line])
    assert messages(town.faults("registrations", path)) == [(4, field, message)]
    assert town.count(Registration) == 0


def test_rentals_are_imported_once(town: Desk) -> None:
    lines = [
        "出租房编码,地址编码,房东姓名,房东电话,房间数,床位数,使用面积,居住人数,等级,检查日期,起租日期,停租日期",
        "L1,A,王五,0574-86250000,4,12,60.5,11,橙色,2026-05-01,2024-01-01,",
        "L2,B,,,2,3,,0,绿,,2024-01-01,2025-01-01",
    ]
    path = town.csv("l.csv", lines)
    assert town.apply("rentals", path).counts["new"] == 2
    assert town.apply("rentals", path).counts["unchanged"] == 2
    with reading(town.engine) as session:
        first = session.scalars(select(Rental).where(Rental.code == "L1")).one()
        assert (first.rooms, first.usable_area_m2, first.grade) == (4, 60.5, "orange")
    bad = town.csv("l.csv", [lines[0], "L3,A,,,-1,1.5,x,0,紫,,2024-01-01,"])
    assert [fault.field for fault in town.faults("rentals", bad)] == ["rooms", "beds", "usable_area_m2", "grade"]


def test_mismatches_may_lack_an_address(town: Desk) -> None:
    heading = "source_key,mismatch_class,address_code,found_on,state,registers,evidence"
    path = town.csv(
        "m.csv", [heading, "M1,漏登,A,2026-05-01,open,police+village,底册有而警务无", "M2,重登,,2026-05-01,待核,grid,"]
    )
    assert town.apply("mismatches", path).counts["new"] == 2
    assert town.apply("mismatches", path).counts["unchanged"] == 2
    with reading(town.engine) as session:
        assert session.scalars(select(Mismatch.address_id).where(Mismatch.source_key == "M2")).one() is None
    bad = town.csv("m.csv", [heading, "M3,漏登,A,2026-05-01,open,church,"])
    assert messages(town.faults("mismatches", bad)) == [(2, "registers", "These are not the names of registers.")]


@pytest.mark.slow
def test_a_hundred_thousand_registrations_are_imported_and_compared(town: Desk) -> None:
    count = 100_000
    numbers = np.arange(count)
    frame = pd.DataFrame(
        {
            "source_key": [f"R{n}" for n in numbers],
            "name": "张三",
            "phone": [f"138{n:08d}" for n in numbers],
            "address_code": np.where(numbers % 2, "A", "B"),
            "registered_on": "2026-01-01",
        }
    )
    path = town.folder / "many.csv"
    frame.to_csv(path, index=False)
    assert town.apply("registrations", path).counts["new"] == count
    assert town.apply("registrations", path).counts["unchanged"] == count
