"""A token is another one in every answer, good for its own session, and worth nothing in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_service.access.csrf import is_token_of, masked_token


@given(st.text(min_size=1))
def test_every_token_is_good_for_its_session_and_for_no_other(cookie: str) -> None:
    token = masked_token(cookie)
    assert is_token_of(cookie, token)
    assert not is_token_of(cookie + "x", token)


def test_no_part_of_a_token_is_the_same_twice() -> None:
    tokens = [bytes.fromhex(masked_token("cookie")) for _ in range(64)]
    for position in range(64):
        assert len({token[position] for token in tokens}) > 16, "a constant byte could be guessed from lengths"


@given(st.integers(0, 511))
def test_one_changed_bit_spoils_it(bit: int) -> None:
    token = bytearray.fromhex(masked_token("cookie"))
    token[bit // 8] ^= 1 << bit % 8
    assert not is_token_of("cookie", token.hex())


@pytest.mark.parametrize("sent", ["", "ü", "0" * 127, "0" * 64, "00" * 64, "00" * 65, "x" * 128, " " * 128])
def test_what_is_no_token_is_refused(sent: str) -> None:
    assert not is_token_of("cookie", sent)


def test_the_bare_secret_is_not_taken() -> None:
    token = bytes.fromhex(masked_token("cookie"))
    bare = bytes(a ^ b for a, b in zip(token[:32], token[32:], strict=True))
    assert not is_token_of("cookie", bare.hex())
