"""Which passwords are accepted, and that checking one tells nothing by the clock."""

from __future__ import annotations

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from gis_service.access.passwords import check_new_password, hash_password, one_time_password, verify_password
from gis_service.errors import InvalidInputError
from gis_service.settings import Settings

SETTINGS = Settings(password_min_length=12)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse sofa",
        "我的密码是很长的一句话呀",
        "Tr0ub4dor&3xyz",
        "aaaa but then more",
        "🚲🚂🛶🛴🚁🛸🚀🛵🚜🏍🛺🚠",
        "x" * 3 + " marks " * 17,
    ],
)
def test_long_and_unforeseen_is_enough_without_rules_on_kinds_of_characters(password: str) -> None:
    check_new_password(password, "li.hua", SETTINGS)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("sofa horse", "at least 12"),
        ("sofa horse " * 20, "at most 128"),
        ("my.LI.HUA.sofa.horse", "login"),
        ("password1234!", "common"),
        ("!!Woaini5201314", "common"),
        ("qwertyuiop[]", "keyboard"),
        ("1qaz2wsx3edc4rfv", "keyboard"),
        ("][poiuytrewq", "keyboard"),
        ("abcdefghijklmn", "keyboard"),
        ("aaaaaaaaaaaaaa", "keyboard"),
        ("x7!x7!x7!x7!x7!", "keyboard"),
        ("qwertyasdfghzxcvbn", "keyboard"),
    ],
)
def test_short_known_and_foreseeable_passwords_are_refused(password: str, why: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_new_password(password, "li.hua", SETTINGS)
    assert why in refused.value.faults[0].message.render("en")
    assert refused.value.faults[0].value is None  # a refused password is still somebody's password


def test_a_one_time_password_is_acceptable_itself() -> None:
    for _attempt in range(200):
        check_new_password(one_time_password(), "li.hua", SETTINGS)


def test_a_password_fits_its_hash_in_either_spelling_of_its_accents() -> None:
    kept = hash_password("cafe\N{COMBINING ACUTE ACCENT} and a croissant")
    assert kept.startswith("$argon2id$")
    assert verify_password("caf\N{LATIN SMALL LETTER E WITH ACUTE} and a croissant", kept)[0]
    assert not verify_password("cafe and a croissant", kept)[0]


def test_a_guess_costs_what_the_rules_ask_for(real_hasher: PasswordHash) -> None:
    """OWASP's least for Argon2id: 19 MiB in two passes, or 46 MiB in one."""
    _empty, kind, _version, costs, *_rest = real_hasher.hash("a long walk by the sea").split("$")
    memory_kib, passes, _lanes = (int(cost.partition("=")[2]) for cost in costs.split(","))
    assert kind == "argon2id"
    assert memory_kib >= (46 if passes == 1 else 19) * 1024


def test_without_an_account_it_takes_as_long_and_never_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long: the same hash function with the same cost is computed, also after the cost was changed."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    for hasher in (PasswordHash((Argon2Hasher(),)), cheap):
        verified: list[str] = []

        def spy(password: str, kept: str, inner: PasswordHash = hasher, seen: list[str] = verified) -> object:
            seen.append(kept)
            return PasswordHash(inner.hashers).verify_and_update(password, kept)

        monkeypatch.setattr(hasher, "verify_and_update", spy)
        monkeypatch.setattr("gis_service.access.passwords._hasher", hasher)
        assert verify_password("wrong horse sofa", hash_password("correct horse sofa")) == (False, None)
        assert verify_password("wrong horse sofa", None) == (False, None)
        with_account, without = (kept.rpartition("$")[0].rpartition("$")[0] for kept in verified)
        assert with_account == without != ""
