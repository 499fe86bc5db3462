"""The imports of the registers: registrations, rentals and mismatches, each at an address that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pandas as pd
from sqlalchemy import select

from gis_service.access.permissions import Permission
from gis_service.addresses.intake import within_reach
from gis_service.addresses.tables import Address
from gis_service.areas.reach import reach_of
from gis_service.intake.fields import Field, Kind
from gis_service.intake.flat_table import FlatTable, Reference, Sealed, lookup_by_code
from gis_service.intake.periods import refuse_backward
from gis_service.intake.person_fields import id_number_field, name_field, phone_field
from gis_service.intake.subject import Batch, Circumstances, Subject
from gis_service.registers.tables import LeavingReason, Mismatch, Registration, Rental
from gis_service.storage.frames import read_geoframe
from gis_service.texts import T

_GRADES: Final = {"green": ("绿", "绿色"), "yellow": ("黄", "黄色"), "orange": ("橙", "橙色"), "red": ("红", "红色")}
_CLASSES: Final = {
    "missing_registration": ("漏登",),
    "should_be_registered": ("应登未登",),
    "should_be_deregistered": ("应销未销",),
    "person_dwelling": ("人户不一致",),
    "duplicate": ("重登", "重复登记"),
    "wrong_address": ("地址错误",),
    "attribute_conflict": ("属性冲突",),
}
_STATES: Final = {
    "open": ("待核", "待处理"),
    "confirmed": ("已确认",),
    "corrected_police": ("公安已改",),
    "corrected_village": ("村社已改",),
    "corrected_grid": ("网格已改",),
    "rejected": ("不成立", "驳回"),
}
_REASONS: Final = {
    LeavingReason.LEFT_DISTRICT.value: ("离开本区", "离开", "返乡", "离甬"),
    LeavingReason.MOVED_WITHIN.value: ("区内迁移", "区内搬迁", "搬迁"),
    LeavingReason.NOT_RENEWED.value: ("逾期未续", "到期未续"),
    LeavingReason.BECAME_RESIDENT.value: ("落户", "户口迁入"),
    LeavingReason.DECEASED.value: ("死亡",),
    LeavingReason.ENTERED_IN_ERROR.value: ("登记错误", "误登"),
    LeavingReason.OTHER.value: ("其他", "其它"),
}
_REGISTER: Final = "(?:police|village|grid)"
_SOURCE_KEY: Final = Field(
    "source_key", aliases=("来源主键", "登记编号", "记录编号", "流水号"), required=True, max_length=64
)
_REASON: Final = Field("deregistration_reason", Kind.CHOICE, aliases=("注销原因",), choices=_REASONS)
_ADDRESS_NAMES: Final = ("地址编码", "标准地址编码", "地址代码")
_ADDRESS_CODE: Final = Field("address_code", aliases=_ADDRESS_NAMES, required=True, max_length=64)
_ADDRESS: Final = Reference(
    "address_code",
    "address_id",
    lookup_by_code(Address, "code"),
    T("There is no address with this code."),
    T("Import the addresses first, or correct the code."),
)


def _by_address(circumstances: Circumstances, rows: pd.DataFrame) -> pd.Series:
    """Rows at addresses in the viewer's part of the district; a row without an address is the whole district's."""
    if reach_of(circumstances.session, circumstances.viewer, circumstances.today) is None:
        return pd.Series(data=True, index=rows.index)
    wanted = rows["address_id"].dropna().unique().tolist()
    query = select(Address.id, Address.stated_village_code)
    addresses = read_geoframe(circumstances.session, query, Address.geom, dtypes={"id": "Int64"}, index="id")
    addresses = addresses.rename_geometry("geom")
    addresses = addresses[addresses.index.isin(wanted)]
    return (
        rows["address_id"]
        .map(within_reach(circumstances, addresses))
        .astype("boolean")
        .fillna(value=False)
        .astype(bool)
    )


def _settle_registrations(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    registered, ended = (pd.to_datetime(batch.column(name)) for name in ("registered_on", "deregistered_on"))
    batch.faults.refuse(
        ended.lt(registered),
        T("The person left before arriving."),
        field="deregistered_on",
        values=batch.column("deregistered_on"),
        remedy=T("Correct one of the two days."),
    )
    _refuse_future(batch, "registered_on")
    batch.faults.refuse(
        batch.column("deregistration_reason").notna() & ended.isna(),
        T("There is a reason for leaving, but no day."),
        field="deregistration_reason",
        values=batch.column("deregistration_reason"),
        remedy=T("Fill in the day of deregistration, or remove the reason."),
    )
    return rows


def _settle_deregistrations(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    _refuse_future(batch, "deregistered_on")
    return rows


def _refuse_early_ends(batch: Batch, planned: pd.DataFrame) -> None:
    batch.faults.refuse(
        planned["deregistered_on"].lt(planned["registered_on"]),
        T("The person left before arriving."),
        field="deregistered_on",
        values=planned["deregistered_on"],
        remedy=T("Correct the day."),
    )


def _settle_rentals(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    refuse_backward(batch, "let_from", "let_to")
    _refuse_future(batch, "inspected_on")
    return rows


def _settle_mismatches(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    named = batch.column("registers").str.replace(r"\s+", "", regex=True).str.lower()
    batch.faults.refuse(
        named.notna() & ~named.str.fullmatch(rf"{_REGISTER}(?:\+{_REGISTER})*").fillna(value=False).astype(bool),
        T("These are not the names of registers."),
        field="registers",
        values=named,
        remedy=T("Write police, village, grid, or several of them joined with +."),
    )
    _refuse_future(batch, "found_on")
    return rows.assign(registers=named)


def _refuse_future(batch: Batch, name: str) -> None:
    tomorrow = pd.Timestamp(datetime.now(UTC).replace(tzinfo=None)) + pd.Timedelta(days=1)
    batch.faults.refuse(
        pd.to_datetime(batch.column(name)).gt(tomorrow),
        T("The day lies in the future."),
        field=name,
        values=batch.column(name),
        remedy=T("Correct the day."),
    )


REGISTRATIONS: Final = Subject(
    "registrations",
    T("Registrations"),
    Permission.IMPORT_REGISTERS,
    (
        _SOURCE_KEY,
        name_field(),
        id_number_field(),
        phone_field(),
        _ADDRESS_CODE,
        Field("registered_on", Kind.DAY, aliases=("登记日期", "居住登记日期", "来甬日期"), required=True),
        Field("deregistered_on", Kind.DAY, aliases=("注销日期",)),
        _REASON,
    ),
    FlatTable(
        Registration,
        ("source_key",),
        (_ADDRESS,),
        sealed=(Sealed("name"), Sealed("id_number", "id_number"), Sealed("phone", "phone")),
        settle=_settle_registrations,
        allowed=_by_address,
    ).plan,
    key="source_key",
)
DEREGISTRATIONS: Final = Subject(
    "deregistrations",
    T("Deregistrations"),
    Permission.IMPORT_REGISTERS,
    (
        _SOURCE_KEY,
        Field("deregistered_on", Kind.DAY, aliases=("注销日期",), required=True),
        replace(_REASON, required=True),
    ),
    FlatTable(
        Registration,
        ("source_key",),
        settle=_settle_deregistrations,
        verify=_refuse_early_ends,
        only_known=(
            T("There is no registration with this key."),
            T("Import the registration first, or correct the key."),
        ),
        allowed=_by_address,
    ).plan,
    key="source_key",
)
RENTALS: Final = Subject(
    "rentals",
    T("Rentals"),
    Permission.IMPORT_REGISTERS,
    (
        Field("code", aliases=("出租房编码", "房屋编码", "编码"), required=True, max_length=64),
        _ADDRESS_CODE,
        name_field("landlord_name", aliases=("房东姓名", "出租人", "房东"), required=False),
        phone_field("landlord_phone", aliases=("房东电话", "房东手机", "联系电话")),
        Field("rooms", Kind.INTEGER, aliases=("房间数",), required=True, minimum=0, maximum=10_000),
        Field("beds", Kind.INTEGER, aliases=("床位数",), required=True, minimum=0, maximum=100_000),
        Field("usable_area_m2", Kind.NUMBER, aliases=("使用面积", "面积"), minimum=0, maximum=1_000_000),
        Field("residents", Kind.INTEGER, aliases=("居住人数", "在住人数"), required=True, minimum=0, maximum=100_000),
        Field("grade", Kind.CHOICE, aliases=("等级", "分级", "颜色"), required=True, choices=_GRADES),
        Field("inspected_on", Kind.DAY, aliases=("检查日期", "巡查日期")),
        Field("let_from", Kind.DAY, aliases=("起租日期", "出租开始日期"), required=True),
        Field("let_to", Kind.DAY, aliases=("停租日期", "出租结束日期")),
    ),
    FlatTable(
        Rental,
        ("code",),
        (_ADDRESS,),
        sealed=(Sealed("landlord_name"), Sealed("landlord_phone", "phone")),
        settle=_settle_rentals,
        allowed=_by_address,
    ).plan,
    key="code",
)
MISMATCHES: Final = Subject(
    "mismatches",
    T("Mismatches"),
    Permission.IMPORT_REGISTERS,
    (
        _SOURCE_KEY,
        Field("mismatch_class", Kind.CHOICE, aliases=("类型", "差异类型"), required=True, choices=_CLASSES),
        Field("address_code", aliases=_ADDRESS_NAMES, max_length=64),
        Field("found_on", Kind.DAY, aliases=("发现日期",), required=True),
        Field("state", Kind.CHOICE, aliases=("状态",), required=True, choices=_STATES),
        Field("registers", aliases=("涉及底册", "涉及来源"), required=True, max_length=64),
        Field("evidence", aliases=("依据", "说明"), max_length=1000),
    ),
    FlatTable(Mismatch, ("source_key",), (_ADDRESS,), settle=_settle_mismatches, allowed=_by_address).plan,
    key="source_key",
)

REGISTER_SUBJECTS: Final = (REGISTRATIONS, DEREGISTRATIONS, RENTALS, MISMATCHES)
