"""What the columns of exports mean, and how Excel shows their numbers: the names themselves stay for re-import."""

from __future__ import annotations

from typing import Final

from gis_service.registers.quarters.certificate import CLASS_NAMES
from gis_service.texts import T, Text

COLUMN_NAMES: Final[dict[str, Text]] = {
    "area_id": T("Number of the area"),
    "code": T("Code"),
    "name": T("Name of the area, unit, beat or person"),
    "level": T("Level"),
    "kind": T("Kind"),
    "parent_id": T("Number of the area above"),
    "parent_code": T("Code of the area above"),
    "unit_id": T("Number of the unit"),
    "unit_name": T("Unit"),
    "area_name": T("Area"),
    "leader": T("Leader"),
    "officers": T("Officers, persons"),
    "officers_fte": T("Officers on duty, full-time equivalents"),
    "officer_id": T("Number of the officer"),
    "officer": T("Officer"),
    "badge_no": T("Badge"),
    "form": T("Form of employment"),
    "side": T("Side"),
    "birth_date": T("Birth date"),
    "role": T("Post"),
    "share": T("Share of full time"),
    "beats": T("Beats"),
    "beat_id": T("Number of the beat"),
    "beat_name": T("Beat"),
    "addresses": T("Addresses"),
    "migrants": T("Registered migrants"),
    "load": T("Registered migrants per officer"),
    "address_id": T("Number of the address"),
    "text": T("Address"),
    "building": T("Building"),
    "unit": T("Unit of the building"),
    "room": T("Room"),
    "point_source": T("Where the point is from"),
    "lon": T("Longitude, degrees (EPSG:4326)"),
    "lat": T("Latitude, degrees (EPSG:4326)"),
    "stated_village_code": T("Code of the stated village"),
    "village_name": T("Village"),
    "home_area_id": T("Number of the area that counts it"),
    "unresolved": T("Why it waits for a decision"),
    "suggested_area_id": T("Number of the nearest area"),
    "suggested_distance_m": T("Distance to the nearest area, m"),
    "override_reason": T("Reason of the decision by hand"),
    "migrants_missing": T("Compounds below without registrations on record"),
    "officers_fte_missing": T("Compounds below without postings on record"),
    "leaves": T("Compounds below"),
    "base": T("What posts are counted from, registered migrants"),
    "standard": T("Standard, registered migrants per officer"),
    "required": T("Posts required"),
    "short": T("Posts short"),
    "surplus": T("Posts beyond the standard"),
    "posts_at_standard": T("Posts at the standard, not rounded"),
    "coverage": T("Coverage of the standard"),
    "status": T("State"),
    "numerator": T("What is divided"),
    "denominator": T("What it is divided by"),
    "source": T("Source"),
    "as_of": T("As of"),
    "rentals": T("Rentals"),
    "residents": T("Residents of rentals"),
    "group_rentals": T("Suspected group rentals"),
    "red_or_orange": T("Red and orange rentals"),
    "mismatches": T("Unsettled mismatches"),
    "difficulty": T("Difficulty, 0 to 100"),
    "multiplier": T("What difficulty multiplies demand by"),
    "allotted": T("Posts allotted"),
    "social": T("Posts of the social-work side"),
    "police": T("Posts of the police side"),
    "missing": T("Posts allotted and not filled"),
    "district_pays": T("Posts that the district pays"),
    "township_pays": T("Posts that townships pay"),
    **CLASS_NAMES,
}

_SHARES: Final = frozenset({"coverage", "share"})
_DEGREES: Final = frozenset({"lon", "lat"})


def number_format(column: str, value: float) -> str | None:
    """How Excel shows a number of a column; None = as it is (numbers that only name something)."""
    if column in _SHARES:
        return "0.0%"
    if column in _DEGREES:
        return "0.000000"
    if column.endswith("_id"):
        return None
    return "#,##0" if float(value).is_integer() else "#,##0.0"
