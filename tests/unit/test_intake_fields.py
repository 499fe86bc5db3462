"""From text to types, whole columns at a time."""

from __future__ import annotations

import pandas as pd
import pytest

from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import Field, Kind, parse
from gis_service.intake.person_fields import id_number_field, phone_field


def faults_of(count: int) -> FaultList:
    return FaultList(pd.DataFrame({"file": "f.csv", "row": range(2, count + 2)}))


def read(field: Field, *texts: str | None) -> tuple[list[object], list[int | None]]:
    faults = faults_of(len(texts))
    typed = parse({field.name: field}, pd.DataFrame({field.name: list(texts)}, dtype="str"), faults)[field.name]
    return [None if pd.isna(value) else value for value in typed], [fault.row for fault in faults]


def test_texts_lose_outer_blanks_and_empty_ones_are_absent() -> None:
    assert read(Field("f"), " a b ", "　全角　", "  ", None) == (["a b", "全角", None, None], [])


def test_a_required_cell_must_be_filled() -> None:
    assert read(Field("f", required=True), "a", " ") == (["a", None], [3])


@pytest.mark.parametrize(
    "written", ["2026-01-31", "2026/1/31", "2026.01.31", "2026年1月31日", "20260131", "2026-01-31 00:00:00"]
)
def test_days_are_read_as_people_write_them(written: str) -> None:
    assert read(Field("f", Kind.DAY), written) == ([pd.Timestamp(2026, 1, 31)], [])


@pytest.mark.parametrize("written", ["2026-02-30", "31.1.2026", "9999-12-31", "0001-01-01", "46053", "soon", "2026-1"])
def test_what_is_no_day_is_refused(written: str) -> None:
    assert read(Field("f", Kind.DAY), written) == ([None], [2])


def test_whole_numbers_and_their_range() -> None:
    field = Field("f", Kind.INTEGER, minimum=0, maximum=10)
    assert read(field, "3", "3.0", "3.5", "x", "-1", "11", "1e400", None) == (
        [3, 3, None, None, -1, 11, None, None],
        [4, 5, 8, 6, 7],
    )


def test_numbers_are_finite() -> None:
    assert read(Field("f", Kind.NUMBER), "0.5", "inf", "nan", "1e308") == ([0.5, None, None, 1e308], [3, 4])


def test_choices_are_read_in_every_way_of_writing_them() -> None:
    field = Field("f", Kind.CHOICE, choices={"green": ("绿", "绿色"), "red": ()})
    assert read(field, "绿", "GREEN", "red", "蓝") == (["green", "green", "red", None], [5])


def test_long_texts_and_control_characters_are_refused() -> None:
    assert read(Field("f", max_length=3), "abc", "abcd", "a\x07")[1] == [3, 4]


def test_identity_numbers_are_brought_into_one_form_and_checked() -> None:
    texts = (
        "１１０１０５１９４９１２３１００２ｘ",
        "110105194912310021",
        "110105194902310021",
        "11010519491231002",
        "110105 19491231 002X",
    )
    values, rows = read(id_number_field(), *texts)
    assert values[0] == values[4] == "11010519491231002X"
    assert rows == [3, 4, 5]


def test_phones_are_brought_into_one_form_and_checked() -> None:
    values, rows = read(phone_field(), "+86 138-0013-8000", "(0574) 8625 0000", "12345678901", "123")
    assert values[:2] == ["13800138000", "057486250000"]
    assert rows == [4, 5]


def test_personal_values_are_masked_in_faults() -> None:
    field, faults = phone_field(), faults_of(1)
    parse({"phone": field}, pd.DataFrame({"phone": ["12345678901"]}, dtype="str"), faults)
    assert [fault.value for fault in faults] == ["123****8901"]
