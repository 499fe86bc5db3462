"""Files that people attach: only pictures and documents that are what they say; the service never opens them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from gis_service.errors import InvalidInputError
from gis_service.texts import T

#: what a file begins with, what it ends with (within its last 1,024 bytes), its media type and its ending
_KINDS: Final = (
    (b"\xff\xd8\xff", b"\xff\xd9", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82", "image/png", "png"),
    (b"%PDF-1.", b"%%EOF", "application/pdf", "pdf"),
)
_TAIL_BYTES: Final = 1024
#: what makes a PDF act by itself when it is opened
_ACTIVE: Final = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|OpenAction|AA|RichMedia|XFA)\b")
_LABEL: Final = re.compile(r"[^\w\u4e00-\u9fff ()（）.-]+")


def media_type_of(content: bytes) -> tuple[str, str]:
    """The media type and ending of a file by its content, whatever it is called.

    Raises
    ------
    InvalidInputError
        It is no JPEG, PNG or PDF, is cut short, or is a PDF that acts by itself.
    """
    for start, end, media_type, ending in _KINDS:
        if content.startswith(start) and end in content[-_TAIL_BYTES:]:
            if ending == "pdf" and _ACTIVE.search(content):
                raise InvalidInputError(T("The document holds scripts or files: print it to a plain PDF."))
            return media_type, ending
    raise InvalidInputError(T("Only pictures (JPEG, PNG) and documents (PDF) can be attached."))


def label_of(name: str, ending: str) -> str:
    """What the owner calls the file, without a path and without what a file system or a header takes amiss."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    clean = _LABEL.sub("_", stem).strip(" .")[:100]
    return f"{clean or 'file'}.{ending}"
