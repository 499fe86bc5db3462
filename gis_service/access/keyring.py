"""The keys of personal data and of the audit trail: read from a file that only its owner can read, or from GIS_KEYS."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import stat
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from gis_service.errors import NotReadyError
from gis_service.texts import T

KEY_BYTES = 32
KEY_ID_BYTES = 4
_FORMAT = 1


class Purpose(StrEnum):
    """What a key is for; no key serves two purposes."""

    SEAL = "seal"
    INDEX = "index"
    AUDIT = "audit"


@dataclass(frozen=True, repr=False)
class Key:
    """One secret of 32 random bytes and what it is for."""

    purpose: Purpose
    secret: bytes

    @cached_property
    def id(self) -> bytes:
        """Four bytes that name the key without telling anything of it; written into whatever the key made."""
        return hashlib.sha256(b"gis-service key id|" + self.purpose.encode() + b"|" + self.secret).digest()[
            :KEY_ID_BYTES
        ]

    def __repr__(self) -> str:
        return f"Key({self.purpose.value}, {self.id.hex()})"


@dataclass(frozen=True)
class KeyRing:
    """Every key in force, oldest first; the newest of each purpose is the active one."""

    keys: tuple[Key, ...]

    @classmethod
    def generate(cls) -> KeyRing:
        """Make a ring with one fresh key for each purpose."""
        return cls(tuple(Key(purpose, secrets.token_bytes(KEY_BYTES)) for purpose in Purpose))

    def active(self, purpose: Purpose) -> Key:
        """The key that new values of `purpose` are made with."""
        return self.of(purpose)[-1]

    def of(self, purpose: Purpose) -> tuple[Key, ...]:
        """All keys of one purpose, oldest first."""
        return tuple(key for key in self.keys if key.purpose is purpose)

    def with_new(self, purpose: Purpose) -> KeyRing:
        """Return the same ring with a fresh active key for `purpose`."""
        return KeyRing((*self.keys, Key(purpose, secrets.token_bytes(KEY_BYTES))))

    def without(self, key_ids: frozenset[bytes]) -> KeyRing:
        """Return the same ring without the named keys; active keys stay in any case."""
        active = {self.active(purpose).id for purpose in Purpose}
        return KeyRing(tuple(key for key in self.keys if key.id in active or key.id not in key_ids))

    def to_json(self) -> str:
        """The form of the key file and of GIS_KEYS."""
        keys = [{"purpose": key.purpose.value, "secret": base64.b64encode(key.secret).decode()} for key in self.keys]
        return json.dumps({"format": _FORMAT, "keys": keys}, indent=1)

    @classmethod
    def from_json(cls, content: str, source: str) -> KeyRing:
        """Read a ring; `source` names it in errors (the content never appears there)."""
        try:
            document: dict[str, Any] = json.loads(content)
            keys = tuple(
                Key(Purpose(entry["purpose"]), base64.b64decode(entry["secret"], validate=True))
                for entry in document["keys"]
            )
        except (ValueError, KeyError, TypeError) as error:
            raise NotReadyError(T("{source} does not hold a key ring.", source=source)) from error
        if document.get("format") != _FORMAT or any(len(key.secret) != KEY_BYTES for key in keys):
            raise NotReadyError(T("{source} does not hold a key ring.", source=source))
        missing = [purpose.value for purpose in Purpose if not any(key.purpose is purpose for key in keys)]
        if missing:
            raise NotReadyError(T("{source} lacks a key for: {missing}.", source=source, missing=", ".join(missing)))
        return cls(keys)


def read_key_file(path: Path) -> KeyRing:
    """Read the key file; refuses one that anybody but its owner can read or change."""
    with path.open(encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NotReadyError(
                T("The key file {path} can be read by others (mode {mode}): chmod 600 it.", path=path, mode=f"{mode:o}")
            )
        return KeyRing.from_json(file.read(), str(path))


def create_key_file(path: Path) -> KeyRing:
    """Create the key file with a fresh ring, unless another process was quicker: then its ring is read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _write_draft(path, KeyRing.generate())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # the other process's keys are as good as ours
    finally:
        draft.unlink()
    return read_key_file(path)


def replace_key_file(path: Path, ring: KeyRing) -> None:
    """Put `ring` in the place of the key file in one step."""
    _write_draft(path, ring).replace(path)


def _write_draft(path: Path, ring: KeyRing) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(ring.to_json())
        file.flush()
        os.fsync(file.fileno())
    return draft
