"""From a session to a map: joins land with figures and hands the frame to `maps`, for pages and for the shell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.topology import topology_findings
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.errors import NotFoundError
from gis_service.registers.figures import (
    heat_points,
    mismatches_of_areas,
    population,
)
from gis_service.registers.published import (
    published_beat_loads,
    published_coverage,
    published_mismatches,
    published_rentals,
)
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.published import published_progress
from gis_service.registers.rentals.hotspots import HotspotMeasure, published_hotspots
from gis_service.registers.tables import MismatchClass
from gis_service.registers.withholding import looks_across_townships
from gis_service.settings import Settings
from gis_service.teams.queries import beat_parts
from gis_service.texts import T, Text, current_locale
from gis_service.web.map_kinds import MapKind
from layers.mismatches import ALL_CLASSES, mismatch_rates
from maps.beats import draw_beats
from maps.canvas import BaseMap, GridMap, MapUrls
from maps.coverage import coverage_features, draw_coverage
from maps.findings import add_findings
from maps.hotspots import draw_hotspots
from maps.land import draw_land
from maps.mismatches import draw_mismatches
from maps.points import add_address_points
from maps.progress import draw_progress
from maps.texts import Texts, chinese, english

MEASURES: Final[dict[HotspotMeasure, Text]] = {
    HotspotMeasure.GROUP_RENTALS: T("Suspected group rentals among rentals"),
    HotspotMeasure.RED_OR_ORANGE: T("Red and orange ones among rentals"),
    HotspotMeasure.RENTALS: T("Rentals among all dwellings"),
}
"""What hotspots can be of; each is out of what stands behind it, so that no compound is hot for being large."""


@dataclass(frozen=True)
class Drawing:
    """What every map is drawn from. `urls` is None for a file that opens offline; `measure` is what hotspots count."""

    session: Session
    scope: Scope
    settings: Settings
    urls: MapUrls | None = None
    measure: HotspotMeasure = HotspotMeasure.GROUP_RENTALS

    @property
    def texts(self) -> Texts:
        """The words on the map, in the language in force."""
        return english if current_locale() == "en" else chinese

    @property
    def base_maps(self) -> list[BaseMap]:
        """The base map that the settings name, if any."""
        settings = self.settings
        if settings.base_map == "none" or not settings.base_map_url:
            return []
        url = settings.base_map_url.replace("{key}", settings.base_map_key)
        return [BaseMap(url=url, name=self.texts("Base map"), attribution=settings.base_map_attribution)]

    @property
    def borders(self) -> gpd.GeoDataFrame:
        """The areas in scope; without the compounds when the page fetches those as needed from what is above them."""
        if self.urls is not None:
            above = [level for level in AreaLevel if level is not AreaLevel.COMPOUND]
            larger = areas(self.session, self.scope, levels=above)
            if len(larger):
                return larger
        return areas(self.session, self.scope)


def draw(kind: MapKind, drawing: Drawing) -> GridMap:
    """Draw one map with its address points, when the page can fetch them, and its layer control.

    Raises
    ------
    NotFoundError
        There is no land in scope on the day.
    """
    drawn = _DRAWERS[kind](drawing)
    if drawing.urls is not None and drawing.urls.address_tiles:
        add_address_points(drawn, drawing.urls, show=kind is MapKind.ADDRESSES, texts=drawing.texts)
    drawn.add_layer_control()
    return drawn


def compounds_for_coverage(drawing: Drawing, level: AreaLevel, within: int) -> dict[str, object]:
    """What the coverage map fetches when somebody drills down: the areas of `level` inside `within`, classed."""
    land = areas(drawing.session, drawing.scope, levels=[level], within=within)
    frame = _joined(land, published_coverage(drawing.session, drawing.scope, drawing.settings))
    standard = drawing.settings.persons_per_officer
    return coverage_features(frame, standard=standard, edges=drawing.settings.load_class_edges, texts=drawing.texts)


def _coverage(drawing: Drawing) -> GridMap:
    frame = _joined(drawing.borders, published_coverage(drawing.session, drawing.scope, drawing.settings))
    only_compounds = frame["level"].eq(AreaLevel.COMPOUND).all()  # nothing to fetch them from: they are drawn at once
    return draw_coverage(
        _present(frame),
        standard=drawing.settings.persons_per_officer,
        edges=drawing.settings.load_class_edges,
        urls=_without_areas(drawing.urls) if only_compounds else drawing.urls,
        base_maps=drawing.base_maps,
        texts=drawing.texts,
    )


def _hotspots(drawing: Drawing) -> GridMap:
    land = areas(drawing.session, drawing.scope)
    frame = _joined(land, hotspot_figures(drawing))
    return draw_hotspots(
        _present(frame[frame["hotspot"].notna()]),
        heat=_heat(drawing),
        title=str(MEASURES[drawing.measure]),
        frames=land[land["level"] == AreaLevel.TOWNSHIP],
        urls=_without_areas(drawing.urls),
        base_maps=drawing.base_maps,
        texts=drawing.texts,
    )


def hotspot_figures(drawing: Drawing) -> pd.DataFrame:
    """What the drawing measures over compounds: `layers.hotspots.hotspots` with `as_of` and `source`."""
    return published_hotspots(drawing.session, drawing.scope, drawing.settings, drawing.measure)


def _heat(drawing: Drawing) -> pd.DataFrame:
    """Suspected group rentals for the eye; across townships only where their number is shown, all of one weight."""
    points = heat_points(drawing.session, drawing.scope, drawing.settings)
    if not looks_across_townships(drawing.session, drawing.scope):
        return points
    published = published_rentals(drawing.session, drawing.scope, drawing.settings)
    shown = published.index[published["group_rentals"].notna()]
    return points[points["area_id"].isin(shown)].assign(weight=1.0)


def _mismatches(drawing: Drawing) -> GridMap:
    land = _present(areas(drawing.session, drawing.scope))
    counts = published_mismatches(drawing.session, drawing.scope, drawing.settings)
    classes = [kind.value for kind in MismatchClass]
    registered = population(drawing.session, drawing.scope)["migrants"]
    known = published_coverage(drawing.session, drawing.scope, drawing.settings)["migrants"].notna()
    exact = mismatches_of_areas(drawing.session, drawing.scope)
    rates = mismatch_rates(
        exact[classes], registered, per=drawing.settings.rate_per, confidence=drawing.settings.rate_confidence
    )
    overall = rates.xs(ALL_CLASSES, level="mismatch_class")
    figures = counts[classes].assign(
        count=counts["mismatches"],
        rate_per_1000=overall["rate_adjusted"].where(known & counts["mismatches"].notna()),
        withheld_mark=counts["withheld_mark"],
        as_of=drawing.scope.day,
        source=str(T("mismatches, registrations")),
    )
    return draw_mismatches(
        _present(_joined(land, figures)),
        urls=_without_areas(drawing.urls),
        base_maps=drawing.base_maps,
        texts=drawing.texts,
    )


def _quarter(drawing: Drawing) -> GridMap:
    quarter = Quarter.of(drawing.scope.day)
    land = areas(drawing.session, drawing.scope, levels=[AreaLevel.VILLAGE])
    far = published_progress(drawing.session, drawing.scope, drawing.settings, quarter)
    frame = _joined(land, far)
    source = str(T("mismatches, signatures"))
    return draw_progress(
        _present(frame.assign(as_of=drawing.scope.day, source=source)),
        quarter=str(quarter),
        urls=_without_areas(drawing.urls),
        base_maps=drawing.base_maps,
        texts=drawing.texts,
    )


def _beats(drawing: Drawing) -> GridMap:
    loads = published_beat_loads(drawing.session, drawing.scope, drawing.settings)
    outlines = beat_outlines(drawing.session, drawing.scope)
    frame = outlines.join(loads, how="inner").assign(as_of=drawing.scope.day, source=str(T("beats, registrations")))
    return draw_beats(
        _present(frame), urls=_without_areas(drawing.urls), base_maps=drawing.base_maps, texts=drawing.texts
    )


def beat_outlines(session: Session, scope: Scope) -> gpd.GeoDataFrame:
    """Where each beat in scope lies: index `beat_id`, lon-lat; beats that share a compound share its outline."""
    land = areas(session, scope, levels=[AreaLevel.COMPOUND])
    parts = beat_parts(session, scope)
    if scope.beat_ids is not None:
        parts = parts[parts["beat_id"].isin(scope.beat_ids)]
    parts = parts[parts["area_id"].isin(land.index)]
    shapes = parts.geometry.where(parts.geometry.notna(), land.geometry.reindex(parts["area_id"]).set_axis(parts.index))
    merged = shapes.groupby(parts["beat_id"]).agg(lambda pieces: shapely.union_all(pieces.to_numpy()))
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(merged, crs=land.crs)).rename_axis("beat_id")


def _topology(drawing: Drawing) -> GridMap:
    drawn = draw_land(
        _present(areas(drawing.session, drawing.scope)).assign(as_of=drawing.scope.day),
        title=drawing.texts("Topology findings"),
        urls=_without_areas(drawing.urls),
        base_maps=drawing.base_maps,
        texts=drawing.texts,
    )
    findings = topology_findings(drawing.session, drawing.scope, drawing.settings)
    names = area_names(drawing.session, drawing.scope)["name"]
    add_findings(drawn, findings, names=names, texts=drawing.texts)
    return drawn


def _addresses(drawing: Drawing) -> GridMap:
    return draw_land(
        _present(drawing.borders).assign(as_of=drawing.scope.day),
        title=drawing.texts("Address points"),
        urls=_without_areas(drawing.urls),
        base_maps=drawing.base_maps,
        texts=drawing.texts,
    )


_DRAWERS: dict[MapKind, Callable[[Drawing], GridMap]] = {
    MapKind.COVERAGE: _coverage,
    MapKind.HOTSPOTS: _hotspots,
    MapKind.MISMATCHES: _mismatches,
    MapKind.BEATS: _beats,
    MapKind.QUARTER: _quarter,
    MapKind.TOPOLOGY: _topology,
    MapKind.ADDRESSES: _addresses,
}


def _joined(land: gpd.GeoDataFrame, figures: pd.DataFrame) -> gpd.GeoDataFrame:
    return land.join(figures.drop(columns=land.columns.intersection(figures.columns)))


def _present(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if frame.empty:
        raise NotFoundError(T("There is nothing to draw in your part of the district on that day."))
    return frame


def _without_areas(urls: MapUrls | None) -> MapUrls | None:
    return None if urls is None else MapUrls(address_tiles=urls.address_tiles, address=urls.address)
