"""How numbers and codes are put on a screen: one place, for tables and cards alike."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gis_service.registers.quarters.certificate import CLASS_NAMES, STATE_NAMES
from gis_service.texts import T, Text

#: codes of the database and the word that a person reads for them
CODE_NAMES: dict[str, Text] = {
    "administrator": T("System administrator"),
    "auditor": T("Auditor"),
    "planner": T("Planner"),
    "commander": T("Commander"),
    "squad_leader": T("Squad leader"),
    "officer": T("Officer"),
    "steward": T("Village cadre"),
    "grid_worker": T("Grid worker"),
    "district": T("District"),
    "township": T("Townships"),
    "village": T("Villages"),
    "compound": T("Compounds"),
    "registrations": T("Registrations"),
    "rentals": T("Rentals"),
    "officers": T("Officers"),
    "approval_asked": T("Waits for approval"),
    "approval_approved": T("Approved"),
    "approval_refused": T("Refused"),
    "approval_used": T("Used"),
    "name": T("Name"),
    "id_number": T("Identity number"),
    "phone": T("Phone"),
    "leader": T("Leader"),
    "member": T("Member"),
    "police": T("Police side"),
    "social": T("Social-work side"),
    "transitioned": T("Transitioned auxiliary police"),
    "not_transitioned": T("Not transitioned"),
    "frozen": T("Frozen"),
    "published": T("Published"),
    "outside": T("Outside every area"),
    "no_point": T("No point"),
    "stated_differs": T("Stated village differs"),
    "overlap": T("Overlapping areas"),
    "no_beat": T("In no beat"),
    "no_officer": T("In no officer's beat"),
    "assigned": T("Assigned"),
    "total": T("Total"),
    "surveyed": T("Surveyed"),
    "geocoded": T("Geocoded"),
    "hand_placed": T("Placed by hand"),
    "none": T("none"),
    "registration": T("Registration visit"),
    "actual_state": T("One standard, three actuals"),
    "dwelling_check": T("Person–dwelling check"),
    "rental_inspection": T("Rental inspection"),
    "publicity": T("Safety and law publicity"),
    "done": T("Done"),
    "to_follow_up": T("To follow up"),
    "nobody_home": T("Nobody home"),
    "refused": T("Refused entry"),
    "no_such_place": T("No such place"),
    "dangerous_rental": T("Rental at risk"),
    "new_arrival": T("New arrival"),
    "mismatch": T("Mismatch to check"),
    "rental": T("Rental due"),
    "alarm": T("Alarm"),
    "notice": T("Notice"),
    "invalid_ring": T("Invalid ring"),
    "gap": T("Gap"),
    "sliver_gap": T("Sliver gap"),
    "sliver_overlap": T("Sliver overlap"),
    "outside_parent": T("Outside its parent"),
    "sliver_outside_parent": T("Sliver outside its parent"),
    "multipart": T("Several parts"),
    "tiny_part": T("Tiny part"),
    "duplicate_vertex": T("Repeated vertex"),
    "green": T("Green"),
    "yellow": T("Yellow"),
    "orange": T("Orange"),
    "red": T("Red"),
    "hole": T("Hole"),
    "enclave": T("Enclave"),
    "draft": T("Draft"),
    "approved": T("Approved"),
    "applied": T("Applied"),
    "discarded": T("Discarded"),
    "reverted": T("Reverted"),
    "correction": T("Correction"),
    "change": T("Change"),
    "create": T("New area"),
    "rename": T("Rename"),
    "recode": T("New code"),
    "redraw": T("Redraw"),
    "split": T("Split"),
    "merge": T("Merge"),
    "move": T("Other parent"),
    "retire": T("End"),
}

CODE_NAMES |= CLASS_NAMES | STATE_NAMES
CODE_NAMES |= {
    "left_left_district": T("Left the district"),
    "left_moved_within": T("Moved within the district"),
    "left_not_renewed": T("Not renewed"),
    "left_became_resident": T("Became a resident"),
    "left_deceased": T("Deceased"),
    "left_entered_in_error": T("Entered in error"),
    "left_other": T("Other"),
    "police_list": T("Police registry"),
    "village_list": T("Village list"),
    "grid_list": T("Grid list"),
    "name": T("Name"),
    "id_number": T("Identity number"),
    "phone": T("Phone"),
    "birth_year": T("Year of birth"),
    "green": T("Green"),
    "yellow": T("Yellow"),
    "orange": T("Orange"),
    "red": T("Red"),
    "origin_file": T("file"),
    "origin_pushed": T("sent by another system"),
    "origin_service": T("the service's own registrations"),
    "birth_on": T("Birth date"),
    "sex": T("Sex"),
    "address_code": T("Address code"),
    "arrived_on": T("Since"),
    "link_link": T("one person"),
    "link_duplicate": T("twice in one register"),
    "link_refused": T("refused: would give one person two records"),
    "level_id_number": T("by the identity number"),
    "level_name_phone_address": T("by name, phone and address"),
    "level_name_birth_building": T("by name, birth year and building"),
    "level_scored": T("by its score"),
    "agrees_unknown": T("not said"),
    "agrees_differs": T("differs"),
    "agrees_conflict": T("conflict"),
    "agrees_partial": T("partly the same"),
    "agrees_shortened": T("shortened"),
    "agrees_variant": T("variant characters"),
    "agrees_same_common": T("same, common name"),
    "agrees_same": T("same"),
    "agrees_same_rare": T("same, rare name"),
    "agrees_near": T("nearly the same"),
    "agrees_same_unsound": T("same, check digit wrong"),
    "agrees_same_shared": T("same, shared by several"),
    "agrees_elsewhere": T("elsewhere"),
    "agrees_same_village": T("same village"),
    "agrees_other_room": T("same house, other room"),
    "agrees_same_building": T("same building"),
    "agrees_same_door": T("same door"),
    "quarter_open": T("opened"),
    "quarter_matched": T("matched"),
    "quarter_worked": T("worked"),
    "quarter_signed": T("signed by both sides"),
    "quarter_closed": T("closed for good"),
    "event_found": T("Found"),
    "event_found_again": T("Found again"),
    "event_gone": T("Found no more"),
    "event_state": T("Decided"),
    "event_assigned": T("Given"),
    "event_comment": T("Comment"),
    "event_attached": T("File attached"),
    "found_unchanged": T("unchanged"),
    "found_corrected": T("corrected"),
    "found_changed": T("changed"),
    "found_new": T("new"),
    "found_missing": T("missing"),
    "field_code": T("Code"),
    "field_name": T("Name of the area"),
    "field_kind": T("Kind"),
    "field_parent": T("Parent"),
    "field_border": T("Border"),
    "matched_overlap": T("(found by its ground)"),
    "matched_name": T("(found by its name)"),
    "parent_follows": T("Parent drawn as its children"),
    "sliver_parent_follows": T("Parent drawn as its children (sliver)"),
    "far_from_road": T("Far from its road"),
    "duplicate_door": T("The same door twice"),
    "stale_override": T("A decision that is out of date"),
    "kind_town": T("Town"),
    "kind_subdistrict": T("Subdistrict"),
    "kind_village": T("Administrative village"),
    "kind_community": T("Community"),
    "kind_natural_village": T("Natural village"),
    "kind_residential": T("Residential compound"),
}

UNIT_NAMES: dict[str, Text] = {
    "district": T("Brigades"),
    "township": T("Squadrons"),
    "village": T("Squads"),
    "compound": T("Teams"),
}


def code_name(code: str | None) -> str:
    """The word for a code; the code itself when there is none."""
    return "—" if code is None else str(CODE_NAMES.get(code, code))


def amount(value: Any) -> str:
    """A count with thousands, up to one decimal: `1,265`; a dash for no data."""
    if value is None or pd.isna(value):
        return "—"
    if isinstance(value, str):  # the mark of what is withheld
        return value
    return f"{value:,.1f}".removesuffix(".0")


def load(value: Any) -> str:
    """Migrants per officer: `1,265 人/员`."""
    if value is None or pd.isna(value):
        return "—"
    if isinstance(value, str):  # the mark of what is withheld
        return value
    return str(T("1 : {count}", count=f"{value:,.0f}"))


def percent(value: Any) -> str:
    """A share as a percentage: `63.2%`."""
    if value is None or pd.isna(value):
        return "—"
    return value if isinstance(value, str) else f"{value:.1%}"
