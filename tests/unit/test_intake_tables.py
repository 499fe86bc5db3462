"""Headings, columns, encodings, JSON depth, periods: the pure parts of reading and checking."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from gis_service.errors import InvalidInputError
from gis_service.intake.columns import map_columns
from gis_service.intake.content import ROW
from gis_service.intake.delimited import decode, parse_csv
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import Field
from gis_service.intake.json_depth import check_json
from gis_service.intake.periods import exceeding, overlapping
from gis_service.intake.report import inert, write_faults, write_rows
from gis_service.subjects import SUBJECTS
from gis_service.texts import T

FIELDS = (Field("code", aliases=("编码",), required=True), Field("name", aliases=("名称",)))


def rows_of(text: str) -> dict[int, list[str | None]]:
    table = parse_csv(text.encode()).layers[0].table
    values = table.drop_columns([ROW]).to_pylist()
    return dict(zip(table.column(ROW).to_pylist(), [list(row.values()) for row in values], strict=True))


def test_rows_are_numbered_as_a_person_counts_them() -> None:
    assert rows_of("\ncode,name\n1,a\n\n2,b\n") == {3: ["1", "a"], 5: ["2", "b"]}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_out(separator: str) -> None:
    assert rows_of(separator.join(["code", "name"]) + "\n" + separator.join(["1", "a"])) == {2: ["1", "a"]}


def test_cells_stay_as_they_are_written() -> None:
    assert rows_of('code,name\n007,"NA"\n1e5,"a ""b"",\nc"') == {2: ["007", "NA"], 3: ["1e5", 'a "b",\nc']}


@pytest.mark.parametrize("text", ["", "\n\n", "a,a\n1,2", "a,\n1,2"])
def test_tables_without_clear_headings_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_csv(text.encode())


def test_an_empty_column_without_heading_is_dropped() -> None:
    assert rows_of("code,name,\n1,a,\n") == {2: ["1", "a"]}


def test_short_rows_are_filled_up_and_a_quote_within_a_cell_stays() -> None:
    assert rows_of("code,name\n1\n\n2,b\n") == {2: ["1", None], 4: ["2", "b"]}
    assert rows_of('code,name\n1,5" pipe\n') == {2: ["1", '5" pipe']}


@pytest.mark.parametrize("text", ['编码,名称\nA1,5"管\nA2,"甲\n', '编码\n"A1\n', 'a;b\n1;"2""\n3;"4"""\n'])
def test_an_open_quote_is_refused_also_when_quotes_are_even(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_csv(text.encode())


@pytest.mark.parametrize(
    ("text", "rows"), [("\ncode,name\n1,a\n\n2,b,c\n", [5]), ('code,name\n1,"a', []), ('code,name\n1,"a\n2,b\n', [])]
)
def test_a_row_too_long_is_named_and_an_open_quote_is_refused(text: str, rows: list[int]) -> None:
    with pytest.raises(InvalidInputError, match=r"quote|引号") as caught:
        parse_csv(text.encode())
    assert [fault.row for fault in caught.value.faults] == rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_chinese_is_decoded_in_every_encoding(encoding: str) -> None:
    assert decode("镇海区，招宝山街道".encode(encoding))[0] == "镇海区，招宝山街道"


def test_columns_are_found_by_name_alias_and_what_the_caller_says() -> None:
    mapping = map_columns(["CODE", "名 称", "其他"], FIELDS, {})
    assert (mapping.fields, mapping.ignored) == ({"CODE": "code", "名 称": "name"}, ("其他",))
    mapping = map_columns(["code", "编码2"], FIELDS, {"编码2": "code"})
    assert (mapping.fields, mapping.ignored) == ({"编码2": "code"}, ("code",))


@pytest.mark.parametrize(
    ("headings", "said", "field"),
    [
        (["name"], {}, "code"),
        (["code", "编码"], {}, "code"),
        (["code"], {"absent": "name"}, "absent"),
        (["code", "x"], {"x": "unknown"}, "unknown"),
    ],
)
def test_columns_that_do_not_fit_are_refused(headings: list[str], said: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        map_columns(headings, FIELDS, said)
    assert caught.value.faults[0].field == field


def test_a_constant_needs_no_column() -> None:
    assert map_columns(["name"], FIELDS, {}, given=["code"]).fields == {"name": "name"}


def test_json_depth_counts_brackets_outside_of_texts() -> None:
    assert check_json(b'{"a": "[[[[", "b": "\\"{{{{", "c": [[1]]}', 3) is False
    with pytest.raises(InvalidInputError):
        check_json(b"[[[[1]]]]", 3)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ('{"type": "x", "crs": {"type": "name"}}', True),
        ('{"features": [{"properties": {"crs": {"a": 1}}}]}', False),
        ('{"crs": null}', False),
        ('{"name": "\\"crs\\": {"}', False),
    ],
)
def test_only_a_crs_of_the_document_itself_counts(document: str, named: bool) -> None:
    assert check_json(document.encode(), 64) is named


def periods(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["key", "valid_from", "valid_to"])
    return frame.assign(valid_from=pd.to_datetime(frame["valid_from"]), valid_to=pd.to_datetime(frame["valid_to"]))


def test_periods_that_touch_do_not_overlap() -> None:
    frame = periods(("a", "2026-01-01", "2026-02-01"), ("a", "2026-02-01", None), ("b", "2026-01-01", None))
    assert overlapping(frame, ["key"]).tolist() == [False, False, False]


def test_both_of_two_overlapping_periods_are_named_also_across_a_short_one() -> None:
    frame = periods(
        ("a", "2026-01-01", None),
        ("a", "2026-02-01", "2026-02-02"),
        ("a", "2026-03-01", None),
        ("b", "2026-01-01", None),
    )
    assert overlapping(frame, ["key"]).tolist() == [True, True, True, False]


def test_amounts_add_up_over_time() -> None:
    frame = periods(("a", "2026-01-01", "2026-03-01"), ("a", "2026-02-01", None), ("a", "2026-03-01", None))
    assert exceeding(frame.assign(share=[0.5, 0.5, 0.5]), ["key"], "share", 1.0).tolist() == [False, False, False]
    assert exceeding(frame.assign(share=[0.5, 0.6, 0.4]), ["key"], "share", 1.0).tolist() == [False, True, False]


def test_a_report_holds_no_formula(tmp_path: Path) -> None:
    faults = FaultList(pd.DataFrame({"file": ["=cmd.csv"], "row": [2]}))
    faults.refuse(pd.Series([True]), T("This is not a day."), field="name", values=pd.Series(["@SUM(1)"]))
    write_faults(faults, SUBJECTS["units"], tmp_path / "faults.csv")
    with (tmp_path / "faults.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.reader(file))[1]
    assert cells[0] == "'=cmd.csv"
    assert cells[3] == "'@SUM(1)"
    write_rows(pd.DataFrame({"key": ["=1+1", "a"]}), tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8-sig").splitlines() == ["key", "'=1+1", "a"]
    assert inert("plain") == "plain"
