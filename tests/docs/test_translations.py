"""Everything that people read has a Chinese text, and the catalogue holds nothing that nobody reads."""

import re
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from gis_service.texts import LOCALE_DIR

ROOT = Path(__file__).parents[2]
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"T": None, "_": None}
#: values of enumerations and readings that are said as they are (`T(str(value))`); no call names them
SAID_BY_VALUE = {"as is", "beat", "officer", "point", "polygon", "unit"}


@cache
def extracted() -> dict[str, str]:
    """Message → where it is used."""
    found = {}
    options = {"**/templates/**.html": {"extensions": "", "trimmed": "false"}}
    for name, line, message, _comments, _context in extract_from_dir(
        ROOT / "gis_service", METHODS, options, keywords=KEYWORDS
    ):
        found[message if isinstance(message, str) else message[0]] = f"{name}:{line}"
    return found


@cache
def catalogue() -> dict[str, str]:
    """Message → Chinese text, over all files of the catalogue."""
    texts: dict[str, str] = {}
    for path in sorted((LOCALE_DIR / "zh_CN").glob("*.po")):
        with path.open("rb") as file:
            texts |= {str(message.id): str(message.string) for message in read_po(file) if message.id}
    return texts


def test_no_message_has_two_chinese_texts() -> None:
    texts: dict[str, set[str]] = {}
    for path in (LOCALE_DIR / "zh_CN").glob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file):
                texts.setdefault(str(message.id), set()).add(str(message.string))
    assert not {message: meant for message, meant in texts.items() if message and len(meant) > 1}


def test_every_message_has_a_chinese_text() -> None:
    texts = catalogue()
    missing = {message: place for message, place in extracted().items() if not texts.get(message)}
    assert not missing


def test_the_catalogue_has_no_message_that_nothing_uses() -> None:
    assert not set(catalogue()) - set(extracted()) - SAID_BY_VALUE


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)", text))


def test_translations_fill_the_same_places() -> None:
    differing = {message: text for message, text in catalogue().items() if placeholders(text) != placeholders(message)}
    assert not differing
