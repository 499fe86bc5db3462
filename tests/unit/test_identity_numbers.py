"""Identity numbers and division codes by hand."""

from __future__ import annotations

import pandas as pd

from gis_service.areas.division_codes import contradicts_level, contradicts_parent
from layers.identity_numbers import are_identity_numbers, birth_dates, check_digit_holds


def texts(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def test_the_standards_own_examples_hold() -> None:
    numbers = texts("11010519491231002X", "440524188001010014")  # GB 11643-1999, A.1
    assert check_digit_holds(numbers).tolist() == [True, True]


def test_one_wrong_digit_breaks_the_check() -> None:
    numbers = texts("11010519491231003X", "110105194912310021", "1101051949123100X2", "11010519491231002x", None)
    assert check_digit_holds(numbers).tolist() == [False] * 5


def test_the_birth_date_is_read_and_must_exist() -> None:
    dates = birth_dates(texts("11010519491231002X", "11010519490230002X", "x", None))
    assert dates[0] == pd.Timestamp(1949, 12, 31)
    assert dates.isna().tolist() == [False, True, True, True]


def test_nobody_is_born_after_today() -> None:
    numbers = texts("11010519491231002X")
    assert are_identity_numbers(numbers, pd.Timestamp(2026, 1, 1)).tolist() == [True]
    assert are_identity_numbers(numbers, pd.Timestamp(1949, 12, 30)).tolist() == [False]


def test_codes_begin_with_the_digits_of_their_parents() -> None:
    codes = texts(
        "330211001000", "330299001000", "330211001001", "330211002001", "330211001001001", "X1", "330211001001"
    )
    parents = texts("330211000000", "330211", "330211001000", "330211001000", "330211001001", "330211", "Y")
    levels = texts("township", "township", "village", "village", "compound", "village", "village")
    assert contradicts_parent(codes, levels, parents).tolist() == [False, True, False, True, False, False, False]


def test_zeros_tell_the_level() -> None:
    codes = texts("330211000000", "330211001000", "330211001001", "330211001000", "330211", "X")
    levels = texts("district", "township", "village", "village", "district", "village")
    assert contradicts_level(codes, levels).tolist() == [False, False, False, True, False, False]
