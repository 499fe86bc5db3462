"""The token that proves that a request comes from our own page: bound to the session, masked anew for every answer.

Pages travel compressed, and what is constant in a compressed answer can be guessed letter by letter from its length
when the same answer holds something that the attacker chose (BREACH). So no answer ever holds the secret itself:
it is XORed with a fresh random pad, as Django does, and travels with the pad. No two answers hold the same token, and
each is good as long as the session.
"""

from __future__ import annotations

import hmac
import os
from typing import Final

_SECRET_BYTES: Final = 32


def masked_token(cookie: str) -> str:
    """A token for the session of `cookie`: pad and masked secret as 128 hexadecimal digits, another at every call."""
    pad = os.urandom(_SECRET_BYTES)
    return (pad + _xor(pad, _secret(cookie))).hex()


def is_token_of(cookie: str, token: str) -> bool:
    """Say whether `token` was made for the session of `cookie`; compared in constant time."""
    try:
        sent = bytes.fromhex(token)
    except ValueError:
        return False
    pad, masked = sent[:_SECRET_BYTES], sent[_SECRET_BYTES:]
    if len(masked) != _SECRET_BYTES:
        return False
    return hmac.compare_digest(_xor(pad, masked), _secret(cookie))


def _secret(cookie: str) -> bytes:
    """What nobody knows who does not have the cookie."""
    return hmac.digest(cookie.encode(), b"csrf", "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
