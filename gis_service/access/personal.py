"""Personal data at rest and on screens: sealed fields, blind indexes for equality search, and masks.

A sealed field is AES-256-GCM with its table, row key and field as associated data, so a value copied to another row or
column does not open. A blind index is a keyed HMAC-SHA256 of the normalised value: equal values have equal indexes,
and nobody without the key can compute one. Both begin with the id of their key, so that keys can be rotated.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gis_service.access.keyring import (
    KEY_ID_BYTES,
    Key,
    KeyRing,
    Purpose,
    create_key_file,
    read_key_file,
    replace_key_file,
)
from gis_service.access.same_value import NORMALISE, IndexKind
from gis_service.errors import NotReadyError, TamperedError
from gis_service.settings import Settings
from gis_service.texts import T, Text

INDEX_BYTES: Final = 32
VERSION: Final = b"\x01"
_HEADER_BYTES: Final = len(VERSION) + KEY_ID_BYTES
_NONCE_BYTES: Final = 12


class Vault:
    """Seals and opens personal fields with the keys of one deployment.

    Parameters
    ----------
    ring
        The keys in force.
    path
        The file that they came from; it is read again whenever it changes, so that a running service follows a
        rotation. None when the keys come from the environment.
    """

    def __init__(self, ring: KeyRing, path: Path | None = None) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._lock = threading.Lock()
        self._adopt(ring)

    @classmethod
    def load_or_create(cls, settings: Settings) -> Vault:
        """Take the keys from GIS_KEYS, else from the key file, which is created (mode 600) on first use."""
        if settings.keys is not None:
            return cls(KeyRing.from_json(settings.keys.get_secret_value(), "GIS_KEYS"))
        path = settings.keys_path
        return cls(read_key_file(path) if path.exists() else create_key_file(path), path)

    @property
    def ring(self) -> KeyRing:
        """The keys in force now."""
        self._follow()
        return self._ring

    def replace_ring(self, ring: KeyRing) -> None:
        """Write `ring` to the key file and go on with it."""
        if self._path is None:
            raise NotReadyError(
                T("The keys come from GIS_KEYS: put the new ring there (`gis-service keys generate` makes one).")
            )
        replace_key_file(self._path, ring)
        with self._lock:
            self._stamp = _stamp(self._path)
            self._adopt(ring)

    # sealed fields

    @property
    def seal_header(self) -> bytes:
        """What every value begins with that is sealed under the active key."""
        return VERSION + self.ring.active(Purpose.SEAL).id

    def seal(self, table: str, row_key: str, field: str, value: str) -> bytes:
        """Seal one value for its place."""
        sealed = self.seal_many(table, field, [row_key], [value])[0]
        if sealed is None:
            msg = "an empty value is not sealed: store NULL"
            raise ValueError(msg)
        return sealed

    def open(self, table: str, row_key: str, field: str, sealed: bytes) -> str:
        """Open one value; raises `TamperedError` when it was changed or comes from another place."""
        value = self.open_many(table, field, [row_key], [sealed])[0]
        if value is None:
            raise TamperedError(_tampered(table, row_key, field))
        return value

    def seal_many(
        self, table: str, field: str, row_keys: Sequence[str], values: Sequence[str | None]
    ) -> list[bytes | None]:
        """Seal a column.

        Parameters
        ----------
        table, field
            The place of the column; `field` is the name without `_sealed`.
        row_keys
            The natural key of each row (badge number, source key, code), as it is stored.
        values
            The plain texts. Absent (None, NaN, NA) and empty ones stay absent.

        Returns
        -------
        Header, nonce, ciphertext and tag of each value, 33 bytes longer than its UTF-8.
        """
        self._follow()
        header = VERSION + self._ring.active(Purpose.SEAL).id
        encrypt = self._ciphers[header].encrypt
        before, after = _place(header, table, field)
        nonces = os.urandom(_NONCE_BYTES * len(values))
        sealed: list[bytes | None] = [None] * len(values)
        for position, (row_key, value) in enumerate(zip(row_keys, values, strict=True)):
            if text := _text(value):
                nonce = nonces[position * _NONCE_BYTES : (position + 1) * _NONCE_BYTES]
                place = before + row_key.encode() + after
                sealed[position] = header + nonce + encrypt(nonce, text.encode(), place)
        return sealed

    def open_many(
        self, table: str, field: str, row_keys: Sequence[str], sealed: Sequence[bytes | None]
    ) -> list[str | None]:
        """Open a column sealed by `seal_many`; absent values stay absent.

        Raises
        ------
        TamperedError
            A value was changed, or moved here from another row, field or table.
        NotReadyError
            The key ring lacks the key that a value was sealed with.
        """
        self._follow()
        opened: list[str | None] = [None] * len(sealed)
        header: bytes | None = None
        for position, (row_key, value) in enumerate(zip(row_keys, sealed, strict=True)):
            if value is None:
                continue
            if header is None or not value.startswith(header):
                header = bytes(value[:_HEADER_BYTES])
                decrypt = self._decryptor(header, table, row_key, field)
                before, after = _place(header, table, field)
            nonce = value[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
            try:
                place = before + row_key.encode() + after
                opened[position] = decrypt(nonce, value[_HEADER_BYTES + _NONCE_BYTES :], place).decode()
            except (InvalidTag, ValueError) as error:
                raise TamperedError(_tampered(table, row_key, field)) from error
        return opened

    # blind indexes

    @property
    def index_header(self) -> bytes:
        """What every blind index begins with that was made with the active key."""
        return self.ring.active(Purpose.INDEX).id

    def blind_index(self, kind: IndexKind, value: str) -> bytes:
        """The blind index of one value, under the active key (32 bytes)."""
        index = self.blind_index_many(kind, [value])[0]
        if index is None:
            msg = "an empty value has no blind index"
            raise ValueError(msg)
        return index

    def blind_indexes(self, kind: IndexKind, value: str) -> list[bytes]:
        """The blind indexes of one value under every key of the ring: what a search compares with while keys rotate."""
        normalised = NORMALISE[kind](value)
        return [_index(key, kind, normalised) for key in self.ring.of(Purpose.INDEX)] if normalised else []

    def blind_index_many(self, kind: IndexKind, values: Sequence[str | None]) -> list[bytes | None]:
        """The blind index of each value under the active key; absent values stay absent.

        So do values with nothing to index, such as a phone without digits.
        `kind` separates the indexes, so that a phone never equals an identity number; it also says what is the same
        value: identity numbers in any case, phones in any grouping.
        """
        key = self.ring.active(Purpose.INDEX)
        normalise = NORMALISE[kind]
        return [
            _index(key, kind, normalised) if (text := _text(value)) and (normalised := normalise(text)) else None
            for value in values
        ]

    # the audit trail

    def audit_key(self, key_id: bytes | None = None) -> Key:
        """The key of the audit chain with this id; the active one when None."""
        ring = self.ring
        if key_id is None:
            return ring.active(Purpose.AUDIT)
        for key in ring.of(Purpose.AUDIT):
            if key.id == key_id:
                return key
        raise NotReadyError(T("The key ring lacks the audit key {key_id}.", key_id=key_id.hex()))

    # the ring

    def _adopt(self, ring: KeyRing) -> None:
        self._ciphers = {VERSION + key.id: AESGCM(key.secret) for key in ring.of(Purpose.SEAL)}
        self._ring = ring

    def _follow(self) -> None:
        """Take up a ring that another process has written."""
        if self._path is None or (stamp := _stamp(self._path)) == self._stamp:
            return
        with self._lock:
            self._adopt(read_key_file(self._path))
            self._stamp = stamp

    def _decryptor(self, header: bytes, table: str, row_key: str, field: str) -> Callable[[bytes, bytes, bytes], bytes]:
        if len(header) != _HEADER_BYTES or not header.startswith(VERSION):
            raise TamperedError(_tampered(table, row_key, field))
        if header not in self._ciphers:
            raise NotReadyError(
                T(
                    "{table}.{field} of {row_key} is sealed with key {key_id}, which the key ring lacks.",
                    table=table,
                    field=field,
                    row_key=row_key,
                    key_id=header[len(VERSION) :].hex(),
                )
            )
        return self._ciphers[header].decrypt


def _stamp(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def _place(header: bytes, table: str, field: str) -> tuple[bytes, bytes]:
    # names of tables and fields hold no bar, so the row key between them may
    return header + table.encode() + b"|", b"|" + field.encode()


def _tampered(table: str, row_key: str, field: str) -> Text:
    return T(
        "{table}.{field} of {row_key} does not open: it was changed or belongs elsewhere.",
        table=table,
        field=field,
        row_key=row_key,
    )


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN differs from itself
        return None
    msg = f"personal fields are text, not {type(value).__name__}"
    raise TypeError(msg)


def _index(key: Key, kind: str, normalised: str) -> bytes:
    return key.id + hmac.digest(key.secret, f"{kind}|{normalised}".encode(), "sha256")[: INDEX_BYTES - KEY_ID_BYTES]


# masks

_COMPOUND_SURNAMES: Final = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 "
    "公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 "
    "拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 公户 公玉 梁丘 左丘 东门 西门 第五"
)


def mask_id_number(value: str | None) -> str | None:
    """330***********1234: the first 3 and the last 4 characters."""
    return _mask_middle(value)


def mask_phone(value: str | None) -> str | None:
    """138****5678: the first 3 and the last 4 digits."""
    return _mask_middle(value)


def mask_name(value: str | None) -> str | None:
    """欧阳**: the surname and a star for each further character; of a name in letters, its first one."""
    if not value:
        return value
    shown = 2 if len(value) > 2 and value[:2] in _COMPOUND_SURNAMES.split() else 1
    return value[:shown] + "*" * max(len(value) - shown, 1)


def _mask_middle(value: str | None) -> str | None:
    if not value:
        return value
    if len(value) <= 8:  # showing seven of eight would hide nothing
        return "*" * len(value)
    return value[:3] + "*" * (len(value) - 7) + value[-4:]
