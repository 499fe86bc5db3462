"""The words that the command centre's script needs, in the reader's language."""

from __future__ import annotations

from gis_service.texts import T, Text

_WORDS: dict[str, Text] = {
    "failed": T("Could not load; trying again."),
    "loading": T("Loading…"),
    "people": T("People ({count})"),
    "trend": T("Registered migrants, twelve months"),
    "changes": T("Since last week"),
    "next": T("Next step: {step}"),
    "source": T("Source"),
    "as_of": T("As of"),
    "buildings": T("Buildings"),
    "building": T("Building"),
    "addresses": T("Addresses"),
    "migrants": T("Registered migrants"),
    "officer": T("Officer"),
    "call": T("Show and call"),
    "call_reason": T("Duty contact"),
    "more_people": T("{shown} of {total} shown"),
    "no_people": T("Nobody is posted here on this day."),
    "no_alerts": T("No alerts"),
    "alerts": T("Alerts"),
    "more": T("{count} in all"),
    "value": T("Value"),
    "area": T("Area"),
    "code": T("Code"),
    "class": T("Class"),
    "open": T("Open the page of this area"),
    "nothing_found": T("Nothing found"),
    "without_change": T("no change"),
    "assigned": T("Assigned address"),
    "unresolved": T("Unresolved address"),
    "withheld": T("Withheld: a month is small, or would give a small one away."),
}


def script_words() -> dict[str, str]:
    """Word by its key."""
    return {key: str(text) for key, text in _WORDS.items()}
