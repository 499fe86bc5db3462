"""Sheets: everything is drawn where it lies, nothing of the data becomes markup."""

import xml.etree.ElementTree as ET

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

from layers.frames import NotMetricError
from maps.legend import Legend, LegendClass
from maps.sheet import Sheet, draw_sheet
from maps.texts import english

SVG = "{http://www.w3.org/2000/svg}"
LEGEND = Legend(
    "Load", "note", (LegendClass("low", "up to 800", "#4575b4"), LegendClass("none", "No data", "#d9d9d6", "sparse"))
)


def squares(crs: str = "EPSG:4549") -> gpd.GeoDataFrame:
    """Two squares of 1 km side by side."""
    return gpd.GeoDataFrame(index=[1, 2], geometry=[box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], crs=crs)


def sheet(**more: object) -> Sheet:
    return Sheet(squares(), pd.Series(["low", "none"], index=[1, 2]), LEGEND, **more)  # type: ignore[arg-type]


def drawn(**more: object) -> ET.Element:
    return ET.fromstring(draw_sheet(sheet(**more), title="x", width_mm=180, height_mm=110, texts=english))  # noqa: S314 - our own


def texts_of(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_areas_have_the_fill_of_their_class_and_lie_side_by_side() -> None:
    root = drawn()
    paths = [path for path in root.iter(f"{SVG}path") if path.get("fill-rule") == "evenodd"]
    hatch = next(root.iter(f"{SVG}pattern")).get("id")
    assert [path.get("fill") for path in paths] == ["#4575b4", f"url(#{hatch})"]
    corners = [
        [tuple(map(float, point.split())) for point in path.get("d", "").strip("MZ").split("L")] for path in paths
    ]
    west, east = ({x for x, _ in each} for each in corners)
    assert max(west) == min(east)
    # 2 km across 180 - 52 mm of legend - 2 × 3 mm of margin
    assert max(east) - min(west) == pytest.approx(122, abs=0.02)


def test_the_scale_bar_has_a_round_length() -> None:
    said = next(text for text in texts_of(drawn()) if text.endswith((" m", " km")))
    assert said == "200 m"  # 500 m would be 30.5 mm


def test_the_legend_is_beside_the_map_with_every_class() -> None:
    assert {"Load", "up to 800", "No data", "note", "N"} <= set(texts_of(drawn()))


def test_labels_that_would_lie_on_each_other_are_left_out() -> None:
    close = pd.Series(
        ["a name that is very very long and reaches far beyond the square that it is the name of", "B"], [1, 2]
    )
    assert len([text for text in texts_of(drawn(labels=close)) if text in set(close)]) == 2  # one, and its halo


def test_text_of_the_data_never_becomes_markup() -> None:
    root = drawn(labels=pd.Series(["<script>alert(1)</script>", ""], index=[1, 2]))
    assert "<script>alert(1)</script>" in texts_of(root)
    assert not list(root.iter(f"{SVG}script"))


def test_marked_areas_and_frames_are_outlined() -> None:
    one = drawn(marked=frozenset({2}), frames=squares().dissolve())
    outlines = [
        path for path in one.iter(f"{SVG}path") if path.get("fill") == "none" and path.get("stroke") == "#16212b"
    ]
    assert len(outlines) == 3  # the marked one, the frame and the scale bar


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(NotMetricError):
        draw_sheet(Sheet(squares("EPSG:4326"), pd.Series(["low"] * 2, index=[1, 2]), LEGEND), title="x")
    with pytest.raises(ValueError, match="not in the legend"):
        draw_sheet(Sheet(squares(), pd.Series(["high"] * 2, index=[1, 2]), LEGEND), title="x")
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_sheet(Sheet(squares().iloc[:0], pd.Series(dtype=object), LEGEND), title="x")
