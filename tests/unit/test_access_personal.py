"""Sealed fields open only in their place, blind indexes agree for equal values only, masks hide what they should."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gis_service.access.keyring import KeyRing, Purpose, create_key_file, read_key_file
from gis_service.access.personal import Vault, mask_id_number, mask_name, mask_phone
from gis_service.errors import NotReadyError, TamperedError
from gis_service.settings import Settings
from gis_service.texts import current_locale, use_locale

ID_NUMBER = "11010519491231002X"


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Messages are compared in the language of the code."""
    before = current_locale()
    use_locale("en")
    yield
    use_locale(before)


@pytest.fixture(scope="module")
def vault() -> Vault:
    return Vault(KeyRing.generate())


def test_a_sealed_value_opens_in_its_place(vault: Vault) -> None:
    sealed = vault.seal("officer", "B|01", "phone", "13800001234")
    assert vault.open("officer", "B|01", "phone", sealed) == "13800001234"
    assert b"13800001234" not in sealed
    assert len(sealed) == 33 + len("13800001234")


@pytest.mark.parametrize(
    "place", [("rental", "B01", "phone"), ("officer", "B02", "phone"), ("officer", "B01", "id_number")]
)
def test_a_sealed_value_moved_elsewhere_does_not_open(vault: Vault, place: tuple[str, str, str]) -> None:
    sealed = vault.seal("officer", "B01", "phone", "13800001234")
    with pytest.raises(TamperedError):
        vault.open(*place, sealed)


@given(st.integers(min_value=0, max_value=8 * (33 + 11) - 1))
def test_no_bit_of_a_sealed_value_can_be_flipped(bit: int) -> None:
    vault = Vault(KeyRing.generate())
    sealed = bytearray(vault.seal("officer", "B01", "phone", "13800001234"))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((TamperedError, NotReadyError)):
        vault.open("officer", "B01", "phone", bytes(sealed))


def test_the_same_value_is_never_sealed_the_same_way(vault: Vault) -> None:
    assert len(set(vault.seal_many("t", "f", ["k"] * 1000, ["值"] * 1000))) == 1000


def test_absent_values_stay_absent(vault: Vault) -> None:
    sealed = vault.seal_many("t", "f", ["a", "b", "c", "d"], [None, "", float("nan"), "x"])  # type: ignore[list-item]
    assert [value is None for value in sealed] == [True, True, True, False]
    assert vault.open_many("t", "f", ["a", "b", "c", "d"], sealed) == [None, None, None, "x"]
    assert vault.blind_index_many("phone", [None, "", "none"]) == [None, None, None]


def test_a_number_is_refused_because_it_may_have_lost_digits(vault: Vault) -> None:
    with pytest.raises(TypeError, match="int"):
        vault.seal_many("t", "f", ["a"], [13800001234])  # type: ignore[list-item]


def test_blind_indexes_are_separated_by_kind_and_normalised(vault: Vault) -> None:
    assert vault.blind_index("id_number", ID_NUMBER.lower()) == vault.blind_index("id_number", f" {ID_NUMBER} ")
    assert vault.blind_index("phone", "+86 138-0000-1234") == vault.blind_index("phone", "13800001234")
    assert vault.blind_index("phone", "１３８００００１２３４") == vault.blind_index("phone", "13800001234")
    assert vault.blind_index("phone", "0574-86000000") != vault.blind_index("phone", "057400000086")
    assert vault.blind_index("name", "买买提·艾力") == vault.blind_index("name", "买买提 艾力")
    assert vault.blind_index("id_number", "13800001234") != vault.blind_index("phone", "13800001234")
    assert len(vault.blind_index("phone", "13800001234")) == 32


def test_another_ring_makes_other_indexes_and_opens_nothing(vault: Vault) -> None:
    other = Vault(KeyRing.generate())
    assert other.blind_index("phone", "13800001234") != vault.blind_index("phone", "13800001234")
    with pytest.raises(NotReadyError, match="key ring lacks"):
        other.open("t", "k", "f", vault.seal("t", "k", "f", "x"))


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(vault: Vault) -> None:
    rotated = Vault(vault.ring.with_new(Purpose.SEAL).with_new(Purpose.INDEX))
    old = vault.seal("t", "k", "f", "x")
    assert rotated.open("t", "k", "f", old) == "x"
    assert not old.startswith(rotated.seal_header)
    assert rotated.seal("t", "k", "f", "x").startswith(rotated.seal_header)
    assert rotated.blind_indexes("phone", "138") == [
        vault.blind_index("phone", "138"),
        rotated.blind_index("phone", "138"),
    ]


def test_a_running_service_follows_a_rotation_by_another_process(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    running, shell = Vault.load_or_create(settings), Vault.load_or_create(settings)
    shell.replace_ring(shell.ring.with_new(Purpose.SEAL))
    assert running.open("t", "k", "f", shell.seal("t", "k", "f", "x")) == "x"
    assert running.seal("t", "k", "f", "x").startswith(shell.seal_header)


def test_the_key_file_is_created_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    sealed = Vault.load_or_create(settings).seal("t", "k", "f", "x")
    assert stat.S_IMODE(settings.keys_path.stat().st_mode) == 0o600
    assert Vault.load_or_create(settings).open("t", "k", "f", sealed) == "x"
    assert create_key_file(settings.keys_path).active(Purpose.SEAL) == read_key_file(settings.keys_path).keys[0]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    settings = Settings(data_dir=tmp_path)
    Vault.load_or_create(settings)
    settings.keys_path.chmod(mode)
    with pytest.raises(NotReadyError, match="chmod 600"):
        Vault.load_or_create(settings)


def test_keys_may_come_from_the_environment_and_then_there_is_no_file(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    settings = Settings(data_dir=tmp_path, keys=SecretStr(ring.to_json()))
    vault = Vault.load_or_create(settings)
    assert vault.ring == ring
    assert not settings.keys_path.exists()
    with pytest.raises(NotReadyError, match="GIS_KEYS"):
        vault.replace_ring(ring.with_new(Purpose.SEAL))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 1, "keys": []}', '{"format": 1, "keys": [{"purpose": 1}]}']
)
def test_what_is_not_a_key_ring_is_refused_without_showing_it(content: str) -> None:
    with pytest.raises(NotReadyError, match="GIS_KEYS"):
        KeyRing.from_json(content, "GIS_KEYS")


def test_secrets_do_not_show_in_representations() -> None:
    ring = KeyRing.generate()
    assert repr(ring.keys[0].secret) not in repr(ring)
    assert repr(Settings(keys=SecretStr(ring.to_json()))).count(ring.keys[0].secret.hex()) == 0


def test_masks_show_no_more_than_the_rule() -> None:
    assert mask_id_number("330211199001011234") == "330***********1234"
    assert mask_phone("13800001234") == "138****1234"
    assert mask_phone("86000000") == "********"
    assert mask_name("张三") == "张*"
    assert mask_name("王小明") == "王**"
    assert mask_name("欧阳修") == "欧阳*"
    assert mask_name("欧阳") == "欧*"
    assert mask_name("明") == "明*"
    assert mask_name(None) is None
    assert mask_phone("") == ""
