"""The imports of the teams: units, officers, postings, beats, their parts and their duties."""

from __future__ import annotations

from typing import Final

import pandas as pd
from sqlalchemy import select

from gis_service.access.permissions import Permission
from gis_service.areas.reach import area_codes, reach_of
from gis_service.intake.fields import Field, Kind
from gis_service.intake.flat_table import FlatTable, Reference, Sealed, lookup_by_code
from gis_service.intake.periods import exceeding, overlapping, refuse_backward
from gis_service.intake.person_fields import id_number_field, name_field, phone_field
from gis_service.intake.subject import Batch, Circumstances, Shape, Subject
from gis_service.storage.frames import read_frame
from gis_service.storage.rows import Row
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Officer, Posting, PostRole, Unit
from gis_service.texts import T, Text
from layers.identity_numbers import birth_dates

_FROM: Final = Field("valid_from", Kind.DAY, aliases=("开始日期", "起始日期", "生效日期", "任职日期"), required=True)
_TO: Final = Field("valid_to", Kind.DAY, aliases=("结束日期", "终止日期", "失效日期", "离任日期"))
_BADGE: Final = Field("badge_no", aliases=("警号", "工号", "编号", "辅警号"), required=True, max_length=32)
_CODE: Final = Field("code", aliases=("编码", "代码", "编号"), required=True, max_length=64)
_NAME: Final = Field("name", aliases=("名称",), required=True)
_UNIT_CODE: Final = Field("unit_code", aliases=("单位编码", "队伍编码", "驻点编码"), required=True, max_length=64)
_AREA_CODE: Final = Field(
    "area_code", aliases=("区域编码", "辖区编码", "区划编码", "小区编码"), required=True, max_length=64
)
_BEAT_CODE: Final = Field("beat_code", aliases=("责任区编码", "责任区代码"), required=True, max_length=64)


def _area_ids(circumstances: Circumstances, codes: pd.Series) -> pd.Series:
    return codes.map(area_codes(circumstances.session)["area_id"]).astype("Int64")


def _by_code(field: str, column: str, row: type[Row], code: str, what: str) -> Reference:
    return Reference(
        field,
        column,
        lookup_by_code(row, code),
        T("There is no {what} with this code.", what=T(what)),
        T("Import it first, or correct the code."),
    )


_AREA: Final = Reference(
    "area_code", "area_id", _area_ids, T("There is no area with this code."), T("Import it first, or correct the code.")
)
_UNIT: Final = _by_code("unit_code", "unit_id", Unit, "code", "unit")
_OFFICER: Final = _by_code("badge_no", "officer_id", Officer, "badge_no", "officer")
_BEAT: Final = _by_code("beat_code", "beat_id", Beat, "code", "beat")


def _within_reach(circumstances: Circumstances, area_ids: pd.Series) -> pd.Series:
    reach = reach_of(circumstances.session, circumstances.viewer, circumstances.today)
    if reach is None:
        return pd.Series(data=True, index=area_ids.index)
    return area_ids.isin(reach)


def _by_area(circumstances: Circumstances, rows: pd.DataFrame) -> pd.Series:
    return _within_reach(circumstances, rows["area_id"])


def _by_unit(circumstances: Circumstances, rows: pd.DataFrame) -> pd.Series:
    units = read_frame(circumstances.session, select(Unit.id, Unit.area_id), index="id")
    return _within_reach(circumstances, rows["unit_id"].map(units["area_id"]))


def _by_beat(circumstances: Circumstances, rows: pd.DataFrame) -> pd.Series:
    query = select(Beat.id, Unit.area_id).join(Unit, Unit.id == Beat.unit_id)
    beats = read_frame(circumstances.session, query, index="id")
    return _within_reach(circumstances, rows["beat_id"].map(beats["area_id"]))


def _by_whole_district(circumstances: Circumstances, rows: pd.DataFrame) -> pd.Series:
    """An officer belongs to no area until posted: only who answers for the whole district may import officers."""
    reach = reach_of(circumstances.session, circumstances.viewer, circumstances.today)
    return pd.Series(reach is None, index=rows.index)


def _with_period(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    refuse_backward(batch)
    return rows


def _settle_officers(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    refuse_backward(batch, "hired_on", "left_on")
    born, said = birth_dates(batch.column("id_number")), pd.to_datetime(batch.column("birth_date"))
    batch.faults.refuse(
        said.notna() & born.notna() & said.ne(born),
        T("The birth date is not the one in the identity number."),
        field="birth_date",
        values=batch.column("birth_date"),
        remedy=T("Correct the one that is wrong."),
    )
    return rows


def _settle_parts(batch: Batch, rows: pd.DataFrame) -> pd.DataFrame:
    refuse_backward(batch)
    if "buildings" not in rows.columns:
        return rows
    lists = rows["buildings"].str.split(r"\s*[;；、]\s*", regex=True)
    cleaned = [sorted({name for name in names if name}) or None if isinstance(names, list) else None for names in lists]
    return rows.assign(buildings=pd.Series(cleaned, index=rows.index, dtype=object))


def _refuse_clash(batch: Batch, clash: pd.Series, field: str, message: Text, remedy: Text) -> None:
    """Refuse rows of the batch among rows of the batch (their own index) and of the table (negative index)."""
    here = clash.reindex(batch.rows.index, fill_value=False)
    batch.faults.refuse(here, message, field=field, values=batch.column(field), remedy=remedy)


def _together(planned: pd.DataFrame, rest: pd.DataFrame) -> pd.DataFrame:
    """The table as it will be: rows of the batch under their own index, others under negative numbers."""
    others = pd.DataFrame(rest).set_axis(range(-1, -len(rest) - 1, -1))
    return pd.concat([pd.DataFrame(planned), others.reindex(columns=planned.columns)]) if len(others) else planned


def _check_postings(_circumstances: Circumstances, batch: Batch, planned: pd.DataFrame, rest: pd.DataFrame) -> None:
    table = _together(planned, rest).dropna(subset=["officer_id", "unit_id", "share", "valid_from"])
    _refuse_clash(
        batch,
        overlapping(table, ["officer_id", "unit_id"]),
        "valid_from",
        T("The officer already serves this unit in that period."),
        T("End one posting before the other begins."),
    )
    leaders = table[table["role"].eq(PostRole.LEADER)]
    _refuse_clash(
        batch,
        overlapping(leaders, ["unit_id"]),
        "role",
        T("The unit already has a leader in that period."),
        T("A unit has one leader post: end the other one first, or make this a member."),
    )
    _refuse_clash(
        batch,
        exceeding(table, ["officer_id"], "share", 1.0),
        "share",
        T("The officer's shares add up to more than one full-time post."),
        T("Lower the shares, or end another posting first."),
    )


def _check_duties(_circumstances: Circumstances, batch: Batch, planned: pd.DataFrame, rest: pd.DataFrame) -> None:
    table = _together(planned, rest).dropna(subset=["beat_id", "valid_from"])
    _refuse_clash(
        batch,
        overlapping(table, ["beat_id"]),
        "valid_from",
        T("The beat already has an officer in that period."),
        T("A beat has one officer at a time: end the other duty first."),
    )


def _check_parts(_circumstances: Circumstances, batch: Batch, planned: pd.DataFrame, rest: pd.DataFrame) -> None:
    """A compound is in one beat at a time, unless it is split by buildings (or by shapes, which topology checks)."""
    table = _together(planned, rest).dropna(subset=["beat_id", "area_id", "valid_from"])
    if "geom" in table.columns:
        table = table[table["geom"].isna()]
    whole = ~table["buildings"].map(lambda names: isinstance(names, list)) if "buildings" in table.columns else None
    pieces = table if whole is None else table[~whole].explode("buildings").reset_index(names="row")
    if whole is not None:
        twice = (
            pieces.loc[overlapping(pieces, ["area_id", "buildings"]), "row"] if len(pieces) else pd.Series(dtype=int)
        )
        table = table.assign(piece=whole.map({True: "whole", False: "part"}))
        parts_beside_whole = overlapping(table, ["area_id"]) & table.groupby("area_id")["piece"].transform(
            "nunique"
        ).gt(1)
        clash = overlapping(table[whole], ["area_id"]).reindex(table.index, fill_value=False)
        clash |= parts_beside_whole | pd.Series(table.index.isin(twice), index=table.index)
    else:
        clash = overlapping(table, ["area_id"])
    _refuse_clash(
        batch,
        clash,
        "area_code",
        T("The compound, or a building of it, is already in a beat in that period."),
        T("End the other part first, or split the compound by buildings (1幢;2幢)."),
    )


UNITS: Final = Subject(
    "units",
    T("Units"),
    Permission.IMPORT_TEAMS,
    (_CODE, _NAME, _AREA_CODE, _FROM, _TO),
    FlatTable(Unit, ("code",), (_AREA,), settle=_with_period, allowed=_by_area).plan,
    key="code",
)
OFFICERS: Final = Subject(
    "officers",
    T("Officers"),
    Permission.IMPORT_TEAMS,
    (
        _BADGE,
        name_field(),
        id_number_field(),
        phone_field(),
        Field(
            "form",
            Kind.CHOICE,
            aliases=("用工形式", "身份类型"),
            required=True,
            choices={"transitioned": ("已过渡", "已过渡辅警"), "not_transitioned": ("未过渡",)},
        ),
        Field(
            "side",
            Kind.CHOICE,
            aliases=("归属", "条线"),
            required=True,
            choices={"police": ("公安侧", "公安"), "social": ("社工侧", "社工")},
        ),
        Field("birth_date", Kind.DAY, aliases=("出生日期", "生日")),
        Field("education", aliases=("学历", "文化程度"), max_length=50),
        Field("hired_on", Kind.DAY, aliases=("入职日期", "聘用日期")),
        Field("left_on", Kind.DAY, aliases=("离职日期",)),
        Field("exception_reason", aliases=("例外原因", "破格原因"), max_length=500),
    ),
    FlatTable(
        Officer,
        ("badge_no",),
        sealed=(Sealed("id_number", "id_number"), Sealed("phone", "phone")),
        settle=_settle_officers,
        allowed=_by_whole_district,
    ).plan,
    key="badge_no",
)
POSTINGS: Final = Subject(
    "postings",
    T("Postings"),
    Permission.IMPORT_TEAMS,
    (
        _BADGE,
        _UNIT_CODE,
        Field(
            "role",
            Kind.CHOICE,
            aliases=("岗位", "职务", "角色"),
            required=True,
            choices={"leader": ("队长", "负责人"), "member": ("队员", "成员")},
        ),
        Field("share", Kind.NUMBER, aliases=("全职比例", "折算比例"), required=True, minimum=0.01, maximum=1.0),
        _FROM,
        _TO,
    ),
    FlatTable(
        Posting,
        ("officer_id", "unit_id", "valid_from"),
        (_OFFICER, _UNIT),
        settle=_with_period,
        check=_check_postings,
        allowed=_by_unit,
    ).plan,
    key="badge_no",
)
BEATS: Final = Subject(
    "beats",
    T("Beats"),
    Permission.IMPORT_TEAMS,
    (_CODE, _NAME, _UNIT_CODE, _FROM, _TO),
    FlatTable(Beat, ("code",), (_UNIT,), settle=_with_period, allowed=_by_unit).plan,
    key="code",
)
BEAT_PARTS: Final = Subject(
    "beat_parts",
    T("Parts of beats"),
    Permission.IMPORT_TEAMS,
    (_BEAT_CODE, _AREA_CODE, Field("buildings", aliases=("幢号", "楼幢", "楼栋"), max_length=5000), _FROM, _TO),
    FlatTable(
        BeatPart,
        ("beat_id", "area_id", "valid_from"),
        (_BEAT, _AREA),
        settle=_settle_parts,
        check=_check_parts,
        allowed=_by_area,
    ).plan,
    key="beat_code",
    shape=Shape.POLYGON,
)
BEAT_DUTIES: Final = Subject(
    "beat_duties",
    T("Duties for beats"),
    Permission.IMPORT_TEAMS,
    (_BEAT_CODE, _BADGE, _FROM, _TO),
    FlatTable(
        BeatDuty,
        ("beat_id", "valid_from"),
        (_BEAT, _OFFICER),
        settle=_with_period,
        check=_check_duties,
        allowed=_by_beat,
    ).plan,
    key="beat_code",
)

TEAM_SUBJECTS: Final = (UNITS, OFFICERS, POSTINGS, BEATS, BEAT_PARTS, BEAT_DUTIES)
