"""The topology report: what is wrong with the land, and how many addresses each finding touches."""

from __future__ import annotations

import geopandas as gpd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import address_in_scope, address_points
from gis_service.areas.queries import areas
from gis_service.settings import Settings
from layers.boundaries import Tolerances, check_topology
from layers.frames import check_areas


def tolerances(settings: Settings) -> Tolerances:
    """The tolerances of this deployment."""
    return Tolerances(
        sliver_area_m2=settings.sliver_area_m2,
        overlap_alarm_m2=settings.overlap_alarm_m2,
        gap_alarm_m2=settings.gap_alarm_m2,
        outside_alarm_m2=settings.outside_alarm_m2,
        min_part_m2=settings.min_part_m2,
    )


def topology_findings(session: Session, scope: Scope, settings: Settings) -> gpd.GeoDataFrame:
    """Findings of `layers.boundaries.check_topology` for the areas in scope, lon-lat; they count addresses in scope."""
    land = areas(session, scope)
    points = address_points(session, address_in_scope(scope))
    return check_topology(check_areas(land), settings.metric_crs, tolerances(settings), points)
