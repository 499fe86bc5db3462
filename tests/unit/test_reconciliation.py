"""The classes of mismatch, each on the smallest case."""

import pandas as pd
import pytest

from layers.linkage import link
from layers.reconciliation import classify
from tests.unit.test_linkage import LI, WANG, people, record

TODAY = pd.Timestamp(2026, 11, 22)
MISTYPED = LI[:12] + "80" + LI[14:]


def found(*rows: dict[str, object]) -> list[tuple[str, str, str]]:
    given = people(*rows)
    mismatches = classify(given, link(given), as_of=TODAY)
    return list(mismatches[["mismatch_class", "at_register", "field"]].itertuples(index=False, name=None))


def everywhere(**said: object) -> list[dict[str, object]]:
    """The same person in all three registers."""
    return [
        record(register, "王芳", **({"id_number": WANG, "address_id": 7} | said))
        for register in ("police", "village", "grid")
    ]


def test_who_is_the_same_in_all_registers_is_no_mismatch() -> None:
    assert found(*everywhere()) == []


def test_who_is_missing_in_a_register_is_found_there() -> None:
    other = everywhere()
    known = {"id_number": LI, "address_id": 7}
    assert found(*other, record("police", "李伟", **known), record("grid", "李伟", **known)) == [
        ("missing_registration", "village", "")
    ]
    assert found(*other, record("village", "李伟", **known)) == [("should_be_registered", "police", "")]


def test_a_village_whose_register_was_not_compared_lacks_nobody() -> None:
    known = {"id_number": LI, "address_id": 9, "village_id": 2}
    assert found(*everywhere(), record("police", "李伟", **known)) == []


def test_left_in_one_register_and_there_in_another_is_to_be_deregistered() -> None:
    police, village, grid = everywhere()
    gone = {"left_on": pd.Timestamp(2026, 10, 1)}
    assert found(police, village | gone, grid | gone) == [("should_be_deregistered", "police", "")]
    later = {"left_on": pd.Timestamp(2026, 12, 1)}
    assert found(police, village | later, grid) == []


def test_the_odd_one_out_of_three_doors_is_to_be_corrected() -> None:
    police, village, grid = everywhere()
    elsewhere = {"address_id": 8, "room": "502室"}
    assert found(police | elsewhere, village, grid) == [("person_dwelling", "police", "")]
    assert found(police, village, grid | elsewhere) == [("person_dwelling", "grid", "")]
    assert found(police, village | elsewhere, grid | {"address_id": None, "building": None, "room": None}) == [
        ("person_dwelling", "village", ""),
        ("wrong_address", "grid", ""),
    ]


def test_a_room_left_out_is_no_second_dwelling() -> None:
    police, village, grid = everywhere()
    assert found(police, village | {"address_id": 9, "unit": None, "room": None}, grid) == []


def test_twice_in_one_register_is_a_duplicate() -> None:
    police, village, grid = everywhere()
    assert found(police, village, village, grid) == [("duplicate", "village", "")]


def test_an_attribute_that_differs_names_its_field_and_the_wrong_number_its_register() -> None:
    police, village, grid = everywhere(id_number=LI)
    assert found(police, village | {"name": "王方"}, grid) == [("attribute_conflict", "village", "name")]
    phones = [{"phone": f"1540000000{n}"} for n in (1, 2)]
    assert found(police | phones[0], village | phones[0], grid | phones[1]) == [("attribute_conflict", "grid", "phone")]
    assert found(police | {"id_number": MISTYPED}, village, grid) == [("attribute_conflict", "police", "id_number")]


def test_ages_counted_in_two_ways_are_no_conflict() -> None:
    police, village, grid = everywhere(birth_year=1990)
    assert found(police, village | {"birth_year": 1989}, grid) == []
    assert found(police, village | {"birth_year": 1979}, grid) == [("attribute_conflict", "village", "birth_year")]


@pytest.mark.parametrize("shift", [0, 1_000])
def test_the_same_fact_has_the_same_name_from_other_record_ids(shift: int) -> None:
    police, village, grid = everywhere()
    given = people(police, village | {"address_id": 8, "room": "502室"}, village, record("grid", "赵六"), grid)
    again = given.sample(frac=1.0, random_state=1)
    again.index = pd.RangeIndex(shift + 1, shift + 6, name="record_id")
    facts = [set(classify(rows, link(rows), as_of=TODAY)["fact"]) for rows in (given, again)]
    assert facts[0] == facts[1]
    assert {fact.split("|")[0] for fact in facts[0]} == {"duplicate", "should_be_registered", "wrong_address"}


def test_a_fact_is_also_named_as_it_was_before_more_was_known() -> None:
    rows = people(record("police", "王方"), record("village", "王方"), record("grid", "赵六"))
    (before,) = (
        classify(rows, link(rows), as_of=TODAY).query("mismatch_class == 'should_be_registered'").to_dict("records")
    )
    numbered = people(record("police", "王方"), record("village", "王方"), record("grid", "赵六", id_number=LI))
    (after,) = (
        classify(numbered, link(numbered), as_of=TODAY)
        .query("mismatch_class == 'should_be_registered'")
        .to_dict("records")
    )
    assert after["fact"].endswith(f"|id:{LI}")
    assert before["fact"] in after["also_facts"]


def test_a_mismatch_shows_the_records_of_every_register_and_its_place() -> None:
    police, village, grid = everywhere()
    given = people(police, village | {"name": "王方"}, grid)
    row = classify(given, link(given), as_of=TODAY).iloc[0]
    assert row[["police_record_id", "village_record_id", "grid_record_id"]].tolist() == [1, 2, 3]
    assert row[["registers", "address_id", "village_id"]].tolist() == ["police+village", 7, 1]
