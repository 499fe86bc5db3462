"""Classes, their colours and the legend that we draw ourselves (folium's needs d3 and cannot say "no data")."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.coverage import classify
from maps.texts import Texts

__all__ = [
    "DIVERGING_ABOVE",
    "DIVERGING_BELOW",
    "GREY",
    "QUALITATIVE",
    "SEQUENTIAL",
    "Legend",
    "LegendClass",
    "graded",
    "load_legend",
    "rate_edges",
    "rate_legend",
]

# ColorBrewer 2 RdYlBu, safe for the common kinds of colour blindness: blue meets the standard, yellow to red does not.
DIVERGING_BELOW = ("#4575b4", "#91bfdb", "#d3e9f2")
"""Colours below the standard, farthest from it first."""
DIVERGING_ABOVE = ("#fee090", "#fc8d59", "#d73027", "#8c1a1f")
"""Colours above the standard, nearest to it first."""
SEQUENTIAL = ("#f6eff7", "#bdc9e1", "#67a9cf", "#1c9099", "#016c59")
"""Little to much: ColorBrewer 2 PuBuGn, safe for colour blindness."""
QUALITATIVE = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#0072b2", "#d55e00", "#999999")
"""Okabe and Ito (2008), made for the colour-blind: kinds without order."""
GREY = "#d9d9d6"


@dataclass(frozen=True)
class LegendClass:
    """
    One class of a legend.

    Attributes
    ----------
    key
        What the features of the class carry: letters, digits, ``_`` and ``-``.
    label
        What people read.
    fill
        Colour, ``#rrggbb``.
    hatch
        ``""``, ``"dense"`` (look here) or ``"sparse"`` (nothing known): so that a class is told apart without colour.
    ink
        Colour of the hatch lines.
    """

    key: str
    label: str
    fill: str
    hatch: str = ""
    ink: str = "#333333"


@dataclass(frozen=True)
class Legend:
    """
    A titled list of classes, with a line that says what is divided by what, as of when and from which source.

    Attributes
    ----------
    title, note
        What people read; the note may be empty.
    classes
        In the order to show.
    """

    title: str
    note: str
    classes: tuple[LegendClass, ...]


def special_classes(texts: Texts) -> tuple[LegendClass, LegendClass, LegendClass]:
    """Return the classes that are no numbers: uncovered, empty and no data, each unlike the others and unlike zero."""
    return (
        LegendClass("uncovered", texts("Uncovered (migrants, no officer)"), "#f3d6ea", "dense", "#7a0177"),
        LegendClass("empty", texts("Empty (no migrants)"), "#fbfbf9"),
        no_data_class(texts),
    )


def no_data_class(texts: Texts) -> LegendClass:
    """Return the class of areas that nothing is known of: grey with a sparse hatch."""
    return LegendClass("no_data", texts("No data"), GREY, "sparse", "#8a8a86")


def load_legend(edges: Sequence[float], *, standard: float, note: str, texts: Texts) -> Legend:
    """
    Return the legend of loads, diverging at the standard.

    Parameters
    ----------
    edges
        Increasing class edges in migrants per officer; the standard must be one of them, so that no class hides it.
    standard
        Migrants per officer (setting; 800).
    note
        The line below the title.

    Raises
    ------
    ValueError
        When the standard is no edge, or there are more classes on a side than colours.
    """
    edges = list(edges)
    if standard not in edges:
        raise ValueError(f"the standard {standard:g} must be one of the class edges {edges}")
    below = edges.index(standard) + 1
    above = len(edges) + 1 - below
    if below > len(DIVERGING_BELOW) or above > len(DIVERGING_ABOVE):
        raise ValueError(f"{below} classes below and {above} above the standard are more than a reader can tell apart")
    fills = (*DIVERGING_BELOW[:below], *DIVERGING_ABOVE[:above])
    labels = range_labels(edges, texts)
    labels[below - 1] = texts("{range} (meets the standard)").format(range=labels[below - 1])
    classes = tuple(
        LegendClass(f"load_{number}", label, fill)
        for number, (label, fill) in enumerate(zip(labels, fills, strict=True))
    )
    title = texts("Migrants per officer, standard 1 : {standard}").format(standard=f"{standard:,.0f}")
    return Legend(title, note, (*classes, *special_classes(texts)))


def rate_legend(edges: Sequence[float], *, title: str, note: str, texts: Texts) -> Legend:
    """Return a sequential legend: zero, one class per edge and one above; no rate and no data apart from them."""
    digits = 0 if all(float(edge).is_integer() for edge in edges) else 1
    labels = range_labels(list(edges), texts, digits=digits)
    shades = [SEQUENTIAL[round(place)] for place in np.linspace(0, len(SEQUENTIAL) - 1, len(labels))]
    classes = (
        LegendClass(f"rate_{number}", label, fill)
        for number, (label, fill) in enumerate(zip(labels, shades, strict=True))
    )
    no_rate = LegendClass("no_base", texts("No rate (nobody registered)"), "#fbfbf9", "sparse", "#b9b9b5")
    return Legend(title, note, (LegendClass("none", texts("none"), "#fbfbf9"), *classes, no_rate, no_data_class(texts)))


def range_labels(edges: list[float], texts: Texts, *, digits: int = 0) -> list[str]:
    """Return ``≤ 600``, ``600–800``, …, ``> 1,300``: one label more than edges."""
    shown = [f"{edge:,.{digits}f}" for edge in edges]
    middle = [texts("{low} to {high}").format(low=low, high=high) for low, high in itertools.pairwise(shown)]
    return [texts("up to {high}").format(high=shown[0]), *middle, texts("over {low}").format(low=shown[-1])]


def rate_edges(rates: pd.Series, classes: int = len(SEQUENTIAL)) -> tuple[float, ...]:
    """
    Return class edges at the quantiles of the rates above zero, rounded so that the legend reads well.

    Fewer edges come back when the rates hardly differ; ``(1.0,)`` when there is none above zero.
    """
    above_zero = rates.dropna().astype(float)
    above_zero = above_zero[above_zero > 0]
    if above_zero.empty:
        return (1.0,)
    quantiles = np.quantile(above_zero, np.linspace(0, 1, classes + 1)[1:-1])
    return tuple(np.unique(np.maximum(np.round(quantiles, 1), 0.1)).tolist())


def graded(values: pd.Series, edges: Sequence[float], prefix: str) -> pd.Series:
    """Return the class key of each value, ``<prefix>_<number>``; NA where there is none. An edge belongs below it."""
    return (prefix + "_" + classify(values, edges).astype("string")).rename("class_key")
