"""Uploaded files between the dry run and the import: each in a folder of its own, for its owner, for a day."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gis_service.errors import NotFoundError, TooLargeError
from gis_service.settings import Settings
from gis_service.texts import T

KEPT_S = 24 * 3600
_TICKET = re.compile(r"[A-Za-z0-9_-]{20,64}")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True)
class Upload:
    """A file that somebody sent: its ticket, where it lies, and what its owner calls it."""

    ticket: str
    path: Path
    name: str


def keep_upload(settings: Settings, owner: str, name: str, content: BinaryIO) -> Upload:
    """Keep a file until it is imported; the owner's name for it is a label and never part of a path.

    Raises
    ------
    TooLargeError
        It is larger than `settings.upload_max_bytes`.
    """
    _forget_old(settings)
    ticket = secrets.token_urlsafe(24)
    folder = _folder(settings) / ticket
    folder.mkdir(parents=True, mode=0o700)
    label = Path(name.replace("\\", "/")).name[:200] or "file"
    ending = Path(label).suffix
    path = folder / f"content{ending.lower() if _ENDING.fullmatch(ending) else ''}"
    try:
        _copy(content, path, settings.upload_max_bytes, label)
        (folder / "label.json").write_text(json.dumps({"owner": owner, "name": label}), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Upload(ticket, path, label)


def find_upload(settings: Settings, owner: str, ticket: str) -> Upload:
    """Find the file of a ticket that `owner` got.

    Raises
    ------
    NotFoundError
        There is none, it is somebody else's, or it was kept long enough.
    """
    folder = _folder(settings) / ticket
    gone = NotFoundError(T("The uploaded file is gone; please upload it again."))
    if not _TICKET.fullmatch(ticket) or not (folder / "label.json").is_file():
        raise gone
    label = json.loads((folder / "label.json").read_text(encoding="utf-8"))
    if label["owner"] != owner:
        raise gone
    path = next(path for path in folder.iterdir() if path.stem == "content")
    return Upload(ticket, path, label["name"])


def drop_upload(settings: Settings, upload: Upload) -> None:
    """Remove a kept file."""
    shutil.rmtree(_folder(settings) / upload.ticket, ignore_errors=True)


@contextmanager
def passing_upload(settings: Settings, owner: str, name: str, content: BinaryIO) -> Iterator[Upload]:
    """A file that is read once and not kept."""
    upload = keep_upload(settings, owner, name, content)
    try:
        yield upload
    finally:
        drop_upload(settings, upload)


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "uploads"


def _copy(content: BinaryIO, path: Path, most_bytes: int, label: str) -> None:
    copied = 0
    with path.open("wb") as file:
        while chunk := content.read(1 << 20):
            copied += len(chunk)
            if copied > most_bytes:
                raise TooLargeError(T("{file} is larger than {most} MB.", file=label, most=most_bytes // 2**20))
            file.write(chunk)


def _forget_old(settings: Settings) -> None:
    folder = _folder(settings)
    if not folder.is_dir():
        return
    for kept in folder.iterdir():
        if kept.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(kept, ignore_errors=True)
