"""Maps of a plan: the sheets of today and of the scenario, what changes, and the data of the map to edit by hand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import areas
from gis_service.areas.tables import AreaLevel
from gis_service.planning.plans import Plan, handed_on
from gis_service.registers.withholding import mark
from gis_service.settings import Settings
from gis_service.texts import current_locale
from layers.crs import to_metric
from maps.beats import neighbour_colours
from maps.compare import TINTS
from maps.legend import GREY, Legend, LegendClass, graded, load_legend
from maps.outlines import DECIMALS, geojson_geometries, simplified
from maps.sheet import Sheet, draw_sheet
from maps.texts import Texts, chinese, english

_TOLERANCE_M = 13.0


@dataclass(frozen=True)
class Land:
    """The compounds of a scenario that a viewer may see: `name` and geometry (lon-lat) by `area_id`.

    `recorded` are those of the day of the copy, `drafted` those of the plan: the same unless it counts on a draft.
    """

    recorded: gpd.GeoDataFrame
    drafted: gpd.GeoDataFrame
    settings: Settings

    def of(self, plan: Plan) -> gpd.GeoDataFrame:
        """The compounds that the units of a plan lie in: of the scenario itself, or of its day."""
        return self.recorded if plan.copied is None else self.drafted

    @property
    def texts(self) -> Texts:
        """The words on maps, in the language in force."""
        return english if current_locale() == "en" else chinese


def land_of(session: Session, settings: Settings, plan: Plan, only: Collection[int] | None) -> Land:
    """The compounds of a plan as they lay on its day, and as the drafts that it counts on draw them."""
    units = (*plan.today.inputs.units, *plan.inputs.units)
    wanted = {unit.area_id for unit in units if only is None or unit.area_id in only}
    scope = Scope(plan.inputs.day, None)  # `only` is what the viewer may see of it
    found = areas(session, scope, levels=[AreaLevel.COMPOUND], only=wanted)[["name", "geometry"]]
    if plan.copied is None:
        return Land(found, found, settings)
    anew = {unit.area_id: plan.outlines[unit.area_id] for unit in plan.inputs.units if unit.area_id in plan.outlines}
    drawn = gpd.GeoDataFrame(
        {"name": [outline.name for outline in anew.values()]},
        geometry=[shapely.from_wkb(outline.border) for outline in anew.values()],
        index=pd.Index(anew, dtype="int64", name=found.index.name),
        crs=found.crs,
    )
    here = {unit.area_id for unit in plan.inputs.units}
    stay = found[found.index.isin(here - anew.keys())]
    drafted = pd.concat([stay, drawn[drawn.index.isin(wanted)]]) if anew else stay
    recorded = found[found.index.isin({unit.area_id for unit in plan.today.inputs.units})]
    return Land(recorded, drafted, settings)


def main_beats(plan: Plan) -> dict[int, str | None]:
    """The beat that most people of each compound are in."""
    people: dict[int, dict[str | None, int]] = {}
    for number, unit in enumerate(plan.inputs.units):
        of_area = people.setdefault(unit.area_id, {})
        key = plan.beat_of[number]
        of_area[key] = of_area.get(key, 0) + unit.migrants + 1
    return {area_id: min(of_area, key=lambda key: (-of_area[key], key or "")) for area_id, of_area in people.items()}


def load_sheet(
    land: Land,
    plan: Plan,
    *,
    title: str,
    withheld: Collection[str] = (),
    width_mm: float = 180.0,
    height_mm: float = 110.0,
) -> str:
    """The beats of a plan, coloured by their load, as SVG; with a mark for the load of those that are withheld."""
    settings, texts = land.settings, land.texts
    main = main_beats(plan)
    loads: dict[str, int] = {}
    for number, unit in enumerate(plan.inputs.units):
        key = plan.beat_of[number]
        if key is not None:
            loads[key] = loads.get(key, 0) + unit.migrants
    beats = {key: plan.beats[key] for key in loads}
    metric = to_metric(land.of(plan), settings.metric_crs)
    keys = pd.Series([main.get(area_id) for area_id in metric.index.tolist()], index=metric.index, dtype=object)
    values = pd.Series([loads.get(key) if key else None for key in keys], index=metric.index, dtype="Float64")
    classes = graded(values, settings.load_class_edges, "load").astype(object)
    vacant = [key is None or beats[key].staff is None for key in keys]
    classes = classes.where(classes.notna(), "uncovered").mask(pd.Series(vacant, index=metric.index), "uncovered")
    legend = load_legend(settings.load_class_edges, standard=settings.persons_per_officer, note="", texts=texts)
    frames = _dissolved(metric, keys)
    labels = pd.Series({key: mark() if key in withheld else f"{loads[key]:,}" for key in frames.index})
    sheet = Sheet(metric, classes, legend, labels, frames)
    note = texts("As of {date}").format(date=plan.inputs.day.isoformat())
    return draw_sheet(sheet, title=title, note=note, width_mm=width_mm, height_mm=height_mm, texts=texts)


def change_sheet(land: Land, plan: Plan, *, title: str, width_mm: float = 180.0, height_mm: float = 110.0) -> str:
    """Which compounds get another officer, as SVG."""
    texts = land.texts
    handed = {each.unit: "some" if each.is_part else "all" for each in handed_on(plan)}
    flags: dict[int, set[str]] = {}
    for number, unit in enumerate(plan.inputs.units):
        flags.setdefault(unit.area_id, set()).add(handed.get(number, "kept"))
    metric = to_metric(land.of(plan), land.settings.metric_crs)
    said = {area_id: min(of_area) if len(of_area) == 1 else "some" for area_id, of_area in flags.items()}
    classes = pd.Series([said[area_id] for area_id in metric.index.tolist()], index=metric.index)
    legend = Legend(
        texts("What changes"),
        texts("Source: {source}").format(source=plan.inputs.area_name),
        (
            LegendClass("kept", texts("Keeps its officer"), GREY),
            LegendClass("some", texts("Another officer for a part"), "#fee090", "dense", "#d55e00"),
            LegendClass("all", texts("Another officer"), "#e69f00"),
        ),
    )
    main = main_beats(plan)
    keys = pd.Series([main.get(area_id) for area_id in metric.index.tolist()], index=metric.index, dtype=object)
    frames = _dissolved(metric, keys)
    labels = pd.Series({key: plan.beats[key].name for key in frames.index})
    sheet = Sheet(metric, classes, legend, labels, frames)
    return draw_sheet(sheet, title=title, width_mm=width_mm, height_mm=height_mm, texts=texts)


def editing_data(land: Land, plan: Plan, only: Collection[int] | None) -> dict[str, Any]:
    """What the script that edits by hand needs: outlines, units with their beats, borders, bridges, beats."""
    inputs = plan.inputs
    shown = [n for n, unit in enumerate(inputs.units) if only is None or unit.area_id in only]
    inside = set(shown)
    main = main_beats(plan)
    compounds = land.of(plan)
    outlines = simplified(compounds, _TOLERANCE_M)
    keys = pd.Series([main.get(area_id) for area_id in compounds.index.tolist()], index=compounds.index)
    frames = _dissolved(compounds, keys.astype(object))
    colour = dict(zip(frames.index.tolist(), neighbour_colours(frames.geometry).tolist(), strict=True))
    features = [
        {
            "type": "Feature",
            "id": area_id,
            "properties": {"id": area_id, "name": name},
            "geometry": geometry,
        }
        for area_id, name, geometry in zip(
            compounds.index.tolist(), compounds["name"].tolist(), geojson_geometries(outlines), strict=True
        )
    ]
    told = (plan.drawn or {}).get("townships", ())
    added = {(min(pair), max(pair)) for township in told for pair in township["bridges"]}
    marks = {name: [_mark(plan, pair) for pair in sorted(pairs) if set(pair) <= inside] for name, pairs in (
        ("bridges", plan.marks.bridges), ("barriers", plan.marks.barriers),
        ("added", added - plan.marks.bridges - plan.marks.barriers),
    )}  # fmt: skip
    loads = dict.fromkeys(plan.beats, 0)
    for number in shown:
        key = plan.beat_of[number]
        if key is not None:
            loads[key] += inputs.units[number].migrants
    used = {plan.beat_of[number] for number in shown}
    return {
        "features": {"type": "FeatureCollection", "features": features},
        "units": [
            {
                "no": number,
                "area": inputs.units[number].area_id,
                "name": inputs.units[number].name,
                "beat": plan.beat_of[number],
                "migrants": inputs.units[number].migrants,
                "addresses": inputs.units[number].addresses,
            }
            for number in shown
        ],
        "edges": [(a, b) for a, b, _ in inputs.edges if a in inside and b in inside],
        "marks": marks,
        "locks": [{"unit": unit, "at": _latlon(plan, unit)} for unit in sorted(plan.marks.locks & inside)],
        "beats": [
            {
                "key": beat.key,
                "name": beat.name,
                "officer": plan.staff[beat.staff].name if beat.staff else None,
                "migrants": loads[beat.key],
                "fill": TINTS[colour.get(beat.key, 0) % len(TINTS)],
            }
            for beat in plan.beats.values()
            if beat.key in used
        ],
        "steps": plan.steps,
        "standard": inputs.standard,
    }


def _dissolved(compounds: gpd.GeoDataFrame, keys: pd.Series) -> gpd.GeoDataFrame:
    """The ground of each beat, in the CRS of the compounds; what is nobody's is left out."""
    held = compounds.geometry[keys.notna()]
    merged = held.groupby(keys[keys.notna()]).agg(lambda pieces: shapely.union_all(pieces.to_numpy()))
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(merged, crs=compounds.crs))


def _mark(plan: Plan, pair: Collection[int]) -> dict[str, Any]:
    """A pair of units and the line between their middles."""
    return {"units": list(pair), "line": [_latlon(plan, unit) for unit in pair]}


def _latlon(plan: Plan, unit: int) -> list[float]:
    at = plan.inputs.units[unit]
    point = gpd.GeoSeries([shapely.Point(at.x_m, at.y_m)], crs=plan.inputs.metric_crs).to_crs("EPSG:4326").iloc[0]
    return [round(point.y, DECIMALS), round(point.x, DECIMALS)]
