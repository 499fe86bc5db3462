"""Chinese citizens' identity numbers (GB 11643): eighteen characters with a birth date and a check digit.

Whole columns at a time: absent values stay absent and break no rule.
"""

from typing import Final

import numpy as np
import pandas as pd

LENGTH: Final = 18
_PATTERN: Final = r"\d{17}[\dX]"
_WEIGHTS: Final = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1])
"""ISO 7064 MOD 11-2: 2^(17 - position) mod 11; the last is the check digit's own."""


def check_digit_holds(numbers: pd.Series) -> pd.Series:
    """Whether each number (text, upper case) is well formed and its check digit right; False where absent."""
    formed = numbers.str.fullmatch(_PATTERN).fillna(value=False).to_numpy(dtype=bool)
    holds = np.zeros(len(numbers), dtype=bool)
    characters = np.array(numbers[formed].tolist(), dtype=f"U{LENGTH}").view("U1").reshape(-1, LENGTH)
    digits = np.where(characters == "X", "10", characters.astype("U2")).astype(np.int64)
    holds[formed] = (digits @ _WEIGHTS) % 11 == 1
    return pd.Series(holds, index=numbers.index)


def birth_dates(numbers: pd.Series) -> pd.Series:
    """Birth date in each number (datetime64); NaT where the eight digits are no day, or the number is absent."""
    days = numbers.str.slice(6, 14)
    days = days.where(days.str.fullmatch(r"\d{8}").fillna(value=False))
    return pd.to_datetime(days, format="%Y%m%d", errors="coerce").astype("datetime64[s]")


def are_identity_numbers(numbers: pd.Series, today: pd.Timestamp) -> pd.Series:
    """Whether each is a number that a person alive on `today` may have: check digit, and born 1890 to today."""
    born = birth_dates(numbers)
    return check_digit_holds(numbers) & born.ge(pd.Timestamp(1890, 1, 1)) & born.le(today)
