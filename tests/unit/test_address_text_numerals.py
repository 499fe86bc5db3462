"""Chinese numerals: by place value, digit by digit, and what is none."""

from __future__ import annotations

import pytest

from gis_service.addresses.text.numerals import arabic


@pytest.mark.parametrize(
    ("numeral", "digits"),
    [
        ("一", "1"), ("十", "10"), ("十二", "12"), ("二十", "20"), ("二十三", "23"), ("廿三", "23"), ("卅", "30"),
        ("一百", "100"), ("一百零五", "105"), ("一百二", "120"), ("一百二十", "120"), ("一百一十一", "111"),
        ("一千", "1000"), ("一千零五", "1005"), ("一千零五十", "1050"), ("一千五", "1500"), ("两千三百", "2300"),
        ("二〇三", "203"), ("一二〇一", "1201"), ("〇", "0"), ("叁佰贰拾", "320"), ("貳拾參", "23"),
    ],
)  # fmt: skip
def test_numerals_are_read(numeral: str, digits: str) -> None:
    assert arabic(numeral) == digits


@pytest.mark.parametrize("numeral", ["", "百", "百二", "十百", "一二十", "二十三四", "一x", "千百"])
def test_what_is_no_numeral_is_left_alone(numeral: str) -> None:
    assert arabic(numeral) is None
