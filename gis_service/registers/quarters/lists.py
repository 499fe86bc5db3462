"""A register as its keepers hand it in: a table of people, read safely and taken as it is written.

What is wrong in it is what a matching is to find, so a mistyped number is no fault; only rows that cannot be used are
(no key, no name, a day that is none).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from gis_service.errors import InvalidInputError
from gis_service.intake.columns import map_columns
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import Field, Kind, parse
from gis_service.intake.limits import Limits
from gis_service.intake.reading import read_file
from gis_service.settings import Settings
from gis_service.texts import T

FIELDS: Final = (
    Field("source_key", aliases=("来源主键", "登记编号", "记录编号", "序号", "编号"), required=True, max_length=64),
    Field("name", aliases=("姓名",), required=True, max_length=100),
    Field("id_number", aliases=("身份证号", "身份证号码", "公民身份号码", "证件号码"), max_length=40),
    Field("phone", aliases=("手机号", "手机号码", "联系电话", "电话"), max_length=40),
    Field("address_text", aliases=("地址", "居住地址", "现住址", "住址"), max_length=300),
    Field("address_code", aliases=("地址编码", "标准地址编码"), max_length=64),
    Field("arrived_on", Kind.DAY, aliases=("来此日期", "居住日期", "登记日期")),
    Field("left_on", Kind.DAY, aliases=("离开日期", "注销日期")),
)
COLUMNS: Final = tuple(field.name for field in FIELDS)
_FAULTS_TOLD: Final = 200


def read_list(settings: Settings, path: Path, name: str | None = None) -> pd.DataFrame:
    """Read a register: `COLUMNS`, texts settled, days as datetime64, NA where nothing is written.

    Raises
    ------
    InvalidInputError, TooLargeError
        The file cannot be read, columns are missing, or rows cannot be used; the faults say which.
    """
    content = read_file(path, Limits.of(settings), name=name)
    layer = content.layers[0]
    mapping = map_columns([str(heading) for heading in layer.rows.columns], FIELDS, {})
    texts = layer.rows[list(mapping.fields)].rename(columns=mapping.fields)
    places = pd.DataFrame({"file": content.name, "row": texts.index})
    faults = FaultList(places)
    rows = parse({field.name: field for field in FIELDS}, texts.reset_index(drop=True), faults)
    repeated = rows["source_key"].duplicated() & rows["source_key"].notna()
    faults.refuse(
        repeated,
        T("An earlier row of the file has the same key ({key}).", key="source_key"),
        field="source_key",
        values=rows["source_key"],
        remedy=T("Keep one of the rows."),
    )
    if len(faults):
        said = T("{file}: {faults} faults; nothing was matched.", file=content.name, faults=len(faults))
        raise InvalidInputError(said, faults.first(_FAULTS_TOLD))
    for name_ in COLUMNS:
        if name_ not in rows.columns:
            kind = "datetime64[s]" if name_.endswith("_on") else "str"
            rows[name_] = pd.Series(pd.NaT if name_.endswith("_on") else None, index=rows.index, dtype=kind)
    return rows[list(COLUMNS)]
