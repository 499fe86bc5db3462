"""What three registers say differently of the people in them: one row per fact, of a class that says what to do."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers._linkage_compare import (
    ELSEWHERE,
    ID_CONFLICT,
    ID_NEAR,
    OTHER_ROOM,
    PHONE_DIFFERS,
    PHONE_NEAR,
    SAME_VILLAGE,
    Comparison,
    compare,
)
from layers._linkage_fields import ABSENT, Codes, Fields, encode
from layers._linkage_names import SAME_COMMON, normalise_names
from layers.frames import ADDRESS_PARTS, REGISTERS, check_people
from layers.linkage import Linkage

__all__ = ["CLASSES", "CONFLICT_FIELDS", "classify"]

CLASSES: Final = (
    "missing_registration",
    "should_be_registered",
    "should_be_deregistered",
    "person_dwelling",
    "duplicate",
    "wrong_address",
    "attribute_conflict",
)
"""漏登, 应登未登, 应销未销, 人户不一致, 重登, 地址错误, attribute conflict."""

CONFLICT_FIELDS: Final = ("name", "id_number", "phone", "birth_year")
"""Fields that an attribute conflict may be about."""

RECORD_COLUMNS: Final = tuple(f"{register}_record_id" for register in REGISTERS)
_POLICE: Final = REGISTERS.index("police")
_Bools = npt.NDArray[np.bool_]


def classify(
    people: pd.DataFrame, linkage: Linkage, *, as_of: pd.Timestamp, birth_years_apart: int = 2
) -> pd.DataFrame:
    """
    Mismatches of the registers on a day.

    Parameters
    ----------
    people
        The PEOPLE frame that was linked.
    linkage
        From `layers.linkage.link`.
    as_of
        A record counts as left from its ``left_on`` on, when that is not after this day.
    birth_years_apart
        Birth years that differ by less are no conflict (setting; ages are counted in two ways).

    Returns
    -------
    pandas.DataFrame
        On a plain index, in the order of class and person: ``mismatch_class`` (of `CLASSES`), ``at_register`` (where
        something is to be corrected), ``field`` (of `CONFLICT_FIELDS`, empty for other classes), ``person_id``;
        ``police_record_id``, ``village_record_id``, ``grid_record_id`` (Int64: the person's record in each, NA = none),
        ``other_record_id`` (Int64: the second record of a duplicate), ``registers`` (those that the fact is about,
        joined by +), ``address_id`` and ``village_id`` (Int64: the place, as the police have it, else the village, else
        the grid workers), ``fact`` (str: the class, the register, the field and who it is about; the same when the same
        fact is found again from new snapshots with other record ids). Two people may share one: those of one identity
        number, or of one name, birth year and door of whom nothing else is known. ``also_facts`` (tuples of str): what
        the fact would be called had less been known of the person; an older matching may have found it so.

        Both name a person in plain text: store them sealed or under a keyed index.

    Notes
    -----
    Absence is only a mismatch in a village of which the register that lacks the person has any record at all. Somebody
    whom one register has as left and another as living there is one to deregister, and nothing else. A record whose
    address is not a known one is a wrong address, not a second dwelling.
    """
    people = check_people(people).sort_index()
    persons = linkage.persons.reindex(people.index)
    table = _Table(people, persons, as_of)
    found = [
        _absent(table),
        _left(table),
        _dwellings(table),
        _duplicates(table),
        _addresses(table),
        *_conflicts(table, birth_years_apart),
    ]
    rows = pd.concat([frame for frame in found if len(frame)] or found[:1], ignore_index=True)
    # police and village, police and grid may name one number: that is one fact about two registers
    about = {f"about_{register}": (f"about_{register}", "any") for register in REGISTERS}
    one_fact = ["mismatch_class", "at", "field", "person"]
    return _written(table, rows.groupby(one_fact, as_index=False, sort=False).agg(other=("other", "first"), **about))


class _Table:
    """One row per person: the position of the record of each register, and what holds of it."""

    def __init__(self, people: pd.DataFrame, persons: pd.DataFrame, as_of: pd.Timestamp) -> None:
        self.people = people
        self.records: Fields = encode(people)
        self.person_ids, self.person = np.unique(persons["person_id"].to_numpy(np.int64), return_inverse=True)
        count, register = len(self.person_ids), self.records.register
        self.main = persons["main"].to_numpy(bool)
        self.rows = np.full((count, len(REGISTERS)), ABSENT)
        rows = np.flatnonzero(self.main)
        self.rows[self.person[rows], register[rows]] = rows
        self.held = self.rows != ABSENT
        gone = people["left_on"].le(as_of).to_numpy(bool)
        self.gone_record = gone
        self.gone = self.held & gone[self.rows]
        self.here = self.held & ~self.gone
        village = self.of(self.records.village)
        self.village = _first_known(village)
        self.address = _first_known(self.of(self.records.address))
        kept = {(r, v) for r, v in zip(register.tolist(), self.records.village.tolist(), strict=True) if v != ABSENT}
        pairs = pd.MultiIndex.from_tuples(sorted(kept) or [(ABSENT, ABSENT)])
        self.covered = np.column_stack(
            [pd.MultiIndex.from_arrays([np.full(count, r), self.village]).isin(pairs) for r in range(len(REGISTERS))]
        )

    def of(self, values: Codes) -> Codes:
        """Values of the records of each person, a column per register."""
        return np.where(self.held, values[self.rows], ABSENT)

    def compared(self, one: int, other: int) -> tuple[Codes, Comparison]:
        """Persons who are in both registers and have not left, and how their records compare."""
        both = np.flatnonzero(self.here[:, one] & self.here[:, other])
        return both, compare(self.records, self.rows[both, one], self.rows[both, other])


def _first_known(values: Codes) -> Codes:
    result: Codes = values[:, -1]
    for column in range(values.shape[1] - 2, -1, -1):
        result = np.where(values[:, column] != ABSENT, values[:, column], result)
    return result


def _facts(mismatch_class: str, at: int, person: Codes, about: _Bools, field: str = "") -> pd.DataFrame:
    """Rows for the persons (positions), ``about``: the registers concerned, a column each."""
    return pd.DataFrame(
        {"mismatch_class": mismatch_class, "at": at, "field": field, "person": person, "other": ABSENT}
        | {f"about_{register}": about[:, number] for number, register in enumerate(REGISTERS)}
    )


def _only(*registers: int) -> _Bools:
    return np.isin(np.arange(len(REGISTERS)), registers)


def _absent(table: _Table) -> pd.DataFrame:
    """漏登: the police have somebody whom another register lacks; 应登未登: the police lack whom another one has."""
    settled = ~table.gone.any(axis=1)
    frames = []
    for register in (1, 2):
        lacks = settled & table.here[:, _POLICE] & ~table.held[:, register] & table.covered[:, register]
        who = np.flatnonzero(lacks)
        frames.append(_facts("missing_registration", register, who, np.tile(_only(_POLICE, register), (len(who), 1))))
    who = np.flatnonzero(settled & ~table.held[:, _POLICE] & table.here.any(axis=1) & table.covered[:, _POLICE])
    frames.append(_facts("should_be_registered", _POLICE, who, table.held[who] | _only(_POLICE)))
    return pd.concat(frames, ignore_index=True)


def _left(table: _Table) -> pd.DataFrame:
    """应销未销: still on the list of one register while another one has the person as left."""
    frames = []
    for register in range(len(REGISTERS)):
        who = np.flatnonzero(table.here[:, register] & table.gone.any(axis=1))
        frames.append(_facts("should_be_deregistered", register, who, table.gone[who] | _only(register)))
    return pd.concat(frames, ignore_index=True)


def _dwellings(table: _Table) -> pd.DataFrame:
    """人户不一致: known addresses of one person that are not one door; to be corrected where the odd one out is."""
    count = len(table.person_ids)
    known = table.of(table.records.address) != ABSENT
    agree, differ = np.zeros((count, len(REGISTERS)), dtype=np.int64), np.zeros((count, len(REGISTERS)), dtype=np.int64)
    settled = ~table.gone.any(axis=1)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both, comparison = table.compared(one, other)
        counts = settled[both] & known[both, one] & known[both, other]
        apart = counts & np.isin(comparison.address, [ELSEWHERE, SAME_VILLAGE, OTHER_ROOM])
        for register in (one, other):
            differ[both[apart], register] += 1
            agree[both[counts & ~apart], register] += 1
    who = np.flatnonzero(differ.any(axis=1))
    odd = differ[who] * 4 - agree[who] * 2 + np.array([0, 1, 0])  # between two only, the village looks first
    frames = _facts("person_dwelling", 0, who, differ[who] > 0)
    return frames.assign(at=np.argmax(odd, axis=1) if len(who) else 0)


def _duplicates(table: _Table) -> pd.DataFrame:
    """重登: two records of one person in one register, neither of them left."""
    rows = np.flatnonzero(~table.main & ~table.gone_record)
    register, person = table.records.register[rows], table.person[rows]
    alive = table.here[person, register]
    rows, register, person = rows[alive], register[alive], person[alive]
    frame = pd.DataFrame({"mismatch_class": "duplicate", "at": register, "field": "", "person": person, "other": rows})
    for number, name in enumerate(REGISTERS):
        frame[f"about_{name}"] = register == number
    return frame.drop_duplicates(["person", "at"], ignore_index=True)


def _addresses(table: _Table) -> pd.DataFrame:
    """地址错误: a record whose address is not a known one."""
    unknown = table.here & (table.of(table.records.address) == ABSENT) & ~table.gone.any(axis=1)[:, None]
    frames = []
    for register in range(len(REGISTERS)):
        who = np.flatnonzero(unknown[:, register])
        frames.append(_facts("wrong_address", register, who, np.tile(_only(register), (len(who), 1))))
    return pd.concat(frames, ignore_index=True)


def _conflicts(table: _Table, birth_years_apart: int) -> list[pd.DataFrame]:
    """Attributes that differ from those of the police, or without them between village and grid workers."""
    frames = []
    settled = ~table.gone.any(axis=1)
    years = table.of(table.records.birth_year)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both, comparison = table.compared(one, other)
        counts = settled[both] & ((one == _POLICE) | ~table.here[both, _POLICE])
        year_known = (years[both, one] != ABSENT) & (years[both, other] != ABSENT)
        differs = {
            "name": comparison.name < SAME_COMMON,
            "id_number": (comparison.id_number >= ID_CONFLICT) & (comparison.id_number <= ID_NEAR),
            "phone": np.isin(comparison.phone, [PHONE_DIFFERS, PHONE_NEAR]),
            "birth_year": year_known & (np.abs(years[both, one] - years[both, other]) >= birth_years_apart),
        }
        sound = table.records.id_holds
        for field in CONFLICT_FIELDS:
            who = both[counts & differs[field]]
            frame = _facts("attribute_conflict", other, who, np.tile(_only(one, other), (len(who), 1)), field)
            if field == "id_number":  # the number whose check digit is wrong is the one to correct
                wrong_here = ~sound[table.rows[who, one]] & sound[table.rows[who, other]]
                frame["at"] = np.where(wrong_here, one, other)
            frames.append(frame)
    return frames


def _written(table: _Table, rows: pd.DataFrame) -> pd.DataFrame:
    """Put the rows into the columns of `classify`."""
    ids, names = table.people.index.to_numpy(), np.array(REGISTERS, dtype=object)
    person, at = rows["person"].to_numpy(np.int64), rows["at"].to_numpy(np.int64)
    about = rows[[f"about_{register}" for register in REGISTERS]].to_numpy(bool)
    joined = {
        number: "+".join(name for bit, name in enumerate(REGISTERS) if number >> bit & 1)
        for number in range(1 << len(REGISTERS))
    }
    result = pd.DataFrame(
        {
            "mismatch_class": rows["mismatch_class"].to_numpy(),
            "at_register": names[at],
            "field": rows["field"].to_numpy(),
            "person_id": table.person_ids[person],
        }
    )
    for number, column in enumerate(RECORD_COLUMNS):
        result[column] = _ids(table.rows[person, number], ids)
    result["other_record_id"] = _ids(rows["other"].to_numpy(np.int64), ids)
    result["registers"] = pd.Series(about @ (1 << np.arange(len(REGISTERS)))).map(joined).to_numpy()
    result["address_id"] = _or_na(table.address[person])
    result["village_id"] = _or_na(table.village[person])
    place = result["at_register"].where(result["mismatch_class"].ne("person_dwelling"), "")
    said = result["mismatch_class"] + "|" + place + "|" + result["field"] + "|"
    names = _tokens(table)[:, person].T.tolist()
    result["fact"] = [head + tokens[0] for head, tokens in zip(said, names, strict=True)]
    result["also_facts"] = [
        tuple(head + token for token in tokens[1:] if token is not None)
        for head, tokens in zip(said, names, strict=True)
    ]
    order = result["mismatch_class"].map({name: number for number, name in enumerate(CLASSES)})
    result = result.assign(_order=order).sort_values(["_order", "person_id", "at_register", "field"], kind="stable")
    return result.drop(columns="_order").reset_index(drop=True)


def _tokens(table: _Table) -> npt.NDArray[np.object_]:
    """Who each person is, in words that stay, a row for each way to say it, None where a person has fewer.

    The best first: a sound identity number, else name and phone, else birth and door, else the door alone.
    """
    people, records = table.people, table.records
    name = normalise_names(people["name"])
    number = people["id_number"].where(pd.Series(records.id_holds, index=people.index))
    year = pd.Series(records.birth_year, index=people.index).astype("str")
    door = people[ADDRESS_PARTS[0]].fillna("")
    for part in ADDRESS_PARTS[1:]:
        door = door + "/" + people[part].fillna("")
    phone = people["phone"].where(pd.Series(records.phone != ABSENT, index=people.index))
    by_birth, by_door = ("nb:" + name + ":" + said + ":" + door for said in (year, str(ABSENT)))
    ways = ["id:" + number, "np:" + name + ":" + phone, by_birth, by_door]
    found = np.full((len(ways), len(table.person_ids)), None, dtype=object)
    for way, token in enumerate(ways):
        texts = np.array([*token.astype(object).where(token.notna(), None), None], dtype=object)
        for register in range(len(REGISTERS)):
            found[way] = np.where(pd.isna(found[way]), texts[table.rows[:, register]], found[way])
    order = np.argsort(pd.isna(found), axis=0, kind="stable")  # what there is goes before what there is not
    result: npt.NDArray[np.object_] = np.take_along_axis(found, order, axis=0)
    return result


def _ids(positions: Codes, ids: npt.NDArray[np.int64]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.where(positions == ABSENT, 0, ids[positions]), positions == ABSENT)


def _or_na(values: Codes) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.where(values == ABSENT, 0, values), values == ABSENT)
