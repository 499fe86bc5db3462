"""Who is who in three registers, on people that can be checked by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from layers.frames import ADDRESS_PARTS, FrameError
from layers.linkage import Linkage, link

LI, LI_TWIN, WANG = "990101198503070017", "990101198503070033", "990101199012120029"


def record(register: str, name: str, **said: Any) -> dict[str, Any]:
    """A row at 1幢1单元101室 of 枫和花园 in village 1, unless said otherwise."""
    parts = dict.fromkeys(ADDRESS_PARTS) | {"compound": "枫和花园", "building": "1幢", "unit": "1单元", "room": "101室"}
    row = {"register": register, "name": name, "id_number": None, "birth_year": None, "phone": None, "village_id": 1}
    return row | {"address_id": None, "from_on": None, "left_on": None} | parts | said


def people(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), index=pd.RangeIndex(1, len(rows) + 1, name="record_id"))
    texts = dict.fromkeys(("register", "name", "id_number", "phone", *ADDRESS_PARTS), "str")
    numbers = dict.fromkeys(("birth_year", "address_id", "village_id"), "Int64")
    return frame.astype(texts | numbers | dict.fromkeys(("from_on", "left_on"), "datetime64[s]"))


def linked(linkage: Linkage) -> dict[tuple[int, int], str]:
    ends = linkage.links[["left_id", "right_id"]].to_numpy().tolist()
    return {(left, right): str(level) for (left, right), level in zip(ends, linkage.links["level"], strict=True)}


def test_the_same_sound_identity_number_links_whatever_else_differs() -> None:
    given = people(
        record("police", "李伟", id_number=LI, phone="15400000001"),
        record("grid", "李玮", id_number=LI, room="502室", phone="15400008765"),
    )
    assert linked(link(given)) == {(1, 2): "id_number"}
    assert link(given).links[["name", "phone", "address"]].to_numpy().tolist() == [["variant", "differs", "other_room"]]


def test_an_identity_number_with_a_wrong_check_digit_proves_nothing_alone() -> None:
    unsound = LI[:16] + "9" + LI[17:]
    given = people(
        record("police", "李伟", id_number=unsound, phone="15400000001"),
        record("village", "陈芳", id_number=unsound, phone="15400000002", compound="别处苑"),
    )
    assert "id_number" not in set(linked(link(given)).values())


def test_name_phone_and_every_part_of_the_address_link_without_a_number() -> None:
    given = people(
        record("police", "欧阳 娜", id_number=LI, phone="15400000001"),
        record("village", "欧阳娜", phone="15400000001"),
    )
    assert linked(link(given)) == {(1, 2): "name_phone_address"}


def test_name_birth_year_and_building_link_when_the_village_left_out_the_room() -> None:
    given = people(
        record("police", "李伟", birth_year=1985), record("village", "李伟", birth_year=1985, unit=None, room=None)
    )
    assert linked(link(given)) == {(1, 2): "name_birth_building"}


def test_two_of_one_name_and_year_in_one_building_are_not_linked_by_that() -> None:
    given = people(
        record("police", "张伟", birth_year=1985, room="101室", phone="15400000001"),
        record("police", "张伟", birth_year=1985, room="602室", phone="15400007777"),
        record("village", "张伟", birth_year=1985, unit=None, room=None),
    )
    assert "name_birth_building" not in set(linked(link(given)).values())


def test_two_sound_numbers_are_two_people_at_one_door_with_one_phone() -> None:
    given = people(
        record("police", "李建国", id_number=LI, phone="15400000001", birth_year=1985),
        record("village", "李建国", id_number=LI_TWIN, phone="15400000001", birth_year=1985),
    )
    assert linked(link(given)) == {}


def test_of_two_twins_each_finds_the_record_with_the_own_name() -> None:
    given = people(
        record("police", "李建国", id_number=LI, phone="15400000001"),
        record("police", "李建军", id_number=LI_TWIN, phone="15400000001"),
        record("village", "李建军", phone="15400000001", birth_year=1985),
        record("village", "李建国", phone="15400000001", birth_year=1985),
    )
    assert set(linked(link(given))) == {(1, 4), (2, 3)}


def test_a_mistyped_number_is_seen_through_when_the_name_agrees() -> None:
    mistyped = LI[:12] + "80" + LI[14:]
    given = people(
        record("police", "李伟", id_number=LI, phone="15400000001", birth_year=1985),
        record("village", "李伟", id_number=mistyped, birth_year=1985, compound="别处苑"),
    )
    links = link(given).links
    assert links[["left_id", "right_id", "id_number"]].to_numpy().tolist() == [[1, 2, "near"]]


def test_names_that_sound_or_look_alike_link_at_one_door_and_different_ones_do_not() -> None:
    given = people(
        record("police", "劉小紅", phone="15400000001", birth_year=1985),
        record("village", "刘小红", phone="15400000001", birth_year=1985),
        record("village", "陈建军", phone="15400000007", birth_year=1985),
    )
    found = link(given)
    assert set(linked(found)) == {(1, 2)}
    assert found.links["name"].tolist() == ["variant"]


def test_a_transcribed_name_in_another_order_is_the_same_person() -> None:
    given = people(
        record("police", "买买提·艾力", phone="15400000001", birth_year=1990),
        record("grid", "艾力 买买提", phone="15400000001", birth_year=1990),
    )
    assert set(linked(link(given))) == {(1, 2)}


def test_a_person_twice_in_one_register_is_named_as_a_duplicate_and_linked_once() -> None:
    given = people(
        record("police", "王芳", id_number=WANG),
        record("village", "王芳", id_number=WANG, room="502室"),
        record("village", "王芳", id_number=WANG),
    )
    found = link(given)
    assert linked(found) == {(1, 3): "id_number"}
    assert found.duplicates[["left_id", "right_id"]].to_numpy().tolist() == [[2, 3]]
    assert found.persons["person_id"].tolist() == [1, 1, 1]
    assert found.persons["main"].tolist() == [True, False, True]


def test_nobody_has_two_partners_and_no_person_two_records_of_a_register() -> None:
    rng = np.random.default_rng(5)
    rows = [
        record(
            register,
            rng.choice(["张伟", "张玮", "李娜", "王芳"]),
            phone=f"1540000000{rng.integers(4)}",
            birth_year=int(rng.integers(1984, 1988)),
            room=f"{rng.integers(1, 5)}01室",
        )
        for register in ("police", "village", "grid")
        for _ in range(60)
    ]
    given = people(*rows)
    found = link(given)
    for _, of_pair in found.links.groupby(["left_register", "right_register"]):
        ends = found.persons["person_id"].reindex(of_pair["left_id"]).to_numpy()
        assert len(set(ends)) == len(ends)
    mains = found.persons[found.persons["main"]].join(given["register"])
    assert not mains.duplicated(["person_id", "register"]).any()


def test_the_order_of_the_rows_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    given = people(
        *[
            record(r, n, phone=f"1540000000{rng.integers(6)}", birth_year=1985)
            for r in ("police", "village", "grid")
            for n in ("张伟", "张玮", "李娜", "王芳", "王方")
        ]
    )
    shuffled = given.sample(frac=1.0, random_state=3)
    assert linked(link(shuffled)) == linked(link(given))
    assert link(shuffled).persons.sort_index().equals(link(given).persons)
    assert link(shuffled).persons.index.equals(shuffled.index)


def test_a_phone_of_a_hundred_names_is_a_placeholder_and_a_huge_block_is_reported() -> None:
    rows = [record("police", f"王{chr(0x4E00 + n)}", phone="13800000000", room=f"{n}室") for n in range(100)]
    given = people(*rows, record("village", "李四", phone="13800000000", compound="别处苑"))
    assert linked(link(given)) == {}
    same_name = [record("police", "张伟", room=f"{n}室", birth_year=1985) for n in range(60)]
    assert link(people(*same_name), largest_block=50).blocks_skipped > 0


def test_a_register_that_nobody_knows_is_refused() -> None:
    with pytest.raises(FrameError, match="register"):
        link(people(record("church", "王芳")))


def test_no_people_no_links() -> None:
    empty = people(record("police", "王芳")).iloc[:0]
    assert link(empty).links.empty
    assert link(empty).persons.empty
