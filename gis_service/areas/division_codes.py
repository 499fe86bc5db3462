"""Statistical division codes: 6 digits county + 3 township + 3 village, and 3 more for a compound. Pure rules."""

from __future__ import annotations

from typing import Final

import pandas as pd

#: digits that name an area of each level
SIGNIFICANT: Final = {"district": 6, "township": 9, "village": 12, "compound": 15}


def is_division_code(codes: pd.Series) -> pd.Series:
    """Which codes look like division codes (12 digits, a county's 6, a compound's 15); foreign ones are opaque."""
    return codes.str.fullmatch(r"\d{6}|\d{12}|\d{15}").fillna(value=False).astype(bool)


def contradicts_level(codes: pd.Series, levels: pd.Series) -> pd.Series:
    """12-digit codes whose zeros say another level: 000000 at the end is a district, 000 a township, else a village."""
    whole = codes.str.fullmatch(r"\d{12}").fillna(value=False).astype(bool)
    village_part, township_part = codes.str.slice(9, 12), codes.str.slice(6, 9)
    told = pd.Series("village", index=codes.index).where(village_part.ne("000"), "township")
    told = told.where(village_part.ne("000") | township_part.ne("000"), "district")
    return whole & levels.isin(["district", "township", "village"]) & told.ne(levels)


def contradicts_parent(codes: pd.Series, levels: pd.Series, parent_codes: pd.Series) -> pd.Series:
    """Division codes that do not begin with the digits of their parent's; False where either code is foreign."""
    both = is_division_code(codes) & is_division_code(parent_codes)
    wrong = pd.Series(data=False, index=codes.index)
    digits = list(SIGNIFICANT.values())
    for level, own in SIGNIFICANT.items():
        if level == "district":
            continue
        shared = digits[digits.index(own) - 1]
        here = both & levels.eq(level)
        wrong |= here & codes.str.slice(0, shared).ne(parent_codes.str.slice(0, shared))
    return wrong
