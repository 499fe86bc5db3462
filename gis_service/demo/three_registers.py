"""Three registers of the same invented people, wrong in known ways, with the truth kept: what linkage is measured on.

Made to be hard: names as unevenly spread as in life, families of one surname at one door, twins with neighbouring
identity numbers, couples and children with one phone, dormitories, numbers that the village never asked for. Identity
numbers begin with 99 and phones with 154, which nobody can have.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_service.addresses.text.matching import comparable_parts, find_addresses
from gis_service.addresses.text.parse import parse
from gis_service.demo.curves import stream
from gis_service.demo.households import Households, settle
from gis_service.demo.register_texts import variant_address, variant_name
from gis_service.demo.standing_doors import Doors, standing_doors
from layers.frames import ADDRESS_PARTS, REGISTERS

PLANTS: Final = (
    "missing", "moved", "duplicated", "mistyped_id", "variant_name", "variant_address", "left", "wrong_address",
)  # fmt: skip
"""What is wrong in one of the three registers, each for a tenth of all people and independently of the others.

``left``: that register alone knows that they have left; ``wrong_address``: it says a door that does not stand. A
variant address that leaves out the room is a wrong one, too.
"""

_SHARE: Final = 0.10
_NO_ID: Final = {"police": 0.02, "village": 0.35, "grid": 0.50}
_NO_PHONE: Final = {"police": 0.04, "village": 0.14, "grid": 0.09}
_NEW_PHONE: Final = {"police": 0.0, "village": 0.04, "grid": 0.03}
_NO_BIRTH_YEAR: Final = {"police": 0.0, "village": 0.05, "grid": 0.10}
_AGE_IN_SUI: Final = {"police": 0.0, "village": 0.03, "grid": 0.03}
_MOVED_AWAY: Final = 0.3
_RETYPED: Final = 0.2
_LEFT_ON: Final = pd.Timestamp("2026-10-01")
_HALF_WIDTH: Final = str.maketrans("０１２３４５６７８９", "0123456789")


@dataclass(frozen=True)
class ThreeRegisters:
    """The registers and what is true of them.

    ``people``: a PEOPLE frame with ``address_text``; ``truth``: index ``record_id``: ``person`` (int64), a bool per
    plant (true for the records that are wrong that way), ``second`` (bool: the second record of a duplicate).
    """

    people: pd.DataFrame
    truth: pd.DataFrame


def three_registers(persons: int, villages: int, seed: int) -> ThreeRegisters:
    """Make registers of so many people each, before a tenth goes missing and a tenth is written twice."""
    rng = stream(seed, "three registers")
    doors = standing_doors(villages, persons, rng)
    homes = settle(persons, doors.doors, rng)
    planted_at = {
        plant: np.where(rng.random(persons) < _SHARE, rng.integers(len(REGISTERS), size=persons), -1)
        for plant in PLANTS[:6]
    }
    # later plants draw from a stream of their own: what was planted before is as it was
    later = stream(seed, "three registers: left, wrong address")
    for plant in ("left", "wrong_address"):
        planted_at[plant] = np.where(later.random(persons) < _SHARE, later.integers(len(REGISTERS), size=persons), -1)
    frames = [_written(number, homes, doors, planted_at, rng) for number in range(len(REGISTERS))]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows.sample(frac=1.0, random_state=rng, ignore_index=True)
    rows.index = pd.Index(np.arange(1, len(rows) + 1), name="record_id")
    truth = rows[["person", "second", *PLANTS]]
    return ThreeRegisters(_people(rows, doors), truth)


def _written(
    number: int, homes: Households, doors: Doors, planted_at: dict[str, NDArray[np.int64]], rng: np.random.Generator
) -> pd.DataFrame:
    """The rows of one register."""
    register = REGISTERS[number]
    here = {plant: at == number for plant, at in planted_at.items()}
    first = np.flatnonzero(~here["missing"])
    again = np.flatnonzero(here["duplicated"] & ~here["missing"])
    person = np.concatenate([first, again])
    second = np.arange(len(person)) >= len(first)
    wrong = {plant: at[person] for plant, at in here.items()}
    retyped = second & (rng.random(len(person)) < _RETYPED)
    wrong["variant_name"] = (wrong["variant_name"] & ~second) | retyped
    wrong["variant_address"] = (wrong["variant_address"] & ~second) | (second & (rng.random(len(person)) < _RETYPED))
    door = homes.door[person].copy()
    moved = np.flatnonzero(wrong["moved"])
    door[moved] = _elsewhere(door[moved], doors, rng)
    name = homes.name[person].copy()
    changed = np.flatnonzero(wrong["variant_name"])
    name[changed] = [variant_name(given, rng) for given in name[changed]]
    wrong["variant_name"] = name != homes.name[person]
    id_number = homes.id_number[person].copy()
    mistyped = np.flatnonzero(wrong["mistyped_id"])
    id_number[mistyped] = _mistyped(id_number[mistyped], rng)
    id_number[rng.random(len(person)) < _NO_ID[register]] = None
    wrong["mistyped_id"] &= ~pd.isna(id_number)
    phone = homes.phone[person].copy()
    changed = np.flatnonzero((rng.random(len(person)) < _NEW_PHONE[register]) & ~pd.isna(phone))
    phone[changed] = (15_490_000_000 + rng.integers(10**7, size=len(changed))).astype(str)
    phone[rng.random(len(person)) < _NO_PHONE[register]] = None
    year = homes.born[person].astype("datetime64[Y]").astype(np.int64) + 1970
    year = year - (rng.random(len(person)) < _AGE_IN_SUI[register])
    text = doors.doors["text"].to_numpy(dtype=object)[door].copy()
    if register != "police":
        text = doors.doors["short_text"].to_numpy(dtype=object)[door].copy()
    spelt = np.flatnonzero(wrong["variant_address"])
    text[spelt] = [variant_address(given, rng) for given in text[spelt]]
    left_out = np.array([said.endswith("单元") for said in text.tolist()], dtype=bool)
    nowhere = np.flatnonzero(wrong["wrong_address"])
    text[nowhere] = [_no_such_door(said, nth) for nth, said in enumerate(text[nowhere].tolist())]
    wrong["wrong_address"] = wrong["wrong_address"] | left_out
    stated = pd.Series(doors.doors["village_id"].to_numpy()[door], dtype="Int64")
    return pd.DataFrame(
        {
            "register": register,
            "name": name,
            "id_number": pd.Series(id_number, dtype="str"),
            "phone": pd.Series(phone, dtype="str"),
            "birth_year": pd.Series(year, dtype="Int64").mask(rng.random(len(person)) < _NO_BIRTH_YEAR[register]),
            "address_text": text,
            "village_id": stated,
            "person": person,
            "second": second,
            **wrong,
        }
    )


def _elsewhere(door: NDArray[np.int64], doors: Doors, rng: np.random.Generator) -> NDArray[np.int64]:
    """Another door for each: mostly in the same village."""
    village = doors.doors["village_id"].to_numpy()
    start, stop = np.searchsorted(village, village[door], "left"), np.searchsorted(village, village[door], "right")
    near = start + (door - start + 1 + rng.integers(1 << 40, size=len(door)) % (stop - start - 1)) % (stop - start)
    return np.where(rng.random(len(door)) < _MOVED_AWAY, rng.integers(len(village), size=len(door)), near)


def _mistyped(numbers: NDArray[np.object_], rng: np.random.Generator) -> list[str]:
    """One digit wrong, two neighbours exchanged, or one digit forgotten."""
    written = []
    how, place, step = rng.random(len(numbers)), rng.integers(6, 16, len(numbers)), rng.integers(1, 10, len(numbers))
    for number, draw, p, s in zip(numbers.tolist(), how.tolist(), place.tolist(), step.tolist(), strict=True):
        if draw < 0.3 and number[p] != number[p + 1]:
            written.append(number[:p] + number[p + 1] + number[p] + number[p + 2 :])
        elif draw < 0.4:
            written.append(number[:p] + number[p + 1 :])
        else:
            written.append(f"{number[:p]}{(int(number[p]) + s) % 10}{number[p + 1 :]}")
    return written


def _no_such_door(text: str, nth: int) -> str:
    """A number that nobody has put up: in the same street, or in one that is not there."""
    if nth % 2:
        place = re.split(r"\d", text.translate(_HALF_WIDTH).replace(" ", ""), maxsplit=1)[0]
        return f"{place}{8_000 + nth % 1_000}号"
    return f"无名路{9_000 + nth}号"


def _people(rows: pd.DataFrame, doors: Doors) -> pd.DataFrame:
    """The PEOPLE frame: addresses read by the service's own parser and looked up among the standard ones."""
    parts = comparable_parts(parse(rows["address_text"], doors.gazetteer))
    standard = comparable_parts(parse(doors.doors["text"], doors.gazetteer))
    people = rows[["register", "name", "id_number", "birth_year", "phone", "address_text", "village_id"]].join(parts)
    people["address_id"] = find_addresses(parts, rows["village_id"], standard, doors.doors["village_id"])
    people["from_on"] = pd.Timestamp("2026-01-01")
    people["left_on"] = pd.Series(pd.NaT, index=people.index, dtype="datetime64[s]")
    people.loc[rows["left"], "left_on"] = _LEFT_ON
    return people[["register", "name", "id_number", "birth_year", "phone", "address_id", *ADDRESS_PARTS, "village_id",
                   "from_on", "left_on", "address_text"]]  # fmt: skip
