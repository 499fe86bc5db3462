"""The fields of a register, and what is checked of them: some faults make a row useless, others are for the matching.

A mistyped number, an unknown address code or a phone that is none are just what a matching is to find, so a snapshot is
kept with them, each named with its row and its remedy (`doubt`); only rows that cannot be used refuse the whole: no
key, no name, a key twice, a day that is none, a code that is not in its list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date
from typing import Final

import pandas as pd

from gis_service.access.personal import mask_id_number, mask_name, mask_phone
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import Field, Kind
from gis_service.intake.person_fields import ID_NUMBER_FORM, PHONE_FORM
from gis_service.texts import T, Text
from layers.identity_numbers import are_identity_numbers, birth_dates

_SEXES: Final = {"male": ("男", "1", "男性", "M"), "female": ("女", "2", "女性", "F")}
_DWELLINGS: Final = {
    "rented": ("租赁房屋", "出租房屋", "租房"),
    "workplace": ("单位内部", "单位宿舍", "集体宿舍"),
    "site": ("工地现场", "工地"),
    "household": ("居民家中", "借住", "寄住"),
    "own": ("自购房", "自有住房"),
    "hotel": ("旅店", "宾馆旅店"),
    "other": ("其他", "其它"),
}
"""居住处所 as registers of migrants write it."""

FIELDS: Final = (
    Field("source_key", aliases=("来源主键", "登记编号", "记录编号", "序号", "编号"), required=True, max_length=64),
    Field("name", aliases=("姓名",), required=True, max_length=100, mask=mask_name),
    Field(
        "id_number", aliases=("身份证号", "身份证号码", "公民身份号码", "证件号码"), max_length=40, mask=mask_id_number
    ),
    Field("phone", aliases=("手机号", "手机号码", "联系电话", "电话"), max_length=40, mask=mask_phone),
    Field("birth_on", Kind.DAY, aliases=("出生日期", "出生年月日")),
    Field("sex", Kind.CHOICE, aliases=("性别",), choices=_SEXES),
    Field("dwelling", Kind.CHOICE, aliases=("居住处所", "住所类型"), choices=_DWELLINGS),
    Field("address_text", aliases=("地址", "居住地址", "现住址", "住址"), max_length=300),
    Field("address_code", aliases=("地址编码", "标准地址编码"), max_length=64),
    Field("arrived_on", Kind.DAY, aliases=("来此日期", "居住日期", "登记日期")),
    Field("left_on", Kind.DAY, aliases=("离开日期", "注销日期")),
)
COLUMNS: Final = (
    "source_key", "name", "id_number", "phone", "birth_year", "sex", "dwelling", "address_text", "address_code",
    "arrived_on", "left_on",
)  # fmt: skip
"""What a snapshot keeps of a row."""
DOUBTS: Final[dict[str, tuple[Text, Text]]] = {
    "id_number": (ID_NUMBER_FORM.message, ID_NUMBER_FORM.remedy),
    "phone": (PHONE_FORM.message, PHONE_FORM.remedy),
    "birth_on": (T("The birth date is not that of the identity number."), T("Compare both with the card.")),
    "sex": (T("The sex is not that of the identity number."), T("Compare both with the card.")),
    "address_code": (
        T("There is no address with this code."),
        T("Correct the code, or leave it empty: the text of the address is looked up."),
    ),
    "arrived_on": (T("The day lies in the future."), T("Correct the day.")),
}
"""What is said of a doubtful field, and what to do about it."""
_MASKS: Final = {field.name: field.mask for field in FIELDS}


def settled(rows: pd.DataFrame) -> pd.DataFrame:
    """Parsed rows with every field of `FIELDS`, numbers in their written form, and `birth_year` of `birth_on`."""
    frame = rows.copy()
    for field in FIELDS:
        if field.name not in frame.columns:
            empty, kind = (pd.NaT, "datetime64[s]") if field.kind is Kind.DAY else (None, "str")
            frame[field.name] = pd.Series(empty, index=rows.index, dtype=kind)
    frame["id_number"] = ID_NUMBER_FORM.settle(frame["id_number"])
    frame["phone"] = PHONE_FORM.settle(frame["phone"])
    frame["birth_year"] = frame["birth_on"].dt.year.astype("Int64")
    return frame


def refuse_useless(rows: pd.DataFrame, faults: FaultList) -> None:
    """Refuse rows that contradict themselves or each other."""
    keys = rows["source_key"]
    faults.refuse(
        keys.duplicated() & keys.notna(),
        T("An earlier row of the file has the same key ({key}).", key="source_key"),
        field="source_key",
        values=keys,
        remedy=T("Keep one of the rows."),
    )
    faults.refuse(
        rows["left_on"].lt(rows["arrived_on"]),
        T("The person left before arriving."),
        field="left_on",
        values=rows["left_on"],
        remedy=T("Correct one of the two days."),
    )


def doubt(rows: pd.DataFrame, known_codes: Collection[str], taken_on: date, doubts: FaultList) -> pd.Series:
    """Name what does not hold and is kept all the same.

    Parameters
    ----------
    rows
        From `settled`.
    known_codes
        Those codes of standard addresses among the ones in `rows` that there are.
    taken_on
        The day on which the register stood so.
    doubts
        Gets every doubt with row, field, masked value and remedy.

    Returns
    -------
    Names of the doubtful fields of each row, joined by commas; NA where all holds.
    """
    day, number, phone = pd.Timestamp(taken_on), rows["id_number"], rows["phone"]
    sound = are_identity_numbers(number, day)
    born = birth_dates(number)
    woman = pd.to_numeric(number.str[16:17].where(sound), errors="coerce") % 2 == 0
    said = rows["sex"].notna() & sound
    known = rows["address_code"].isin(list(known_codes))
    wrong = {
        "id_number": number.notna() & ~sound,
        "phone": phone.notna() & PHONE_FORM.wrong(phone),
        "birth_on": sound & rows["birth_on"].notna() & rows["birth_on"].ne(born),
        "sex": said & (rows["sex"].eq("female") != woman),
        "address_code": rows["address_code"].notna() & ~known,
        "arrived_on": rows["arrived_on"].gt(day),
    }
    named = pd.Series("", index=rows.index, dtype="str")
    for field, (message, remedy) in DOUBTS.items():
        bad = wrong[field].fillna(value=False).astype(bool)
        doubts.refuse(bad, message, field=field, values=rows[field], remedy=remedy, mask=_MASKS[field])
        named = named.where(~bad, named + f",{field}")
    return named.str.strip(",").replace("", None)


def fingerprint(rows: pd.DataFrame) -> str:
    """SHA-256 of the content (`COLUMNS`), whatever the order of the rows."""
    content = rows[list(COLUMNS)].sort_values("source_key", kind="stable")
    return hashlib.sha256(content.to_csv(index=False, date_format="%Y-%m-%d").encode()).hexdigest()
