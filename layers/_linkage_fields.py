"""PEOPLE as numbers: every text is compared once and then known by its code."""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers._linkage_names import Names, encode_names, normalise_names
from layers.frames import REGISTERS
from layers.identity_numbers import LENGTH, birth_dates, check_digit_holds

V = TypeVar("V", bound=np.generic)
Codes = npt.NDArray[np.int64]
ABSENT: Final = -1
_PHONE_DIGITS: Final = 12
_COMMON_NAME, _RARE_NAME = 3, 4
_PLACEHOLDER: Final = 20
_NUMERIC_PARTS: Final = ("lane", "number", "building", "unit", "room")
_OF_A_BUILDING: Final = ("lane", "number", "building")


@dataclass(frozen=True)
class Fields:
    """One number per record and field, in the order of the frame; `ABSENT` where a record does not say.

    ``name`` are positions in ``names``; ``id_number`` and ``phone`` in ``id_characters`` and ``phone_characters``;
    ``id_holds``: the check digit is right; ``name_common``: several bear the name in the village; ``name_rare``: no
    more records anywhere have it than one person may have; ``phone_shared``:
    several names have the phone in one register. ``plate``: village and every numeric part; ``house``: village, lane,
    number and building, as far as given; ``unit``, ``room``, ``compound``, ``road``: these parts.
    """

    register: Codes
    village: Codes
    name: Codes
    names: Names
    name_common: npt.NDArray[np.bool_]
    name_rare: npt.NDArray[np.bool_]
    id_number: Codes
    id_holds: npt.NDArray[np.bool_]
    id_characters: npt.NDArray[np.uint32]
    phone: Codes
    phone_shared: npt.NDArray[np.bool_]
    phone_characters: npt.NDArray[np.uint32]
    birth_year: Codes
    address: Codes
    plate: Codes
    house: Codes
    unit: Codes
    room: Codes
    compound: Codes
    road: Codes


def encode(people: pd.DataFrame) -> Fields:
    """Encode a PEOPLE frame; a phone of more than 20 names in a register is a placeholder and counts as absent."""
    register = pd.Index(REGISTERS).get_indexer(pd.Index(people["register"])).astype(np.int64)
    village = _numbers(people["village_id"])
    name, unique_names = _factorized(normalise_names(people["name"]))
    id_number, unique_ids = _factorized(people["id_number"])
    holds = check_digit_holds(pd.Series(unique_ids, dtype="str")).to_numpy()
    phone, unique_phones = _factorized(people["phone"])
    bearers = _names_per(register, phone, name)
    phone = np.where(bearers > _PLACEHOLDER, ABSENT, phone).astype(np.int64)
    born = birth_dates(pd.Series(unique_ids, dtype="str")).dt.year.to_numpy(dtype=np.float64)
    of_number = np.where(holds & ~np.isnan(born), np.nan_to_num(born), ABSENT).astype(np.int64)
    birth_year = _numbers(people["birth_year"])
    birth_year = np.where((birth_year == ABSENT) & (id_number >= 0), _taken(of_number, id_number), birth_year)
    parts = {part: _factorized(people[part])[0] for part in ("compound", "road", *_NUMERIC_PARTS)}
    numbered = np.any([parts[part] >= 0 for part in _NUMERIC_PARTS], axis=0)
    in_house = np.any([parts[part] >= 0 for part in _OF_A_BUILDING], axis=0)
    house = combined(village, *(parts[part] for part in _OF_A_BUILDING))
    return Fields(
        register=register,
        village=village,
        name=name,
        names=encode_names(unique_names),
        name_common=_bearers(register, village, name) >= _COMMON_NAME,
        name_rare=np.bincount(name, minlength=1)[name] <= _RARE_NAME,
        id_number=id_number,
        id_holds=_taken(holds, id_number) & (id_number >= 0),
        id_characters=_characters(unique_ids, LENGTH),
        phone=phone,
        phone_shared=bearers > 1,
        phone_characters=_characters(unique_phones, _PHONE_DIGITS),
        birth_year=birth_year,
        address=_numbers(people["address_id"]),
        plate=np.where(numbered, combined(house, parts["unit"], parts["room"]), ABSENT),
        house=np.where(in_house, house, ABSENT),
        unit=parts["unit"],
        room=parts["room"],
        compound=parts["compound"],
        road=parts["road"],
    )


def combined(*codes: Codes) -> Codes:
    """One code for each different combination; absent parts are a value like any other."""
    held = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        step = code - code.min(initial=0)
        held = pd.factorize(held * (int(step.max(initial=0)) + 1) + step)[0].astype(np.int64)
    return held


def _bearers(register: Codes, village: Codes, name: Codes) -> Codes:
    """How many records of the register and village bear the name of each record."""
    group = combined(register, village, name)
    counted: Codes = np.bincount(group)[group]
    return counted


def _names_per(register: Codes, value: Codes, name: Codes) -> Codes:
    """How many different names have the value of each record in its register; 0 where it has none."""
    holder = combined(register, value)
    first = ~pd.Series(combined(holder, name)).duplicated().to_numpy()
    counted = np.bincount(holder[first], minlength=int(holder.max(initial=0)) + 1)[holder]
    return np.where(value >= 0, counted, 0)


def _factorized(column: pd.Series) -> tuple[Codes, npt.NDArray[np.object_]]:
    codes, unique = pd.factorize(column.where(column.ne("")))
    return codes.astype(np.int64), np.asarray(unique, dtype=object)


def _numbers(column: pd.Series) -> Codes:
    numbers: Codes = column.fillna(ABSENT).to_numpy(dtype=np.int64)
    return numbers


def _taken(values: npt.NDArray[V], codes: Codes) -> npt.NDArray[V]:
    return values[codes] if len(values) else np.zeros(len(codes), dtype=values.dtype)


def _characters(unique: npt.NDArray[np.object_], most: int) -> npt.NDArray[np.uint32]:
    padded = np.array(unique.tolist() or [""], dtype=f"U{most}")[: len(unique)]
    return padded.view(np.uint32).reshape(len(unique), most)
