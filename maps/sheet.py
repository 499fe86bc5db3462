"""Printed sheets: frames as one SVG with legend, scale bar, north arrow and labels, for pages and for PDF."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.frames import require_metric
from maps.legend import Legend, LegendClass
from maps.outlines import thinned
from maps.texts import Texts, chinese

__all__ = ["Sheet", "draw_sheet"]

_INK, _PAPER, _FAINT = "#16212b", "#ffffff", "#8a8f94"
_LEGEND_MM, _LINE_MM, _MARGIN_MM = 52.0, 5.2, 3.0
_SCALE_STEPS = (1.0, 2.0, 5.0)
_LABEL_MM, _LABEL_LINE_MM = 2.9, 3.5
_GLYPH_MM = 2.9


@dataclass(frozen=True)
class Sheet:
    """
    What a sheet shows.

    Attributes
    ----------
    areas
        Polygons in a metric CRS, unique index; drawn in their order.
    classes
        Key of the legend's class per area.
    legend
        The classes; the sheet shows it beside the map.
    labels
        Text per label, on the index of ``frames`` when there are any, else of ``areas``; empty = none. Further lines
        after a line feed are left out where only the first has room.
    frames
        Larger areas drawn as a line above the others; None = none.
    marked
        Ids of areas with a thick outline (what changes).
    """

    areas: gpd.GeoDataFrame
    classes: pd.Series
    legend: Legend
    labels: pd.Series | None = None
    frames: gpd.GeoDataFrame | None = None
    marked: frozenset[int] = frozenset()


def draw_sheet(
    sheet: Sheet,
    *,
    title: str,
    note: str = "",
    width_mm: float = 180.0,
    height_mm: float = 120.0,
    texts: Texts = chinese,
) -> str:
    """
    Return a sheet as one SVG element that needs no script, no style sheet and no network.

    Everything from data is escaped. Lengths are millimetres of paper; the map is as large as fits.

    Parameters
    ----------
    sheet
        What to show.
    title, note
        For the reader of the picture (``aria-label``), and the line below the map (date, source).
    width_mm, height_mm
        Size of the sheet.
    texts
        Language.

    Raises
    ------
    NotMetricError
        The areas are not in a metric CRS.
    ValueError
        There is nothing to draw, or an area's class is not in the legend.
    """
    require_metric(sheet.areas)
    if sheet.areas.empty:
        raise ValueError("nothing to draw: no area has a geometry")
    by_key = {each.key: each for each in sheet.legend.classes}
    unknown = set(sheet.classes.loc[sheet.areas.index]) - set(by_key)
    if unknown:
        raise ValueError(f"classes {sorted(map(str, unknown))} are not in the legend {sheet.legend.title!r}")
    name = f"sheet{zlib.crc32(title.encode()):x}"  # sheets with different titles may stand on one page
    view = _View.of(sheet.areas, width_mm - _LEGEND_MM, height_mm)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_mm:g} {height_mm:g}" role="img" '
        f'aria-label="{escape(title)}" font-family="Noto Sans CJK SC, Noto Sans SC, sans-serif">'
    )
    parts = [
        head,
        f'<rect width="{width_mm:g}" height="{height_mm:g}" fill="{_PAPER}"/>',
        *_hatches(sheet.legend, name),
        *_polygons(sheet, by_key, view, name),
        *_frames(sheet, view),
        *_labels(sheet, view),
        *_north(width_mm - _LEGEND_MM - 8, 12.0, texts),
        *_scale_bar(view, height_mm, texts),
        *_legend(sheet.legend, name, width_mm - _LEGEND_MM + _MARGIN_MM, _MARGIN_MM + 4),
    ]
    if note:
        parts.append(_text(width_mm - _MARGIN_MM, height_mm - 2, note, 2.6, f'fill="{_FAINT}" text-anchor="end"'))
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True)
class _View:
    """From metres to millimetres on paper: y grows downwards there."""

    west: float
    north: float
    mm_per_m: float

    @classmethod
    def of(cls, areas: gpd.GeoDataFrame, width_mm: float, height_mm: float) -> "_View":
        west, south, east, north = areas.total_bounds
        across, down = width_mm - 2 * _MARGIN_MM, height_mm - 2 * _MARGIN_MM - 8
        scale = min(across / max(east - west, 1.0), down / max(north - south, 1.0))
        left = west - (across / scale - (east - west)) / 2 - _MARGIN_MM / scale
        top = north + (down / scale - (north - south)) / 2 + _MARGIN_MM / scale
        return cls(float(left), float(top), float(scale))

    def at(self, xy: np.ndarray) -> np.ndarray:
        placed: np.ndarray = np.column_stack([xy[:, 0] - self.west, self.north - xy[:, 1]]) * self.mm_per_m
        return placed

    def path(self, shape: shapely.Geometry) -> str:
        """Rings of a polygon as a path, hundredths of a millimetre."""
        found = []
        for polygon in shapely.get_parts(shape):
            for ring in (polygon.exterior, *polygon.interiors):
                places = np.round(self.at(shapely.get_coordinates(ring)[:-1]), 2)
                found.append("M" + "L".join(f"{x:g} {y:g}" for x, y in places.tolist()) + "Z")
        return "".join(found)


def _polygons(sheet: Sheet, by_key: dict[str, LegendClass], view: _View, name: str) -> Iterator[str]:
    thin = thinned(sheet.areas.geometry.to_numpy(), 0.25 / view.mm_per_m)
    keys = sheet.classes.loc[sheet.areas.index].tolist()
    marked: list[str] = []
    for area_id, shape, key in zip(sheet.areas.index.tolist(), thin, keys, strict=True):
        fill = f"url(#{name}-{escape(key)})" if by_key[key].hatch else by_key[key].fill
        path = view.path(shape)
        yield f'<path d="{path}" fill="{fill}" stroke="{_PAPER}" stroke-width=".15" fill-rule="evenodd"/>'
        if area_id in sheet.marked:
            marked.append(f'<path d="{path}" fill="none" stroke="{_INK}" stroke-width=".5"/>')
    yield from marked


def _frames(sheet: Sheet, view: _View) -> Iterator[str]:
    if sheet.frames is None or sheet.frames.empty:
        return
    for shape in thinned(sheet.frames.geometry.to_numpy(), 0.25 / view.mm_per_m):
        yield f'<path d="{view.path(shape)}" fill="none" stroke="{_INK}" stroke-width=".35" stroke-linejoin="round"/>'


def _labels(sheet: Sheet, view: _View) -> Iterator[str]:
    """Labels of the largest first; one that would lie on another is left out."""
    if sheet.labels is None:
        return
    named = sheet.frames if sheet.frames is not None and not sheet.frames.empty else sheet.areas
    order = named.geometry.area.sort_values(ascending=False).index
    inner = shapely.get_coordinates(shapely.point_on_surface(named.geometry.loc[order].to_numpy()))
    taken: list[tuple[float, float, float, float]] = []
    for area_id, (x, y) in zip(order, view.at(inner).tolist(), strict=True):
        every = str(sheet.labels.get(area_id, "")).splitlines()
        for lines in (every, every[:1]):
            wide = max((_glyphs(line) * _GLYPH_MM for line in lines), default=0.0)
            first = y - (len(lines) - 1) * _LABEL_LINE_MM / 2
            last = first + (len(lines) - 1) * _LABEL_LINE_MM
            box = (x - wide / 2, first - _LABEL_MM, x + wide / 2, last + 0.6)
            if not wide or any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                continue
            taken.append(box)
            for number, line in enumerate(lines):
                yield from _label(x, first + number * _LABEL_LINE_MM, line)
            break


def _label(x: float, y: float, line: str) -> Iterator[str]:
    # the halo is a text of its own: not everything that prints paints a stroke below its fill
    halo = f'text-anchor="middle" fill="none" stroke="{_PAPER}" stroke-width=".8" stroke-linejoin="round"'
    yield _text(x, y, line, _LABEL_MM, halo)
    yield _text(x, y, line, _LABEL_MM, f'text-anchor="middle" fill="{_INK}"')


def _glyphs(text: str) -> float:
    """Width in Chinese characters; a Latin one is about half as wide."""
    return sum(1.0 if ord(sign) > 255 else 0.55 for sign in text)


def _north(x: float, y: float, texts: Texts) -> Iterator[str]:
    yield f'<path d="M{x:g} {y - 7:g}l2.2 7l-2.2-1.6l-2.2 1.6Z" fill="{_INK}"/>'
    yield _text(x, y + 3.4, texts("N"), 3, f'fill="{_INK}" text-anchor="middle"')


def _scale_bar(view: _View, height_mm: float, texts: Texts) -> Iterator[str]:
    """A bar of a round length of about 30 mm."""
    length_m = 30 / view.mm_per_m
    decade = 10 ** math.floor(math.log10(length_m))
    length_m = max(step * decade for step in _SCALE_STEPS if step * decade <= length_m)
    long_mm, y = length_m * view.mm_per_m, height_mm - 4
    said = texts("{count} km").format(count=f"{length_m / 1000:g}") if length_m >= 1000 else f"{length_m:g} m"
    x = _MARGIN_MM
    yield f'<path d="M{x:g} {y - 1.5:g}v1.5h{long_mm:.2f}v-1.5" fill="none" stroke="{_INK}" stroke-width=".3"/>'
    yield _text(x + long_mm / 2, y - 0.8, said, 2.8, f'fill="{_INK}" text-anchor="middle"')


def _hatches(legend: Legend, name: str) -> Iterator[str]:
    yield "<defs>"
    for each in legend.classes:
        if not each.hatch:
            continue
        step = 1.4 if each.hatch == "dense" else 2.4
        turn = 45 if each.hatch == "dense" else 135
        yield (
            f'<pattern id="{name}-{escape(each.key)}" width="{step}" height="{step}" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate({turn})"><rect width="{step}" height="{step}" fill="{each.fill}"/>'
            f'<line x1="0" y1="0" x2="0" y2="{step}" stroke="{each.ink}" stroke-width=".6"/></pattern>'
        )
    yield "</defs>"


def _legend(legend: Legend, name: str, x: float, y: float) -> Iterator[str]:
    for number, line in enumerate(_wrapped(legend.title, 15)):
        yield _text(x, y + number * 4.2, line, 3.1, f'fill="{_INK}" font-weight="bold"')
        top = y + number * 4.2 + 3
    at, said = top - _LINE_MM, set[str]()
    for each in legend.classes:
        if each.label in said:  # colours that only tell neighbours apart mean the same
            continue
        said.add(each.label)
        at += _LINE_MM
        fill = f"url(#{name}-{escape(each.key)})" if each.hatch else each.fill
        yield f'<rect x="{x:g}" y="{at:.2f}" width="6" height="3.4" fill="{fill}" stroke="{_FAINT}" stroke-width=".2"/>'
        for number, line in enumerate(_wrapped(each.label, 15)):
            at += 3.4 * bool(number)
            yield _text(x + 8, at + 2.7, line, 2.7, f'fill="{_INK}"')
    below = at + _LINE_MM + 3
    for number, line in enumerate(_wrapped(legend.note, 17)):
        yield _text(x, below + number * 3.6, line, 2.5, f'fill="{_FAINT}"')


def _text(x: float, y: float, text: str, size_mm: float, more: str) -> str:
    return f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size_mm:g}" {more}>{escape(text)}</text>'


def _wrapped(text: str, glyphs: int) -> list[str]:
    """Lines of at most so many Chinese characters; two Latin ones count as one."""
    lines, wide = [""], 0.0
    for sign in text:
        step = _glyphs(sign)
        if wide + step > glyphs:
            lines.append("")
            wide = 0.0
        lines[-1] += sign
        wide += step
    return lines
