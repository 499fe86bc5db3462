"""Everything a person reads goes through one message catalogue: English in code, Chinese on screens.

The catalogue is a folder of PO files (one a room of the house); they are read as they are, so there is no compile step.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = ("zh_CN", "en")
LOCALE_DIR = Path(__file__).parent / "locale"

_current_locale: ContextVar[str] = ContextVar("locale", default="zh_CN")


@dataclass(frozen=True)
class Text:
    """A message that is not yet in anybody's language; `str()` puts it into the language of the request at hand."""

    msgid: str
    params: Mapping[str, object] = field(default_factory=dict)

    def render(self, locale: str | None = None) -> str:
        """Put the message into `locale` (the current one when None)."""
        message = _(self.msgid, locale)
        params = {
            key: (value.render(locale) if isinstance(value, Text) else value) for key, value in self.params.items()
        }
        return message.format(**params) if params else message

    def __str__(self) -> str:
        return self.render()


def T(msgid: str, /, **params: object) -> Text:  # noqa: N802 - reads as the mark that extraction looks for
    """Mark a message for translation; `{name}` in it is filled from `params`."""
    return Text(msgid, params)


def _(msgid: str, locale: str | None = None) -> str:
    """Translate now."""
    return translations(locale or _current_locale.get()).gettext(msgid)


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """The merged catalogue of one locale."""
    if locale == "en" or not (LOCALE_DIR / locale).is_dir():
        return gettext.NullTranslations()
    merged = Catalog(locale=locale, charset="utf-8")
    for path in sorted((LOCALE_DIR / locale).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale):
                if message.id:
                    merged[message.id] = message
    buffer = io.BytesIO()
    write_mo(buffer, merged)
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)


def use_locale(locale: str) -> None:
    """Set the language for the rest of this request, command or task."""
    _current_locale.set(locale if locale in LOCALES else LOCALES[0])


def current_locale() -> str:
    """The language in force."""
    return _current_locale.get()
