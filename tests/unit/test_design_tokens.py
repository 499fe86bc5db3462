"""One palette for pages and maps, and inks that can be read on every surface by day and by night."""

import re
from itertools import product

import pytest

from maps import legend
from maps.assets import OWN_DIR

CSS = (OWN_DIR / "tokens.css").read_text(encoding="utf-8")
BLOCKS = {
    "day": r":root \{(.*?)\n\}",
    "night": r"@media \(prefers-color-scheme: dark\) \{\s*:root[^{]*\{(.*?)\}",
    "insisted night": r':root\[data-theme="dark"\] \{(.*?)\}',
    "print": r"@media print \{\s*:root[^{]*\{(.*?)\}",
}


def tokens(block: str) -> dict[str, str]:
    found = re.search(BLOCKS[block], CSS, re.DOTALL)
    assert found
    return dict(re.findall(r"--([\w-]+): ([^;]+);", found[1]))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "palette"),
    [
        ("below", legend.DIVERGING_BELOW),
        ("above", legend.DIVERGING_ABOVE),
        ("seq", legend.SEQUENTIAL),
        ("kind", legend.QUALITATIVE),
    ],
)
def test_pages_and_maps_have_the_same_palette(name: str, palette: tuple[str, ...]) -> None:
    day = tokens("day")

    assert tuple(day[f"{name}-{number}"] for number in range(1, len(palette) + 1)) == palette
    assert f"{name}-{len(palette) + 1}" not in day


def test_no_data_has_the_same_grey_everywhere() -> None:
    assert tokens("day")["no-data"] == legend.GREY


@pytest.mark.parametrize("block", BLOCKS)
def test_words_can_be_read_on_every_surface(block: str) -> None:
    named = tokens("day") | tokens(block)

    pairs = [*product(("ink", "ink-2", "accent"), ("paper", "ground")), ("on-accent", "accent")]
    pairs += [(state, surface) for state in ("good", "warn", "bad") for surface in ("paper", f"{state}-ground")]
    assert {
        (ink, on): round(contrast(named[ink], named[on]), 2)
        for ink, on in pairs
        if contrast(named[ink], named[on]) < 4.5
    } == {}


@pytest.mark.parametrize("block", BLOCKS)
def test_the_edge_of_a_field_can_be_seen(block: str) -> None:
    named = tokens("day") | tokens(block)

    assert min(contrast(named["edge"], named[surface]) for surface in ("paper", "ground")) >= 3


def test_both_nights_are_the_same() -> None:
    assert tokens("night") == tokens("insisted night")
