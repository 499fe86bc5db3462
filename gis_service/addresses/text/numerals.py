"""Chinese numerals as they stand on door plates and in registers."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_WRITTEN: Final = ("〇零○", "一壹", "二两兩贰貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
_DIGITS: Final = {character: value for value, characters in enumerate(_WRITTEN) for character in characters}
_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_SHORT: Final = {"廿": "二十", "卅": "三十"}

NUMERALS: Final = "".join([*_DIGITS, *_UNITS, *_SHORT])
"""Every character that a Chinese numeral is written with."""


@lru_cache(maxsize=4096)
def arabic(numeral: str) -> str | None:
    """Return a numeral in Arabic digits, or None when it is not a well-formed one.

    With 十, 百 or 千 it is read by place value (一百二十 is 120, and so is 一百二; 一百零二 is 102), else digit by
    digit (二〇三 is 203).
    """
    plain = "".join(_SHORT.get(character, character) for character in numeral)
    if not plain or not all(character in _DIGITS or character in _UNITS for character in plain):
        return None
    if all(character in _DIGITS for character in plain):
        return "".join(str(_DIGITS[character]) for character in plain).lstrip("0") or "0"
    return _by_place_value(plain)


def _by_place_value(plain: str) -> str | None:
    total, last_unit, digit, gap = 0, 10_000, None, False
    for character in plain:
        value = _DIGITS.get(character)
        if value == 0:
            gap = True
        elif value is not None:
            if digit is not None:
                return None
            digit = value
        else:
            unit = _UNITS[character]
            if unit >= last_unit or (digit is None and unit > 10):
                return None
            total += (1 if digit is None else digit) * unit
            last_unit, digit, gap = unit, None, False
    if digit is not None:  # 一百二 is 120, 一百零二 is 102, 十二 is 12
        total += digit * (1 if gap else last_unit // 10)
    return str(total)
